"""Tables of suggested tags and of virtual tags."""

from typing import Any

import django_tables2 as tables
from django.utils.html import format_html
from django.utils.safestring import SafeString

from costs.tables import LinkColumn, MoneyColumn, PctColumn
from tagging.tables.compliance import MonthTable
from tagging.tables.marks import evidence
from tagging.templatetags.resources import short_id

FILE_ONLY = ("name", "service_name", "sub_account_id", "region_id", "team_name", "confidence", "evidence_text", "state")
VIRTUAL_FILE_ONLY = ("evidence_text", "ended_text")


class SuggestionTable(MonthTable):
    """One suggested tag a row. With `choosing` each can be ticked for the form around the table."""

    pick = tables.Column("Choose", orderable=False, exclude_from_export=True, attrs={"td": {"class": "pick"}})
    resource_id = LinkColumn(verbose_name="Resource", url="url")
    tag = tables.Column("Suggested tag", attrs={"td": {"class": "wrap"}})
    why = tables.Column("Why", orderable=False, exclude_from_export=True, attrs={"td": {"class": "wrap"}})
    name = tables.Column("Name")
    service_name = tables.Column("Service")
    sub_account_id = tables.Column("Account")
    region_id = tables.Column("Region")
    team_name = tables.Column("Team")
    confidence = PctColumn("Confidence")
    evidence_text = tables.Column("Evidence")
    state = tables.Column("State")
    monthly_cost = MoneyColumn("Cost a month")

    def __init__(self, data: Any, *, choosing: bool, **options: Any) -> None:
        super().__init__(data, **options)
        if not self.request.GET.get("format"):
            for name in FILE_ONLY:
                self.columns.hide(name)
        if not choosing:
            self.columns.hide("pick")

    def render_pick(self, value: str, record: Any) -> SafeString:
        return format_html(
            '<input type="checkbox" name="row" value="{}" aria-label="{} for {}">',
            value,
            record["tag"],
            record["resource_id"],
        )

    def render_resource_id(self, value: str, record: Any) -> SafeString:
        shown = format_html('<span class="mono">{}</span>', short_id(value))
        label = format_html("{}<br>{}", record["name"], shown) if record["name"] else shown
        return format_html('{}<br><span class="muted small">{}</span>', label, record["team_name"])

    def render_tag(self, value: str, record: Any) -> SafeString:
        said = format_html('<span class="mono">{}</span>', value)
        if record["proposed_by"]:
            why = f": {record['reason']}" if record["reason"] else ""
            badge = f"Proposed by {record['proposed_by']}"
            return format_html(
                '{}<br><span class="badge badge-info">{}</span><span class="small">{}</span>', said, badge, why
            )
        if record["state"]:
            return format_html('{}<br><span class="badge badge-info">Proposed to FinOps</span>', said)
        return said

    def render_why(self, value: tuple[str, ...], record: Any) -> SafeString:
        return format_html("<strong>{}</strong>{}", record["like_cases"], evidence(value))


class VirtualTagTable(MonthTable):
    """One virtual tag a row, with who made it and why."""

    resource_id = tables.Column("Resource")
    tag = tables.Column("Tag (ours)", attrs={"td": {"class": "nowrap"}})
    from_period = tables.Column("From", attrs={"td": {"class": "nowrap"}})
    to_period = tables.Column("Until before")
    story = tables.Column("Who and why", orderable=False, attrs={"td": {"class": "wrap"}})
    evidence_text = tables.Column("Evidence")
    ended_text = tables.Column("Ended")
    state = tables.Column("State")
    monthly_cost = MoneyColumn("Cost a month")
    end = tables.Column("End", orderable=False, exclude_from_export=True, empty_values=())

    def __init__(self, data: Any, **options: Any) -> None:
        super().__init__(data, **options)
        if not self.request.GET.get("format"):
            for name in VIRTUAL_FILE_ONLY:
                self.columns.hide(name)

    def render_resource_id(self, value: str) -> SafeString:
        return format_html('<span class="mono">{}</span>', short_id(value))

    def render_tag(self, value: str) -> SafeString:
        return format_html('<span class="mono">{}</span>', value)

    def render_story(self, value: str, record: Any) -> SafeString:
        return format_html("{}{}", value, evidence(record["evidence"]))

    def render_state(self, value: str, record: Any) -> SafeString:
        tone = {"in force": "badge-info", "superseded": "badge-warn"}.get(value, "")
        badge = format_html('<span class="badge {}">{}</span>', tone, value.capitalize())
        note = record["ended_text"] or (
            f"the resource carries {record['superseded_by']} itself" if record["superseded_by"] else ""
        )
        return format_html('{}<br><span class="muted small">{}</span>', badge, note) if note else badge

    def render_end(self, record: Any) -> SafeString | str:
        if record["to_period"]:
            return ""
        return format_html(
            '<a class="button button-small" href="{}">End<span class="visually-hidden"> {} on {}</span></a>',
            record["end_url"],
            record["tag"],
            record["resource_id"],
        )
