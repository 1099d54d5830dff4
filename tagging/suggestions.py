"""What tags an untagged resource should carry, learned from those that carry them.

No clock, no database. Everything a suggestion rests on is counted: how many others share a clue with the resource
(a name stem, a creator, an Auto Scaling group …) and how many of those agree. See docs/algorithms/tag-suggestions.md.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from itertools import groupby
from math import sqrt

from costs.tags import canonical_key, canonical_value, tag_value

LEAST_PRECISION = 0.95
_Z = 1.281552  # one-sided, 90 %
_MOST_WORDS = 6
_SHORTEST_WORD = 2
_NEW_GROUP = 1  # what a group lacks until it has shown itself: one of one is half, nine of nine are nine tenths

Spelled = Callable[[str, str], str]  # (key, value) → the form in which values that mean the same are one


class ClueKind(StrEnum):
    """What two resources can share."""

    AUTO_SCALING = "auto_scaling"
    STACK = "stack"
    SIBLING = "sibling"
    NAME_STEM = "name_stem"
    NAME_WORD = "name_word"
    CREATOR = "creator"
    OTHER_TAG = "other_tag"
    ACCOUNT_SERVICE = "account_service"
    ACCOUNT = "account"


CLUE_NAMES: dict[ClueKind, str] = {
    ClueKind.AUTO_SCALING: "Auto Scaling group",
    ClueKind.STACK: "stack or cluster",
    ClueKind.SIBLING: "attached to",
    ClueKind.NAME_STEM: "name",
    ClueKind.NAME_WORD: "word in the name",
    ClueKind.CREATOR: "created by",
    ClueKind.OTHER_TAG: "tag",
    ClueKind.ACCOUNT_SERVICE: "account and service",
    ClueKind.ACCOUNT: "account",
}
_STACK_KEYS = (
    "aws:cloudformation:stack-name",
    "aws:cloudformation:stack-id",
    "elasticbeanstalk:environment-name",
    "aws:ecs:clusterName",
    "aws:eks:cluster-name",
    "eks:cluster-name",
    "alpha.eksctl.io/cluster-name",
)
_CREATOR_KEYS = ("aws:createdBy", "CreatedBy", "Creator")
_NUMBERS = re.compile(r"[-_./ ]*(?:\d+|(?<=[-_./ ])[a-f0-9]{6,})(?=$|[-_./ ])", re.IGNORECASE)
_WORDS = re.compile(r"[A-Za-z][A-Za-z0-9]*")
_PROVIDERS_OWN = re.compile(r"aws[:_]", re.IGNORECASE)
_MADE_ID = re.compile(r"^(?:[a-z]+-)?[0-9a-f]{8,}$", re.IGNORECASE)


@dataclass(frozen=True)
class KnownResource:
    """A resource as far as suggestions look at it. `attached_to` is the id of what it hangs on, if anything."""

    key: int
    resource_id: str
    name: str = ""
    sub_account_id: str = ""
    service_name: str = ""
    attached_to: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Clue:
    """Something a resource shares with others."""

    kind: ClueKind
    text: str  # what is shared, as people read it
    about: str = ""  # of OTHER_TAG, the canonical key


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


@dataclass(frozen=True)
class _Guess:
    value: str
    score: float
    evidence: tuple[Evidence, ...]


Counts = Mapping[Clue, Counter[str]]  # how often each value was seen with a clue
_NOTHING: Counts = {}
# Clues of one and the same group of resources; the others are shared by many groups.
_NEAR = frozenset({ClueKind.AUTO_SCALING, ClueKind.STACK, ClueKind.SIBLING, ClueKind.NAME_STEM})


def clues_of(resource: KnownResource) -> tuple[Clue, ...]:
    """Everything this resource may share with others, strongest kinds first."""
    clues: list[Clue] = []
    if group := tag_value(resource.tags, "aws:autoscaling:groupName"):
        clues.append(Clue(ClueKind.AUTO_SCALING, group))
    clues += [Clue(ClueKind.STACK, found) for key in _STACK_KEYS if (found := tag_value(resource.tags, key))]
    clues.append(Clue(ClueKind.SIBLING, resource.attached_to or resource.resource_id))
    if stem := name_stem(resource.name or _spoken_id(resource.resource_id)):
        clues.append(Clue(ClueKind.NAME_STEM, stem))
        clues += [Clue(ClueKind.NAME_WORD, word) for word in _words(stem)]
    if creator := tag_value(resource.tags, *_CREATOR_KEYS):
        clues.append(Clue(ClueKind.CREATOR, creator))
    clues += [
        Clue(ClueKind.OTHER_TAG, f"{key}={value}", about=canonical_key(key))
        for key, value in resource.tags.items()
        if canonical_key(key) not in _NOT_TELLING and not _PROVIDERS_OWN.match(key)
    ]
    if resource.sub_account_id:
        clues.append(Clue(ClueKind.ACCOUNT_SERVICE, f"{resource.sub_account_id}, {resource.service_name}"))
        clues.append(Clue(ClueKind.ACCOUNT, resource.sub_account_id))
    return tuple(clues)


_NOT_TELLING = frozenset(canonical_key(key) for key in ("Name", *_CREATOR_KEYS, *_STACK_KEYS))


@lru_cache(maxsize=50_000)
def name_stem(name: str) -> str:
    """The name without numbers, hex ids and case: `Web-Prod-03` → `web-prod`."""
    return _NUMBERS.sub("", name.strip()).strip("-_./ ").casefold()


def _spoken_id(resource_id: str) -> str:
    """The last part of an id where somebody chose it, as of buckets and functions; '' where a machine did."""
    last = re.split(r"[/:]", resource_id)[-1]
    return "" if _MADE_ID.match(last) else last


def _words(stem: str) -> list[str]:
    found = [word.casefold() for word in _WORDS.findall(stem)]
    return list(dict.fromkeys(word for word in found if len(word) >= _SHORTEST_WORD))[:_MOST_WORDS]


class TagLearner:
    """Learns one tag key from resources that carry it, and how far it can be trusted.

    Untagged resources come alone or as whole groups, so both are measured apart: cases where others of the same
    group are known (each judged by all others), and cases where none is (each judged without its group).
    `spelled` makes values that mean the same equal; the most frequent spelling is the one suggested.
    """

    def __init__(self, tag_key: str, resources: Iterable[KnownResource], *, spelled: Spelled | None = None) -> None:
        self.tag_key = tag_key
        self._canonical = canonical_key(tag_key)
        self._spelled = spelled or (lambda _, value: canonical_value(value))
        self._seen: dict[Clue, Counter[str]] = defaultdict(Counter)
        self._spellings: dict[str, Counter[str]] = defaultdict(Counter)
        self._taught: list[tuple[str, tuple[Clue, ...]]] = []
        for resource in resources:
            self._teach(resource)
        self._of_group = self._by_group()
        self._trust = dict.fromkeys(ClueKind, 1.0)
        self._trust = self._measure_kinds()
        self._near_steps, self._far_steps = self._measure_scores()

    @property
    def known(self) -> int:
        """How many resources it learned from."""
        return len(self._taught)

    def suggest(self, resource: KnownResource, *, least_precision: float = LEAST_PRECISION) -> Suggestion | None:
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
        value = self._spelled(self.tag_key, written) if written else ""
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
    best: float | None = None
    for least, share in steps:
        if score < least:
            break
        best = share
    return best


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
