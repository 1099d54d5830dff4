"""Tables of findings of tags, and of what became of announced fixes."""

from typing import Any

import django_tables2 as tables
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from costs.tables import DayColumn, LinkColumn, MoneyColumn
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
SHORT_ID = 24  # letters; longer ids may break in the middle
FILE_ONLY = (
    "name",
    "value",
    "wanted",
    "why",
    "team_name",
    "service_name",
    "sub_account_id",
    "region_id",
    "breaks",
    "status",
)


class TagFindingsTable(MonthTable):
    """One key on one resource a row. On the page what was found stands under the finding; files have it in columns."""

    resource_id = LinkColumn(verbose_name="Resource", url="url")
    key = tables.Column("Key")
    title = tables.Column("Finding", attrs={"td": {"class": "wrap"}})
    name = tables.Column("Name")
    value = tables.Column("Found")
    wanted = tables.Column("Set it to")
    why = tables.Column("Why", orderable=False)
    team_name = tables.Column("Team")
    service_name = tables.Column("Service")
    sub_account_id = tables.Column("Account")
    region_id = tables.Column("Region")
    breaks = tables.Column("Breaks the policy")
    status = tables.Column("Told", orderable=False)
    cost = MoneyColumn("Cost")

    def __init__(self, data: Any, **options: Any) -> None:
        super().__init__(data, **options)
        if not self.request.GET.get("format"):
            for name in FILE_ONLY:
                self.columns.hide(name)

    def render_resource_id(self, value: str, record: Any) -> SafeString:
        shown = short_id(value)
        css = "nowrap" if len(shown) <= SHORT_ID else ""
        if not record["name"]:
            return format_html('<span class="{}">{}</span>', css, shown)
        return format_html('{}<br><span class="muted mono {}">{}</span>', record["name"], css, shown)

    def render_key(self, value: str, record: Any) -> SafeString:
        return format_html('{}<br><span class="muted small">{}</span>', value, record["team_name"])

    def render_title(self, value: str, record: Any) -> SafeString:
        badge = format_html('<span class="badge badge-{}">{}</span>', TONES.get(value, "neutral"), value)
        lines = [badge]
        if record["value"]:
            spelled = f"{record['spelling'] or record['key']}={record['value']}"
            lines.append(format_html('<span class="mono small">{}</span>', spelled))
        if record["wanted"]:
            wanted = f"{record['key']}={record['wanted']}"
            lines.append(format_html('<span class="small">Set <span class="mono">{}</span></span>', wanted))
        notes = ", ".join(text for text in (record["why"], record["status"]) if text)
        if notes:
            lines.append(format_html('<span class="muted small">{}</span>', notes))
        return mark_safe("<br>".join(lines))  # noqa: S308 - every part was escaped above


class AnnouncedTable(MonthTable):
    """One fix somebody was told of a row."""

    resource_id = tables.Column("Resource")
    key = tables.Column("Key")
    wanted = tables.Column("Set it to", attrs={"td": {"class": "wrap"}})
    team_name = tables.Column("Team")
    announced_on = DayColumn("Told")
    text = tables.Column("What became of it", attrs={"td": {"class": "wrap"}}, orderable=False)

    def render_resource_id(self, value: str) -> str:
        return short_id(value)
