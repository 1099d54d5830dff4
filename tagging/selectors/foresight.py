"""What rules will find on tags that months in force are yet to be read for, from the charges themselves."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from django.conf import settings

from costs import selectors as intake
from costs.money import ZERO, round_money
from costs.periods import BillingPeriod
from costs.scope import Scope
from costs.selectors import ActiveImport, TagCost, TagQuestion
from costs.tags import canonical_key
from costs.terms import CostMetric
from tagging.allocation import Rule, compile_rules
from tagging.conditions import Facts
from tagging.results import UnreadKey
from tagging.selectors.reach import reach
from tagging.selectors.teams import FACT_COLUMNS
from tagging.selectors.unread import unread_tags, will_be_read
from tagging.terms import UnreadReason

EVERYTHING = Scope.all()
Shifts = dict[tuple[str, str], Decimal]  # (owner as read so far, owner once read) → cost


@dataclass(frozen=True)
class Foresight:
    """What finds another owner, under each list of rules, once every month is read; and which tags are unread."""

    shifts: tuple[Shifts, ...]
    unread: tuple[UnreadKey, ...]


@dataclass(frozen=True)
class _Unread:
    """One import's costs by slice and values of the keys it is yet to be read for; keys refused have no values."""

    keys: tuple[str, ...]
    rows: tuple[TagCost, ...]
    refused: Mapping[str, int]


def foresee(
    periods: Collection[BillingPeriod], currency: str, rules: Sequence[Sequence[Rule]], *, metric: CostMetric
) -> Foresight:
    """Compare owners with and without the tags not read yet, under each of these lists of rules. Staff only.

    The last list is the one in use: `unread` are its tags. A tag with too many values to be tracked shifts
    nothing. Reads the charges of those months only that lack a tag of a rule.
    """
    wanted = {canonical_key(key) for rule in rules[-1] for key in rule.tag_keys}
    unread = [
        item for item in unread_tags(EVERYTHING) if canonical_key(item.key) in wanted and item.period in set(periods)
    ]
    shifts: list[Shifts] = [defaultdict(lambda: ZERO) for _ in rules]
    for item in reach(EVERYTHING, periods, currency).imports:
        lines = _read(item, [rule for some in rules for rule in some], metric)
        unread = [_told(key, item.period, lines.refused) for key in unread]
        for found, some in zip(shifts, rules, strict=True):
            _add(found, item, lines, some)
    rounded = ({pair: round_money(cost) for pair, cost in found.items()} for found in shifts)
    return Foresight(tuple(rounded), tuple(unread))


def _read(item: ActiveImport, rules: Sequence[Rule], metric: CostMetric) -> _Unread:
    asked = {canonical_key(key): key for rule in rules for key in rule.tag_keys}
    keys = tuple(sorted(key for key in asked.values() if will_be_read(key, item)))
    if not keys:
        return _Unread((), (), {})
    rows = intake.tag_costs(EVERYTHING, item, TagQuestion(keys=keys, metric=metric, by_slice=True))
    counts = {key: len({row.values[place] for row in rows} - {""}) for place, key in enumerate(keys)}
    refused = {key: count for key, count in counts.items() if count > settings.TRACKED_TAG_VALUES_LIMIT}
    return _Unread(keys, rows, refused)


def _told(unread: UnreadKey, period: BillingPeriod, refused: Mapping[str, int]) -> UnreadKey:
    """The key as refused where it will be."""
    counts = {canonical_key(key): count for key, count in refused.items()}
    count = counts.get(canonical_key(unread.key))
    if unread.period != period or count is None:
        return unread
    return replace(unread, reason=UnreadReason.TOO_MANY_VALUES, values=count)


def _add(shifts: Shifts, item: ActiveImport, lines: _Unread, rules: Sequence[Rule]) -> None:
    if not lines.rows:
        return
    match = compile_rules(rules, item.period)
    slices = {
        row[0]: Facts(*row[1:]) for row in intake.slices_of(EVERYTHING, item.pk).values_list("key", *FACT_COLUMNS)
    }
    for row in lines.rows:
        found = {
            key: value for key, value in zip(lines.keys, row.values, strict=True) if value and key not in lines.refused
        }
        if not found or row.slice_key not in slices:
            continue
        facts = slices[row.slice_key]
        now, then = match(facts).owner_key, match(facts._replace(tags={**facts.tags, **found})).owner_key
        if now != then:
            shifts[now, then] += row.cost
