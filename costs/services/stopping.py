"""How a run ends before its import is in force: cancelled, to be tried again later, or failed."""

import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.db import InterfaceError, OperationalError, connection, transaction
from django.db.models import F, Q
from django.db.models.functions import Now

from costs import charge_store
from costs.errors import ImportRejectedError, InvalidRequestError
from costs.models import BillImport, ImportFile, VersionTotal
from costs.selectors.records import folder_of
from costs.services.claims import CancelledError, StoppedError, is_mine, is_this_process, why_stopped
from costs.services.snapshots import remove_snapshots
from costs.services.storing import remove_rollups
from costs.services.switching import fail_import, stop_files
from costs.services.versions import family
from costs.terms import OPEN_STATES, FileState, ImportState

_OPEN = [state.value for state in OPEN_STATES]
# Even saying that it broke off takes a database: seconds between the tries.
_PAUSES = (1, 2, 4, 8, 15, 30)


def cancel_import(import_pk: int, *, by: str) -> None:
    """End an import that is not in force yet, at whatever step; the month in force stays as it is.

    Tasks of it stop at their next heartbeat. It can be tried again like one that failed. Raises InvalidRequestError
    for one that has ended.
    """
    with transaction.atomic():
        first = BillImport.objects.values_list("split_from", flat=True).get(pk=import_pk) or import_pk
        months = BillImport.objects.select_for_update(of=("self",)).filter(Q(pk=first) | Q(split_from=first))
        found = {item.pk: ImportState(item.state) for item in months.order_by("pk")}
        is_open = [pk for pk, state in found.items() if state in OPEN_STATES]
        if not is_open:
            said = found[import_pk].value.replace("_", " ")
            raise InvalidRequestError(f"Import {import_pk} is {said} already: there is nothing to cancel.")
        BillImport.objects.filter(pk__in=is_open).update(
            state=ImportState.CANCELLED.value,
            step=f"Cancelled by {by}"[:120],
            worker="",
            retry_at=None,
            error="",
            error_detail={},
            finished_at=Now(),
            rollups_removed_at=None,  # what its worker still writes is cleared up later
            charges_removed_at=None,
        )
        stop_files(first)
    _clear(first)


def stop_import(import_pk: int, error: Exception, *, now: datetime | None) -> None:
    """End a run that broke off: queued again for later where the fault may pass, else failed.

    Without `now` (in line, where somebody sees the error) it fails at once. A run that was stopped only clears up.
    """
    if isinstance(error, StoppedError):
        _after_stop(import_pk, error)
    elif now is None:
        _fail_mine(import_pk, error)
    else:
        at: datetime = now
        _insist(lambda: _postpone_or_fail(import_pk, error, now=at))


def _fail_mine(import_pk: int, error: Exception) -> None:
    if is_mine(import_pk):
        fail_import(import_pk, error)


def _postpone_or_fail(import_pk: int, error: Exception, *, now: datetime) -> None:
    if not is_mine(import_pk):
        _after_stop(import_pk, why_stopped(import_pk))
    elif not _postpone(import_pk, error, now=now):
        fail_import(import_pk, _tried(error, BillImport.objects.values_list("attempts", flat=True).get(pk=import_pk)))


def stop_landing(file_pk: int, error: Exception, *, now: datetime) -> None:
    """End the landing of one file that broke off: it waits to be tried again, or its whole import fails."""
    import_pk = ImportFile.objects.filter(pk=file_pk).values_list("bill_import_id", flat=True).first()
    if import_pk is None:
        return
    if isinstance(error, StoppedError):
        _after_stop(import_pk, error)
    elif not _postpone_file(file_pk, error, now=now):
        fail_import(import_pk, _tried(error, ImportFile.objects.values_list("attempts", flat=True).get(pk=file_pk)))
        charge_store.remove_workspace(import_pk)


def say_landing_broke_off(file_pk: int, error: Exception, *, now: datetime) -> None:
    """As `stop_landing`, however long the database takes to come back (about a minute at most)."""
    _insist(lambda: stop_landing(file_pk, error, now=now))


def _after_stop(import_pk: int, error: StoppedError) -> None:
    if isinstance(error, CancelledError):
        _clear(import_pk)


def _clear(import_pk: int) -> None:
    """Remove what a cancelled import has stored so far."""
    first = BillImport.objects.values_list("split_from", flat=True).get(pk=import_pk) or import_pk
    for item in family(first):
        if item.state == ImportState.CANCELLED:
            _remove(item)
    charge_store.remove_workspace(first)


def _remove(item: BillImport) -> None:
    remove_rollups(item.pk)
    remove_snapshots(item.pk)
    VersionTotal.objects.filter(bill_import=item.pk).delete()
    if folder := folder_of(item):
        charge_store.remove_folder(folder)


def _waits() -> Sequence[int]:
    waits: tuple[int, ...] = settings.IMPORT_RETRY_SECONDS
    return waits


def _postpone(import_pk: int, error: Exception, *, now: datetime) -> bool:
    """Queue the import for later; False where the fault will not pass, or did not after all those tries."""
    fault = charge_store.passing_fault(error)
    if fault is None:
        return False
    with transaction.atomic():
        item = BillImport.objects.select_for_update().get(pk=import_pk)
        waits = _waits()
        if item.state not in OPEN_STATES or not is_this_process(item.worker) or item.attempts >= len(waits):
            return False
        BillImport.objects.filter(Q(pk=import_pk) | Q(split_from=import_pk), state__in=_OPEN).update(
            state=ImportState.QUEUED.value,
            step="Waits to be tried again",
            worker="",
            attempts=F("attempts") + 1,
            retry_at=now + timedelta(seconds=waits[item.attempts]),
            handed_out_at=None,
            error=fault,
            error_detail={"code": "passing_fault", "problem": fault},
        )
        stop_files(import_pk)
    charge_store.remove_workspace(import_pk)
    return True


def _postpone_file(file_pk: int, error: Exception, *, now: datetime) -> bool:
    fault = charge_store.passing_fault(error)
    if fault is None:
        return False
    row = ImportFile.objects.get(pk=file_pk)
    waits = _waits()
    if row.attempts >= len(waits):
        return False
    if row.state == FileState.LANDING and is_this_process(row.worker):
        ImportFile.objects.filter(pk=file_pk, worker=row.worker).update(
            state=FileState.WAITING.value,
            worker="",
            percent=0,
            attempts=F("attempts") + 1,
            retry_at=now + timedelta(seconds=waits[row.attempts]),
            handed_out_at=None,
            error=fault,
        )
    return True


def _tried(error: Exception, attempts: int) -> Exception:
    """The error of an import whose fault did not pass."""
    fault = charge_store.passing_fault(error)
    if fault is None or not attempts:
        return error
    cure = f"It was tried {attempts + 1} times. Try again once that is mended."
    return ImportRejectedError(fault, cure, code="passing_fault")


def _insist(write: Callable[[], object]) -> None:
    for pause in _PAUSES:
        try:
            if not connection.in_atomic_block:
                connection.close_if_unusable_or_obsolete()
            write()
        except (OperationalError, InterfaceError):
            if connection.in_atomic_block:
                raise
            time.sleep(pause)
        else:
            return
    write()
