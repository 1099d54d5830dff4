"""Months in force rolled up again from their own charges, because other tags are tracked than when they came in."""

from collections.abc import Callable, Collection, Sequence
from datetime import date
from pathlib import Path

from django.conf import settings
from django.db import transaction

from costs import charge_store
from costs.billing_formats import Finding
from costs.errors import ImportRejectedError
from costs.models import Bill, BillImport
from costs.periods import BillingPeriod
from costs.selectors.records import folder_of
from costs.services.findings import MADE_ANEW, rolled_up_again
from costs.services.switching import end_import
from costs.tags import canonical_key
from costs.terms import RUNNING_STATES, ImportState

VirtualTagsOf = Callable[[BillingPeriod], Sequence[charge_store.VirtualTag]]


def no_virtual_tags(_: BillingPeriod) -> Sequence[charge_store.VirtualTag]:
    """No tag of ours is joined in."""
    return ()


def queue_retracking(
    *,
    tracked_keys: Sequence[str],
    virtual_tags: VirtualTagsOf = no_virtual_tags,
    periods: Collection[BillingPeriod] | None = None,
    again: bool = False,
    closed: Collection[tuple[date, str]] = (),
) -> list[int]:
    """Queue an import for every month in force that was not read for all these keys, or has other virtual tags joined
    in; returns what is to be run.

    Imports already queued for that are returned too, months being re-read for these keys are left alone, and so
    are months whose last attempt at them failed, unless `again`, which takes every month. Those `closed`, by month
    and currency, never are. Safe to repeat.
    """
    bills = Bill.objects.filter(import_in_force__isnull=False).order_by("billing_period", "pk")
    if periods is not None:
        bills = bills.filter(billing_period__in=[period.start for period in periods])
    months = bills.values_list("pk", "billing_period", "import_in_force__billing_currency")
    queued = (
        _queue(pk, tracked_keys, virtual_tags, again=again)
        for pk, start, currency in months
        if (start, currency) not in closed
    )
    return [pk for pk in queued if pk is not None]


def begin_retracking(bill_import: BillImport, tracked_keys: Sequence[str], virtual_tags: VirtualTagsOf) -> bool:
    """Note which keys the import is rolled up for; False, and it ends, where its delivery is no longer in force."""
    if _in_force(bill_import) is None:
        end_import(bill_import, ImportState.SUPERSEDED, "A newer one is in force")
        return False
    bill_import.columns = {
        **bill_import.columns,
        "tracked_tags_wanted": list(tracked_keys),
        "virtual_tags": _wanted_digest(bill_import, virtual_tags),
    }
    bill_import.save(update_fields=["columns"])
    return True


def take_charges(bill_import: BillImport, folder: Path) -> list[Finding]:
    """Bring the charges in force into the folder, as they are; returns what was found when they were first read."""
    current = _in_force(bill_import)
    source = None if current is None else folder_of(current)
    if current is None or source is None or not source.exists():
        raise ImportRejectedError("The charges of the month are gone.", "Import its files again.")
    charge_store.bring_here(source, folder)
    before = set(_wanted(current))
    added = [key for key in bill_import.columns["tracked_tags_wanted"] if key not in before]
    kept = [Finding(**finding) for finding in current.findings if finding["code"] not in MADE_ANEW]
    return [*kept, rolled_up_again(added)]


def _queue(bill_pk: int, tracked_keys: Sequence[str], virtual_tags: VirtualTagsOf, *, again: bool) -> int | None:
    with transaction.atomic():
        bill = Bill.objects.select_for_update(of=("self",)).get(pk=bill_pk)
        current = BillImport.objects.select_related("source").get(bill_in_force=bill.pk)
        folder = folder_of(current)
        joined = _wanted_digest(current, virtual_tags)
        if folder is None or not folder.exists() or not (again or _lacks(current, tracked_keys, joined)):
            return None
        delivery = current.rerolled_from_id or current.pk
        attempts = BillImport.objects.filter(rerolled_from=delivery, pk__gt=current.pk)
        if waiting := attempts.filter(state=ImportState.QUEUED.value).first():
            return waiting.pk
        tried = attempts.filter(state__in=[state.value for state in (*RUNNING_STATES, ImportState.FAILED)])
        if not again and any(not _lacks(attempt, tracked_keys, joined) for attempt in tried):
            return None
        return _copy(current, delivery).pk


def _copy(current: BillImport, delivery: int) -> BillImport:
    columns = {"read": {}, "absent": []} | {
        name: value for name, value in current.columns.items() if not name.startswith(("tracked_tags", "virtual_tags"))
    }
    return BillImport.objects.create(
        source=current.source,
        bill_id=current.bill_id,
        billing_period=current.billing_period,
        snapshot_on=current.snapshot_on,
        requested_by_id=current.requested_by_id,
        rerolled_from_id=delivery,
        files=current.files,
        files_total=current.files_total,
        version_id=current.version_id,
        columns=columns,
    )


def _wanted_digest(item: BillImport, virtual_tags: VirtualTagsOf) -> str:
    if item.billing_period is None:
        return ""
    return charge_store.virtual_tags_digest(virtual_tags(BillingPeriod.of(item.billing_period)))


def _lacks(item: BillImport, tracked_keys: Sequence[str], joined: str) -> bool:
    """Whether the import was not rolled up for one of the keys, or refused one that the limit allows by now; or other
    virtual tags were joined in.
    """
    if item.columns.get("virtual_tags", "") != joined:
        return True
    asked = {canonical_key(key) for key in _wanted(item)}
    refused = {canonical_key(key): count for key, count in item.columns.get("tracked_tags_refused", {}).items()}
    return any(
        key not in asked or refused.get(key, settings.TRACKED_TAG_VALUES_LIMIT + 1) <= settings.TRACKED_TAG_VALUES_LIMIT
        for key in map(canonical_key, tracked_keys)
    )


def _wanted(item: BillImport) -> list[str]:
    return list(item.columns.get("tracked_tags_wanted", item.tracked_tags))


def _in_force(bill_import: BillImport) -> BillImport | None:
    """The import in force of the very delivery that is rolled up again; None where another delivery is."""
    in_force = BillImport.objects.filter(bill_in_force=bill_import.bill_id).select_related("source").first()
    if in_force is None or (in_force.rerolled_from_id or in_force.pk) != bill_import.rerolled_from_id:
        return None
    return in_force
