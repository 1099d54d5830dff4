"""The table of findings, and what of it goes into files."""

from typing import Any

import django_tables2 as tables
from django.utils.html import format_html
from django.utils.safestring import SafeString

from costs import figures
from costs.exports import ColumnKind, ExportColumn
from costs.tables import BadgeColumn, FinopsTable, LinkColumn, MoneyColumn
from tagging.results import FindingRow, FindingTable
from tagging.templatetags.resources import short_id

STATE_TONES = {"open": "warn", "accepted": "info", "dismissed": "neutral", "done": "good"}
EXPORTED: tuple[ExportColumn | str, ...] = (
    "Ref",
    "Kind",
    "Resource",
    "Name",
    "Belongs to",
    "Service",
    "Account",
    "Region",
    "Because",
    "Evidence",
    ExportColumn("Cost a month", ColumnKind.MONEY),
    ExportColumn("Saving a month", ColumnKind.MONEY),
    "State",
    ExportColumn("Dismissed until", ColumnKind.DATE),
    "Note",
    ExportColumn("First seen", ColumnKind.DATE),
    ExportColumn("Last seen", ColumnKind.DATE),
    ExportColumn("Done", ColumnKind.DATE),
    ExportColumn("Verified saving", ColumnKind.MONEY),
)


def exported(row: FindingRow) -> list[Any]:
    """A finding's cells in the order of EXPORTED."""
    return [
        row.ref,
        row.title,
        row.resource_id,
        row.resource_name,
        row.owner_label,
        row.service_name,
        row.sub_account_id,
        row.region_id,
        row.reason,
        "; ".join(f"{label}: {text}" for label, text in row.evidence),
        row.monthly_cost,
        row.monthly_saving,
        row.state.value,
        row.dismissed_until,
        row.note,
        row.first_seen_on,
        row.last_seen_on,
        row.done_on,
        row.verified_saving,
    ]


def _total_cost(table: Any) -> str:
    return figures.money(table.found.total_monthly_cost, table.found.currency)


def _total_saving(table: Any) -> str:
    return figures.money(table.found.total_monthly_saving, table.found.currency)


class FindingsTable(FinopsTable):
    """Findings with what to save and what to do. The footer counts those still to be had."""

    name = LinkColumn(verbose_name="Resource", url="url", footer="To be saved")
    title = tables.Column("Kind", order_by=("title", "-monthly_saving"), attrs={"td": {"class": "nowrap"}})
    owner_label = tables.Column("Belongs to", attrs={"td": {"class": "nowrap"}})
    reason = tables.Column("Because", orderable=False, attrs={"td": {"class": "wrap"}})
    monthly_cost = MoneyColumn("Cost a month", footer=_total_cost)
    monthly_saving = MoneyColumn("Saving a month", footer=_total_saving)
    state = BadgeColumn("State", tones=STATE_TONES)
    act = tables.Column("Act", orderable=False, empty_values=())

    def __init__(self, found: FindingTable, rows: list[dict[str, Any]], **options: Any) -> None:
        self.found = found
        super().__init__(rows, **options)
        for column in ("monthly_cost", "monthly_saving"):
            self.columns[column].column.currency = found.currency

    def render_name(self, value: str, record: dict[str, Any]) -> SafeString:
        """The name, with the id under it where that is another."""
        short = short_id(record["resource_id"])
        if value == record["resource_id"]:
            return format_html('<span class="resource-name resource-id" title="{}">{}</span>', value, short)
        text = '<span class="resource-name">{}</span><span class="muted small resource-id" title="{}">{}</span>'
        return format_html(text, value, record["resource_id"], short)

    def render_reason(self, value: str, record: dict[str, Any]) -> SafeString:
        """Why, with the first piece of evidence."""
        label, text = next(iter(record["evidence"]), ("", ""))
        shown = format_html('<br><span class="muted small">{}: {}</span>', label, text) if label else ""
        return format_html("{}{}", value, shown)

    def render_state(self, value: str, record: dict[str, Any]) -> SafeString:
        """The state, until when, and what was saved since."""
        badge = BadgeColumn(tones=STATE_TONES).render(value)
        if record["dismissed_until"]:
            return format_html(
                '{}<br><span class="muted small">until {}</span>', badge, figures.day(record["dismissed_until"])
            )
        if record["verified_saving"]:
            saved = figures.money(record["verified_saving"], self.found.currency)
            return format_html('{}<br><span class="muted small">saved {}</span>', badge, saved)
        return badge

    def render_act(self, record: dict[str, Any]) -> SafeString:
        """Where to decide; readers who may not are told more there."""
        text = "Decide" if record["may_change"] else "Look"
        return format_html(
            '<a class="button button-small" href="{}#decide">{}<span class="visually-hidden">: {}</span></a>',
            record["url"],
            text,
            record["name"],
        )
