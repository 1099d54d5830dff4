"""Tables of the tag policy: keys, groups, next fixes, values that are not allowed."""

from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from typing import Any

import django_tables2 as tables
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django_tables2.data import TableListData

from costs.tables import BarColumn, FinopsTable, LinkColumn, MoneyColumn, NumberColumn

TARGET = Decimal("0.95")


def tone_of(ratio: Decimal | None) -> str:
    """Good from the target of 95 % on, bad below half of it."""
    if ratio is None:
        return ""
    return "good" if ratio >= TARGET else "bad" if ratio < TARGET / 2 else "warn"


class ShownCells(TableListData):
    """Cells made of the rows that are shown; of all of them where they are put in another order."""

    def __init__(self, rows: Sequence[Any], cells_of: Callable[[Any], dict[str, Any]]) -> None:
        self.cells_of = cells_of
        super().__init__(rows)

    def __getitem__(self, at: Any) -> Any:
        found = self.data[at]
        return [self._cells(row) for row in found] if isinstance(at, slice) else self._cells(found)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return map(self._cells, self.data)

    def order_by(self, aliases: Any) -> None:
        self.data = list(self)
        super().order_by(aliases)

    def _cells(self, row: Any) -> dict[str, Any]:
        return row if isinstance(row, dict) else self.cells_of(row)


class MonthTable(FinopsTable):
    """A table whose money has the month's currency."""

    def __init__(self, data: Any = None, *, currency: str, **options: Any) -> None:
        super().__init__(data, **options)
        for column in self.columns:
            if isinstance(column.column, MoneyColumn):
                column.column.currency = currency


class KeyTable(MonthTable):
    """One required key a row."""

    key = LinkColumn(verbose_name="Key", url="url")
    cost_ratio = BarColumn("Compliant %", tone=lambda row: tone_of(row["cost_ratio"]))
    compliant_cost = MoneyColumn("Compliant cost")
    present = NumberColumn("Present")
    missing = NumberColumn("Missing")
    invalid = NumberColumn("Not allowed")
    exempt = NumberColumn("Exempt", visible=False)
    compliant_ratio = BarColumn("Resources", visible=False)
    allowed = tables.Column("Values", attrs={"td": {"class": "wrap"}}, orderable=False)


class GroupTable(MonthTable):
    """One service, region, account or team a row."""

    label = LinkColumn(verbose_name="Name", url="url")
    cost_ratio = BarColumn("Compliant %", tone=lambda row: tone_of(row["cost_ratio"]))
    compliant_cost = MoneyColumn("Compliant cost")
    taggable_cost = MoneyColumn("Taggable", lines="lines_url")
    to_fix_cost = MoneyColumn("To fix")
    compliant_resources = NumberColumn("Compliant resources")
    resources = NumberColumn("Resources")

    class Meta:
        order_by = ("-to_fix_cost",)


class FixTable(MonthTable):
    """The repairs worth most: a resource and the keys it needs."""

    resource = LinkColumn(verbose_name="Resource", url="url")
    service_name = tables.Column("Service")
    team_name = tables.Column("Team")
    keys = tables.Column("Keys to fix", orderable=False)
    cost = MoneyColumn("Cost", lines="lines_url")

    def render_resource(self, value: str, record: Any) -> SafeString | str:
        if not record["name"]:
            return value
        return format_html('{}<br><span class="muted mono">{}</span>', record["name"], value)

    def render_keys(self, value: tuple[tuple[str, str], ...]) -> SafeString:
        return format_html_join(" ", '<span class="tag">{} {}</span>', value)


class InvalidTable(MonthTable):
    """Values that the policy does not allow."""

    key = tables.Column("Key")
    value = tables.Column("Value found")
    allowed = tables.Column("Allowed", attrs={"td": {"class": "wrap"}}, orderable=False)
    resources = NumberColumn("Resources")
    cost = MoneyColumn("Cost")

    class Meta:
        order_by = ("-cost",)
