"""A slow and plain learner of tags: what `tagging.suggestions` numbers and remembers, asked anew for every case."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from costs.tags import canonical_key, canonical_value, tag_value
from tagging.clues import Clue, ClueKind, KnownResource, clues_of
from tagging.suggestions import _NEAR, _NEW_GROUP, Evidence, Suggestion, _steps

Counts = Mapping[Clue, Counter[str]]  # how often each value was seen with a clue
_NOTHING: Counts = {}


@dataclass(frozen=True)
class _Guess:
    value: str
    score: float
    evidence: tuple[Evidence, ...]


class PlainLearner:
    """Learns one tag key as docs/algorithms/tag-suggestions.md says it, step by step."""

    def __init__(self, tag_key: str, resources: Iterable[KnownResource]) -> None:
        self.tag_key = tag_key
        self._canonical = canonical_key(tag_key)
        self._seen: dict[Clue, Counter[str]] = defaultdict(Counter)
        self._spellings: dict[str, Counter[str]] = defaultdict(Counter)
        self._taught: list[tuple[str, tuple[Clue, ...]]] = []
        for resource in resources:
            self._teach(resource)
        self._of_group = self._by_group()
        self._trust = dict.fromkeys(ClueKind, 1.0)
        self._trust = self._measure_kinds()
        self._near_steps, self._far_steps = self._measure_scores()

    def suggest(self, resource: KnownResource, *, least_precision: float) -> Suggestion | None:
        """The value for a resource without this key; None where like cases were right too seldom."""
        guess = self._guess(self._clues(resource), _NOTHING)
        if guess is None:
            return None
        steps = self._near_steps if _is_near(guess) else self._far_steps
        confidence = _confidence(steps, guess.score)
        if confidence is None or confidence < least_precision:
            return None
        spelling = self._spellings[guess.value].most_common(1)[0][0]
        return Suggestion(resource.key, self.tag_key, spelling, confidence, guess.evidence)

    def _clues(self, resource: KnownResource) -> tuple[Clue, ...]:
        return tuple(clue for clue in clues_of(resource) if clue.about != self._canonical)

    def _teach(self, resource: KnownResource) -> None:
        written = tag_value(resource.tags, self.tag_key)
        value = canonical_value(written) if written else ""
        if not value:
            return
        clues = self._clues(resource)
        self._taught.append((value, clues))
        self._spellings[value][written] += 1
        for clue in clues:
            self._seen[clue][value] += 1

    def _by_group(self) -> dict[Clue, dict[Clue, Counter[str]]]:
        """What the resources of each group were seen with, to be left out when one of them is judged."""
        found: dict[Clue, dict[Clue, Counter[str]]] = defaultdict(lambda: defaultdict(Counter))
        for value, clues in self._taught:
            group = _group_of(clues)
            for clue in clues:
                found[group][clue][value] += 1
        return found

    def _guess(self, clues: Sequence[Clue], without: Counts) -> _Guess | None:
        """The best value by these clues, `without` left out of what was seen."""
        doubts: dict[str, float] = {}
        evidence: dict[str, list[Evidence]] = defaultdict(list)
        for kind, same in groupby(clues, key=lambda clue: clue.kind):
            for value, (found, weight) in self._votes(kind, tuple(same), without).items():
                doubts[value] = doubts.get(value, 1.0) * (1.0 - weight)
                evidence[value].append(found)
        if not doubts:
            return None
        ranked = sorted(doubts.items(), key=lambda item: (item[1], item[0]))
        against = 1.0 - ranked[1][1] if len(ranked) > 1 else 0.0
        value, doubt = ranked[0]
        return _Guess(value, (1.0 - doubt) * (1.0 - against), tuple(evidence[value]))

    def _votes(self, kind: ClueKind, clues: Sequence[Clue], without: Counts) -> dict[str, tuple[Evidence, float]]:
        """For each value the strongest clue of one kind that speaks for it, with its weight."""
        votes: dict[str, tuple[Evidence, float]] = {}
        for clue in clues:
            seen, left_out = self._seen.get(clue), without.get(clue)
            if not seen:
                continue
            known = seen.total() - (left_out.total() if left_out else 0)
            for value, count in seen.items():
                agreeing = count - (left_out[value] if left_out else 0)
                weight = self._trust.get(kind, 0.0) * agreeing / (known + _NEW_GROUP)
                if weight > (votes[value][1] if value in votes else 0.0):
                    votes[value] = (Evidence(kind, clue.text, agreeing, known), weight)
        return votes

    def _measure_kinds(self) -> dict[ClueKind, float]:
        """How often each kind of clue alone points at the right value; wider ones without the case's own group."""
        right: Counter[ClueKind] = Counter()
        judged: Counter[ClueKind] = Counter()
        for value, clues in self._taught:
            for kind, same in groupby(clues, key=lambda clue: clue.kind):
                alone = tuple(same)
                without = _only(value, alone) if kind in _NEAR else self._of_group[_group_of(clues)]
                guess = self._guess(alone, without)
                if guess is not None:
                    judged[kind] += 1
                    right[kind] += guess.value == value
        return {kind: (right[kind] + 1) / (judged[kind] + 2) for kind in judged}

    def _measure_scores(self) -> tuple[list["_Step"], list["_Step"]]:
        """For cases with and without others of their group: from which score on what share was right."""
        near: list[tuple[float, bool]] = []
        far: list[tuple[float, bool]] = []
        for value, clues in self._taught:
            guess = self._guess(clues, _only(value, clues))
            if guess is not None and _is_near(guess):
                near.append((guess.score, guess.value == value))
            wide = self._guess(clues, self._of_group[_group_of(clues)])
            if wide is not None and not _is_near(wide):
                far.append((wide.score, wide.value == value))
        return _steps(near), _steps(far)


_Step = tuple[float, float]  # (least score, share right at and above it)


def _group_of(clues: Sequence[Clue]) -> Clue:
    """The name stem where there is one, else the first clue: what a resource is most likely tagged together with."""
    return next((clue for clue in clues if clue.kind is ClueKind.NAME_STEM), clues[0])


def _is_near(guess: _Guess) -> bool:
    return any(found.kind in _NEAR for found in guess.evidence)


def _only(value: str, clues: Sequence[Clue]) -> Counts:
    """The case itself, to be left out of what was seen."""
    return {clue: Counter({value: 1}) for clue in clues}


def _confidence(steps: Sequence[_Step], score: float) -> float | None:
    """The share right among known cases of at least this score; None where none scored so low."""
    best: float | None = None
    for least, share in steps:
        if score < least:
            break
        best = share
    return best
