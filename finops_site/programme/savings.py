"""What savings rest on: advice and findings that wait, commitments and fixed findings that were measured."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from costs.money import ZERO
from costs.periods import BillingPeriod
from costs.scope import Scope
from finops_site.metrics.terms import Metric
from finops_site.programme.progress import Readings
from finops_site.programme.results import Plan, Savings
from finops_site.programme.saving_sums import Amount, savings_by_source
from finops_site.programme.selectors import readings_of
from finops_site.programme.terms import SavingSource
from ri import selectors as commitments
from ri.results import Run
from ri.terms import RunKind
from tagging import selectors as ownership

YEAR = 12
SOURCE_OF = {
    "not_running": SavingSource.IDLE,
    "idle": SavingSource.IDLE,
    "dear_storage": SavingSource.STORAGE,
    "off_list_rate": SavingSource.RATES,
    "unused_commitment": SavingSource.COMMITMENTS,
}


def savings(scope: Scope, plan: Plan, *, today: date) -> Savings:
    """Claimed, planned and measured savings a year by source, in the programme's currency."""
    scope.require_everything()
    found = [row for row in getattr(ownership, "findings", lambda _: ())(scope) if row.currency == plan.currency]
    planned = {source: _waiting(source, found) for source in SavingSource}
    planned[SavingSource.COMMITMENTS] = _with_advice(planned[SavingSource.COMMITMENTS], newest_runs(scope), plan)
    measured = {source: _verified(source, found) for source in SavingSource}
    month = _of_commitments(readings_of(scope, plan), today)
    measured[SavingSource.COMMITMENTS] = _added(month, measured[SavingSource.COMMITMENTS])
    return savings_by_source(plan.claims, planned=planned, measured=measured, currency=plan.currency)


def newest_runs(scope: Scope) -> tuple[Run, ...]:
    """The newest advice on every source whose usage a bill has; on inventories only where no bill was advised on.

    An inventory lists instances that bills hold too: adding both would count them twice.
    """
    runs = [commitments.latest_run(scope, name) for name in commitments.sources_with_runs(scope)]
    known = [run for run in runs if run is not None]
    return tuple(run for run in known if run.kind is RunKind.HOURLY) or tuple(known)


def _waiting(source: SavingSource, found: Sequence[Any]) -> Amount:
    """Findings that are open or accepted, for a year."""
    rows = [row for row in found if SOURCE_OF[row.kind] is source and row.state in ("open", "accepted")]
    if not rows:
        return Amount(None, "")
    saving = sum((row.monthly_saving for row in rows), ZERO) * YEAR
    return Amount(saving, f"{len(rows)} finding{'' if len(rows) == 1 else 's'} open or accepted, a month × 12")


def _verified(source: SavingSource, found: Sequence[Any]) -> Amount:
    """Findings that are done, as later bills verified them."""
    rows = [row for row in found if SOURCE_OF[row.kind] is source and row.verified_saving is not None]
    if not rows:
        return Amount(None, "")
    saving = sum((row.verified_saving for row in rows), ZERO) * YEAR
    return Amount(saving, f"{len(rows)} finding{'' if len(rows) == 1 else 's'} verified on later bills, a month × 12")


def _with_advice(waiting: Amount, runs: Sequence[Run], plan: Plan) -> Amount:
    """What advice on commitments would save net, beside commitments that are paid for and unused."""
    own = [run for run in runs if run.currency == plan.currency]
    if not own:
        return waiting
    names = ", ".join(f"{run.source_name} as of {run.as_of}" for run in own)
    count = sum(len(run.recommendations) for run in own)
    advice = Amount(
        sum((run.net_savings_annual for run in own), ZERO),
        f"{count} purchase{'' if count == 1 else 's'} advised on {names}, net of unused hours",
    )
    return _added(advice, waiting)


def _of_commitments(readings: Readings, today: date) -> Amount:
    """The last full month's net saving of all commitments, for a year."""
    running = BillingPeriod.of(today)
    full: list[tuple[BillingPeriod, Decimal]] = [
        (period, value)
        for period, value in readings.get(Metric.SAVING_COMMITMENTS, {}).items()
        if value is not None and period < running
    ]
    if not full:
        return Amount(None, "")
    period, value = max(full)
    return Amount(
        value * YEAR, f"net saving of all reservations and plans in {period.label} × 12, bought whenever they were"
    )


def _added(one: Amount, other: Amount) -> Amount:
    if one.value is None or other.value is None:
        return other if one.value is None else one
    return Amount(one.value + other.value, f"{one.basis}; {other.basis}")
