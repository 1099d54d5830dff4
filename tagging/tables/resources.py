"""The table of resources."""

from collections.abc import Callable, Sequence
from typing import Any

import django_tables2 as tables
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django_tables2.data import TableListData
from django_tables2.utils import OrderBy

from costs import figures
from costs.tables import FinopsTable, MoneyColumn
from tagging.results import ResourceRow, ResourceTable
from tagging.templatetags.resources import short_id
from tagging.terms import TagState

_TAG = {"td": {"class": "third small"}}
_LOOKS = {
    TagState.COMPLIANT: "",
    TagState.MISSING: "badge badge-bad",
    TagState.INVALID: "badge badge-warn",
    TagState.EXEMPT: "muted",
}


_SUGGESTED = '{} <span class="badge badge-info" title="{}">suggested</span>'


class TagColumn(tables.Column):
    """One policy key: the value as a badge, `missing`, or the value marked as not allowed."""

    empty_values = ()

    def __init__(self, key: str, place: int) -> None:
        self.place = place
        super().__init__(verbose_name=key, orderable=False, accessor="values", attrs=_TAG)

    def render(self, record: ResourceRow) -> SafeString:
        state = record.states[self.place][1]
        key, value = record.values[self.place]
        if ours := dict(record.suggested).get(key):
            return format_html(_SUGGESTED, ours, f"{key}: an accepted suggestion; the resource itself has no such tag")
        text = "missing" if state is TagState.MISSING else value or state.value
        title = "" if state is TagState.COMPLIANT else f"{key}: {state.value}"
        return format_html('<span class="{}" title="{}">{}</span>', _LOOKS[state], title, text)

    def export_text(self, value: Sequence[tuple[str, str]]) -> str:
        """The value alone; empty where it is missing."""
        return value[self.place][1]


class SuggestedColumn(tables.Column):
    """The values that are ours, for files."""

    def export_text(self, value: Sequence[tuple[str, str]]) -> str:
        """As `Key=Value`, one after the other."""
        return "; ".join(f"{key}={text}" for key, text in value)


def _total(table: Any) -> str:
    return figures.money(table.found.total, table.found.currency)


class RowsData(TableListData):
    """Rows that are made when they are shown, and put in order before."""

    data: Any

    def order_by(self, aliases: Sequence[Any]) -> None:
        """As `TableListData` does with rows that are there already."""
        keys = []
        for alias in aliases:
            column = self.table.columns[OrderBy(alias).bare]
            is_turned = alias[0] != column.order_by_alias[0]
            keys += [OrderBy(each) for each in (column.order_by.opposite if is_turned else column.order_by)]
        self.data = self.data.ordered([(key.bare, key.is_descending) for key in keys])


class ResourcesTable(FinopsTable):
    """Resources of a month, with the state of each policy key.

    On the page account and region stand under the service, and all three under the name where the window is
    narrow; in files they are columns of their own.
    """

    resource_id = tables.Column("Resource", footer="Total")
    team_name = tables.Column("Belongs to", order_by=("team_name", "team_key"))
    cost = MoneyColumn("Cost", footer=_total)
    service_name = tables.Column("Service", attrs={part: {"class": "roomy small"} for part in ("th", "td", "tf")})
    account = tables.Column("Account", accessor="sub_account_id", order_by=("sub_account_name", "sub_account_id"))
    region_id = tables.Column("Region")
    suggested = SuggestedColumn("Suggested, not tagged", orderable=False)

    def __init__(self, found: ResourceTable, *, lines_url: Callable[[ResourceRow], str], **options: Any) -> None:
        self.found, self.lines_url = found, lines_url
        self.has_suggested = found.rows.has_suggested
        more = [(f"tag_{at}", TagColumn(key, at)) for at, key in enumerate(found.policy_keys)]
        sequence = ("resource_id", "team_name", "cost", *(name for name, _ in more), "...")
        super().__init__(RowsData(found.rows), extra_columns=more, sequence=sequence, **options)
        cost = self.columns["cost"].column
        assert isinstance(cost, MoneyColumn)
        cost.currency, cost.lines = found.currency, lines_url
        if not (self.request.GET.get("format") and self.has_suggested):
            self.columns.hide("suggested")
        if not self.request.GET.get("format"):
            self.columns.hide("account")
            self.columns.hide("region_id")

    def render_resource_id(self, record: ResourceRow) -> SafeString:
        """The name where there is one, with the id under it, as the way to the lines of the bill."""
        url, full, short = self.lines_url(record), record.resource_id, short_id(record.resource_id)
        place = format_html('<span class="muted small roomy-not">{}, {}</span>', record.service_name, _place(record))
        if not record.name or record.name == full:
            link = format_html('<a class="resource-name resource-id" href="{}" title="{}">{}</a>', url, full, short)
            return link + place
        text = '<a class="resource-name" href="{}">{}</a><span class="muted small resource-id" title="{}">{}</span>{}'
        return format_html(text, url, record.name, full, short, place)

    def render_service_name(self, value: str, record: ResourceRow) -> SafeString:
        """The service, and under it where it runs."""
        return format_html('{}<br><span class="muted">{}</span>', value, _place(record))


def _place(record: ResourceRow) -> str:
    """The account's name (its number where it has none) and the region."""
    places = [record.sub_account_name or record.sub_account_id, record.region_id]
    return ", ".join(place for place in places if place)
