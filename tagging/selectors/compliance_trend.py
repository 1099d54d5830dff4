"""Compliance over time, from what was kept day by day."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from costs.money import ZERO, ratio
from costs.periods import BillingPeriod
from costs.scope import Scope
from tagging.models import ComplianceSnapshot
from tagging.selectors.reach import MAIN_CURRENCY

MONTHS_SHOWN, DAYS_SHOWN = 13, 92


@dataclass(frozen=True)
class TrendPoint:
    """A month as it was seen on a day."""

    period: BillingPeriod
    taken_on: date
    resources: int
    compliant_resources: int
    taggable_cost: Decimal
    compliant_cost: Decimal

    @property
    def cost_ratio(self) -> Decimal | None:
        """By money; None where nothing was taggable."""
        return ratio(self.compliant_cost, self.taggable_cost)

    @property
    def compliance_ratio(self) -> Decimal | None:
        """By resources."""
        return ratio(self.compliant_resources, self.resources)


@dataclass(frozen=True)
class Trend:
    """Months as last seen, oldest first; and the newest month day by day."""

    currency: str
    currencies: tuple[str, ...]
    months: tuple[TrendPoint, ...]
    days: tuple[TrendPoint, ...]


def compliance_trend(scope: Scope, *, currency: str = "", key: str = "") -> Trend:
    """How compliance went, on effective cost. A team's is the sum of its teams' own; of one key for staff only.

    A resource of two teams counts in both; money counts once.
    """
    if key:
        scope.require_everything()
    rows = ComplianceSnapshot.objects.order_by("taken_on", "period")
    if scope.everything:
        rows = rows.filter(dimension="key", value=key) if key else rows.filter(dimension="total")
    else:
        rows = rows.filter(dimension="team", value__in=scope.team_keys)
    names = sorted(
        set(rows.order_by().values_list("currency", flat=True)), key=lambda name: (name != MAIN_CURRENCY, name)
    )
    chosen = currency or next(iter(names), MAIN_CURRENCY)
    points = _summed(rows.filter(currency=chosen))
    newest: dict[BillingPeriod, TrendPoint] = {point.period: point for point in points}  # the last day of each wins
    months = [newest[period] for period in sorted(newest)][-MONTHS_SHOWN:]
    days = [point for point in points if months and point.period == months[-1].period][-DAYS_SHOWN:]
    return Trend(chosen, tuple(names), tuple(months), tuple(days))


def _summed(rows: Iterable[ComplianceSnapshot]) -> list[TrendPoint]:
    sums: dict[tuple[date, BillingPeriod], list[ComplianceSnapshot]] = {}
    for row in rows:
        sums.setdefault((row.taken_on, BillingPeriod.of(row.period)), []).append(row)
    return [
        TrendPoint(
            period=period,
            taken_on=taken_on,
            resources=sum(row.resources for row in mine),
            compliant_resources=sum(row.compliant_resources for row in mine),
            taggable_cost=sum((row.taggable_cost for row in mine), ZERO),
            compliant_cost=sum((row.compliant_cost for row in mine), ZERO),
        )
        for (taken_on, period), mine in sums.items()
    ]
