"""What the policy says of one set of tags, and of a month's resources, counted."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from functools import cached_property
from types import MappingProxyType
from typing import NamedTuple

from costs.money import ZERO
from tagging.policy.keys import KeyPolicy
from tagging.terms import TagState


class TaggableLine(NamedTuple):
    """A resource's month in one slice."""

    resource_key: int
    slice_key: int
    cost: Decimal
    last_charged_on: date


class TaggableLines(tuple[TaggableLine, ...]):
    """Lines of resources, and what they add up to: worked out once, however many ask."""

    @cached_property
    def costs(self) -> Mapping[int, Decimal]:
        """What each resource costs over these lines."""
        costs: dict[int, Decimal] = {}
        for resource_key, _, cost, _ in self:
            costs[resource_key] = costs[resource_key] + cost if resource_key in costs else cost
        return costs

    @cached_property
    def deciding(self) -> Mapping[int, int]:
        """By resource, the slice that says what its tags are."""
        return deciding_slices(self)


@dataclass(frozen=True)
class Judgement:
    """What the policy says of one set of tags, key by key in policy order."""

    states: tuple[TagState, ...]

    @cached_property
    def is_compliant(self) -> bool:
        """No key is missing or wrong; exempt ones are no part of it."""
        return all(state in _FINE for state in self.states)

    @cached_property
    def is_set_aside(self) -> bool:
        """Nothing of it is judged: it is in neither numerator nor denominator."""
        return bool(self.states) and all(state is TagState.EXEMPT for state in self.states)

    def with_states(self, states: Mapping[int, TagState]) -> "Judgement":
        """The same with other states of the keys at these places."""
        if not states:
            return self
        return Judgement(tuple(states.get(place, state) for place, state in enumerate(self.states)))


_FINE = frozenset({TagState.COMPLIANT, TagState.EXEMPT})
# (resource, slice) → what is said of that resource there, where it is not what is said of the slice.
Exceptions = Mapping[tuple[int, int], Judgement]


def judge(policy: Sequence[KeyPolicy], tags: Mapping[str, str]) -> Judgement:
    """The state of every key of the policy on these tags."""
    return Judgement(tuple(key.state(tags) for key in policy))


@dataclass
class Tally:
    """A month counted: resources by their last slice, money line by line. Lists run in policy order.

    What is set aside is in none of the others.
    """

    resources: int = 0
    compliant_resources: int = 0
    exempt_resources: int = 0
    taggable_cost: Decimal = ZERO
    compliant_cost: Decimal = ZERO
    exempt_cost: Decimal = ZERO
    present: list[int] = field(default_factory=list)
    invalid: list[int] = field(default_factory=list)
    exempt: list[int] = field(default_factory=list)
    key_costs: list[Decimal] = field(default_factory=list)
    exempt_key_costs: list[Decimal] = field(default_factory=list)

    @classmethod
    def of_keys(cls, count: int) -> "Tally":
        """Nothing counted yet, for so many keys."""
        return cls(
            present=[0] * count,
            invalid=[0] * count,
            exempt=[0] * count,
            key_costs=[ZERO] * count,
            exempt_key_costs=[ZERO] * count,
        )


def tally(
    lines: TaggableLines,
    judged: Mapping[int, Judgement],
    key_count: int,
    exceptions: Exceptions = MappingProxyType({}),
) -> Tally:
    """Count resources and money. `judged` holds every slice of the lines.

    A resource's states are those of the slice it was last charged in (on a tie the dearer one); its money
    counts line by line, so tags set in mid-month count from then on.
    """
    # Thousands of lines share some dozens of judgements: what one says is counted once for all of them.
    costs: dict[int, Decimal] = {}
    counts: dict[int, int] = {}
    judgements: dict[int, Judgement] = {}
    for resource_key, slice_key, cost, _ in lines:
        judgement = (exceptions.get((resource_key, slice_key)) if exceptions else None) or judged[slice_key]
        key = id(judgement)
        if key in costs:
            costs[key] += cost
        else:
            costs[key], judgements[key] = cost, judgement
    for resource_key, slice_key in lines.deciding.items():
        key = id(judgement_of(resource_key, slice_key, judged, exceptions))
        counts[key] = counts.get(key, 0) + 1
    return tally_sums(
        ((judgements[key], cost) for key, cost in costs.items()),
        ((judgements[key], count) for key, count in counts.items()),
        key_count,
    )


def tally_sums(
    costs: Iterable[tuple[Judgement, Decimal]], counts: Iterable[tuple[Judgement, int]], key_count: int
) -> Tally:
    """The same from sums: money and numbers of resources, each with what is said of them."""
    result = Tally.of_keys(key_count)
    for judgement, cost in costs:
        _add_money(result, cost, judgement)
    for judgement, count in counts:
        _add_resources(result, count, judgement)
    return result


def judgement_of(
    resource_key: int, slice_key: int, judged: Mapping[int, Judgement], exceptions: Exceptions
) -> Judgement:
    """What is said of a resource in a slice."""
    return (exceptions.get((resource_key, slice_key)) if exceptions else None) or judged[slice_key]


def _add_money(result: Tally, cost: Decimal, judgement: Judgement) -> None:
    if judgement.is_set_aside:
        result.exempt_cost += cost
        return
    result.taggable_cost += cost
    if judgement.is_compliant:
        result.compliant_cost += cost
    for place, state in enumerate(judgement.states):
        if state is TagState.COMPLIANT:
            result.key_costs[place] += cost
        elif state is TagState.EXEMPT:
            result.exempt_key_costs[place] += cost


def _add_resources(result: Tally, count: int, judgement: Judgement) -> None:
    if judgement.is_set_aside:
        result.exempt_resources += count
        return
    result.resources += count
    result.compliant_resources += count if judgement.is_compliant else 0
    for place, state in enumerate(judgement.states):
        result.exempt[place] += count if state is TagState.EXEMPT else 0
        result.present[place] += count if state in (TagState.COMPLIANT, TagState.INVALID) else 0
        result.invalid[place] += count if state is TagState.INVALID else 0


def deciding_slices(lines: Iterable[TaggableLine]) -> dict[int, int]:
    """By resource, the slice that says what its tags are: the last charged, then the dearest, then the key."""
    best: dict[int, TaggableLine] = {}
    for line in lines:
        held = best.setdefault(line.resource_key, line)
        if held is not line and rank(line) > rank(held):
            best[line.resource_key] = line
    return {key: line.slice_key for key, line in best.items()}


def group_lines(lines: Iterable[TaggableLine], key_of: Callable[[TaggableLine], str]) -> dict[str, list[TaggableLine]]:
    """Lines by service, region, account or owner. A resource counts in every group it has lines in."""
    groups: dict[str, list[TaggableLine]] = defaultdict(list)
    for line in lines:
        groups[key_of(line)].append(line)
    return dict(groups)


def rank(line: TaggableLine) -> tuple[date, Decimal, int]:
    """Of a resource's lines the one with the highest decides."""
    return line.last_charged_on, line.cost, line.slice_key
