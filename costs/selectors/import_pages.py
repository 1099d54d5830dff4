"""Imports as FinOps staff read them: what runs, what is late or failed, bills in force, one import whole."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any

from django.conf import settings
from django.db.models import Q, QuerySet

from costs.errors import NotFoundInScopeError
from costs.models import Bill, BillImport
from costs.money import ZERO
from costs.periods import BillingPeriod
from costs.scope import Scope
from costs.selectors.column_pages import ColumnReport, column_report
from costs.selectors.import_files import ImportFile, import_files
from costs.selectors.imports import active_imports, bills_in_force
from costs.terms import COST_COLUMNS, RUNNING_STATES, BillingFormat, BillState, ImportState

IMPORTS_SHOWN = 1_000
ATTENTION_SHOWN = 70
_ONLY_IN_DETAIL = ("columns", "findings", "totals_by_category", "error_detail")
# A queued import that no worker takes up for this long says so.
WAIT_SECONDS = 60
LATE_MONTHS = 3


class Attention(StrEnum):
    """Why an import needs somebody: empty where it does not."""

    NONE = ""
    FAILED = "failed"
    NO_WORKER = "no_worker"
    WORKER_LOST = "worker_lost"


@dataclass(frozen=True)
class ImportRow:
    """One attempt in a list. `billed_cost` is zero until the files are read.

    It `counts` if it is part of the figures: in force, and no inventory of a month that a bill covers.
    """

    pk: int
    source_name: str
    billing_format: BillingFormat
    period: BillingPeriod | None
    snapshot_on: date | None
    state: ImportState
    attention: Attention
    step: str
    percent: int
    files_done: int
    files_total: int
    file_names: tuple[str, ...]
    rows: int
    currency: str
    billed_cost: Decimal
    requested_by: str
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    seconds: float
    error: str
    counts: bool
    attempts: int = 0  # that a passing fault broke off
    retry_at: datetime | None = None  # queued because of one: when it is tried again
    has_lines: bool = False  # whether its charges are kept

    @property
    def is_under_way(self) -> bool:
        return self.state is ImportState.QUEUED or self.state.is_running


@dataclass(frozen=True)
class Finding:
    """What did not add up by a hair, or was read in a special way; never a reason to reject."""

    severity: str
    text: str
    difference: str
    lines: int | None


@dataclass(frozen=True)
class ErrorReport:
    """Why an import was refused, in parts; `line` counts from 1 with the header."""

    problem: str
    cure: str
    file_name: str
    line: int | None
    column: str
    code: str


@dataclass(frozen=True)
class ImportDetail:
    """Everything that is known of one attempt. `totals` are (column, amount), by category too."""

    row: ImportRow
    files: tuple[ImportFile, ...]
    version_id: str
    bill_state: BillState | None
    tracked_tags: tuple[str, ...]
    totals: tuple[tuple[str, Decimal], ...]
    totals_by_category: tuple[tuple[str, tuple[tuple[str, Decimal], ...]], ...]
    findings: tuple[Finding, ...]
    columns_read: tuple[tuple[str, str], ...]
    columns_absent: tuple[str, ...]
    column_report: ColumnReport
    error: ErrorReport | None
    siblings: tuple[tuple[int, BillingPeriod], ...]


@dataclass(frozen=True)
class BillRow:
    """One source's month. `gives_cost` is False for an inventory where a bill covers the month."""

    period: BillingPeriod
    source_name: str
    billing_format: BillingFormat
    state: BillState
    import_pk: int
    snapshot_on: date | None
    rows: int
    currency: str
    billed_cost: Decimal
    effective_cost: Decimal
    finished_at: datetime | None
    gives_cost: bool
    source_is_active: bool = True


@dataclass(frozen=True)
class LateSource:
    """A source without a bill for the last whole month."""

    source_name: str
    newest: BillingPeriod
    missing: BillingPeriod


@dataclass(frozen=True)
class RetryFiles:
    """What a failed import was made from, to make a new one of the same files."""

    paths: tuple[str, ...]
    source_name: str
    snapshot_on: date | None
    upload: int | None
    delivery: int | None = None  # the delivery to fetch again
    is_from_charges: bool = False  # rolled up from charges in the store: the files are not asked for
    is_part: bool = False  # one of several bills in its files: the others are not tried again with it


def import_list(scope: Scope, *, now: datetime, limit: int = IMPORTS_SHOWN) -> tuple[ImportRow, ...]:
    """The newest imports, newest first. Staff only. Two queries."""
    counting = _counting(scope)
    return tuple(_row(item, now, counting) for item in _imports().defer(*_ONLY_IN_DETAIL)[:limit])


def imports_needing_attention(scope: Scope, *, now: datetime) -> tuple[ImportRow, ...]:
    """What is under way, and failures that no later import of the same source has mended. Two queries."""
    counting = _counting(scope)
    busy = [ImportState.QUEUED.value, *(state.value for state in RUNNING_STATES)]
    failed = ImportState.FAILED.value
    wanted = Q(state__in=busy) | Q(state=failed, pk__in=_last_attempts())
    found = [_row(item, now, counting) for item in _imports().filter(wanted)[:ATTENTION_SHOWN]]
    return tuple(sorted(found, key=lambda row: row.state is ImportState.FAILED))


def import_detail(scope: Scope, pk: int, *, now: datetime) -> ImportDetail:
    """One import. Raises NotFoundInScopeError where there is none or the reader is not staff."""
    scope.require_everything()
    item = _imports().select_related("bill").filter(pk=pk).first()
    if item is None:
        raise NotFoundInScopeError(f"There is no import {pk}.")
    return ImportDetail(
        row=_row(item, now, _counting(scope)),
        files=import_files(item),
        version_id=item.version_id,
        bill_state=BillState(item.bill.state) if item.bill else None,
        tracked_tags=tuple(item.tracked_tags),
        totals=tuple((column, getattr(item, column)) for column in COST_COLUMNS),
        totals_by_category=_by_category(item.totals_by_category),
        findings=tuple(_finding(entry) for entry in item.findings),
        columns_read=tuple((field, str(column)) for field, column in item.columns.get("read", {}).items()),
        columns_absent=tuple(item.columns.get("absent", ())),
        column_report=column_report(item),
        error=_error_report(item),
        siblings=_siblings(item),
    )


def bills(scope: Scope) -> tuple[BillRow, ...]:
    """Bills in force, newest month first. Staff only. One query."""
    scope.require_everything()
    found = sorted(bills_in_force(), key=lambda bill: -bill.billing_period.toordinal())
    billed = {_month_of(bill) for bill in found if not BillingFormat(bill.source.billing_format).is_inventory}
    return tuple(_bill(bill, billed) for bill in found)


def late_sources(rows: Sequence[BillRow], *, today: date) -> tuple[LateSource, ...]:
    """Bill sources whose newest month is before the last whole one, three days into a month at the earliest.

    A source that has been silent for longer than LATE_MONTHS, or is not active, has ended and is not late.
    """
    due = BillingPeriod.of(today - timedelta(days=3)).previous()
    newest: dict[str, BillingPeriod] = {}
    for row in rows:
        if row.source_is_active and not row.billing_format.is_inventory:
            newest[row.source_name] = max(newest.get(row.source_name, row.period), row.period)
    return tuple(
        LateSource(source_name=name, newest=period, missing=period.next())
        for name, period in sorted(newest.items())
        if due.back(LATE_MONTHS + 1)[0] <= period < due
    )


def source_names(scope: Scope) -> tuple[str, ...]:
    """Names of the sources there are, for the upload form."""
    scope.require_everything()
    return tuple(Bill.objects.order_by("source__name").values_list("source__name", flat=True).distinct())


def retry_files(scope: Scope, pk: int) -> RetryFiles:
    """What an import was made from that failed or was cancelled. Raises NotFoundInScopeError for any other."""
    scope.require_everything()
    ended = [ImportState.FAILED.value, ImportState.CANCELLED.value]
    item = BillImport.objects.select_related("source").filter(pk=pk, state__in=ended).first()
    if item is None:
        raise NotFoundInScopeError(f"Import {pk} did not fail.")
    return RetryFiles(
        paths=tuple(file["path"] for file in item.files),
        source_name=item.source.name,
        snapshot_on=item.snapshot_on,
        upload=item.upload_id,
        delivery=item.delivery_id,
        is_from_charges=item.rerolled_from_id is not None,
        is_part=any("part" in file for file in item.files),
    )


def _imports() -> QuerySet[BillImport]:
    return BillImport.objects.select_related("source", "requested_by").order_by("-pk")


def _last_attempts() -> list[int]:
    """The newest attempt of every source and month; a month that is not known yet counts as its own."""
    newest: dict[tuple[int, date | None], int] = {}
    for pk, source, period in BillImport.objects.order_by("pk").values_list("pk", "source_id", "billing_period"):
        newest[(source, period)] = pk
    by_source: dict[int, int] = {}
    for (source, _), pk in newest.items():
        by_source[source] = max(pk, by_source.get(source, 0))
    return [pk for (source, period), pk in newest.items() if period is not None or pk == by_source[source]]


def _counting(scope: Scope) -> frozenset[int]:
    """The imports whose costs are in the figures. Staff only."""
    scope.require_everything()
    return frozenset(item.pk for item in active_imports(scope))


def _row(item: BillImport, now: datetime, counting: frozenset[int]) -> ImportRow:
    return ImportRow(
        pk=item.pk,
        source_name=item.source.name,
        billing_format=BillingFormat(item.source.billing_format),
        period=BillingPeriod(item.billing_period) if item.billing_period else None,
        snapshot_on=item.snapshot_on,
        state=ImportState(item.state),
        attention=_attention(item, now),
        step=item.step,
        percent=item.percent,
        files_done=item.files_done,
        files_total=item.files_total or len(item.files),
        file_names=tuple(file["name"] for file in item.files),
        rows=item.rows,
        currency=item.billing_currency,
        billed_cost=item.billed_cost,
        requested_by=item.requested_by.get_username() if item.requested_by else "",
        created_at=item.created_at,
        started_at=item.started_at,
        finished_at=item.finished_at,
        seconds=item.seconds,
        error=item.error,
        counts=item.pk in counting,
        attempts=item.attempts,
        retry_at=item.retry_at if item.state == ImportState.QUEUED else None,
        has_lines=item.state in {ImportState.IN_FORCE, ImportState.REPLACED} and item.charges_removed_at is None,
    )


def _attention(item: BillImport, now: datetime) -> Attention:
    state = ImportState(item.state)
    if state is ImportState.FAILED:
        return Attention.FAILED
    waits_since = item.retry_at or item.created_at
    if state is ImportState.QUEUED and now - waits_since > timedelta(seconds=WAIT_SECONDS):
        return Attention.NO_WORKER
    seen = item.heartbeat_at or item.started_at
    if state.is_running and seen and now - seen > timedelta(seconds=settings.IMPORT_STALE_SECONDS):
        return Attention.WORKER_LOST
    return Attention.NONE


def _by_category(stored: dict[str, dict[str, str]]) -> tuple[tuple[str, tuple[tuple[str, Decimal], ...]], ...]:
    """Categories by name with one amount per basis; what a file does not have is zero."""
    return tuple(
        (category, tuple((column, Decimal(str(amounts.get(column) or ZERO))) for column in COST_COLUMNS))
        for category, amounts in sorted(stored.items())
        if isinstance(amounts, dict)
    )


def _finding(entry: dict[str, Any]) -> Finding:
    difference, lines = entry.get("difference"), entry.get("lines")
    return Finding(
        severity=str(entry.get("severity", "info")),
        text=str(entry.get("text", "")),
        difference="" if difference is None else str(difference),
        lines=lines if isinstance(lines, int) else None,
    )


def _error_report(item: BillImport) -> ErrorReport | None:
    if not item.error or item.state != ImportState.FAILED:
        return None
    detail = item.error_detail
    return ErrorReport(
        problem=str(detail.get("problem") or item.error),
        cure=str(detail.get("cure") or ""),
        file_name=str(detail.get("file") or ""),
        line=detail.get("line"),
        column=str(detail.get("column") or ""),
        code=str(detail.get("code") or ""),
    )


def _siblings(item: BillImport) -> tuple[tuple[int, BillingPeriod], ...]:
    """Imports of other months that were read from the same files in the same attempt."""
    first = item.split_from_id or item.pk
    others = BillImport.objects.filter(Q(pk=first) | Q(split_from=first)).exclude(pk=item.pk)
    found = others.filter(billing_period__isnull=False).order_by("billing_period")
    return tuple((pk, BillingPeriod(start)) for pk, start in found.values_list("pk", "billing_period") if start)


def _month_of(bill: Bill) -> tuple[date, str]:
    """The month and currency that a bill covers."""
    return bill.billing_period, bill.import_in_force.billing_currency if bill.import_in_force else ""


def _bill(bill: Bill, billed: set[tuple[date, str]]) -> BillRow:
    in_force = bill.import_in_force
    assert in_force is not None
    billing_format = BillingFormat(bill.source.billing_format)
    return BillRow(
        period=BillingPeriod(bill.billing_period),
        source_name=bill.source.name,
        billing_format=billing_format,
        state=BillState(bill.state),
        import_pk=in_force.pk,
        snapshot_on=in_force.snapshot_on,
        rows=in_force.rows,
        currency=in_force.billing_currency,
        billed_cost=in_force.billed_cost,
        effective_cost=in_force.effective_cost,
        finished_at=in_force.finished_at,
        gives_cost=not billing_format.is_inventory or _month_of(bill) not in billed,
        source_is_active=bill.source.is_active,
    )
