"""What pages of upkeep draw: states of imports, and files of one table of several."""

from decimal import Decimal
from typing import Any

from django import template
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from costs import figures
from costs.selectors.sources import SourceState
from costs.terms import BillingFormat, BillState, DeliveryState, FileState, ImportState

register = template.Library()

FORMAT_NAMES = {
    BillingFormat.LEGACY_CUR: "Cost and Usage Report",
    BillingFormat.CUR_2: "CUR 2.0",
    BillingFormat.FOCUS: "FOCUS",
    BillingFormat.INVENTORY_COMPUTE: "Compute inventory",
    BillingFormat.INVENTORY_STORAGE: "Storage inventory",
}
# State in words and the tone of its badge.
STATES = {
    ImportState.QUEUED: ("Waiting", "info"),
    ImportState.LANDING: ("Reading files", "info"),
    ImportState.ROLLING_UP: ("Summing up", "info"),
    ImportState.ALLOCATING: ("Finding owners", "info"),
    ImportState.IN_FORCE: ("In force", "good"),
    ImportState.REPLACED: ("Replaced", "neutral"),
    ImportState.SUPERSEDED: ("Older than what is in force", "neutral"),
    ImportState.UNCHANGED: ("Unchanged", "neutral"),
    ImportState.FAILED: ("Failed", "bad"),
    ImportState.CANCELLED: ("Cancelled", "neutral"),
}
FILE_STATES = {
    FileState.WAITING: ("Waiting", "neutral"),
    FileState.LANDING: ("Reading", "info"),
    FileState.LANDED: ("Read", "good"),
    FileState.FAILED: ("Failed", "bad"),
    FileState.STOPPED: ("Stopped", "neutral"),
}


SOURCE_STATES = {
    SourceState.INACTIVE: ("Not active", "neutral"),
    SourceState.FAILING: ("Cannot be looked at", "bad"),
    SourceState.REFUSED: ("Delivery refused", "bad"),
    SourceState.WAITING: ("Waiting for files", "warn"),
    SourceState.BUSY: ("Fetching", "info"),
    SourceState.NEW: ("Not looked at yet", "info"),
    SourceState.IN_ORDER: ("In order", "good"),
    SourceState.UPLOADED: ("Uploads", "neutral"),
    SourceState.FETCHED: ("Fetched with another", "neutral"),
}
DELIVERY_STATES = {
    DeliveryState.WAITING: ("Not complete yet", "warn"),
    DeliveryState.QUEUED: ("Waits for a worker", "info"),
    DeliveryState.FETCHING: ("Being fetched", "info"),
    DeliveryState.IMPORTING: ("Being imported", "info"),
    DeliveryState.DONE: ("Imported", "good"),
    DeliveryState.REFUSED: ("Refused", "bad"),
    DeliveryState.FAILED: ("Could not be fetched", "bad"),
    DeliveryState.SUPERSEDED: ("A newer one came", "neutral"),
}
BILL_STATES = {
    BillState.OPEN: ("Open", "info"),
    BillState.CLOSING: ("Closing", "info"),
    BillState.FINAL: ("Final", "good"),
    BillState.REOPENED: ("Reopened", "warn"),
}


def badge(text: str, tone: str) -> SafeString:
    """A state in words, coloured."""
    return format_html('<span class="badge badge-{}">{}</span>', tone, text)


@register.simple_tag
def state_badge(state: ImportState) -> SafeString:
    """The state of an import in words, coloured."""
    return badge(*STATES[state])


@register.simple_tag
def file_badge(state: FileState) -> SafeString:
    """The state of one file of an import in words, coloured."""
    return badge(*FILE_STATES[state])


@register.filter
def hundredth(percent: int) -> Decimal:
    """A whole number of per cent as the ratio that bars take."""
    return Decimal(percent) / 100


@register.filter
def signed(value: Decimal, currency: str = "USD") -> str:
    """Money with its sign, in no colour: what moves between owners is neither good nor bad."""
    return figures.change(value, currency)


@register.inclusion_tag("costs/_export_links.html", takes_context=True)
def export_links(context: template.Context, table: str) -> dict[str, Any]:
    """Links to one named table of this very page as files."""
    request: HttpRequest = context["request"]
    query = request.GET.copy()
    query["table"] = table
    links = []
    for file_format, label in (("csv", "CSV"), ("xlsx", "Excel")):
        query["format"] = file_format
        links.append((label, f"{request.path}?{query.urlencode()}"))
    return {"table": table, "links": links}
