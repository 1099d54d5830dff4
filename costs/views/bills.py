"""One bill: its state, every version that was read, and what changed between two of them."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import django_tables2 as tables
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.safestring import SafeString

from costs import selectors
from costs.forms import VersionsForm
from costs.pages import request_scope, staff_page
from costs.periods import BillingPeriod
from costs.queries import parse_metric
from costs.selectors import BillHistory, BillVersion, VersionChange
from costs.tables import FinopsTable, LinkColumn, MoneyColumn, NumberColumn
from costs.templatetags.upkeep import BILL_STATES, badge, state_badge
from costs.terms import CostMetric, ImportState
from costs.views.sources import MomentColumn, version_lines_url


class VersionTable(FinopsTable):
    """Every version of a month, newest first."""

    number = NumberColumn("Version")
    finished_at = MomentColumn("Read (UTC)")
    state = tables.Column("State")
    run = tables.Column("Delivered as", default="files alone")
    rows = NumberColumn("Lines")
    lines_without_invoice = NumberColumn("Not invoiced")
    billed_cost = MoneyColumn("Billed cost", currency_of="currency", lines="billed_lines_url")
    effective_cost = MoneyColumn("Effective cost", currency_of="currency", lines="effective_lines_url")
    currency = tables.Column("Currency", visible=False)
    import_pk = LinkColumn("Import", url=lambda row: reverse("costs:import", args=[row["import_pk"]]))

    class Meta:
        order_by = ("-number",)

    def render_state(self, value: ImportState) -> SafeString:
        return state_badge(value)


class ChangeTable(FinopsTable):
    """What differs between two versions by service and account."""

    service_name = tables.Column("Service", default="no service")
    account = tables.Column("Account", default="no account")

    class Meta:
        empty_text = "The two versions do not differ in any service or account."

    def __init__(
        self,
        *args: Any,
        currency: str,
        before: int,
        after: int,
        lines_of: Callable[[VersionChange], str],
        **kwargs: Any,
    ) -> None:
        extra = [
            ("before", MoneyColumn(f"Version {before}", currency=currency, lines=lines_of)),
            ("after", MoneyColumn(f"Version {after}", currency=currency, lines=lines_of)),
            ("change", MoneyColumn("Change", currency=currency, signed=True, lines=lines_of)),
        ]
        super().__init__(*args, extra_columns=extra, **kwargs)


@staff_page
def bill_page(request: HttpRequest, source: str, period: str) -> HttpResponseBase:
    """The history of a bill."""
    history = selectors.bill_history(request_scope(request), source, BillingPeriod.parse(period))
    table = VersionTable(
        [_version_row(history, version) for version in history.versions],
        request=request,
        caption="Versions",
        prefix="v-",
        per_page=25,
    )
    about = [("Source", source), ("Month", str(history.period))]
    if request.GET.get("table") != "changes" and (response := table.export(name="versions", title_rows=about)):
        return response
    context: dict[str, Any] = {
        "history": history,
        "badge": badge(*BILL_STATES[history.state]),
        "version_table": table,
        "newest": history.versions[0] if history.versions else None,
    }
    if len(history.versions) > 1:
        comparison = _comparison(request, history)
        changes: FinopsTable = comparison["change_table"]
        title_rows = [*about, *comparison["title_rows"]]
        if response := changes.export(name=f"changes-{source}-{history.period}", title_rows=title_rows):
            return response
        context |= comparison
    return render(request, "costs/bill.html", context)


def _version_row(history: BillHistory, version: BillVersion) -> dict[str, Any]:
    """A version with the ways to its lines, while they are kept."""
    urls = {
        f"{metric.value}_lines_url": version_lines_url(version.import_pk, history.period, version.currency, metric)
        for metric in (CostMetric.BILLED, CostMetric.EFFECTIVE)
    }
    return {**vars(version), **(urls if version.has_lines else {})}


def _comparison(request: HttpRequest, history: BillHistory) -> dict[str, Any]:
    """Two versions side by side: those asked for, else the newest and the one before it."""
    numbers = [version.number for version in history.versions]
    after = _asked(request, "after", history) or history.versions[0]
    before = _asked(request, "before", history) or history.version(after.number - 1) or history.versions[-1]
    metric = parse_metric(request.GET.get("basis") or CostMetric.BILLED.value)
    rows = selectors.version_changes(request_scope(request), before, after, metric=metric)
    table = ChangeTable(
        rows,
        request=request,
        caption="What changed",
        prefix="c-",
        per_page=25,
        currency=after.currency,
        before=before.number,
        after=after.number,
        lines_of=lambda row: _lines_url(history, before, after, metric, service=row.service_name, account=row.account),
    )
    chosen = {"before": before.number, "after": after.number, "basis": metric.value}
    return {
        "form": VersionsForm(initial=chosen, numbers=numbers),
        "change_table": table,
        "change": sum(row.change for row in rows),
        "currency": after.currency,
        "basis": metric.value,
        "before": before,
        "after": after,
        "lines_url": _lines_url(history, before, after, metric),
        "title_rows": [("Versions", f"{before.number} to {after.number}"), ("Basis", f"{metric.value} cost")],
    }


def _lines_url(history: BillHistory, before: BillVersion, after: BillVersion, metric: CostMetric, **place: str) -> str:
    """The lines that differ between two versions."""
    pairs = {"before": before.number, "after": after.number, "basis": metric.value, **place}
    return f"{reverse('costs:bill_lines', args=[history.source_name, history.period])}?{urlencode(pairs)}"


def _asked(request: HttpRequest, name: str, history: BillHistory) -> BillVersion | None:
    text = request.GET.get(name, "")
    return history.version(int(text)) if text.isascii() and text.isdigit() and len(text) < 6 else None
