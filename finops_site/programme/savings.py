"""What savings rest on: advice and findings that wait, commitments and fixed findings that were measured."""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal

from costs.money import ZERO
from costs.periods import BillingPeriod
from costs.scope import Scope
from costs.terms import FindingKind
from finops_site.metrics.terms import Metric
from finops_site.programme.progress import Readings
from finops_site.programme.results import Plan, Savings
from finops_site.programme.saving_sums import NOTHING, Amount, savings_by_source
from finops_site.programme.selectors import readings_of
from finops_site.programme.terms import SavingSource
from ri import selectors as commitments
from ri.results import Run
from ri.terms import RunKind
from tagging import selectors as ownership
from tagging.selectors import FindingRow

YEAR = 12
VerifiedMonths = Mapping[BillingPeriod, Mapping[FindingKind, Decimal]]
SOURCE_OF = {
    FindingKind.NOT_RUNNING: SavingSource.IDLE,
    FindingKind.IDLE: SavingSource.IDLE,
    FindingKind.DEAR_STORAGE: SavingSource.STORAGE,
    FindingKind.OFF_LIST_RATE: SavingSource.RATES,
    FindingKind.UNUSED_COMMITMENT: SavingSource.COMMITMENTS,
}


def savings(scope: Scope, plan: Plan, *, today: date) -> Savings:
    """Claimed, planned and measured savings a year by source, in the programme's currency."""
    scope.require_everything()
    live = [row for row in ownership.findings(scope, currency=plan.currency).rows if row.is_live]
    verified = ownership.verified_by_month(scope, currency=plan.currency)
    running = BillingPeriod.of(today)
    planned = {source: _waiting(source, live) for source in SavingSource}
    planned[SavingSource.COMMITMENTS] = _with_advice(planned[SavingSource.COMMITMENTS], newest_runs(scope), plan)
    measured = {source: _verified(source, verified, running) for source in SavingSource}
    month = _of_commitments(readings_of(scope, plan), running)
    measured[SavingSource.COMMITMENTS] = _together(month, measured[SavingSource.COMMITMENTS])
    return savings_by_source(plan.claims, planned=planned, measured=measured, currency=plan.currency)


def newest_runs(scope: Scope) -> tuple[Run, ...]:
    """The newest advice on every source whose usage a bill has; on inventories only where no bill was advised on.

    An inventory lists instances that bills hold too: adding both would count them twice.
    """
    runs = [commitments.latest_run(scope, name) for name in commitments.sources_with_runs(scope)]
    known = [run for run in runs if run is not None]
    return tuple(run for run in known if run.kind is RunKind.HOURLY) or tuple(known)


def _waiting(source: SavingSource, live: Sequence[FindingRow]) -> Amount:
    """Findings that are open or accepted, for a year."""
    rows = [row for row in live if SOURCE_OF[row.kind] is source]
    if not rows:
        return NOTHING
    saving = sum((row.monthly_saving for row in rows), ZERO) * YEAR
    basis = f"{len(rows)} finding{'' if len(rows) == 1 else 's'} open or accepted, a month × 12"
    if source is SavingSource.COMMITMENTS:
        basis += ", at most: if all that is unused found use for a year"
    return Amount(saving, basis)


def _verified(source: SavingSource, verified: VerifiedMonths, running: BillingPeriod) -> Amount:
    """What findings that are done saved in the last full month that tells of any of the source, for a year."""
    full: list[tuple[BillingPeriod, Decimal]] = []
    for period, kinds in verified.items():
        own = [saving for kind, saving in kinds.items() if SOURCE_OF[kind] is source]
        if own and period < running:
            full.append((period, sum(own, ZERO)))
    if not full:
        return NOTHING
    period, saving = max(full)
    return Amount(saving * YEAR, f"Findings that are done, verified on the bill of {period.label}, × 12")


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
    return _together(advice, waiting)


def _of_commitments(readings: Readings, running: BillingPeriod) -> Amount:
    """The last full month's net saving of all commitments, for a year."""
    months = readings.get(Metric.SAVING_COMMITMENTS, {})
    full = [(period, value) for period, value in months.items() if value is not None and period < running]
    if not full:
        return NOTHING
    period, value = max(full)
    return Amount(
        value * YEAR, f"Net saving of all reservations and plans in {period.label} × 12, bought whenever they were"
    )


def _together(one: Amount, other: Amount) -> Amount:
    if one.value is None or other.value is None:
        return other if one.value is None else one
    return Amount(one.value + other.value, f"{one.basis}; {other.basis}")
