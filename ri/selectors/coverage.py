"""A month's coverage and utilisation, from the bill: what commitments covered, and what they left unused."""

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal

from django.conf import settings

from costs import coverage as rates
from costs import selectors as intake
from costs.errors import InvalidRequestError
from costs.money import ZERO
from costs.periods import BillingPeriod
from costs.reading import read_once
from costs.scope import Scope
from costs.selectors import ActiveImport, CommitmentUse, InstanceUsage, total_of
from ri.results import CommitmentRow, Coverage

RESERVATION = "Usage"
_ELIGIBLE = ("on_demand", "reserved", "plan_covered")


def coverage(scope: Scope, period: BillingPeriod, *, currency: str = "") -> Coverage:
    """Coverage, utilisation and effective savings rate of a month, with every commitment in it.

    An inventory knows no commitment: what it alone covers counts as on demand in the coverage. It does not tell list
    prices either, so the savings rate of such a month has nothing to divide by.
    Raises InvalidRequestError for a month without costs.
    """
    scope.require_everything()
    items = intake.active_imports(scope, (period,))
    if not items:
        raise InvalidRequestError(f"There are no costs for {period}. Import its bill first.")
    names = intake.currencies(items)
    chosen = currency or ("USD" if "USD" in names else names[0])
    return read_once(("coverage", period, chosen), lambda: _coverage(scope, period, items, chosen))


def default_period(scope: Scope) -> BillingPeriod | None:
    """The newest month, or the one before while the newest is not over: fees count whole from the first day on."""
    periods = intake.periods_with_costs(scope)
    if not periods or periods[0].previous() not in periods:
        return next(iter(periods), None)
    covers = intake.usage_covers(scope, intake.active_imports(scope, periods[:1]))
    is_over = covers is not None and covers[1].date() >= periods[0].end - timedelta(days=1)
    return periods[0] if is_over else periods[1]


def _coverage(scope: Scope, period: BillingPeriod, items: Sequence[ActiveImport], currency: str) -> Coverage:
    found = [item for item in items if item.currency == currency]
    mine = [item for item in found if not item.billing_format.is_inventory]
    usage = intake.instance_usage(scope, mine)
    seen = usage if mine else intake.instance_usage(scope, found)
    covers = intake.usage_covers(scope, mine)
    last = covers[1].date() if covers else None
    rows = tuple(
        _row(use, item.source_name, period.end) for item in mine for use in intake.commitments_used(scope, [item])
    )
    counted = [row for row in rows if _is_compute(row)]
    unused, total = (sum((getattr(row, name) for row in counted), ZERO) for name in ("unused_cost", "total_cost"))
    list_cost = total_of(usage, *_ELIGIBLE, cost="list_cost")
    effective = total_of(usage, *_ELIGIBLE, cost="effective_cost") + unused
    on_demand, reserved = _kind(seen, "on_demand"), _kind(seen, "reserved")
    return Coverage(
        period=period,
        currency=currency,
        other_currencies=tuple(name for name in intake.currencies(items) if name != currency),
        coverage_units=rates.coverage(reserved.units, on_demand.units),
        coverage_hours=rates.coverage(reserved.hours, on_demand.hours),
        coverage_cost=rates.coverage(float(reserved.list_cost), float(on_demand.list_cost)),
        coverage_target=settings.RI_COVERAGE_TARGET,
        utilization=rates.utilization_by_cost(unused, total),
        utilization_target=settings.RI_UTILIZATION_TARGET,
        effective_savings_rate=rates.effective_savings_rate(list_cost, effective),
        list_cost=list_cost,
        effective_cost=effective,
        unused_cost=unused,
        total_cost=total,
        on_demand_cost=on_demand.list_cost,
        last_usage_on=last,
        is_partial=_is_partial(scope, mine if counted else (), period, last),
        commitments=tuple(sorted(rows, key=lambda row: (-row.unused_cost, row.commitment_id))),
    )


def _is_partial(scope: Scope, items: Sequence[ActiveImport], period: BillingPeriod, last: date | None) -> bool:
    """Whether usage ends before the month; of bills with fees and no instances, whether one came in before its end."""
    if last is not None:
        return last < period.end - timedelta(days=1)
    days = intake.covered_days(scope, items)
    return any(count < period.day_count for count in days.values())


def _kind(usage: Sequence[InstanceUsage], kind: str) -> InstanceUsage:
    return next((row for row in usage if row.kind == kind), InstanceUsage(kind, 0, 0, ZERO, ZERO))


def _is_compute(row: CommitmentRow) -> bool:
    """Reservations of databases and caches have types of three parts; what they cover is not counted here."""
    return row.kind != "reservation" or row.instance_type.count(".") <= 1


def _row(use: CommitmentUse, source_name: str, today: date) -> CommitmentRow:
    days_left = (use.ends_on - today).days if use.ends_on else None
    return CommitmentRow(
        commitment_id=use.commitment_id,
        kind="reservation" if use.category == RESERVATION else "savings_plan",
        source_name=source_name,
        sub_account_id=use.sub_account_id,
        region_id=use.region_id,
        instance_type=use.instance_type,
        platform=use.platform,
        utilization=_utilization(use),
        purchased_hours=use.purchased_hours,
        used_hours=use.used_hours,
        total_cost=use.total_cost,
        unused_cost=use.unused_cost,
        on_demand_value=use.on_demand_value,
        net_savings=rates.net_savings(use.on_demand_value, use.total_cost),
        ends_on=use.ends_on,
        days_left=days_left,
    )


def _utilization(use: CommitmentUse) -> Decimal | None:
    """In normalized units where the bill gives them, else in hours, else by cost (plans, and old imports)."""
    if use.category == RESERVATION and use.purchased_units and (use.used_units or not use.used_hours):
        return rates.utilization(use.used_units, use.purchased_units)
    if use.category == RESERVATION and use.purchased_hours:
        return rates.utilization(use.used_hours, use.purchased_hours)
    return rates.utilization_by_cost(use.unused_cost, use.total_cost)
