"""Virtual tags in force: what roll-ups join in, and where a value in a slice is ours and not the resource's own."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from operator import itemgetter
from typing import NamedTuple

from costs import selectors as intake
from costs.periods import BillingPeriod
from costs.reading import read_once
from costs.scope import Scope
from costs.tags import canonical_key
from tagging.policy import KeyPolicy
from tagging.selectors.arrangements import arrangements
from tagging.selectors.policy import policy_keys
from tagging.selectors.reach import Reach


def virtual_tags_in(period: BillingPeriod) -> tuple[intake.VirtualTag, ...]:
    """The virtual tags in force in a month, in order: what its roll-up joins in."""
    rows = [(each.key, each.tag, each.value) for each in _every() if each.holds_in(period)]
    aliases = {key.key: key.aliases for key in policy_keys()} if rows else {}
    return tuple(intake.VirtualTag(key, tag, value, aliases.get(tag, ())) for key, tag, value in rows)


def own_values(
    found: Reach, policy: Sequence[KeyPolicy], places: Collection[tuple[int, int]]
) -> Mapping[tuple[int, int, str], str]:
    """(resource, slice, key) → the value the lines themselves carry, of keys of the policy. Asked of the files."""
    values = {}
    meant = {canonical: key.key for key in policy for canonical in key.canonical_spellings}
    for item in found.imports:
        for resource_key, slice_key, tags in intake.tags_on_resources(Scope.all(), item, places):
            for spelling, value in tags.items():
                if key := meant.get(canonical_key(spelling)):
                    values[resource_key, slice_key, key] = value
    return values


def virtual_values(found: Reach) -> Mapping[int, Mapping[str, str]]:
    """Resource → the virtual tags that hold in the months of these imports."""
    values: dict[int, dict[str, str]] = {}
    for item in found.imports:
        for tag in virtual_tags_in(item.period):
            values.setdefault(tag.resource_key, {})[tag.key] = tag.value
    return values


class _Dated(NamedTuple):
    key: int
    tag: str
    value: str
    first: date
    end: date | None

    def holds_in(self, period: BillingPeriod) -> bool:
        return self.first <= period.start and (self.end is None or self.end > period.start)


def _every() -> tuple[_Dated, ...]:
    columns = itemgetter("resource_key", "tag_key", "value", "from_period", "to_period")
    return read_once("virtual tags", lambda: tuple(_Dated(*columns(row)) for row in arrangements().virtual_tags))
