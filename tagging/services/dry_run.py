"""What a change of rules would move, without allocating anything: slices are matched and their months added up."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.db.models import Sum

from costs import selectors as intake
from costs.money import ZERO
from costs.periods import BillingPeriod
from costs.queries import NOT_SET
from costs.scope import Scope
from costs.selectors import ActiveImport
from costs.terms import CostMetric
from tagging.allocation import Matcher, Rule, compile_rules
from tagging.conditions import Facts
from tagging.models import Allocation
from tagging.selectors.closed import is_open
from tagging.selectors.foresight import foresee
from tagging.selectors.labels import team_names
from tagging.selectors.reach import reach
from tagging.selectors.teams import FACT_COLUMNS, rules_in_use
from tagging.services.moves import NOBODY, Move, Moves, owners_now, shifted

EVERYTHING = Scope.all()
SLICES_PER_QUERY = 500
METRIC = CostMetric.BILLED
Way = tuple[str, str]  # from owner, to owner; '' is nobody


@dataclass(frozen=True)
class MonthMove:
    """Money and resources that go from one owner to another in a month."""

    period: BillingPeriod
    before: str
    after: str
    cost: Decimal
    resources: int


@dataclass(frozen=True)
class DryRun:
    """What would move over all months by owner (`moves`), and month by month from whom to whom."""

    moves: Moves
    months: tuple[MonthMove, ...]

    @property
    def resources(self) -> int:
        """Resources that find another owner, in the month that has most of them."""
        counted: dict[BillingPeriod, int] = defaultdict(int)
        for row in self.months:
            counted[row.period] += row.resources
        return max(counted.values(), default=0)


def dry_run(change: Callable[[], object]) -> DryRun:
    """Try a change of rules that allocates nothing itself, and undo it. Errors of the change are let through.

    Money is that of all charges of the month, resources are counted in the monthly resource costs. Closed months
    are left out: they never move.
    """
    with transaction.atomic():
        old = rules_in_use()
        change()
        new, now = rules_in_use(), owners_now()
        # Asked while the change stands: it may look at tags that months are yet to be read for.
        foresight = foresee(now.periods, now.currency, [old, new], metric=METRIC)
        transaction.set_rollback(True)
    found = reach(EVERYTHING, now.periods, now.currency).imports
    imports = [item for item in found if is_open(item.period)]
    months = [row for item in imports for row in _moved(item, _changed(item, old, new))]
    shifts: dict[Way, Decimal] = defaultdict(lambda: ZERO)
    for _, way, cost, _ in months:
        shifts[way] += cost
    before = shifted(now, foresight.shifts[0])
    after = shifted(shifted(now, shifts), foresight.shifts[1])
    names = {**team_names({key for way in shifts for key in way}), **before.names, **after.names, NOT_SET: NOBODY}
    rows = [
        Move(names[key], before.costs.get(key, ZERO), after.costs.get(key, ZERO))
        for key in {*before.costs, *after.costs}
    ]
    moved = sorted((row for row in rows if row.change), key=lambda row: (-abs(row.change), row.owner))
    by_owner = Moves(now.currency, now.first, now.last, tuple(moved), foresight.unread)
    return DryRun(by_owner, _named(months, names))


Moved = tuple[BillingPeriod, Way, Decimal, int]


def _named(months: Sequence[Moved], names: Mapping[str, str]) -> tuple[MonthMove, ...]:
    summed: dict[tuple[BillingPeriod, Way], tuple[Decimal, int]] = defaultdict(lambda: (ZERO, 0))
    for period, way, cost, resources in months:
        known = summed[period, way]
        summed[period, way] = (known[0] + cost, known[1] + resources)
    rows = [
        MonthMove(period, names[way[0] or NOT_SET], names[way[1] or NOT_SET], cost, resources)
        for (period, way), (cost, resources) in summed.items()
    ]
    newest = sorted(rows, key=lambda row: (-abs(row.cost), row.before, row.after))
    return tuple(sorted(newest, key=lambda row: row.period, reverse=True))


def _changed(item: ActiveImport, old: Sequence[Rule], new: Sequence[Rule]) -> dict[int, Way]:
    """The import's slices whose owner another list of rules would change, as they are allocated now."""
    before, after = ([rule for rule in rules if rule.holds_in(item.period)] for rules in (old, new))
    if before == after:
        return {}
    match = compile_rules(after, item.period)
    owned = Allocation.objects.filter(bill_import_id=item.pk).values_list("slice_id", "owner_key")
    now = dict(owned.iterator(chunk_size=20_000))
    slices = intake.slices_of(EVERYTHING, item.pk).values_list("key", *FACT_COLUMNS)
    return {
        key: (now[key], owner)
        for key, owner in _owners(slices.iterator(chunk_size=20_000), match)
        if key in now and owner != now[key]
    }


def _owners(slices: Iterator[tuple[Any, ...]], match: Matcher) -> Iterator[tuple[int, str]]:
    decided: dict[tuple[object, ...], str] = {}
    fields = match.fields
    for row in slices:
        facts = Facts(*row[1:])
        seen = (*(facts[place] for place in fields), *facts.tags.items())
        if seen not in decided:
            decided[seen] = match(facts).owner_key
        yield row[0], decided[seen]


def _moved(item: ActiveImport, changed: Mapping[int, Way]) -> Iterator[Moved]:
    costs: dict[Way, Decimal] = defaultdict(lambda: ZERO)
    resources: dict[Way, set[int]] = defaultdict(set)
    for keys in _portions(changed):
        daily = intake.daily_costs(EVERYTHING, [item.pk]).filter(slice_id__in=keys).order_by()
        for key, cost in daily.values_list("slice_id").annotate(Sum(METRIC.column)):
            costs[changed[key]] += cost
        monthly = intake.resource_costs(EVERYTHING, [item.pk]).filter(slice_id__in=keys).order_by()
        for key, resource in monthly.values_list("slice_id", "resource_id"):
            resources[changed[key]].add(resource)
    for way in {*costs, *resources}:
        yield item.period, way, costs[way], len(resources[way])


def _portions(changed: Collection[int]) -> Iterator[list[int]]:
    keys = sorted(changed)
    for start in range(0, len(keys), SLICES_PER_QUERY):
        yield keys[start : start + SLICES_PER_QUERY]
