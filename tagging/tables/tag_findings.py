"""Tables of findings of tags, and of what became of announced fixes."""

from typing import Any

import django_tables2 as tables
from django.utils.html import format_html
from django.utils.safestring import SafeString

from costs.tables import BadgeColumn, DayColumn, LinkColumn, MoneyColumn
from tagging.tables.compliance import MonthTable
from tagging.templatetags.resources import short_id

TONES = {
    "Missing": "bad",
    "Value not allowed": "bad",
    "Near miss": "warn",
    "Key written otherwise": "info",
    "Value in other case": "info",
    "Expired": "warn",
}


class TagFindingsTable(MonthTable):
    """One key on one resource a row."""

    resource_id = LinkColumn(verbose_name="Resource", url="url")
    key = tables.Column("Key")
    title = BadgeColumn("Finding", tones=TONES)
    value = tables.Column("Found", attrs={"td": {"class": "wrap"}})
    wanted = tables.Column("Set it to", attrs={"td": {"class": "wrap"}})
    why = tables.Column("Why", attrs={"td": {"class": "wrap"}}, orderable=False)
    team_name = tables.Column("Team")
    service_name = tables.Column("Service", visible=False)
    sub_account_id = tables.Column("Account", visible=False)
    region_id = tables.Column("Region", visible=False)
    breaks = tables.Column("Breaks the policy", visible=False)
    status = tables.Column("Told", orderable=False)
    cost = MoneyColumn("Cost")

    def render_resource_id(self, value: str, record: Any) -> SafeString | str:
        shown = short_id(value)
        if not record["name"]:
            return shown
        return format_html('{}<br><span class="muted mono">{}</span>', record["name"], shown)

    def render_value(self, value: str, record: Any) -> SafeString | str:
        if record["spelling"] and record["spelling"] != record["key"]:
            return format_html('<span class="mono">{}={}</span>', record["spelling"], value)
        return format_html('<span class="mono">{}</span>', value)

    def render_wanted(self, value: str) -> SafeString:
        return format_html('<span class="mono">{}</span>', value)


class AnnouncedTable(MonthTable):
    """One fix somebody was told of a row."""

    resource_id = tables.Column("Resource")
    key = tables.Column("Key")
    wanted = tables.Column("Set it to", attrs={"td": {"class": "wrap"}})
    team_name = tables.Column("Team")
    announced_on = DayColumn("Told")
    text = BadgeColumn("What became of it")

    def render_resource_id(self, value: str) -> str:
        return short_id(value)
