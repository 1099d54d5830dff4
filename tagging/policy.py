"""The tag policy: what it says of one set of tags, and of a month's resources."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from costs.money import ZERO
from costs.tags import tag_value
from tagging.terms import TagState


@dataclass(frozen=True)
class AllowedValue:
    """A value as the policy writes it, with other spellings that mean it."""

    value: str
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True)
class KeyPolicy:
    """A key of the policy. No allowed values: any text that is not empty."""

    key: str
    aliases: tuple[str, ...] = ()
    allowed: tuple[AllowedValue, ...] = ()

    def value_in(self, tags: Mapping[str, str]) -> str:
        """The raw value under this key or one of its aliases; '' where there is none."""
        return tag_value(tags, self.key, *self.aliases)

    def normalised(self, raw: str) -> str | None:
        """The policy's own spelling of a value (case does not matter), or None where it is not allowed."""
        value = raw.strip()
        if not self.allowed:
            return value or None
        folded = value.casefold()
        for allowed in self.allowed:
            if folded in (spelling.strip().casefold() for spelling in (allowed.value, *allowed.aliases)):
                return allowed.value
        return None

    def state(self, tags: Mapping[str, str]) -> TagState:
        """Compliant, invalid (there, but not allowed) or missing."""
        raw = self.value_in(tags)
        if not raw:
            return TagState.MISSING
        return TagState.INVALID if self.normalised(raw) is None else TagState.COMPLIANT


def environment_of(tags: Mapping[str, str], policy: KeyPolicy | None) -> str:
    """The environment as the policy spells it; a value it does not know stays as written; '' for none."""
    if policy is None:
        return tag_value(tags, "Environment")
    raw = policy.value_in(tags)
    return policy.normalised(raw) or raw


@dataclass(frozen=True)
class TaggableLine:
    """A resource's month in one slice."""

    resource_key: int
    slice_key: int
    cost: Decimal
    last_charged_on: date


@dataclass(frozen=True)
class Judgement:
    """What the policy says of one slice's tags, key by key in policy order."""

    states: tuple[TagState, ...]

    @property
    def is_compliant(self) -> bool:
        return all(state is TagState.COMPLIANT for state in self.states)


def judge(policy: Sequence[KeyPolicy], tags: Mapping[str, str]) -> Judgement:
    """The state of every key of the policy on these tags."""
    return Judgement(tuple(key.state(tags) for key in policy))


@dataclass
class Tally:
    """A month counted: resources by their last slice, money line by line. Lists run in policy order."""

    resources: int = 0
    compliant_resources: int = 0
    taggable_cost: Decimal = ZERO
    compliant_cost: Decimal = ZERO
    present: list[int] = field(default_factory=list)
    invalid: list[int] = field(default_factory=list)
    key_costs: list[Decimal] = field(default_factory=list)


def tally(lines: Sequence[TaggableLine], judged: Mapping[int, Judgement], key_count: int) -> Tally:
    """Count resources and money. `judged` holds every slice of the lines.

    A resource's states are those of the slice it was last charged in (on a tie the dearer one); its money
    counts line by line, so tags set in mid-month count from then on.
    """
    result = Tally(present=[0] * key_count, invalid=[0] * key_count, key_costs=[ZERO] * key_count)
    for line in lines:
        _add_money(result, line.cost, judged[line.slice_key])
    for slice_key in deciding_slices(lines).values():
        _add_resource(result, judged[slice_key])
    return result


def _add_money(result: Tally, cost: Decimal, judgement: Judgement) -> None:
    result.taggable_cost += cost
    if judgement.is_compliant:
        result.compliant_cost += cost
    for place, state in enumerate(judgement.states):
        if state is TagState.COMPLIANT:
            result.key_costs[place] += cost


def _add_resource(result: Tally, judgement: Judgement) -> None:
    result.resources += 1
    result.compliant_resources += judgement.is_compliant
    for place, state in enumerate(judgement.states):
        result.present[place] += state is not TagState.MISSING
        result.invalid[place] += state is TagState.INVALID


def deciding_slices(lines: Iterable[TaggableLine]) -> dict[int, int]:
    """By resource, the slice that says what its tags are: the last charged, then the dearest, then the key."""
    best: dict[int, TaggableLine] = {}
    for line in lines:
        held = best.get(line.resource_key)
        if held is None or _rank(line) > _rank(held):
            best[line.resource_key] = line
    return {key: line.slice_key for key, line in best.items()}


def group_lines(lines: Iterable[TaggableLine], key_of: Callable[[TaggableLine], str]) -> dict[str, list[TaggableLine]]:
    """Lines by service, region, account or owner. A resource counts in every group it has lines in."""
    groups: dict[str, list[TaggableLine]] = defaultdict(list)
    for line in lines:
        groups[key_of(line)].append(line)
    return dict(groups)


def _rank(line: TaggableLine) -> tuple[date, Decimal, int]:
    return line.last_charged_on, line.cost, line.slice_key
