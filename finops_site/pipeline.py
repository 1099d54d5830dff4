"""The one way through: load (costs) → allocate (tagging) → put in force (costs) → evaluate, find, advise, measure.

Every step can be run again; a crash anywhere leaves the month in force as it was. The command runs
this in line, the Celery task runs it for uploads.
"""

from collections.abc import Collection, Iterable
from contextlib import suppress
from datetime import datetime

from budgets import notifications
from budgets import services as plans
from budgets.services import Evaluation
from costs import selectors as intake_reads
from costs import services as intake
from costs.errors import FinopsError
from costs.periods import BillingPeriod
from costs.scope import Scope
from finops_site.metrics import keeping
from ri import selectors as commitment_reads
from ri import services as commitments
from ri.services import Refreshed
from tagging import selectors as ownership
from tagging import services as owners
from tagging.services import Detection


def run_import(import_pk: int) -> list[int]:
    """Bring one queued import all the way into force; returns the imports it became (one per month).

    A month that was already in force in this very version is left alone (state `unchanged`). Raises
    ImportRejectedError, after storing it on the import, when the files cannot be used.
    """
    try:
        loaded = intake.load_import(import_pk, tracked_keys=ownership.tracked_keys())
        for pk in loaded:
            intake.mark_allocating(pk)
            owners.allocate_import(pk)
        for pk in loaded:
            intake.put_in_force(pk)
    except Exception as error:  # whatever it was, the import must say so
        intake.fail_import(import_pk, error)
        raise
    return intake.imports_made_by(import_pk)


def bring_in(delivery_pk: int, *, now: datetime) -> list[int]:
    """Fetch a delivery, run its imports and clear up; returns the imports (one per month) that are in order.

    A refusal is stored on the import and on the delivery, not raised.
    """
    made: list[int] = []
    try:
        for queued in intake.fetch_delivery(delivery_pk, today=now.date()):
            with suppress(FinopsError):
                made += run_import(queued)
    finally:
        intake.finish_delivery(delivery_pk)
    return made


def follow_up(import_pks: Collection[int], *, now: datetime) -> None:
    """All that follows imports, in line, for commands: budgets, findings, advice, metrics."""
    evaluate_budgets(now=now)
    detect_findings(now=now)
    for import_pk in import_pks:
        refresh_advice(import_pk)
    measure_metrics(now=now, import_pks=import_pks)


def evaluate_budgets(*, now: datetime) -> Evaluation:
    """What follows new costs in force: measure all budgets, raise new alerts, send their mails. Safe to repeat."""
    found = plans.evaluate_budgets(today=now.date(), now=now)
    notifications.send_due(now=now)
    return found


def refresh_advice(import_pk: int | None = None) -> Refreshed:
    """What follows too: advice on the source of this import (default: on every source). Safe to repeat."""
    if import_pk is None:
        return commitments.refresh_advice()
    return commitments.refresh_advice([intake_reads.source_of_import(Scope.all(), import_pk)])


def measure_metrics(*, now: datetime, import_pks: Iterable[int] | None = None) -> int:
    """What follows the evaluation: measure the months of these imports (or all) and the running one. Safe to repeat."""
    periods = None
    if import_pks is not None:
        periods = {intake_reads.import_period(Scope.all(), pk) for pk in import_pks}
    return keeping.measure_months(today=now.date(), now=now, periods=periods)


def detect_findings(*, now: datetime) -> Detection:
    """What follows new costs in force, too: money spent on nothing, and what became of it. Safe to repeat."""
    return owners.detect_findings(today=now.date(), now=now, list_rates=commitment_reads.list_rates())


def queue_retracking(periods: Collection[BillingPeriod] | None = None, *, again: bool = False) -> list[int]:
    """Queue every month in force (or those of `periods`) that lacks a tag to track; returns the imports to run.

    Closed months are left alone: nothing of theirs is made anew.
    """
    queued: list[int] = intake.queue_retracking(
        tracked_keys=ownership.tracked_keys(),
        periods=periods,
        again=again,
        closed=[(period.start, currency) for period, currency in ownership.closed_months()],
    )
    return queued


def retrack(periods: Collection[BillingPeriod] | None = None, *, again: bool = False) -> list[int]:
    """Roll such months up again from their own charges, in line; returns the imports that did it."""
    return [pk for queued in queue_retracking(periods, again=again) for pk in run_import(queued)]


def remove_replaced_imports(*, now: datetime) -> int:
    """Remove what imports that nobody reads any more left in tables and charge store; returns how many.

    Uploads that became no import go too, and those under way that nobody goes on with.
    """
    removed = intake.remove_replaced_imports(now=now, pinned=ownership.pinned_imports())
    owners.remove_unread_allocations()
    intake.remove_unused_uploads(now=now)
    intake.remove_expired_uploads(now=now)
    return removed
