"""Sources: where bills come from, what the last look found, and every delivery."""

from typing import Any
from urllib.parse import urlencode

import django_tables2 as tables
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from costs import figures, selectors
from costs.exports import ColumnKind
from costs.forms import MonthsForm
from costs.pages import current_moment, request_scope, staff_page
from costs.periods import BillingPeriod
from costs.selectors import DeliveryRow, SourceRow
from costs.tables import FinopsTable, NumberColumn
from costs.templatetags.upkeep import DELIVERY_STATES, FORMAT_NAMES, SOURCE_STATES, badge
from costs.terms import CostMetric, DeliveryState, PlaceKind

NO_WRAP = {"td": {"class": "nowrap"}}
MEGABYTE = 1024 * 1024


def bill_lines_url(source: str, period: BillingPeriod, currency: str, basis: CostMetric) -> str:
    """The lines of a source's bill in force, on the page of lines."""
    pairs = {"period": str(period), "basis": basis.value, "currency": currency, "source": source}
    return f"{reverse('tagging:lines')}?{urlencode(pairs)}"


def version_lines_url(
    import_pk: int, period: BillingPeriod, currency: str, basis: CostMetric, *, category: str = ""
) -> str:
    """The lines of one version of a bill, in force or not, on the page of lines."""
    pairs = {"period": str(period), "basis": basis.value, "currency": currency, "version": str(import_pk)}
    return f"{reverse('tagging:lines')}?{urlencode(pairs | ({'category': category} if category else {}))}"


class MomentColumn(tables.Column):
    """A moment as `23 Nov 2026 10:05`, UTC; `empty` where there is none yet."""

    export_kind = ColumnKind.TEXT
    empty_values = ()

    def __init__(self, *args: Any, empty: str = "", **kw: Any) -> None:
        self.empty = empty
        super().__init__(*args, attrs=kw.pop("attrs", NO_WRAP), **kw)

    def render(self, value: Any) -> str:
        return f"{figures.day(value)} {value:%H:%M}" if value else self.empty

    def export_value(self, value: Any, record: Any) -> str:
        """What a file holds."""
        del record
        return f"{value:%Y-%m-%d %H:%M}Z" if value else ""


class SourceTable(FinopsTable):
    """Every source and how it stands."""

    name = tables.Column("Source")
    location = tables.Column("Place", visible=False)
    state = tables.Column("State")
    billing_account_id = tables.Column("Payer", visible=False)
    last_looked_at = MomentColumn("Last look (UTC)", empty="never")
    next_look_at = MomentColumn("Next look (UTC)")
    last_result = tables.Column("Result", empty_values=())
    cure = tables.Column("Cure", visible=False)

    class Meta:
        empty_text = "No source yet."

    def render_state(self, record: SourceRow) -> SafeString:
        return badge(*SOURCE_STATES[record.state])

    def render_name(self, record: SourceRow) -> SafeString:
        address = reverse("costs:source", args=[record.name])
        place = record.location
        if record.place is PlaceKind.UPLOAD:
            place = f"Part of what {record.fetched_by} fetches" if record.fetched_by else "Uploads only"
        return format_html('<a href="{}">{}</a><br><small class="muted mono">{}</small>', address, record.name, place)

    def render_next_look_at(self, record: SourceRow, value: Any) -> str:
        if not record.place.is_looked_at or not record.is_active:
            return ""
        return f"{figures.day(value)} {value:%H:%M}" if value else "at once"

    def render_last_result(self, record: SourceRow) -> str:
        if record.error:
            return f"{record.error} {record.cure}".strip()
        return record.last_result


class DeliveryTable(FinopsTable):
    """Every version that was found, newest first."""

    found_at = MomentColumn("Found (UTC)")
    period = tables.Column("Month", empty_values=(), attrs=NO_WRAP)
    run = tables.Column("Version", empty_values=())
    state = tables.Column("State")
    file_names = tables.Column("Files", empty_values=())
    size = NumberColumn("MB")
    imports = tables.Column("Imports", accessor="import_pks", empty_values=(), orderable=False)
    problem = tables.Column("Problem", empty_values=())

    class Meta:
        order_by = ("-found_at",)
        empty_text = "Nothing was found yet."

    def render_period(self, value: Any) -> str:
        return str(value.label) if value else "as its files say"

    def render_run(self, value: str, record: DeliveryRow) -> SafeString | str:
        if not value:
            return record.folder or "loose files"
        return format_html('<span class="mono">{}</span>', value)

    def render_state(self, value: DeliveryState) -> SafeString:
        return badge(*DELIVERY_STATES[value])

    def render_file_names(self, value: tuple[str, ...]) -> str:
        return value[0] if len(value) == 1 else f"{len(value)} files"

    def render_size(self, value: int) -> str:
        return figures.number(value / MEGABYTE, 1)

    def render_imports(self, value: tuple[int, ...]) -> SafeString:
        links = [format_html('<a href="{}">{}</a>', reverse("costs:import", args=[pk]), pk) for pk in value]
        return SafeString(", ".join(links))

    def render_problem(self, value: str, record: DeliveryRow) -> str:
        return f"{value} {record.cure}".strip()


@staff_page
def sources(request: HttpRequest) -> HttpResponseBase:
    """Every source."""
    rows = selectors.sources(request_scope(request), now=current_moment())
    table = SourceTable(rows, request=request, caption="Sources", per_page=50)
    if response := table.export(name="sources", title_rows=[("Table", "Sources")]):
        return response
    return render(request, "costs/sources.html", {"table": table, "has_sources": bool(rows)})


@staff_page
def source_page(request: HttpRequest, source: str) -> HttpResponseBase:
    """One source: how it stands, what can be done, and its deliveries."""
    scope, now = request_scope(request), current_moment()
    row = selectors.source_row(scope, source, now=now)
    deliveries = selectors.deliveries(scope, source)
    table = DeliveryTable(deliveries, request=request, caption="Deliveries", per_page=25)
    if response := table.export(name=f"deliveries-{source}", title_rows=[("Source", source)]):
        return response
    context = {
        "row": row,
        "badge": badge(*SOURCE_STATES[row.state]),
        "format_name": FORMAT_NAMES[row.billing_format] if row.billing_format else "",
        "table": table,
        "has_deliveries": bool(deliveries),
        "refused": [item for item in deliveries[:20] if item.can_be_tried_again and item.pk in _newest(deliveries)],
        "months_form": MonthsForm(),
        "bills": [
            (bill, version_lines_url(bill.import_pk, bill.period, bill.currency, CostMetric.BILLED))
            for bill in selectors.bills_of(scope, source)
        ],
    }
    return render(request, "costs/source.html", context)


def _newest(deliveries: tuple[DeliveryRow, ...]) -> set[int]:
    """The newest delivery of each folder: only that one can be tried again."""
    return {pk for _, pk in {row.folder: (row.folder, row.pk) for row in reversed(deliveries)}.values()}
