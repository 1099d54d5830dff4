"""What tags an untagged resource should carry, learned from those that carry them.

No clock, no database. Everything a suggestion rests on is counted: how many others share a clue with the resource
(a name stem, a creator, an Auto Scaling group …) and how many of those agree. See docs/algorithms/tag-suggestions.md.
"""

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from math import sqrt
from operator import itemgetter
from typing import NamedTuple

from costs.tags import canonical_key, canonical_value, tag_value
from tagging.clues import CLUE_NAMES, Clue, ClueKind, KnownResource

LEAST_PRECISION = 0.95
_Z = 1.281552  # one-sided, 90 %
_NEW_GROUP = 1  # what a group lacks until it has shown itself: one of one is half, nine of nine are nine tenths

Spelled = Callable[[str, str], str]  # (key, value) → the form in which values that mean the same are one


@dataclass(frozen=True)
class Evidence:
    """`agreeing` of `known` others that share the clue carry the suggested value."""

    kind: ClueKind
    text: str
    agreeing: int
    known: int

    @property
    def sentence(self) -> str:
        return f"{self.agreeing} of {self.known} with the same {CLUE_NAMES[self.kind]} ({self.text})"


@dataclass(frozen=True)
class Suggestion:
    """`confidence` is the share of like cases with a known answer in which the value was right."""

    resource_key: int
    tag_key: str
    value: str
    confidence: float
    evidence: tuple[Evidence, ...]


class _Case(NamedTuple):
    """A resource that carries the key: its value, its clues by number, and what it is most likely tagged together with:
    the name stem where there is one, else the first clue."""

    value: str
    clues: tuple[int, ...]
    group: int


_Vote = tuple[float, int, int, int]  # (weight, clue, agreeing, known)


class _Guess(NamedTuple):
    value: str
    score: float
    votes: tuple[_Vote, ...]
    is_near: bool


_NOTHING: Mapping[str, int] = {}
# Clues of one and the same group of resources; the others are shared by many groups.
_NEAR = frozenset({ClueKind.AUTO_SCALING, ClueKind.STACK, ClueKind.SIBLING, ClueKind.NAME_STEM})


class TagLearner:
    """Learns one tag key from resources that carry it, and how far it can be trusted.

    Untagged resources come alone or as whole groups, so both are measured apart: cases where others of the same
    group are known (each judged by all others), and cases where none is (each judged without its group).
    `spelled` makes values that mean the same equal; the most frequent spelling is the one suggested.

    Clues are numbered: cases are judged some hundred thousand times. Most share all clues that tell anything with
    others, so each question is answered once.
    """

    def __init__(self, tag_key: str, resources: Iterable[KnownResource], *, spelled: Spelled | None = None) -> None:
        self.tag_key = tag_key
        self._canonical = canonical_key(tag_key)
        self._spelled = spelled or (lambda _, value: canonical_value(value))
        self._numbers: dict[Clue, int] = {}
        self._kinds: list[ClueKind] = []
        self._texts: list[str] = []
        self._seen: list[Counter[str]] = []
        self._spellings: dict[str, Counter[str]] = defaultdict(Counter)
        self._taught: list[_Case] = []
        for resource in resources:
            self._teach(resource)
        self._known = [seen.total() for seen in self._seen]
        self._of_group = self._by_group()
        self._known_of_group = {
            group: {clue: seen.total() for clue, seen in clues.items()} for group, clues in self._of_group.items()
        }
        self._answered: dict[Hashable, _Guess | None] = {}
        self._trust = [1.0] * len(self._kinds)
        trust = self._measure_kinds()
        self._trust = [trust.get(kind, 0.0) for kind in self._kinds]
        self._answered.clear()
        self._near_steps, self._far_steps = self._measure_scores()

    @property
    def known(self) -> int:
        """How many resources it learned from."""
        return len(self._taught)

    def suggest(self, resource: KnownResource, *, least_precision: float = LEAST_PRECISION) -> Suggestion | None:
        """The value for a resource without this key; None where like cases were right too seldom."""
        numbers = (self._numbers.get(clue) for clue in self._clues(resource))
        guess = self._guess(tuple(number for number in numbers if number is not None))
        if guess is None:
            return None
        confidence = _confidence(self._near_steps if guess.is_near else self._far_steps, guess.score)
        if confidence is None or confidence < least_precision:
            return None
        spelling = self._spellings[guess.value].most_common(1)[0][0]
        evidence = tuple(
            Evidence(self._kinds[clue], self._texts[clue], agreeing, known) for _, clue, agreeing, known in guess.votes
        )
        return Suggestion(resource.key, self.tag_key, spelling, confidence, evidence)

    def _clues(self, resource: KnownResource) -> tuple[Clue, ...]:
        return tuple(clue for clue in resource.clues if clue.about != self._canonical)

    def _teach(self, resource: KnownResource) -> None:
        written = tag_value(resource.tags, self.tag_key)
        value = self._spelled(self.tag_key, written) if written else ""
        if not value:
            return
        clues = tuple(map(self._number, self._clues(resource)))
        group = next((clue for clue in clues if self._kinds[clue] is ClueKind.NAME_STEM), clues[0])
        self._taught.append(_Case(value, clues, group))
        self._spellings[value][written] += 1
        for clue in clues:
            self._seen[clue][value] += 1

    def _number(self, clue: Clue) -> int:
        if clue not in self._numbers:
            self._numbers[clue] = len(self._kinds)
            self._kinds.append(clue.kind)
            self._texts.append(clue.text)
            self._seen.append(Counter())
        return self._numbers[clue]

    def _by_group(self) -> dict[int, dict[int, Counter[str]]]:
        """What the resources of each group were seen with, to be left out when one of them is judged."""
        found: dict[int, dict[int, Counter[str]]] = defaultdict(lambda: defaultdict(Counter))
        for case in self._taught:
            of_group = found[case.group]
            for clue in case.clues:
                of_group[clue][case.value] += 1
        return found

    def _guess(self, clues: Sequence[int], *, without: str | int | None = None) -> _Guess | None:
        """The best value by these clues. Of what was seen is left out one case of a value, or a whole group."""
        if without is None:
            telling = tuple(clues)
        elif isinstance(without, str):
            telling = tuple(clue for clue in clues if self._known[clue] > 1)
        else:
            gone = self._known_of_group[without]
            telling = tuple(clue for clue in clues if self._known[clue] > gone.get(clue, 0))
        asked = (without, telling)
        if asked not in self._answered:
            self._answered[asked] = self._judged(telling, without)
        return self._answered[asked]

    def _judged(self, clues: Sequence[int], without: str | int | None) -> _Guess | None:
        doubts: dict[str, float] = {}
        votes: dict[str, list[_Vote]] = defaultdict(list)
        for _, same in groupby(clues, key=self._kinds.__getitem__):
            for value, vote in self._votes(same, without).items():
                doubts[value] = doubts.get(value, 1.0) * (1.0 - vote[0])
                votes[value].append(vote)
        if not doubts:
            return None
        ranked = sorted(zip(doubts.values(), doubts, strict=True))
        against = 1.0 - ranked[1][0] if len(ranked) > 1 else 0.0
        doubt, value = ranked[0]
        is_near = any(self._kinds[clue] in _NEAR for _, clue, _, _ in votes[value])
        return _Guess(value, (1.0 - doubt) * (1.0 - against), tuple(votes[value]), is_near)

    def _votes(self, clues: Iterable[int], without: str | int | None) -> dict[str, _Vote]:
        """For each value the strongest clue of one kind that speaks for it."""
        votes: dict[str, _Vote] = {}
        for clue in clues:
            left_out = self._left_out(clue, without)
            known, trust = self._known[clue] - sum(left_out.values()), self._trust[clue]
            for value, count in self._seen[clue].items():
                agreeing = count - left_out.get(value, 0)
                weight = trust * agreeing / (known + _NEW_GROUP)
                if weight > (votes[value][0] if value in votes else 0.0):
                    votes[value] = (weight, clue, agreeing, known)
        return votes

    def _left_out(self, clue: int, without: str | int | None) -> Mapping[str, int]:
        if without is None:
            return _NOTHING
        return {without: 1} if isinstance(without, str) else self._of_group[without].get(clue, _NOTHING)

    def _measure_kinds(self) -> dict[ClueKind, float]:
        """How often each kind of clue alone points at the right value; wider ones without the case's own group."""
        right: Counter[ClueKind] = Counter()
        judged: Counter[ClueKind] = Counter()
        for case in self._taught:
            for kind, same in groupby(case.clues, key=self._kinds.__getitem__):
                guess = self._guess(tuple(same), without=case.value if kind in _NEAR else case.group)
                if guess is not None:
                    judged[kind] += 1
                    right[kind] += guess.value == case.value
        return {kind: (right[kind] + 1) / (judged[kind] + 2) for kind in judged}

    def _measure_scores(self) -> tuple[list["_Step"], list["_Step"]]:
        """For cases with and without others of their group: from which score on what share was right."""
        near: list[tuple[float, bool]] = []
        far: list[tuple[float, bool]] = []
        for case in self._taught:
            guess = self._guess(case.clues, without=case.value)
            if guess is not None and guess.is_near:
                near.append((guess.score, guess.value == case.value))
            wide = self._guess(case.clues, without=case.group)
            if wide is not None and not wide.is_near:
                far.append((wide.score, wide.value == case.value))
        return _steps(near), _steps(far)


_Step = tuple[float, float]  # (least score, share right at and above it)


def _steps(cases: list[tuple[float, bool]]) -> list[_Step]:
    """Scores from low to high, each with the share right at and above it, which never falls on the way up.

    The share is the lower end of what so few cases leave open, not what just happened to be right.
    """
    cases.sort(reverse=True)
    steps: list[_Step] = []
    count = hits = 0
    for score, same in groupby(cases, key=lambda case: case[0]):
        answers = [is_right for _, is_right in same]
        count, hits = count + len(answers), hits + sum(answers)
        steps.append((score, _at_least(hits, count)))
    best, rising = 0.0, []
    for score, share in reversed(steps):
        best = max(best, share)
        rising.append((score, best))
    return rising


def _at_least(hits: int, count: int) -> float:
    """The lower end of Wilson's interval: nine times in ten the true share is at least this."""
    share, spread = hits / count, _Z * _Z / count
    middle = share + spread / 2
    width = _Z * sqrt((share * (1 - share) + spread / 4) / count)
    return (middle - width) / (1 + spread)


def _confidence(steps: Sequence[_Step], score: float) -> float | None:
    """The share right among known cases of at least this score; None where none scored so low."""
    place = bisect_right(steps, score, key=itemgetter(0))
    return steps[place - 1][1] if place else None


def suggest_all(
    resources: Sequence[KnownResource],
    tag_keys: Iterable[str],
    *,
    spelled: Spelled | None = None,
    least_precision: float = LEAST_PRECISION,
) -> list[Suggestion]:
    """Suggestions for every key a resource lacks, learned from these resources alone."""
    found: list[Suggestion] = []
    for key in tag_keys:
        learner = TagLearner(key, resources, spelled=spelled)
        lacking = (resource for resource in resources if not tag_value(resource.tags, key))
        made = (learner.suggest(resource, least_precision=least_precision) for resource in lacking)
        found += [suggestion for suggestion in made if suggestion is not None]
    return found
