"""Tables of the month's chargeback and of one statement."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import django_tables2 as tables
from django.utils.html import format_html
from django.utils.safestring import SafeString

from costs.money import ZERO
from costs.tables import FinopsTable, LinkColumn, MoneyColumn, PctColumn, money_total


@dataclass(frozen=True)
class OwnerLine:
    """One owner's month. `share` is of the bill for FinOps staff, of the reader's own total for teams."""

    owner: str
    label: str
    url: str
    cost_center: str
    direct_cost: Decimal | None
    shared_cost: Decimal | None
    adjustment_cost: Decimal | None
    total_cost: Decimal
    previous_total_cost: Decimal | None
    change: Decimal | None
    change_ratio: Decimal | None
    share: Decimal | None
    state: str = ""
    is_missing: bool = False
    lines_url: str = ""

    @property
    def total_lines_url(self) -> str:
        """The lines of the total, where it is made of lines alone."""
        return "" if self.shared_cost or self.adjustment_cost else self.lines_url

    @property
    def change_size(self) -> Decimal:
        """How far the cost moved, whichever way; what the change is sorted by."""
        return abs(self.change or ZERO)


def _total(bound_column: Any, table: Any) -> SafeString:
    name, total = bound_column.name, table.total
    url = {"direct_cost": total.lines_url, "total_cost": total.total_lines_url}.get(name, "")
    return money_total(getattr(total, name), table.currency, url, signed=name == "change")


class ChargebackTable(FinopsTable):
    """A month by owner, the missing part pinned below as a line of its own, then the total of all lines.

    `compared` names the days of the month before; empty where there is nothing to compare with: the columns
    of the change are left out and the largest cost comes first. Files have the total in their head.
    """

    owner = LinkColumn(url="url", footer="Total")
    cost_center = tables.Column("Cost centre")
    direct_cost = MoneyColumn("Direct", lines="lines_url", footer=_total)
    shared_cost = MoneyColumn("Shared", footer=_total)
    adjustment_cost = MoneyColumn("Adjustments", footer=_total)
    total_cost = MoneyColumn("Total", lines="total_lines_url", footer=_total)
    previous_total_cost = MoneyColumn("Month before", footer=_total)
    change = MoneyColumn("Change", signed=True, order_by="change_size", footer=_total)
    change_ratio = PctColumn("Change %", signed=True)
    share = PctColumn("Share")

    class Meta:
        row_attrs = {"class": lambda record: "row-missing" if record.is_missing else ""}
        pinned_row_attrs = {"class": "row-missing"}

    def __init__(
        self,
        data: Sequence[OwnerLine],
        *,
        missing: OwnerLine | None,
        currency: str,
        compared: str,
        lines_url: str,
        exclude: tuple[str, ...] = (),
        **options: Any,
    ) -> None:
        self.missing, self.currency = missing, currency
        self.total = total_line([*data, *([missing] if missing else [])], lines_url)
        hidden = () if compared else ("previous_total_cost", "change", "change_ratio")
        order_by = "-change" if compared else "-total_cost"
        super().__init__(data, exclude=(*exclude, *hidden), order_by=order_by, **options)
        for column in self.columns:
            if column.name == "previous_total_cost":
                column.column.verbose_name = compared
            if isinstance(column.column, MoneyColumn):
                column.column.currency = currency

    def get_bottom_pinned_data(self) -> list[OwnerLine]:
        """The missing part, where there is one to name."""
        return [self.missing] if self.missing is not None else []

    def render_owner(self, record: OwnerLine) -> SafeString | str:
        return format_html("<strong>{}</strong>", record.label) if record.is_missing else record.label


def total_line(lines: Sequence[OwnerLine], lines_url: str) -> OwnerLine:
    """All lines added up, column by column."""

    def added(name: str) -> Decimal:
        return sum((getattr(line, name) or ZERO for line in lines), ZERO)

    total, before = added("total_cost"), added("previous_total_cost")
    return OwnerLine(
        owner="Total",
        label="Total",
        url="",
        cost_center="",
        direct_cost=added("direct_cost"),
        shared_cost=added("shared_cost"),
        adjustment_cost=added("adjustment_cost"),
        total_cost=total,
        previous_total_cost=before,
        change=total - before,
        change_ratio=None,
        share=None,
        lines_url=lines_url,
    )


class StatementTable(FinopsTable):
    """The lines of a statement: service, account and kind of charge."""

    kind = tables.Column("Kind")
    service_name = LinkColumn(verbose_name="Service", url="url")
    account = tables.Column("Account")
    charge_category = tables.Column("Charge category")
    list_cost = MoneyColumn("At list price", lines="list_lines_url")
    cost = MoneyColumn("Cost", lines="lines_url")
    share = PctColumn("Share")
    dispute = LinkColumn(url="dispute_url", empty_values=(), orderable=False, exclude_from_export=True, verbose_name="")

    def __init__(self, data: Any = None, *, currency: str, **options: Any) -> None:
        super().__init__(data, **options)
        for column in self.columns:
            if isinstance(column.column, MoneyColumn):
                column.column.currency = currency

    def render_dispute(self) -> str:
        """Where the line can be disputed."""
        return "Dispute"
