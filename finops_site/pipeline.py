"""The one way through: load (costs) → allocate (tagging) → put in force (costs) → evaluate, find, advise, measure.

Every step can be run again; a crash anywhere leaves the month in force as it was. The command runs
this in line, the Celery task runs it for uploads.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import transaction

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
from tagging import notifications as notes
from tagging import selectors as ownership
from tagging import services as owners
from tagging.services import Detection, Suggested

_INTERRUPTED = "Query interrupted"


@dataclass(frozen=True)
class Run:
    """What a task's run of an import came to: imports made (one per month), or files to be landed by tasks."""

    made: list[int] = field(default_factory=list)
    files: list[int] = field(default_factory=list)


def run_import(import_pk: int, *, say: Callable[[str], None] | None = None) -> list[int]:
    """Bring one queued import all the way into force, in line; returns the imports it became (one per month).

    A month that was already in force in this very version is left alone (state `unchanged`). Raises
    ImportRejectedError, after storing it on the import, when the files cannot be used; KeyboardInterrupt also
    where DuckDB was interrupted. `say` is told of every file.
    """
    with _ending(import_pk, None):
        _bring_into_force(intake.load_import(import_pk, **_read_for(), say=say))
    return intake.imports_made_by(import_pk)


def begin_import(import_pk: int, *, now: datetime) -> Run:
    """What a worker does first: an import of several files is prepared and its files are named, to be landed by
    tasks; any other is brought into force at once.

    Raises FinopsError after storing it on the import. Faults that may pass have queued it again for later.
    """
    with _ending(import_pk, now):
        files = intake.open_landing(import_pk, tracked_keys=ownership.tracked_keys())
        if files:
            return Run(files=files)
        if files is None:
            _bring_into_force(intake.load_import(import_pk, **_read_for()))
    return Run(made=intake.imports_made_by(import_pk))


def land_file(file_pk: int, *, now: datetime) -> int | None:
    """Land one file of an import; returns the import to finish where it was the last one. Safe to repeat.

    A file that is refused fails its import; after a fault that may pass it waits to be tried again.
    """
    try:
        return intake.land_file(file_pk)
    except Exception as error:
        intake.say_landing_broke_off(file_pk, error, now=now)
        raise


def finish_import(import_pk: int, *, now: datetime) -> list[int]:
    """Bring an import whose files have landed into force; returns the imports it became. Safe to repeat."""
    with _ending(import_pk, now):
        loaded = intake.finish_import(import_pk, **_read_for())
        _bring_into_force(loaded)
    return intake.imports_made_by(import_pk) if loaded else []


def bring_in(
    delivery_pk: int, *, now: datetime, say: Callable[[str], None] | None = None, currency: str = ""
) -> list[int]:
    """Fetch a delivery, run its imports and clear up, in line; returns the imports (one per month) in order.

    A refusal is stored on the import and on the delivery, not raised.
    """
    made: list[int] = []
    try:
        for queued in fetch(delivery_pk, now=now, currency=currency):
            with suppress(FinopsError):
                made += run_import(queued, say=say)
    finally:
        intake.finish_delivery(delivery_pk)
    return made


def fetch(delivery_pk: int, *, now: datetime, currency: str = "") -> list[int]:
    """Fetch a delivery; returns its queued imports, after each of which `settle_delivery` is due."""
    queued: list[int] = intake.fetch_delivery(delivery_pk, today=now.date(), currency=currency)
    return queued


def settle_delivery(import_pk: int) -> None:
    """Once an import has ended: clear up after its delivery, if it was the last one of it."""
    delivery_pk = intake_reads.delivery_of_import(Scope.all(), import_pk)
    if delivery_pk is not None:
        intake.finish_delivery(delivery_pk)


def _read_for() -> dict[str, Any]:
    """What months are rolled up for: the tags to track, and those of ours to join in."""
    return {"tracked_keys": ownership.tracked_keys(), "virtual_tags": ownership.virtual_tags_in}


def _bring_into_force(loaded: Sequence[int]) -> None:
    """Owners of every month, then one transaction that puts all of them in force."""
    for pk in loaded:
        intake.mark_allocating(pk)
        owners.allocate_import(pk)
    with transaction.atomic():
        for pk in loaded:
            intake.put_in_force(pk)


@contextmanager
def _ending(import_pk: int, now: datetime | None) -> Iterator[None]:
    """Whatever breaks off, the import says so; with `now`, faults that may pass queue it again for later."""
    try:
        yield
    except Exception as error:
        if now is None and str(error) == _INTERRUPTED:  # DuckDB's own word for Ctrl-C
            raise KeyboardInterrupt from error
        intake.stop_import(import_pk, error, now=now)
        raise


def follow_up(import_pks: Collection[int], *, now: datetime) -> None:
    """All that follows imports, in line, for commands: budgets, findings, advice, metrics, compliance, suggestions."""
    evaluate_budgets(now=now)
    detect_findings(now=now)
    for import_pk in import_pks:
        refresh_advice(import_pk)
    measure_metrics(now=now, import_pks=import_pks)
    keep_compliance(now=now, import_pks=import_pks)
    suggest_tags(now=now)


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


def keep_compliance(*, now: datetime, import_pks: Iterable[int] | None = None) -> int:
    """What follows too: keep how these imports' months (default: the newest) follow the tag policy; check fixes."""
    periods = None
    if import_pks is not None:
        periods = {intake_reads.import_period(Scope.all(), pk) for pk in import_pks}
    return owners.keep_compliance(periods, today=now.date())


def suggest_tags(*, now: datetime) -> Suggested:
    """What follows compliance: suggest the tags that resources of the newest month lack. Safe to repeat."""
    return owners.make_suggestions(now=now, least_precision=float(settings.TAG_SUGGESTION_PRECISION))


def write_notes(*, now: datetime) -> int:
    """On Mondays: a note about its tags to every team, and to leads what stayed open. Safe to repeat.

    Nothing is written while mail is not configured or notes are switched off: later they would be no news.
    """
    if not (settings.MAIL_IS_CONFIGURED and settings.TEAM_NOTES):
        return 0
    made = owners.write_notes(today=now.date(), now=now)
    notes.send_due_notes(now=now)
    return made


def detect_findings(*, now: datetime) -> Detection:
    """What follows new costs in force, too: money spent on nothing, and what became of it. Safe to repeat."""
    return owners.detect_findings(today=now.date(), now=now, list_rates=commitment_reads.list_rates())


def queue_retracking(periods: Collection[BillingPeriod] | None = None, *, again: bool = False) -> list[int]:
    """Queue every month in force (or those of `periods`) that lacks a tag to track, or has other virtual tags than it
    should; returns the imports to run. Closed months are left alone: nothing of theirs is made anew.
    """
    queued: list[int] = intake.queue_retracking(
        **_read_for(),
        periods=periods,
        again=again,
        closed=[(period.start, currency) for period, currency in ownership.closed_months()],
    )
    return queued


def retrack(periods: Collection[BillingPeriod] | None = None, *, again: bool = False) -> list[int]:
    """Roll such months up again from their own charges, in line; returns the imports that did it."""
    return [pk for queued in queue_retracking(periods, again=again) for pk in run_import(queued)]


@dataclass(frozen=True)
class Rebuilt:
    """What was made from the charge store."""

    sources: int
    imports: int
    months: list[int]
    without_record: list[str]
    damaged: list[str]


def rebuild(periods: Collection[BillingPeriod] | None = None, *, now: datetime) -> Rebuilt:
    """Make the intake's tables from the charge store, and the owners of every month in force.

    An empty database gets all that can be made at once; in another one each month changes for its readers at once.
    A month whose charges are damaged is left out and named.
    """
    made = []
    with transaction.atomic() if intake.is_empty() else nullcontext():
        found = intake.restore_records(periods=periods, now=now)
        for pk in found.in_force:
            try:
                with transaction.atomic():
                    intake.reload_import(pk)
                    owners.allocate_import(pk)
            except FinopsError as error:
                intake.leave_out(pk, error, found, now=now)
            else:
                made.append(pk)
    intake.publish_missing()
    return Rebuilt(found.sources, found.imports, made, found.without_record, [*found.damaged.values()])


def remove_replaced_imports(*, now: datetime) -> int:
    """Remove what imports that nobody reads any more left in tables and charge store; returns how many.

    Uploads that became no import go too, and those under way that nobody goes on with; the charge store is told what
    it could not be told before.
    """
    removed = intake.remove_replaced_imports(now=now)
    owners.remove_unread_allocations()
    intake.publish_missing()
    intake.remove_unused_uploads(now=now)
    intake.remove_expired_uploads(now=now)
    intake.remove_stray_workspaces()
    return removed
