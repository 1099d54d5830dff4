"""One queued import: land its files, roll every month up, store it, tie it out."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db.models.functions import Now

from costs import charge_store
from costs.billing_formats import ChargeMapping, Columns, Finding, columns_by_field, detect, focus, module_of
from costs.billing_formats.inventory import days_of
from costs.charge_store import Beat, Connection, ImportFolder, MonthTotals
from costs.charges import implausible_month
from costs.errors import ImportRejectedError
from costs.inventory import Inventory, read_inventory
from costs.models import Bill, BillImport
from costs.periods import BillingPeriod
from costs.services import findings as remarks
from costs.services.claims import Claim, claim_import
from costs.services.retracking import begin_retracking, take_charges
from costs.services.rivals import near_providers, refuse_second_source
from costs.services.snapshots import store_snapshots
from costs.services.storing import store_rollups
from costs.services.versions import mark_unchanged
from costs.terms import BillingFormat, ImportState

_LANDED_PERCENT = 60
_STORED_PERCENT = 90


@dataclass
class Landing:
    """What became of the files: their folder of charges, remarks, and the columns read."""

    folder: Path
    findings: list[Finding] = field(default_factory=list)
    columns: "ColumnUse" = field(default_factory=lambda: ColumnUse())
    inventory: Inventory | None = None
    tables: int = 0


@dataclass
class ColumnUse:
    """How the columns of a delivery's files were read, over all its files."""

    read: dict[str, str] = field(default_factory=dict)  # name in the format → as the file spells it
    absent: set[str] = field(default_factory=set)  # looked for in vain, in some file
    fields: dict[str, list[str]] = field(default_factory=dict)  # our field → the columns it was made from
    not_read: set[str] = field(default_factory=set)  # columns of the files that nothing was made from

    def add(self, mapping: ChargeMapping, columns: Columns) -> None:
        """Note one file."""
        self.read |= mapping.read
        self.absent |= set(mapping.absent)
        found = columns_by_field(mapping, columns)
        for name, used in found.items():
            self.fields[name] = list(dict.fromkeys([*self.fields.get(name, ()), *used]))
        taken = {name for used in found.values() for name in used}
        self.not_read |= set(columns.names) - taken - set(mapping.read.values())

    def as_dict(self) -> dict[str, Any]:
        """As an import keeps it."""
        absent, not_read = sorted(self.absent), sorted(self.not_read)
        return {"read": self.read, "absent": absent, "fields": self.fields, "not_read": not_read}

    @classmethod
    def kept(cls, stored: dict[str, Any]) -> "ColumnUse":
        """As an import kept it."""
        fields = stored.get("fields", {})
        return cls(stored["read"], set(stored["absent"]), fields, set(stored.get("not_read", ())))


def load_import(import_pk: int, *, tracked_keys: Sequence[str]) -> list[int]:
    """Land, roll up, store and tie out one import; returns the imports (one per month) that await allocation.

    Empty where this very version is in force already (state `unchanged`), or where the import has ended or
    runs elsewhere. Can be run again after a crash at any point: it starts from the files. Raises
    ImportRejectedError; what is in force stays as it is.
    """
    claim = claim_import(import_pk)
    if claim is None:
        return []
    bill_import = BillImport.objects.select_related("source", "upload").get(pk=import_pk)
    wanted = sorted(set(tracked_keys))
    if bill_import.rerolled_from_id is None:
        if mark_unchanged(bill_import):
            return []
    elif not begin_retracking(bill_import, wanted):
        return []
    try:
        with charge_store.connect() as duck:
            landing = _land(duck, bill_import, claim)
            months = _months(duck, landing, bill_import)
            return [
                pk
                for number, period in enumerate(months)
                if (pk := _load_month(duck, landing, _Step(bill_import, claim, wanted, months, number), period))
            ]
    except Exception as error:
        if known := charge_store.disk_full(error) or charge_store.too_large(error):
            raise known from error
        raise
    finally:
        charge_store.remove_workspace(import_pk)


@dataclass(frozen=True)
class _Step:
    """One month's turn in loading an import."""

    bill_import: BillImport
    claim: Claim
    tracked_keys: list[str]
    months: list[BillingPeriod]
    number: int

    def report(self, step: str, part: float) -> None:
        """Progress within this month, `part` from 0 to 1."""
        span = (_STORED_PERCENT - _LANDED_PERCENT) / len(self.months)
        percent = _LANDED_PERCENT + int(span * (self.number + part))
        where = f" {self.months[self.number]}" if len(self.months) > 1 else ""
        self.claim.report(state=ImportState.ROLLING_UP.value, step=f"{step}{where}", percent=percent)


def _land(duck: Connection, bill_import: BillImport, claim: Claim) -> Landing:
    landing = Landing(folder=charge_store.workspace(bill_import.pk))
    if bill_import.rerolled_from_id is not None:
        landing.findings = take_charges(bill_import, landing.folder)
        landing.columns = ColumnUse.kept(bill_import.columns)
        claim.report(percent=_LANDED_PERCENT, files_done=len(bill_import.files))
        return landing
    if bill_import.source.billing_format.startswith("inventory"):
        _land_inventory(duck, bill_import, landing)
        claim.report(percent=_LANDED_PERCENT, files_done=1)
        return landing
    count = len(bill_import.files)
    for number, described in enumerate(bill_import.files):
        base, span = _LANDED_PERCENT * number // count, _LANDED_PERCENT // count
        claim.report(step=f"Reading {described['name']}"[:120], percent=base)
        _land_file(duck, described, landing, beat=partial(claim.beat, base=base, span=span))
        claim.report(files_done=number + 1)
    landing.findings += remarks.of_delivery(charge_store.settle(duck, landing.folder))
    return landing


def _land_file(duck: Connection, described: dict[str, Any], landing: Landing, *, beat: Beat) -> None:
    with charge_store.tables_in(_path_of(described)) as tables:
        for number, table in enumerate(tables):
            part = described.get("part", {})
            _land_table(duck, table, landing, part=part, beat=partial(_beat_of, beat, number, len(tables)))


def _beat_of(beat: Beat, number: int, count: int, done: float) -> None:
    beat((number + done) / count)


def _land_table(duck: Connection, path: Path, landing: Landing, *, part: dict[str, str], beat: Beat) -> None:
    file = charge_store.open_bill_file(path)
    mapping = detect(file.columns, file_name=path.name).module.mapping(file.columns)
    if part:
        mapping = replace(mapping, lines=focus.lines_of(file.columns, part))
    landing.tables += 1
    target = landing.folder / f"charges-{landing.tables:05d}.parquet"
    charge_store.land_file(duck, file, mapping, target, beat=beat)
    landing.columns.add(mapping, file.columns)
    landing.findings += [finding for finding in mapping.findings if finding not in landing.findings]


def _land_inventory(duck: Connection, bill_import: BillImport, landing: Landing) -> None:
    assert bill_import.snapshot_on is not None
    period = BillingPeriod.of(bill_import.snapshot_on)
    with charge_store.tables_in(_path_of(bill_import.files[0])) as tables:
        inventory = read_inventory(tables[0])
        columns = charge_store.open_bill_file(tables[0]).columns
    mapping = module_of(bill_import.source.billing_format).mapping(columns, period)
    charge_store.land_inventory(duck, inventory, mapping, days_of(period), landing.folder / "charges-00001.parquet")
    landing.inventory = inventory
    landing.findings += remarks.repeated_rows(inventory.repeated)
    fields = {name: [column] for name, column in inventory.read.items()}
    landing.columns = ColumnUse(inventory.read, set(inventory.absent), fields)


def _path_of(described: dict[str, Any]) -> Path:
    path = Path(described["path"])
    if not path.is_file():
        raise ImportRejectedError("The file is gone.", "Give it again.", described["name"])
    return path


def _months(duck: Connection, landing: Landing, bill_import: BillImport) -> list[BillingPeriod]:
    found = charge_store.months_landed(duck, landing.folder)
    names = ", ".join(described["name"] for described in bill_import.files)
    if not found:
        raise ImportRejectedError("There are no lines, only headers.", "Export it again.", names)
    if any(month.billing_period is None for month in found):
        raise ImportRejectedError("Some lines have no billing period.", "Export it again.", names)
    try:
        charge_store.reject_mixed_currencies(found)
    except ImportRejectedError as error:
        error.file_name = names
        raise
    months = sorted({month.billing_period for month in found})
    wrong = implausible_month(months, today=bill_import.created_at.date())
    if wrong is not None:
        raise ImportRejectedError(
            f"The month {wrong:%Y-%m} cannot be right.", "Check the billing period's year in the export.", names
        )
    _refuse_other_months(bill_import, months, names)
    landing.findings += remarks.line_kinds(
        charge_store.line_kinds(duck, landing.folder), bill_import.source.billing_format
    )
    return [BillingPeriod(month) for month in months]


def _refuse_other_months(bill_import: BillImport, months: Sequence[date], names: str) -> None:
    """Files must hold the month their manifest says, and no other."""
    stated = bill_import.stated_period
    if stated is None or list(months) == [stated]:
        return
    held = ", ".join(f"{month:%Y-%m}" for month in months)
    raise ImportRejectedError(
        f"The manifest says {stated:%Y-%m}, but its files hold {held}.",
        "Have the export delivered again, or upload the files alone: then each month is taken as it stands.",
        names,
    )


def _load_month(duck: Connection, landing: Landing, step: _Step, period: BillingPeriod) -> int | None:
    """One month into the database; None where an earlier run already put it in force."""
    item = _import_of(step, period)
    if item.state == ImportState.IN_FORCE:
        return None
    if item.rerolled_from_id is None:
        refuse_second_source(item, period)
    folder = landing.folder
    if len(step.months) > 1:
        folder = landing.folder / f"month-{period}"
        charge_store.split_month(duck, landing.folder, period.start, folder)
    charge_store.use_charges(duck, folder)
    totals = charge_store.month_totals(duck)
    refused = charge_store.roll_up(
        duck,
        step.tracked_keys,
        values_limit=settings.TRACKED_TAG_VALUES_LIMIT,
        step=lambda text: step.report(text, 0.2),
    )
    charge_store.write_side_files(duck, folder)
    step.report("Storing", 0.5)
    store_rollups(duck, item.pk, totals, claim=step.claim)
    if landing.inventory is not None:
        store_snapshots(item, landing.inventory)
    found = landing.findings + remarks.of_month(
        duck, totals, refused, billing_format=BillingFormat(item.source.billing_format)
    )
    found += remarks.near_providers(near_providers(item.source, period), item.source.provider)
    values = {refusal.key: refusal.values for refusal in refused}
    kept = [key for key in step.tracked_keys if key not in values]
    _record(item, step, landing=landing, totals=totals)
    item.refresh_from_db(fields=["columns"])
    BillImport.objects.filter(pk=item.pk).update(
        findings=[finding.as_dict() for finding in found],
        tracked_tags=kept,
        columns={**item.columns, "tracked_tags_refused": values},
    )
    charge_store.put_in_place(folder, ImportFolder(item.source.name, period, item.pk))
    return item.pk


def _import_of(step: _Step, period: BillingPeriod) -> BillImport:
    """The import of a month: the first month is the import's own, each further one has a sibling."""
    own = step.bill_import
    if step.number == 0:
        return own
    sibling, _ = BillImport.objects.get_or_create(
        split_from=own,
        billing_period=period.start,
        defaults={
            "source": own.source,
            "upload": own.upload,
            "delivery_id": own.delivery_id,
            "requested_by_id": own.requested_by_id,
            "files": own.files,
            "files_total": own.files_total,
            "version_id": own.version_id,
        },
    )
    return sibling


def _record(item: BillImport, step: _Step, *, landing: Landing, totals: MonthTotals) -> None:
    """Store what the month's import is and adds up to."""
    period = step.months[step.number]
    bill, _ = Bill.objects.get_or_create(source=item.source, billing_period=period.start)
    BillImport.objects.filter(pk=item.pk).update(
        bill=bill,
        billing_period=period.start,
        state=ImportState.ROLLING_UP.value,
        started_at=BillImport.objects.values("started_at").get(pk=step.bill_import.pk)["started_at"],
        heartbeat_at=Now(),
        files_done=len(item.files),
        rows=totals.rows,
        billing_currency=totals.currency,
        totals_by_category=totals.by_category,
        columns={**landing.columns.as_dict(), "tracked_tags_wanted": step.tracked_keys},
        **totals.costs,
    )
