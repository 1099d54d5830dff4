"""Costs day by day, for apps above that compare them with a plan."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.db.models import Max, Sum

from costs.money import ZERO
from costs.periods import BillingPeriod, DateRange
from costs.reading import keep, kept, read_once
from costs.scope import Scope
from costs.terms import ChargeCategory, CostMetric
from tagging.selectors.held import rows_of_team
from tagging.selectors.reach import Reach, allocated, reach
from tagging.selectors.sums import PRE_SUMMED, Ask, Filters, pre_summed_rows, slice_rows

DayCells = dict[tuple[str, ...], dict[date, Decimal]]
DayRow = tuple[date, tuple[str, ...], Decimal]
_AHEAD = ("service", "category")


@dataclass(frozen=True)
class CostDays:
    """Costs by value of the dimensions and day. `last_day` is the newest day with usage; None without any.

    `months` are those that have costs at all, oldest first.

    For a team it is the newest day with usage of its own: nothing here depends on what others spend.
    """

    currency: str
    last_day: date | None
    months: tuple[BillingPeriod, ...]
    cells: DayCells

    def total_by_day(self) -> dict[date, Decimal]:
        """All values together."""
        total: dict[date, Decimal] = {}
        for days in self.cells.values():
            for day, cost in days.items():
                total[day] = total.get(day, ZERO) + cost
        return total


def cost_days(
    scope: Scope, days: DateRange, by: Sequence[str], *, metric: CostMetric, currency: str, filters: Filters = ()
) -> CostDays:
    """Costs of these days by the dimensions (of team, service, account, region, environment, category).

    Filters are as everywhere: several values of one dimension are alternatives.
    """
    ask = Ask(reach(scope, _months(days), currency), metric, filters, days)
    found, cells = ask.reach, DayCells()
    for day, values, cost in _known_rows(ask, by) or _rows(ask, by):
        in_days = cells.setdefault(values, {})
        in_days[day] = in_days.get(day, ZERO) + cost
    months = tuple(sorted({item.period for item in found.imports}))
    told = not filters and "category" in by and months and months[-1].end <= days.end and days.start <= months[-1].start
    last_day = _last_of(cells, by.index("category"), months[-1]) if told else _last_day(found)
    return CostDays(found.currency, last_day, months, cells)


def read_days_ahead(scope: Scope, days: DateRange, *, metrics: Collection[CostMetric], currency: str) -> None:
    """Read once what several parts of a page ask `cost_days` for: by service and category, on these bases."""
    found, bases = reach(scope, _months(days), currency), tuple(dict.fromkeys(metrics))
    if not found.imports:
        return
    rows = pre_summed_rows(Ask(found, bases[0], (), days)).order_by()
    sums = {f"sum_{base.value}": Sum(base.column) for base in bases}
    columns = [PRE_SUMMED[name] for name in _AHEAD]
    read = rows_of_team(
        found, ("days ahead", days, bases), lambda: tuple(rows.values_list("charge_date", *columns).annotate(**sums))
    )
    known = _Ahead(days, bases, read)
    keep(("days read ahead", scope, found.currency), known)


def commitment_days(
    scope: Scope, days: DateRange, *, currency: str, filters: Filters = ()
) -> dict[str, dict[date, Decimal]]:
    """Effective cost by day of what commitments covered (`Used`) and of what was paid for nothing (`Unused`)."""
    found = reach(scope, _months(days), currency)
    cells: dict[str, dict[date, Decimal]] = {}
    if found.imports:
        rows = slice_rows(Ask(found, CostMetric.EFFECTIVE, filters, days)).exclude(slice__commitment_discount_status="")
        places = ("slice__commitment_discount_status", "charge_date")
        sums = rows.order_by().values_list(*places).annotate(cost=Sum(CostMetric.EFFECTIVE.column))
        for status, day, cost in rows_of_team(found, ("commitment days", days, filters), lambda: tuple(sums)):
            cells.setdefault(status, {})[day] = cost
    return cells


@dataclass(frozen=True)
class _Ahead:
    """Rows of (day, service, category, a sum for each basis) of these days."""

    days: DateRange
    metrics: tuple[CostMetric, ...]
    rows: tuple[tuple[Any, ...], ...]


def _known_rows(ask: Ask, by: Sequence[str]) -> list[DayRow]:
    """What was read ahead, of the days asked for; nothing where it does not answer the question."""
    ahead: _Ahead | None = kept(("days read ahead", ask.reach.scope, ask.reach.currency))
    if ahead is None or ask.days is None or ask.filters or not set(by) <= set(_AHEAD):
        return []
    if ask.metric not in ahead.metrics or ask.days.start < ahead.days.start or ask.days.end > ahead.days.end:
        return []
    places, cost = [1 + _AHEAD.index(name) for name in by], 1 + len(_AHEAD) + ahead.metrics.index(ask.metric)
    return [(row[0], tuple(row[at] or "" for at in places), row[cost]) for row in ahead.rows if row[0] in ask.days]


def _rows(ask: Ask, by: Sequence[str]) -> Iterator[DayRow]:
    if ask.reach.imports:
        rows = pre_summed_rows(ask).order_by().values_list("charge_date", *(PRE_SUMMED[name] for name in by))
        for row in rows.annotate(cost=Sum(ask.metric.column)):
            yield row[0], tuple(value or "" for value in row[1:-1]), row[-1]


def _last_of(cells: DayCells, category: int, month: BillingPeriod) -> date | None:
    """The same as `_last_day`, from cells that hold the whole month."""
    span = month.range
    days = [(day, values[category]) for values, costs in cells.items() for day in costs if day in span]
    usage = [day for day, name in days if name == ChargeCategory.USAGE.value]
    return max(usage or [day for day, _ in days], default=None)


def _months(days: DateRange) -> Collection[BillingPeriod]:
    months = [BillingPeriod.of(days.start)]
    while months[-1].end < days.end:
        months.append(months[-1].next())
    return months


def _last_day(found: Reach) -> date | None:
    """Of the newest month: usage tells how far a bill is, fees and taxes are dated ahead or on the 1st."""
    newest = found.imports[-1].period if found.imports else None
    if newest is None:
        return None
    pks = found.within((newest,)).import_pks
    rows = allocated(found.scope, pks)

    def read() -> date | None:
        usage = rows.filter(charge_category=ChargeCategory.USAGE.value).aggregate(last=Max("charge_date"))["last"]
        last: date | None = usage or rows.aggregate(last=Max("charge_date"))["last"]
        return last

    return read_once(("last day with usage", found.scope, pks), read)
