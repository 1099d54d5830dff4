"""The lines that differ between two versions of a bill: only in the old, only in the new, changed."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import render
from django.urls import reverse

from costs import selectors
from costs.errors import InvalidRequestError, NotFoundInScopeError
from costs.exports import ColumnKind, ExportColumn, TitleRow, export_response
from costs.money import ZERO, plain
from costs.pages import LAST_PAGE, bounded, request_scope, staff_page
from costs.periods import BillingPeriod
from costs.queries import parse_metric
from costs.scope import Scope
from costs.selectors import BillHistory, BillVersion, ChangeKind, ChangeSum, LineChange, VersionsCompared
from costs.terms import CostMetric

PER_PAGE = 100
DEEPEST = 5_000
XLSX_ROWS = 50_000
ROUNDED = Decimal("0.00001")
KIND_NAMES = {
    ChangeKind.ONLY_BEFORE: "Only in the old version",
    ChangeKind.ONLY_AFTER: "Only in the new version",
    ChangeKind.CHANGED: "In both, changed",
}
COLUMNS: tuple[ExportColumn | str, ...] = (
    "What",
    "Start (UTC)",
    "End (UTC)",
    "Payer",
    "Account",
    "Service",
    "Usage type",
    "Operation",
    "Region",
    "Resource",
    "Charge category",
    "Line kind",
    "Pricing",
    "Commitment",
    ExportColumn("Lines before", ColumnKind.NUMBER),
    ExportColumn("Lines after", ColumnKind.NUMBER),
    ExportColumn("Quantity before", ColumnKind.NUMBER),
    ExportColumn("Quantity after", ColumnKind.NUMBER),
    ExportColumn("Before", ColumnKind.MONEY),
    ExportColumn("After", ColumnKind.MONEY),
    ExportColumn("Change", ColumnKind.MONEY),
)


@staff_page
def bill_lines(request: HttpRequest, source: str, period: str) -> HttpResponseBase:
    """What changed between two versions of a month, line by line, the largest change first."""
    scope = request_scope(request)
    history = selectors.bill_history(scope, source, BillingPeriod.parse(period))
    asked = versions_asked(request, history)
    context: dict[str, Any] = {"history": history, "asked": asked, "currency": asked.after.currency}
    if removed := selectors.charges_removed(scope, asked):
        return render(request, "costs/bill_lines.html", context | {"removed": removed})
    sums = selectors.line_change_sums(scope, asked)
    count = sum(row.count for row in sums if asked.kind in (None, row.kind))
    if response := as_file(request, scope, asked, sums, count):
        return response
    context |= sum_context(scope, history, asked, sums) | page_context(request, scope, asked, count)
    return render(request, "costs/bill_lines.html", context)


def sum_context(
    scope: Scope, history: BillHistory, asked: VersionsCompared, sums: tuple[ChangeSum, ...]
) -> dict[str, Any]:
    """The sums of each way to differ, and that they come to what the page of the bill shows."""
    totals = selectors.version_changes(scope, asked.before, asked.after, metric=asked.metric)
    shown = sum((row.change for row in totals if _is_of(asked, row.service_name, row.account)), ZERO)
    exact = sum((row.change for row in sums), ZERO)
    return {
        "kinds": [(KIND_NAMES[row.kind], row, kind_url(history, asked, row.kind)) for row in sums],
        "all_url": kind_url(history, asked, None) if asked.kind else "",
        "kind_name": KIND_NAMES[asked.kind] if asked.kind else "",
        "change": exact,
        "shown": shown,
        # Totals by service and account are kept to ten decimals, in either version.
        "ties_out": abs(exact - shown) <= ROUNDED,
        "rounding": shown - exact,
        "xlsx_rows": XLSX_ROWS,
    }


def page_context(request: HttpRequest, scope: Scope, asked: VersionsCompared, count: int) -> dict[str, Any]:
    """One page of what changed, with the ways to its neighbours."""
    page = bounded(request.GET.get("page", ""), default=1, largest=LAST_PAGE)
    offset = (page - 1) * PER_PAGE
    if offset >= DEEPEST:
        raise InvalidRequestError(f"Page {page} is too deep. Narrow by service, or take the lines as a file.")
    rows = selectors.line_changes(scope, asked, limit=PER_PAGE, offset=offset)
    last = offset + len(rows)
    return {
        "count": count,
        "rows": rows,
        "first_line": offset + 1,
        "last_line": last,
        "previous_url": page_url(request, page - 1) if page > 1 else "",
        "next_url": page_url(request, page + 1) if rows and last < min(count, DEEPEST) else "",
    }


def versions_asked(request: HttpRequest, history: BillHistory) -> VersionsCompared:
    """Which versions, service and account the address asks for. Raises NotFoundInScopeError."""
    before, after = (_version(request, name, history) for name in ("before", "after"))
    kind = request.GET.get("kind", "")
    if kind and kind not in set(ChangeKind):
        raise InvalidRequestError(f"'{kind}' is no way lines differ. Use {', '.join(ChangeKind)}.")
    return VersionsCompared(
        source_name=history.source_name,
        period=history.period,
        before=before,
        after=after,
        metric=parse_metric(request.GET.get("basis") or CostMetric.BILLED.value),
        service_name=request.GET.get("service"),
        account=request.GET.get("account"),
        kind=ChangeKind(kind) if kind else None,
    )


def _version(request: HttpRequest, name: str, history: BillHistory) -> BillVersion:
    text = request.GET.get(name, "")
    found = history.version(int(text)) if text.isascii() and text.isdigit() and len(text) < 6 else None
    if found is None:
        raise NotFoundInScopeError(f"There is no version {text} of this bill. Choose two on the page of the bill.")
    return found


def _is_of(asked: VersionsCompared, service: str, account: str) -> bool:
    return asked.service_name in (None, service) and asked.account in (None, account)


def as_file(
    request: HttpRequest, scope: Scope, asked: VersionsCompared, sums: tuple[ChangeSum, ...], count: int
) -> HttpResponseBase | None:
    """Everything that changed as CSV of any length, or Excel up to XLSX_ROWS rows."""
    if request.GET.get("format") == "xlsx" and count > XLSX_ROWS:
        raise InvalidRequestError(f"{count:,} rows are more than the {XLSX_ROWS:,} a workbook is made of. Use CSV.")
    title_rows: list[TitleRow] = [
        ("Source", asked.source_name),
        ("Month", str(asked.period)),
        ("Versions", f"{asked.before.number} to {asked.after.number}"),
        ("Basis", f"{asked.metric.value} cost"),
        ("Currency", asked.after.currency),
        *((KIND_NAMES[row.kind], row.change) for row in sums),
        ("Change", plain(sum((row.change for row in sums), ZERO))),
    ]
    name = f"changed-lines-{asked.source_name}-{asked.period}"
    return export_response(request, name=name, title_rows=title_rows, columns=COLUMNS, rows=_cells(scope, asked))


def _cells(scope: Scope, asked: VersionsCompared) -> Iterator[list[Any]]:
    for row in selectors.all_line_changes(scope, asked):
        yield cells_of(row)


def cells_of(row: LineChange) -> list[Any]:
    """One row in the order of COLUMNS."""
    return [
        KIND_NAMES[row.kind],
        row.charge_period_start.isoformat(),
        row.charge_period_end.isoformat(),
        row.billing_account_id,
        row.sub_account_id,
        row.service_name,
        row.usage_type,
        row.operation,
        row.region_id,
        row.resource_id,
        row.charge_category,
        row.line_kind,
        row.pricing_category,
        row.commitment_discount_id,
        row.lines_before,
        row.lines_after,
        row.quantity_before,
        row.quantity_after,
        row.before,
        row.after,
        row.change,
    ]


def kind_url(history: BillHistory, asked: VersionsCompared, kind: ChangeKind | None) -> str:
    """This page for one way lines differ, or for all."""
    pairs = [("before", str(asked.before.number)), ("after", str(asked.after.number)), ("basis", asked.metric.value)]
    place = (("service", asked.service_name), ("account", asked.account))
    pairs += [(name, value) for name, value in place if value is not None]
    pairs += [("kind", kind.value)] if kind else []
    return f"{reverse('costs:bill_lines', args=[history.source_name, history.period])}?{urlencode(pairs)}"


def page_url(request: HttpRequest, page: int) -> str:
    """The same choice on another page."""
    query = request.GET.copy()
    query["page"] = str(page)
    return f"{request.path}?{query.urlencode()}"
