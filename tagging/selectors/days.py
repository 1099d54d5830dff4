"""Costs day by day, for apps above that compare them with a plan."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.db.models import Max, Sum

from costs.money import ZERO
from costs.periods import BillingPeriod, DateRange
from costs.reading import read_once
from costs.scope import Scope
from costs.terms import ChargeCategory, CostMetric
from tagging.selectors.reach import Reach, allocated, reach
from tagging.selectors.sums import PRE_SUMMED, Ask, Filters, pre_summed_rows, slice_rows

DayCells = dict[tuple[str, ...], dict[date, Decimal]]


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
    found = reach(scope, _months(days), currency)
    columns = [PRE_SUMMED[name] for name in by]
    cells: DayCells = {}
    if found.imports:
        rows = pre_summed_rows(Ask(found, metric, filters, days)).order_by()
        for row in rows.values_list("charge_date", *columns).annotate(cost=Sum(metric.column)):
            in_days = cells.setdefault(tuple(value or "" for value in row[1:-1]), {})
            in_days[row[0]] = in_days.get(row[0], ZERO) + row[-1]
    months = tuple(sorted({item.period for item in found.imports}))
    return CostDays(found.currency, _last_day(found), months, cells)


def commitment_days(
    scope: Scope, days: DateRange, *, currency: str, filters: Filters = ()
) -> dict[str, dict[date, Decimal]]:
    """Effective cost by day of what commitments covered (`Used`) and of what was paid for nothing (`Unused`)."""
    found = reach(scope, _months(days), currency)
    cells: dict[str, dict[date, Decimal]] = {}
    if found.imports:
        rows = slice_rows(Ask(found, CostMetric.EFFECTIVE, filters, days)).exclude(slice__commitment_discount_status="")
        places = ("slice__commitment_discount_status", "charge_date")
        for status, day, cost in rows.order_by().values_list(*places).annotate(cost=Sum(CostMetric.EFFECTIVE.column)):
            cells.setdefault(status, {})[day] = cost
    return cells


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
