"""Tables that lead from a figure to the rules, the slices and the lines of the bill behind it."""

from typing import Any

import django_tables2 as tables
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from costs.tables import FinopsTable, LinkColumn, MoneyColumn, NumberColumn, PctColumn


class DecisionTable(FinopsTable):
    """One row per rule and what it matched."""

    rule_text = LinkColumn(verbose_name="Rule", url="url")
    matched_text = tables.Column("What it matched", attrs={"td": {"class": "wrap"}})
    slice_count = NumberColumn("Slices")
    cost = MoneyColumn("Cost", lines="lines_url")
    share = PctColumn("Share")

    def __init__(self, data: Any = None, *, currency: str, **options: Any) -> None:
        super().__init__(data, **options)
        self.columns["cost"].column.currency = currency


class SliceTable(FinopsTable):
    """Slices: all that rules can see of a cost."""

    service_name = tables.Column("Service")
    usage_type = tables.Column("Usage type", attrs={"td": {"class": "long"}})
    operation = tables.Column("Operation", visible=False)
    account = tables.Column("Account")
    region_id = tables.Column("Region")
    charge_category = tables.Column("Category")
    line_kind = tables.Column("Line kind", visible=False)
    tags = tables.Column("Tags", orderable=False)
    matched_text = tables.Column("Matched", visible=False)
    cost = MoneyColumn("Cost")

    class Meta:
        empty_text = "No slice behind this figure."

    def __init__(self, data: Any = None, *, currency: str, **options: Any) -> None:
        super().__init__(data, **options)
        self.columns["cost"].column.currency = currency

    def render_tags(self, value: tuple[tuple[str, str], ...]) -> SafeString:
        if not value:
            return format_html('<span class="muted">{}</span>', "none")
        return format_html_join(" ", '<span class="tag">{}=<wbr>{}</span>', value)

    def value_tags(self, value: tuple[tuple[str, str], ...]) -> str:
        return tags_text(value)


def tags_text(tags: tuple[tuple[str, str], ...]) -> str:
    """`Key=Value,Key2=Value2`, as inventories write it."""
    return ",".join(f"{key}={value}" for key, value in tags)
