"""The one switch of a month, and the ends that change nothing."""

from contextlib import suppress
from datetime import timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import DurationField, ExpressionWrapper, F, Q
from django.db.models.functions import Now

from costs import charge_store
from costs.charge_store import StoreError
from costs.errors import FinopsError, ImportRejectedError, InvalidRequestError
from costs.models import Bill, BillImport, ImportFile, Resource
from costs.periods import BillingPeriod
from costs.selectors.records import folder_of
from costs.services.accounts import refresh_accounts
from costs.services.claims import StoppedError, is_this_process, why_stopped
from costs.services.findings import inventory_covered, much_smaller
from costs.services.publishing import publish
from costs.services.rivals import lock_with_rivals, refuse_second_folder, take_over
from costs.services.snapshots import refresh_states, remove_snapshots
from costs.services.storing import remove_rollups
from costs.services.versions import family
from costs.terms import COST_COLUMNS, NOT_INVOICED, OPEN_STATES, RUNNING_STATES, BillState, FileState, ImportState

_MANY_LINES = 10  # fewer lines halve by chance
_SEEN = ("service_name", "region_id", "resource_type", "instance_type", "name", "tags")


def mark_allocating(import_pk: int) -> None:
    """Say that the import is stored and its owners are being found. Raises StoppedError where it was cancelled."""
    running = BillImport.objects.filter(pk=import_pk, state__in=[state.value for state in RUNNING_STATES])
    if not running.update(state=ImportState.ALLOCATING.value, step="Finding owners", percent=92, heartbeat_at=Now()):
        raise why_stopped(import_pk)


def put_in_force(import_pk: int) -> None:
    """Make the import the one every reader follows: one UPDATE, so all see the old or the new month.

    A newer import wins, and an older snapshot never replaces a newer one of its month: what comes too late
    ends as `superseded`. Running it again changes nothing.
    """
    rows = _resources_of(import_pk)
    with transaction.atomic():
        item = BillImport.objects.select_related("source").get(pk=import_pk)
        if item.bill_id is None:
            raise InvalidRequestError(f"Import {import_pk} is not loaded yet.")
        bill = next(bill for bill in lock_with_rivals(item) if bill.pk == item.bill_id)
        # Whoever cancels locks it too: either it is in force, or it never will be.
        item.state = BillImport.objects.select_for_update().values_list("state", flat=True).get(pk=import_pk)
        if item.state == ImportState.IN_FORCE:
            return
        if item.state != ImportState.ALLOCATING:  # cancelled, or begun again by another worker
            raise why_stopped(import_pk)
        transaction.on_commit(lambda: publish(import_pk))
        current = bill.import_in_force
        if item.rerolled_from_id is None:
            refuse_second_folder(item, BillingPeriod(bill.billing_period))
        if current is not None and _rank(current) > _rank(item):
            end_import(item, ImportState.SUPERSEDED, "A newer one is in force")
            return
        if item.rerolled_from_id is None:
            take_over(item)
        elif current is None:
            end_import(item, ImportState.SUPERSEDED, "Another source has taken the month over")
            return
        _tell_of_inventories(item)
        _tell_of_lines_gone(item, current)
        Bill.objects.filter(pk=bill.pk).update(import_in_force=item, state=_bill_state(bill, item))
        if current is not None:
            BillImport.objects.filter(pk=current.pk).update(state=ImportState.REPLACED.value)
        end_import(item, ImportState.IN_FORCE, "In force")
        refresh_resources(rows)
        refresh_states(item)
        refresh_accounts(import_pk)


def fail_import(import_pk: int, error: Exception) -> None:
    """End an import, and the months it was split into, as failed; what is in force stays.

    An import that already ended, or that another worker has taken over, is left alone.
    """
    if isinstance(error, StoppedError):
        return
    text = str(error) if isinstance(error, FinopsError) else f"The import broke off: {type(error).__name__}: {error}."
    detail: dict[str, Any] = {"code": getattr(error, "code", "broken_off"), "problem": text}
    if isinstance(error, ImportRejectedError):
        detail = error.as_dict()
    for item in family(import_pk):
        if item.state in OPEN_STATES:
            _fail(item, text, detail)
            stop_files(item.pk, text)


def stop_files(import_pk: int, error: str = "") -> None:
    """Nobody lands files of this import any more; the one this process was at has failed, where there is an error."""
    left = ImportFile.objects.filter(bill_import=import_pk).exclude(state=FileState.LANDED.value)
    for row in left:
        failed = bool(error) and row.state == FileState.LANDING and is_this_process(row.worker)
        row.state = (FileState.FAILED if failed else FileState.STOPPED).value
        row.error, row.worker, row.retry_at = (error if failed else ""), "", None
    ImportFile.objects.bulk_update(left, ["state", "error", "worker", "retry_at"])


def imports_made_by(import_pk: int) -> list[int]:
    """The import and the siblings its further months became, in order of month."""
    return [item.pk for item in family(import_pk)]


def _fail(item: BillImport, text: str, detail: dict[str, Any]) -> None:
    remove_rollups(item.pk)
    remove_snapshots(item.pk)
    if folder := folder_of(item):
        with suppress(StoreError):  # a store out of reach must not keep an import from ending; the schedule tidies up
            charge_store.remove_folder(folder)
    BillImport.objects.filter(pk=item.pk).update(
        state=ImportState.FAILED.value,
        step="Failed",
        worker="",
        retry_at=None,
        error=text,
        error_detail=detail,
        finished_at=Now(),
        rollups_removed_at=Now(),
        charges_removed_at=Now(),
    )


def end_import(item: BillImport, state: ImportState, step: str) -> None:
    """End an import that did not fail, and say how long it took."""
    BillImport.objects.filter(pk=item.pk).update(
        state=state.value,
        step=step,
        percent=100,
        finished_at=Now(),
        heartbeat_at=Now(),
        rollups_removed_at=None,
        charges_removed_at=None,
    )
    took = ExpressionWrapper(F("finished_at") - F("started_at"), output_field=DurationField())
    duration = BillImport.objects.filter(pk=item.pk).values_list(took, flat=True).get()
    seconds = duration.total_seconds() if isinstance(duration, timedelta) else 0.0
    BillImport.objects.filter(pk=item.pk).update(seconds=seconds)


def _tell_of_inventories(item: BillImport) -> None:
    """Note on a bill which inventories of its month give no cost any more once it is in force."""
    if item.source.billing_format.startswith("inventory") or item.billing_period is None:
        return
    beside = Bill.objects.filter(
        billing_period=item.billing_period, import_in_force__billing_currency=item.billing_currency
    ).select_related("source", "import_in_force")
    is_inventory = Q(source__billing_format__startswith="inventory")
    if beside.exclude(is_inventory).exists():
        return
    period = BillingPeriod(item.billing_period)
    told = [
        inventory_covered(period, bill.source.name, bill.import_in_force.billed_cost, item.billing_currency).as_dict()
        for bill in beside.filter(is_inventory)
        if bill.import_in_force is not None
    ]
    if told:
        item.findings = [*item.findings, *told]
        item.save(update_fields=["findings"])


def _tell_of_lines_gone(item: BillImport, current: BillImport | None) -> None:
    """Note on a bill that it is a fraction of what it replaces: perhaps only a part of the month was given."""
    is_bill = not item.source.billing_format.startswith("inventory")
    if is_bill and current is not None and item.rows * 2 < current.rows and current.rows >= _MANY_LINES:
        item.findings = [*item.findings, much_smaller(item.rows, current.rows).as_dict()]
        item.save(update_fields=["findings"])


def _rank(item: BillImport) -> tuple[str, int, int]:
    """Charges rolled up again stand where their delivery stands: a delivery after it wins whenever it comes."""
    return (str(item.snapshot_on or ""), item.rerolled_from_id or item.pk, item.pk)


def _bill_state(bill: Bill, item: BillImport) -> str:
    """Open while its month runs, final once every line with cost bears an invoice, closing in between.

    A final month that changes afterwards is reopened, until a version with the same totals bears all its invoices.
    """
    if item.rerolled_from_id is not None:
        return bill.state
    was_final = bill.state in (BillState.FINAL, BillState.REOPENED)
    if was_final and _differs(bill.import_in_force, item):
        return BillState.REOPENED.value
    has_ended = item.created_at.date() >= BillingPeriod(bill.billing_period).end
    is_invoiced = not item.source.billing_format.startswith("inventory") and not any(
        finding["code"] == NOT_INVOICED for finding in item.findings
    )
    if is_invoiced and (has_ended or was_final):
        return BillState.FINAL.value
    if bill.state == BillState.REOPENED:
        return BillState.REOPENED.value
    return (BillState.CLOSING if has_ended else BillState.OPEN).value


def _differs(old: BillImport | None, new: BillImport) -> bool:
    return old is None or any(getattr(old, name) != getattr(new, name) for name in COST_COLUMNS)


def _resources_of(import_pk: int) -> list[tuple[Any, ...]]:
    item = BillImport.objects.select_related("source").get(pk=import_pk)
    folder = folder_of(item)
    return charge_store.resources_seen(folder) if folder else []


def refresh_resources(rows: list[tuple[Any, ...]]) -> None:
    """Tags and attributes as last seen: an older month never overwrites a newer one."""
    table = connection.ops.quote_name(Resource._meta.db_table)
    # An inventory knows no names: what a bill called it stays.
    changes = ", ".join("name = COALESCE(NULLIF(%s, ''), name)" if name == "name" else f"{name} = %s" for name in _SEEN)
    newer = [(*seen, last, key, last) for key, _, last, *seen in rows]
    with connection.cursor() as cursor:
        cursor.executemany(
            f"UPDATE {table} SET {changes}, last_seen_on = %s WHERE key = %s"
            " AND (last_seen_on IS NULL OR last_seen_on <= %s)",
            newer,
        )
        cursor.executemany(
            f"UPDATE {table} SET first_seen_on = %s WHERE key = %s AND (first_seen_on IS NULL OR first_seen_on > %s)",
            [(row[1], row[0], row[1]) for row in rows],
        )
