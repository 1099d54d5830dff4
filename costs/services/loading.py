"""A queued import: land its files, in line or by a task for each; then roll up, store and tie out every month."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from django.conf import settings
from django.db.models.functions import Now

from costs import charge_store
from costs.billing_formats import Finding
from costs.charge_store import Connection, ImportFolder, MonthTotals
from costs.charges import implausible_month
from costs.errors import ImportRejectedError
from costs.models import Bill, BillImport, ImportFile
from costs.periods import BillingPeriod
from costs.services import findings as remarks
from costs.services.claims import Claim, StoppedError, claim_finish, claim_import, held, is_mine, share_out, why_stopped
from costs.services.copies import refuse_copies
from costs.services.currencies import fill_currency
from costs.services.file_claims import LANDED_PERCENT, FileClaim, claim_file, claim_in_line, file_landed, make_rows
from costs.services.finding_cells import refuse_cell
from costs.services.landing import ColumnUse, Landing, land
from costs.services.retracking import VirtualTagsOf, begin_retracking, no_virtual_tags, take_charges
from costs.services.rivals import near_providers, refuse_second_folder, refuse_second_source
from costs.services.snapshots import store_snapshots
from costs.services.storing import store_rollups
from costs.services.versions import mark_unchanged
from costs.terms import BillingFormat, FileState, ImportState

_STORED_PERCENT = 90
Say = Callable[[str], None]


def load_import(
    import_pk: int,
    *,
    tracked_keys: Sequence[str],
    virtual_tags: VirtualTagsOf = no_virtual_tags,
    say: Say | None = None,
) -> list[int]:
    """Land, roll up, store and tie out one import in line; returns the imports (one per month) to be allocated.

    Empty where this very version is in force already (state `unchanged`), or where the import has ended or
    runs elsewhere. Can be run again after a crash at any point: it starts from the files. Raises
    ImportRejectedError; what is in force stays as it is. `say` is told of every file.
    """
    wanted = sorted(set(tracked_keys))
    claim, bill_import = _begin(import_pk, wanted, virtual_tags)
    if claim is None:
        return []
    with _workspace_of(import_pk), charge_store.connect() as duck:
        landing = _land_in_line(duck, bill_import, claim, say or (lambda _: None))
        return _load_months(duck, landing, bill_import, claim, wanted, virtual_tags)


def open_landing(import_pk: int, *, tracked_keys: Sequence[str]) -> list[int] | None:
    """Prepare an import whose files are to be landed by a task for each; returns those tasks' files.

    None where one process had better run it whole: it has a single file, or rolls up charges that are there.
    Empty where there is nothing to do. Safe to repeat.
    """
    item = BillImport.objects.get(pk=import_pk)
    if len(item.files) < 2 or item.rerolled_from_id is not None:
        return None
    claim, bill_import = _begin(import_pk, sorted(set(tracked_keys)), no_virtual_tags)
    if claim is None:
        return []
    charge_store.workspace(import_pk)
    rows = make_rows(bill_import)
    ImportFile.objects.filter(bill_import=import_pk).update(handed_out_at=Now())
    share_out(claim)
    return [row.pk for row in rows]


def land_file(file_pk: int) -> int | None:
    """Land one file of an import; returns the import where this was its last one, which is then to be finished.

    None too where the file has landed, its import has ended, or another worker lands it. Safe to repeat.
    """
    claim = claim_file(file_pk)
    if claim is None:
        return None
    bill_import = BillImport.objects.select_related("source").get(pk=claim.import_pk)
    folder = charge_store.workspace(claim.import_pk, fresh=False)
    try:
        with _known_faults(), charge_store.connect() as duck:
            landed = land(duck, bill_import, claim.number, folder, beat=claim.beat)
            _share(duck, landed, claim)
    except Exception as error:
        if isinstance(error, StoppedError) or claim.holds():
            raise
        raise why_stopped(claim.import_pk) from error  # its folder went away with the import
    return claim.import_pk if file_landed(claim, rows=landed.rows, landed=landed.as_dict()) else None


def finish_import(
    import_pk: int, *, tracked_keys: Sequence[str], virtual_tags: VirtualTagsOf = no_virtual_tags
) -> list[int]:
    """Roll up, store and tie out an import whose files have all landed; returns the imports to be allocated.

    Empty where they have not, or another worker has it. After a crash the import starts over from its files.
    """
    claim = claim_finish(import_pk)
    if claim is None:
        return []
    bill_import = BillImport.objects.select_related("source", "upload").get(pk=import_pk)
    kept = ImportFile.objects.filter(bill_import=import_pk).order_by("number").values_list("landed", flat=True)
    with _workspace_of(import_pk), charge_store.connect() as duck:
        claim.report(percent=LANDED_PERCENT)
        landing = Landing.kept(charge_store.fetch_landed(import_pk), kept)
        landing.findings += _settled(duck, landing, bill_import)
        charge_store.complete_partials(duck, landing.folder, beat=lambda _: claim.report())
        return _load_months(duck, landing, bill_import, claim, sorted(set(tracked_keys)), virtual_tags)


def _share(duck: Connection, landed: Landing, claim: FileClaim) -> None:
    """Group what has landed, and let whoever finishes the import have both."""
    partials = [part for path in landed.files for part in charge_store.write_partial(duck, path, beat=claim.beat)]
    claim.beat(1.0)
    charge_store.share_landed(claim.import_pk, *(path.name for path in (*landed.files, *partials)))


def _begin(import_pk: int, wanted: list[str], virtual_tags: VirtualTagsOf) -> tuple[Claim | None, BillImport]:
    """Claim the import; no claim where there is nothing to do."""
    claim = claim_import(import_pk)
    bill_import = BillImport.objects.select_related("source", "upload").get(pk=import_pk)
    if claim is None:
        return None, bill_import
    if bill_import.rerolled_from_id is None:
        return (None if mark_unchanged(bill_import) else claim), bill_import
    return (claim if begin_retracking(bill_import, wanted, virtual_tags) else None), bill_import


@contextmanager
def _workspace_of(import_pk: int) -> Iterator[None]:
    """The landing folder goes in the end, unless the import is another's by now."""
    try:
        with _known_faults():
            yield
    except StoppedError:
        raise
    except BaseException as error:
        if not is_mine(import_pk):
            raise why_stopped(import_pk) from error  # its folder went away with it
        charge_store.remove_workspace(import_pk)
        raise
    charge_store.remove_workspace(import_pk)


@contextmanager
def _known_faults() -> Iterator[None]:
    try:
        yield
    except Exception as error:
        if known := charge_store.disk_full(error) or charge_store.too_large(error):
            raise known from error
        raise


@dataclass(frozen=True)
class _Step:
    """One month's turn in loading an import."""

    bill_import: BillImport
    claim: Claim
    tracked_keys: list[str]
    months: list[BillingPeriod]
    number: int
    virtual_tags: VirtualTagsOf

    def report(self, step: str, part: float) -> None:
        """Progress within this month, `part` from 0 to 1."""
        span = (_STORED_PERCENT - LANDED_PERCENT) / len(self.months)
        percent = LANDED_PERCENT + int(span * (self.number + part))
        where = f" {self.months[self.number]}" if len(self.months) > 1 else ""
        self.claim.report(state=ImportState.ROLLING_UP.value, step=f"{step}{where}", percent=percent)


def _land_in_line(duck: Connection, bill_import: BillImport, claim: Claim, say: Say) -> Landing:
    landing = Landing(folder=charge_store.workspace(bill_import.pk))
    if bill_import.rerolled_from_id is not None:
        landing.findings = take_charges(bill_import, landing.folder)
        landing.columns = ColumnUse.kept(bill_import.columns)
        claim.report(percent=LANDED_PERCENT, files_done=len(bill_import.files))
        return landing
    rows = make_rows(bill_import)
    for row in rows:
        say(f"{row.number + 1} of {len(rows)} files: {row.name}")
        own = claim_in_line(row, claim)
        one = land(duck, bill_import, row.number, landing.folder, beat=own.beat)
        landing.merge(one)
        own.report(percent=100, state=FileState.LANDED.value, rows=one.rows)
        claim.report(percent=LANDED_PERCENT * (row.number + 1) // len(rows), files_done=row.number + 1)
    if landing.inventory is None:
        landing.findings += _settled(duck, landing, bill_import)
    say("Rolling up and storing")
    return landing


def _settled(duck: Connection, landing: Landing, bill_import: BillImport) -> list[Finding]:
    """Complete what landed; what dead workers left half-written goes first."""
    for path in landing.folder.glob("landing-*.parquet"):
        path.unlink()
    refuse_copies(duck, bill_import, landing.folder)
    if BillingFormat(bill_import.source.billing_format).tells_fees:
        landing.assume(fill_currency(duck, landing.folder, bill_import))
    return remarks.of_delivery(charge_store.settle(duck, landing.folder))


def _load_months(
    duck: Connection,
    landing: Landing,
    bill_import: BillImport,
    claim: Claim,
    wanted: list[str],
    virtual_tags: VirtualTagsOf,
) -> list[int]:
    months = _months(duck, landing, bill_import)
    steps = [_Step(bill_import, claim, wanted, months, number, virtual_tags) for number in range(len(months))]
    loaded = [_load_month(duck, landing, step, period) for step, period in zip(steps, months, strict=True)]
    return [pk for pk in loaded if pk is not None]


def _months(duck: Connection, landing: Landing, bill_import: BillImport) -> list[BillingPeriod]:
    found = charge_store.months_landed(duck, landing.folder)
    names = ", ".join(described["name"] for described in bill_import.files)
    if not found:
        raise ImportRejectedError("There are no lines, only headers.", "Export it again.", names)
    if any(month.billing_period is None for month in found):
        problem, cure = "This line and maybe more have no billing period.", "Export again with this column filled."
        refuse_cell(bill_import.pk, ("billing_period",), "", problem=problem, cure=cure)
    try:
        charge_store.reject_mixed_currencies(found)
    except ImportRejectedError as error:
        error.file_name = names
        raise
    months = sorted({month.billing_period for month in found})
    wrong = implausible_month(months, today=bill_import.created_at.date())
    if wrong is not None:
        problem, cure = f"The month {wrong:%Y-%m} cannot be right.", "Check the billing period's year in the export."
        refuse_cell(bill_import.pk, ("billing_period",), f"{wrong:%Y-%m}", begins=True, problem=problem, cure=cure)
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
        refuse_second_folder(item, period)
    folder = _folder_of_month(duck, landing, step)
    with charge_store.marking(folder) as charges:
        _store_month(duck, landing, step, item, folder)
        charge_store.put_in_place(folder, ImportFolder(item.source.name, period, item.pk), charges())
    return item.pk


def _store_month(duck: Connection, landing: Landing, step: _Step, item: BillImport, folder: Path) -> None:
    """Roll one month up, store it and tie it out."""
    period = step.months[step.number]
    charge_store.use_charges(duck, folder)
    step.report("Adding up", 0.1)
    totals = charge_store.month_totals(duck, charge_store.merged(folder))
    joined = step.virtual_tags(period)
    refused = _roll_up(duck, step, folder, joined)
    step.report("Storing", 0.5)
    store_rollups(duck, item.pk, totals, claim=step.claim)
    if landing.inventory is not None:
        store_snapshots(item, landing.inventory)
    found = landing.findings + remarks.of_month(
        duck, totals, refused, billing_format=BillingFormat(item.source.billing_format)
    )
    found += remarks.near_providers(near_providers(item.source, period), item.source.provider)
    values = {refusal.key: refusal.values for refusal in refused}
    kept, digest = [key for key in step.tracked_keys if key not in values], charge_store.virtual_tags_digest(joined)
    with held(step.claim):
        _record(item, step, landing=landing, totals=totals)
    item.refresh_from_db(fields=["columns"])
    BillImport.objects.filter(pk=item.pk).update(
        findings=[finding.as_dict() for finding in found],
        tracked_tags=kept,
        columns={**item.columns, "tracked_tags_refused": values, "virtual_tags": digest},
    )


def _roll_up(
    duck: Connection, step: _Step, folder: Path, joined: Sequence[charge_store.VirtualTag]
) -> list[charge_store.RefusedKey]:
    """Roll the month's charges up and write what belongs beside them; returns the keys with too many values."""
    refused = charge_store.roll_up(
        duck,
        step.tracked_keys,
        values_limit=settings.TRACKED_TAG_VALUES_LIMIT,
        step=lambda text: step.report(text, 0.2),
        partials=charge_store.merged(folder),
        virtual_tags=joined,
    )
    charge_store.remove_partials(folder)
    charge_store.write_side_files(duck, folder)
    return refused


def _folder_of_month(duck: Connection, landing: Landing, step: _Step) -> Path:
    """The charges of the step's month alone."""
    if len(step.months) == 1:
        return landing.folder
    period = step.months[step.number]
    folder = landing.folder / f"month-{period}"
    charge_store.split_month(duck, landing.folder, period.start, folder)
    return folder


def _import_of(step: _Step, period: BillingPeriod) -> BillImport:
    """The import of a month: the first month is the import's own, each further one has a sibling."""
    own = step.bill_import
    if step.number == 0:
        return own
    with held(step.claim):
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
