"""Imports: what runs, failed or is late, bills in force, one import whole."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import django_tables2 as tables
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.views.decorators.http import require_POST

from costs import figures, selectors
from costs.errors import InvalidRequestError
from costs.exports import ColumnKind, ExportColumn, export_response
from costs.money import ZERO, plain
from costs.pages import current_moment, request_scope, staff_page
from costs.queries import parse_metric
from costs.selectors import Attention, BillRow, ColumnReport, ImportDetail, ImportRow, SourceColumns, SwitchedOff
from costs.services import cancel_import
from costs.tables import NUMERIC, FinopsTable, LinkColumn, MoneyColumn, NumberColumn, opening_lines
from costs.templatetags.upkeep import BILL_STATES, FILE_STATES, FORMAT_NAMES, STATES, state_badge
from costs.terms import COST_COLUMNS, BillingFormat, BillState, CostMetric, FileState, ImportState
from costs.views.sources import SourceTable, bill_lines_url, version_lines_url

FILES_SHOWN = 20
NO_WRAP = {"td": {"class": "nowrap"}}
COVERED = "A bill covers this month, so the inventory gives names and tags but no cost"
REPLACED = "Not in force, so its cost is in no figure"


class CountedMoney(MoneyColumn):
    """Money of a row, muted and said so where it is in no figure (`counted(row)`); files leave it empty there.

    So the column adds up to the figures. `why_not(row)` gives the reason as a tooltip.
    """

    def __init__(
        self, *args: Any, counted: Callable[[Any], bool], why_not: Callable[[Any], str], **options: Any
    ) -> None:
        self.counted, self.why_not = counted, why_not
        super().__init__(*args, **options)

    def render(self, value: Any, record: Any, table: Any, bound_column: Any) -> SafeString:
        if self.counted(record):
            return super().render(value, record, table, bound_column)
        amount = figures.money(value, record.currency)
        shown = format_html('<data value="{}">{}</data>', plain(value), amount)
        return format_html(
            '<span class="muted" title="{}">{} <small>not counted</small></span>',
            self.why_not(record),
            opening_lines(shown, self._address(record)),
        )

    def export_value(self, value: Any, record: Any) -> Any:
        """What a file holds."""
        return value if self.counted(record) else None


def why_attempt_does_not_count(row: ImportRow) -> str:
    return COVERED if row.state is ImportState.IN_FORCE else REPLACED


def attempt_url(row: ImportRow, basis: CostMetric, *, category: str = "") -> str:
    """The lines of an attempt; empty once they are gone, or before there are any."""
    if row.period is None or not row.has_lines:
        return ""
    return version_lines_url(row.pk, row.period, row.currency, basis, category=category)


def bill_money(name: str, basis: CostMetric) -> CountedMoney:
    """A column of the bills in force, opening their lines."""
    return CountedMoney(
        name,
        currency_of="currency",
        counted=lambda row: row.gives_cost,
        why_not=lambda _: COVERED,
        lines=lambda row: (
            bill_lines_url(row.source_name, row.period, row.currency, basis)
            if row.gives_cost
            else version_lines_url(row.import_pk, row.period, row.currency, basis)
        ),
    )


class BillTable(FinopsTable):
    """Bills in force."""

    period = LinkColumn(
        verbose_name="Month", url=lambda row: reverse("costs:import", args=[row.import_pk]), attrs=NO_WRAP
    )
    source_name = tables.Column("Source")
    billing_format = tables.Column("Kind")
    state = LinkColumn(url=lambda row: reverse("costs:bill", args=[row.source_name, row.period]), attrs=NO_WRAP)
    billed_cost = bill_money("Billed cost", CostMetric.BILLED)
    effective_cost = bill_money("Effective cost", CostMetric.EFFECTIVE)
    currency = tables.Column("Currency", visible=False)
    rows = NumberColumn("Lines")
    finished_at = tables.Column("Imported", attrs=NO_WRAP)

    class Meta:
        order_by = ("-period",)

    def render_billing_format(self, value: BillingFormat, record: BillRow) -> str | SafeString:
        name = FORMAT_NAMES[value]
        if record.gives_cost:
            return name
        return format_html(
            '{} <span class="badge" title="A bill covers the month, so this gives no cost">attributes only</span>', name
        )

    def render_period(self, value: Any) -> str:
        return str(value.label)

    def render_state(self, value: BillState) -> str:
        return BILL_STATES[value][0]

    def render_finished_at(self, value: Any) -> str:
        return f"{figures.day(value)} {value:%H:%M} UTC"


class ImportTable(FinopsTable):
    """The history of attempts."""

    created_at = LinkColumn(
        verbose_name="Started", url=lambda row: reverse("costs:import", args=[row.pk]), attrs=NO_WRAP
    )
    source_name = tables.Column("Source")
    period = tables.Column("Month", empty_values=(), attrs=NO_WRAP)
    state = tables.Column("State")
    rows = NumberColumn("Lines")
    billed_cost = CountedMoney(
        "Billed cost",
        currency_of="currency",
        counted=lambda row: row.counts or not row.billed_cost,
        why_not=why_attempt_does_not_count,
        lines=lambda row: attempt_url(row, CostMetric.BILLED),
    )
    currency = tables.Column("Currency", visible=False)
    seconds = NumberColumn("Seconds", places=1)
    requested_by = tables.Column("By", default="command")
    error = tables.Column("Error", visible=False)

    class Meta:
        order_by = ("-created_at",)
        empty_text = "No import yet."

    def render_created_at(self, value: Any) -> str:
        return f"{figures.day(value)} {value:%H:%M}"

    def render_period(self, value: Any) -> str:
        return str(value.label) if value else "not read yet"

    def render_state(self, value: ImportState) -> SafeString:
        return state_badge(value)


@dataclass(frozen=True)
class SourceRow:
    """A source in the table of how columns were read."""

    source_name: str
    url: str
    taken_for: str
    period: str
    fields: int | None  # None where the import is from before they were kept
    switched_off: tuple[SwitchedOff, ...]
    absent: tuple[str, ...]
    not_read: tuple[str, ...]


class CountColumn(tables.Column):
    """How many names there are; files hold the names."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, orderable=False, attrs=NUMERIC, **options)

    def render(self, value: Sequence[str]) -> str:
        return figures.number(len(value))

    def export_text(self, value: Sequence[str]) -> str:
        """What a file holds."""
        return ", ".join(value)


class SwitchedOffColumn(tables.Column):
    """The features' names; files hold what stands in their place, too."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, orderable=False, attrs={"td": {"class": "names"}}, **options)

    def render(self, value: Sequence[SwitchedOff], record: SourceRow) -> str:
        if record.fields is None:
            return "Known from its next import on"
        return ", ".join(feature.name for feature in value) or "Nothing"

    def export_text(self, value: Sequence[SwitchedOff]) -> str:
        """What a file holds."""
        return "; ".join(f"{feature.name}: {feature.instead}" for feature in value)


class SourceColumnsTable(FinopsTable):
    """How the columns of each source's newest month were read."""

    source_name = LinkColumn(verbose_name="Source", url=lambda row: row.url, attrs=NO_WRAP)
    taken_for = tables.Column("Taken for", attrs={"td": {"class": "names"}})
    period = tables.Column("Newest month", attrs=NO_WRAP, orderable=False)
    switched_off = SwitchedOffColumn("Switched off")
    fields = NumberColumn("Fields")
    absent = CountColumn("Absent")
    not_read = CountColumn("Not read")

    class Meta:
        order_by = ("source_name",)
        empty_text = "No bill is in force yet. Upload one."


@staff_page
def imports(request: HttpRequest) -> HttpResponseBase:
    """What runs, is late or failed, then bills in force by month, then the history."""
    scope, now = request_scope(request), current_moment()
    bills = selectors.bills(scope)
    history = selectors.import_list(scope, now=now)
    bill_table = BillTable(bills, request=request, caption="Bills in force", prefix="b-", per_page=12)
    history_table = ImportTable(history, request=request, caption="History of imports", prefix="h-", per_page=15)
    source_rows = selectors.sources(scope, now=now)
    source_table = SourceTable(source_rows, request=request, caption="Sources", prefix="s-", per_page=10)
    named = {"history": history_table, "sources": source_table}
    chosen = named.get(request.GET.get("table", ""), bill_table)
    if response := chosen.export(name=str(chosen.caption), title_rows=[("Table", chosen.caption)]):
        return response
    attention = selectors.imports_needing_attention(scope, now=now)
    context = {
        "bill_table": bill_table,
        "history_table": history_table,
        "under_way": [item for item in attention if item.is_under_way],
        "failed": [item for item in attention if item.attention is Attention.FAILED],
        "late": selectors.late_sources(bills, today=now.date()),
        "source_table": source_table,
        "has_sources": bool(source_rows),
        "has_bills": bool(bills),
        "has_history": bool(history),
    }
    return render(request, "costs/imports.html", context)


@staff_page
def source_columns(request: HttpRequest) -> HttpResponseBase:
    """For every source how the columns of its newest month were read, and what is switched off without others."""
    rows = [source_row(source) for source in selectors.source_columns(request_scope(request))]
    table = SourceColumnsTable(rows, request=request, caption="How columns were read")
    if response := table.export(name="columns-read", title_rows=[("Table", table.caption)]):
        return response
    return render(request, "costs/columns.html", {"table": table, "has_sources": bool(rows)})


@staff_page
def import_page(request: HttpRequest, pk: int) -> HttpResponseBase:
    """One import: its progress while it runs, then totals, findings and columns, or why it was refused."""
    detail = selectors.import_detail(request_scope(request), pk, now=current_moment())
    if request.GET.get("table") == "columns" and (response := columns_file(request, detail)):
        return response
    columns = [ExportColumn("Charge category"), *(ExportColumn(basis_of(c), ColumnKind.MONEY) for c in COST_COLUMNS)]
    rows = [[category, *(amount for _, amount in amounts)] for category, amounts in detail.totals_by_category]
    rows.append(["Total", *(amount for _, amount in detail.totals)])
    title_rows = [("Source", detail.row.source_name), ("Month", str(detail.row.period or "")), *currency_row(detail)]
    name = f"import-{detail.row.source_name}-{detail.row.period or detail.row.pk}"
    if response := export_response(request, name=name, title_rows=title_rows, columns=columns, rows=rows):
        return response
    context = progress_context(detail) | {
        "detail": detail,
        "format_name": FORMAT_NAMES[detail.row.billing_format],
        "taken_for": taken_for(detail.row.billing_format, detail.column_report),
        "bases": [basis_of(column) for column in COST_COLUMNS],
        "totals": dict(detail.totals),
        "urls": {column: totals_url(detail, column) for column in COST_COLUMNS},
        "total_cells": [(column, amount, totals_url(detail, column)) for column, amount in detail.totals],
        "category_rows": [
            (category, [(column, amount, totals_url(detail, column, category)) for column, amount in amounts])
            for category, amounts in detail.totals_by_category
        ],
        "has_totals": any(amount != ZERO for _, amount in detail.totals) or bool(detail.totals_by_category),
    }
    return render(request, "costs/import.html", context)


@staff_page
def import_progress(request: HttpRequest, pk: int) -> HttpResponse:
    """The progress alone, for htmx; when the import is done the whole page is asked to load again."""
    detail = selectors.import_detail(request_scope(request), pk, now=current_moment())
    response = render(request, "costs/_progress.html", progress_context(detail))
    if not detail.row.is_under_way:
        response["HX-Refresh"] = "true"
    return response


@staff_page
@require_POST
def import_cancel(request: HttpRequest, pk: int) -> HttpResponse:
    """Cancel an import that is not in force yet; one that has ended says so."""
    selectors.import_detail(request_scope(request), pk, now=current_moment())  # 404 where there is none
    try:
        cancel_import(pk, by=request.user.get_username())
    except InvalidRequestError as error:
        messages.error(request, str(error))
    return redirect("costs:import", pk)


def columns_file(request: HttpRequest, detail: ImportDetail) -> HttpResponseBase | None:
    """Which columns of the files each field was made from, as the file asked for."""
    rows = [[name, ", ".join(columns)] for name, columns in detail.column_report.fields]
    return export_response(
        request,
        name=f"columns-{detail.row.source_name}-{detail.row.period or detail.row.pk}",
        title_rows=[("Source", detail.row.source_name), ("Month", str(detail.row.period or ""))],
        columns=[ExportColumn("Field"), ExportColumn("Columns of the file")],
        rows=rows,
    )


def source_row(source: SourceColumns) -> SourceRow:
    """A source as the table shows it."""
    report = source.report
    assumed = "".join(f"; {column} assumed as {value}" for column, value in report.assumed)
    return SourceRow(
        source_name=source.source_name,
        url=f"{reverse('costs:import', args=[source.import_pk])}#columns-title",
        taken_for=taken_for(source.billing_format, report) + assumed,
        period=source.period.label,
        fields=len(report.fields) or None,
        switched_off=report.switched_off,
        absent=report.absent,
        not_read=report.not_read,
    )


def taken_for(billing_format: BillingFormat, report: ColumnReport) -> str:
    """`FOCUS, because of its columns BilledCost and ChargePeriodStart; version 1.2 by InvoiceId`."""
    because = "; ".join(report.reasons)
    return f"{FORMAT_NAMES[billing_format]}, because of {because}" if because else FORMAT_NAMES[billing_format]


def progress_context(detail: ImportDetail) -> dict[str, Any]:
    """What `costs/_progress.html` draws."""
    item, files = detail.row, detail.files
    if len(files) > FILES_SHOWN:  # what is at work or waits for something comes first
        files = tuple(sorted(files, key=lambda file: (not file.error, file.state is not FileState.LANDING)))
    rest = Counter(FILE_STATES[file.state][0].lower() for file in files[FILES_SHOWN:])
    return {
        "item": item,
        "badge": state_badge(item.state),
        "state_text": STATES[item.state][0],
        "files": files[:FILES_SHOWN],
        "files_more": rest.total(),
        "files_summary": ", ".join(f"{count} {state}" for state, count in sorted(rest.items())),
        "import_retries": len(settings.IMPORT_RETRY_SECONDS),
    }


def totals_url(detail: ImportDetail, column: str, category: str = "") -> str:
    """The lines behind a total of the files."""
    return attempt_url(detail.row, parse_metric(column.removesuffix("_cost")), category=category)


def basis_of(column: str) -> str:
    """`billed_cost` as `Billed cost`."""
    return f"{parse_metric(column.removesuffix('_cost')).value.capitalize()} cost"


def currency_row(detail: ImportDetail) -> Sequence[tuple[str, str]]:
    """The currency as a title row, once it is known."""
    return [("Currency", detail.row.currency)] if detail.row.currency else []
