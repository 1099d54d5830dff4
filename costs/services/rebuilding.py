"""The intake's tables made from the charge store: records first, then the rows of every month in force.

What exists is kept: on an empty database everything is made, on another what is missing and the rows of the months
asked for. A month whose charges are damaged holds up no other: it is named, and waits as a failed import. Can be
repeated.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.core.management.color import no_style
from django.db import connection, models, transaction

from costs import bulk, charge_store
from costs.charge_store import ROLLUP_COLUMNS, ImportFolder, InForce
from costs.errors import FinopsError, ImportRejectedError, InvalidRequestError, UnreadableStoreError
from costs.models import (
    Bill,
    BillDelivery,
    BillImport,
    BillingAccount,
    BillSource,
    Resource,
    ResourceSnapshot,
    SubAccount,
    VersionTotal,
)
from costs.money import round_money, to_units
from costs.periods import BillingPeriod
from costs.selectors.records import DELIVERY_FIELDS, IMPORT_FIELDS, SNAPSHOT_FIELDS, SOURCE_FIELDS, folder_of
from costs.services.claims import Claim
from costs.services.snapshots import SNAPSHOT_COLUMNS, refresh_states
from costs.services.storing import store_rollups
from costs.services.switching import refresh_resources
from costs.terms import CHARGES_DAMAGED, COST_COLUMNS, BillState, ImportState

Record = Mapping[str, Any]


@dataclass
class Restored:
    """What was made of records, and which imports in force need their rows."""

    was_empty: bool
    sources: int = 0
    imports: int = 0
    in_force: list[int] = field(default_factory=list)
    pointed: set[int] = field(default_factory=set)  # of these, what no reader followed before
    without_record: list[str] = field(default_factory=list)  # folders that tell nothing of their import
    damaged: dict[int, str] = field(default_factory=dict)  # import → its month, what is wrong with it, and the cure


class _Unclaimed(Claim):
    """Rows are loaded again in one transaction: there is no progress to tell."""

    def report(self, *, percent: int | None = None, **changes: Any) -> None:
        del percent, changes


def is_empty() -> bool:
    """Whether the database knows no import."""
    return not BillImport.objects.exists()


def restore_records(*, periods: Collection[BillingPeriod] | None = None, now: datetime) -> Restored:
    """Make sources, bills, imports, deliveries, snapshots and resources the database lacks, all or nothing.

    Raises InvalidRequestError where the store is empty or belongs to another database.
    """
    charge_store.charge_store().check()
    folders = [folder for folder in charge_store.folders_in_store() if periods is None or folder.period in periods]
    found = Restored(was_empty=is_empty())
    records = _records(folders, found)
    index = _index(records, periods, found)
    if not records and periods is not None and not found.damaged:
        asked = ", ".join(str(period) for period in sorted(periods))
        raise InvalidRequestError(f"The charge store holds nothing of {asked}.")
    if not records:
        told = [*found.damaged.values()] or ["The charge store holds no import whose record could be read."]
        raise InvalidRequestError(" ".join(told))
    with transaction.atomic():
        catalogue = charge_store.read_catalogue() or {"sources": [], "billing_accounts": [], "sub_accounts": []}
        found.sources = _restore_sources(catalogue["sources"], {folder.source_name for folder in records})
        made = _restore_imports(records, index, now=now)
        found.imports = len(made)
        if found.was_empty:
            _restore_accounts(catalogue)
        _restore_resources(made, records)
        found.pointed = _restore_bills(index, periods)
        found.in_force = _in_force(periods)
    return found


def reload_import(import_pk: int) -> None:
    """Make the rows of one import again from its charges, and tie them out; in the caller's transaction, if any.

    Raises InvalidRequestError where its charges are gone or are not those it was.
    """
    item = BillImport.objects.select_related("source").get(pk=import_pk)
    folder = folder_of(item)
    if folder is None or not folder.exists():
        raise InvalidRequestError("Its charges are not in the store.")
    if folder.marks() and (problems := charge_store.damaged_files(folder)):
        raise InvalidRequestError(f"{folder.name}: {'; '.join(problems)}.")
    try:
        _reload(item, folder)
    except charge_store.Error as error:
        if charge_store.passing_fault(error):
            raise
        raise InvalidRequestError(f"{folder.name} cannot be read: {str(error).splitlines()[0]}") from error


def leave_out(import_pk: int, error: FinopsError, found: Restored, *, now: datetime) -> None:
    """Name a month whose charges are damaged. One that nobody read before counts as failed until it is mended.

    Its folder stays, and the next rebuild tries again, unless the month was imported anew. Raises `error` where it is
    no damage but a fault that may pass.
    """
    if charge_store.passing_fault(error):
        raise error
    item = BillImport.objects.select_related("source").get(pk=import_pk)
    month = f"{item.billing_period:%Y-%m}"
    cure = f"Put its folder back from a backup and run manage.py rebuild {month}, or import the month again."
    kept = "" if import_pk in found.pointed else " Its sums in the database stay as they were."
    found.damaged[import_pk] = f"{item.source} {month}: {error} {cure}{kept}"
    if import_pk not in found.pointed:
        return
    Bill.objects.filter(import_in_force=import_pk).update(import_in_force=None)
    told = ImportRejectedError(f"Its charges are damaged. {error}", cure, code=CHARGES_DAMAGED)
    BillImport.objects.filter(pk=import_pk).update(
        state=ImportState.FAILED.value,
        step="Failed",
        error=str(told),
        error_detail=told.as_dict(),
        rollups_removed_at=now,
        charges_removed_at=now,  # so the schedule leaves the folder alone
    )


def _reload(item: BillImport, folder: ImportFolder) -> None:
    with charge_store.connect() as duck:
        charge_store.use_charges(duck, folder)
        totals = charge_store.month_totals(duck)
        if totals.rows != item.rows or any(totals.costs[name] != getattr(item, name) for name in COST_COLUMNS):
            raise InvalidRequestError(
                f"{folder.name} does not add up to what its import was. See manage.py verify_charges."
            )
        # Keys that were refused then are not among those tracked, so none can be refused now.
        charge_store.roll_up(
            duck,
            item.tracked_tags,
            values_limit=totals.rows,
            step=lambda _: None,
            virtual_tags=charge_store.tags_joined_in(folder),
        )
        with transaction.atomic():
            store_rollups(duck, item.pk, totals, claim=_Unclaimed(item.pk, ""))


def _records(folders: Sequence[ImportFolder], found: Restored) -> dict[ImportFolder, Record]:
    """What the imports of these folders were, as far as the store tells."""
    records: dict[ImportFolder, Record] = {}
    for folder in folders:
        try:
            record = charge_store.read_record(folder)
        except charge_store.DamagedFileError as error:
            found.damaged[folder.import_pk] = f"{folder.source_name} {folder.period}: {error}"
            continue
        if record is not None:
            records[folder] = record
        elif not BillImport.objects.filter(pk=folder.import_pk).exists():
            found.without_record.append(folder.name)
    return records


def _index(
    records: Mapping[ImportFolder, Record], periods: Collection[BillingPeriod] | None, found: Restored
) -> dict[int, InForce]:
    """What is in force and can be made, by import. Raises InvalidRequestError where the store has no index."""
    rows = charge_store.read_in_force()
    if rows is None:
        raise InvalidRequestError(
            f"The charge store has no {charge_store.IN_FORCE}, which says what is in force. Check CHARGE_STORE, or put"
            " it back from a backup."
        )
    wanted = None if periods is None else {str(period) for period in periods}
    index = {row.import_pk: row for row in rows if wanted is None or row.billing_period in wanted}
    there = {folder.import_pk for folder in records}
    for pk in sorted(set(index) - there):
        row = index.pop(pk)
        cure = f"Put them back from a backup and run manage.py rebuild {row.billing_period}."
        told = f"{row.source} {row.billing_period}: Its charges are not in the store. {cure}"
        found.damaged.setdefault(pk, told)  # unless its record is damaged
    return index


def _restore_sources(told: Sequence[Record], names: Collection[str]) -> int:
    known, made = set(BillSource.objects.values_list("name", flat=True)), 0
    for values in [*told, *({"name": name} for name in sorted(names))]:
        if values["name"] in known:
            continue
        source = BillSource(**_read(BillSource, values, SOURCE_FIELDS))
        source.save()
        if values.get("created_at"):  # a new row is given the moment it is made
            BillSource.objects.filter(pk=source.pk).update(created_at=values["created_at"])
        known.add(values["name"])
        made += 1
    return made


def _restore_imports(
    records: Mapping[ImportFolder, Record], index: Mapping[int, InForce], *, now: datetime
) -> list[int]:
    sources = {source.name: source for source in BillSource.objects.all()}
    known = {item.pk: item for item in BillImport.objects.select_related("source")}
    made = []
    for folder, record in records.items():
        if (item := known.get(folder.import_pk)) is not None:
            _refuse_another(item, folder, record)
            continue
        source = sources[folder.source_name]
        bill, _ = Bill.objects.get_or_create(source=source, billing_period=folder.period.start)
        item = BillImport(
            pk=folder.import_pk,
            source=source,
            bill=bill,
            billing_period=folder.period.start,
            delivery=_restore_delivery(record.get("delivery"), sources),
            percent=100,
            **_ending(folder, record, index, now=now),
            **_read(BillImport, record["values"], IMPORT_FIELDS),
        )
        item.save(force_insert=True)
        BillImport.objects.filter(pk=item.pk).update(created_at=record["values"]["created_at"])
        _restore_totals(item, record["totals"])
        _restore_snapshots(item, folder)
        made.append(item.pk)
    _restore_families(records, made)
    _go_on_counting(BillImport)
    return made


def _refuse_another(item: BillImport, folder: ImportFolder, record: Record) -> None:
    if folder_of(item) != folder or item.version_id != record["values"]["version_id"]:
        raise InvalidRequestError(
            f"{folder.name} is of another database: its import {item.pk} is {item.source}'s. Check CHARGE_STORE."
        )


def _ending(folder: ImportFolder, record: Record, index: Mapping[int, InForce], *, now: datetime) -> dict[str, Any]:
    """State and what is left of an import.

    One in force is that from the start: of an import in any other state the schedule would remove the charges.
    """
    gone = None if folder.exists() else now
    if folder.import_pk in index:
        return {"state": ImportState.IN_FORCE.value, "charges_removed_at": gone}
    superseded = record["state"] == ImportState.SUPERSEDED
    state = ImportState.SUPERSEDED if superseded else ImportState.REPLACED
    return {"state": state.value, "rollups_removed_at": now, "charges_removed_at": gone}


def _restore_families(records: Mapping[ImportFolder, Record], made: Collection[int]) -> None:
    """Which imports belong together, as far as both are there."""
    there = set(BillImport.objects.values_list("pk", flat=True))
    for folder, record in records.items():
        if folder.import_pk in made:
            links = {f"{name}_id": record[name] for name in ("split_from", "rerolled_from") if record[name] in there}
            if links:
                BillImport.objects.filter(pk=folder.import_pk).update(**links)


def _restore_delivery(told: Record | None, sources: Mapping[str, BillSource]) -> BillDelivery | None:
    if told is None:
        return None
    values = _read(BillDelivery, told, DELIVERY_FIELDS)
    source = sources.get(told["source"] or "")
    key = {name: values.pop(name) for name in ("address", "folder", "version_id", "found_at")}
    return BillDelivery.objects.get_or_create(source=source, **key, defaults=values)[0]


def _restore_totals(item: BillImport, rows: Sequence[Sequence[Any]]) -> None:
    columns = ("bill_import_id", "service_name", "sub_account_id", *COST_COLUMNS)
    amounts = ((item.pk, *row[:2], *(to_units(Decimal(text)) for text in row[2:])) for row in rows)
    bulk.copy_rows(VersionTotal, columns, amounts)


def _restore_snapshots(item: BillImport, folder: ImportFolder) -> None:
    rows = charge_store.read_snapshots(folder)
    bulk.copy_rows(
        ResourceSnapshot,
        SNAPSHOT_COLUMNS,
        ((item.pk, *(_snapshot(name, row[name]) for name in SNAPSHOT_FIELDS)) for row in rows),
    )


def _snapshot(name: str, value: Any) -> Any:
    if value is None or not name.endswith("_rate"):
        return value
    return to_units(round_money(Decimal(value)))


def _restore_accounts(catalogue: Mapping[str, Any]) -> None:
    for values in catalogue.get("billing_accounts", ()):
        BillingAccount.objects.update_or_create(pk=values["billing_account_id"], defaults=values)
    for values in catalogue.get("sub_accounts", ()):
        SubAccount.objects.update_or_create(pk=values["sub_account_id"], defaults=values)


def _restore_resources(made: Collection[int], records: Mapping[ImportFolder, Record]) -> None:
    """Resources of every import whose charges are kept, in the order they ended: the last one says what was seen."""
    mine = [folder for folder in records if folder.import_pk in made and folder.exists()]
    columns = tuple("key" if name == "resource_key" else name for name in ROLLUP_COLUMNS["resources"])
    for folder in sorted(mine, key=lambda one: (records[one]["values"]["finished_at"] or "", one.import_pk)):
        try:
            rows, seen = charge_store.resource_rows(folder), charge_store.resources_seen(folder)
        except UnreadableStoreError as error:
            if charge_store.passing_fault(error):
                raise
            continue  # damaged: of a month in force it is told, of others manage.py verify_charges --kept tells
        bulk.copy_rows(Resource, columns, rows, skip_existing=True)
        refresh_resources(seen)
    told = BillImport.objects.filter(pk__in=made, snapshot_on__isnull=False).order_by("snapshot_on", "pk")
    for item in told:
        refresh_states(item)


def _restore_bills(index: Mapping[int, InForce], periods: Collection[BillingPeriod] | None) -> set[int]:
    """Put imports in force that nobody follows; returns them. Where a bill points at an import already, it counts.

    The store's index has forgotten those that were left out as damaged; they are tried again.
    """
    left_out = BillImport.objects.filter(
        _of(periods), state=ImportState.FAILED.value, error_detail__code=CHARGES_DAMAGED, bill__import_in_force=None
    )
    states = {item.pk: item.bill.state for item in left_out.select_related("bill") if item.bill is not None}
    states |= {pk: BillState(row.bill_state).value for pk, row in index.items()}
    pointed = set()
    for pk, state in states.items():
        if Bill.objects.filter(imports=pk, import_in_force=None).update(state=state, import_in_force=pk):
            pointed.add(pk)
    BillImport.objects.filter(pk__in=pointed, state=ImportState.FAILED.value).update(
        state=ImportState.IN_FORCE.value,
        step="In force",
        error="",
        error_detail={},
        rollups_removed_at=None,
        charges_removed_at=None,
    )
    return pointed


def _in_force(periods: Collection[BillingPeriod] | None) -> list[int]:
    """The imports in force of these months, whose rows are to be made."""
    bills = Bill.objects.filter(_of(periods), import_in_force__isnull=False)
    bills = bills.order_by("billing_period", "source__name")
    return [pk for pk in bills.values_list("import_in_force", flat=True) if pk is not None]


def _of(periods: Collection[BillingPeriod] | None) -> models.Q:
    return models.Q() if periods is None else models.Q(billing_period__in=[period.start for period in periods])


def _read(model: type[models.Model], values: Record, names: Collection[str]) -> dict[str, Any]:
    """Values of a record as the model takes them. What this version does not know is left out."""
    known = {field.name: field for field in model._meta.concrete_fields}
    return {name: known[name].to_python(values[name]) for name in names if name in values}


def _go_on_counting(model: type[models.Model]) -> None:
    """Keys were given: the next one comes after them."""
    with connection.cursor() as cursor:
        for sql in connection.ops.sequence_reset_sql(no_style(), [model]):
            cursor.execute(sql)
