"""Tables of the month's chargeback and of one statement."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import django_tables2 as tables
from django.utils.html import format_html
from django.utils.safestring import SafeString

from costs.money import ZERO, cents_to_total, round_to_cents
from costs.tables import FinopsTable, LinkColumn, MoneyColumn, PctColumn, money_total
from tagging.tables.marks import suggested_mark


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
    suggested_cost: Decimal = ZERO
    shown_cost: Decimal | None = None  # the total in the cents of the page's tile; files keep the exact one

    @property
    def total_lines_url(self) -> str:
        """The lines of the total, where it is made of lines alone."""
        return "" if self.shared_cost or self.adjustment_cost else self.lines_url

    @property
    def shown(self) -> dict[str, Decimal]:
        """Total and parts in the tile's cents, by column; empty where each is rounded by itself."""
        if self.shown_cost is None:
            return {}
        parts = (self.direct_cost or ZERO, self.shared_cost or ZERO, self.adjustment_cost or ZERO)
        names = ("direct_cost", "shared_cost", "adjustment_cost")
        cents = cents_to_total(parts, round_to_cents(self.shown_cost))
        return dict(zip(names, cents, strict=True)) | {"total_cost": self.shown_cost}

    @property
    def change_size(self) -> Decimal:
        """How far the cost moved, whichever way; what the change is sorted by."""
        return abs(self.change or ZERO)


def _total(bound_column: Any, table: Any) -> SafeString:
    name, total = bound_column.name, table.total
    url = {"direct_cost": total.lines_url, "total_cost": total.total_lines_url}.get(name, "")
    return money_total(getattr(total, name), table.currency, url, signed=name == "change")


class ShownColumn(MoneyColumn):
    """The total or a part of it; of a line that has a tile above, in cents that add up to the tile's."""

    def __init__(self, *args: Any, part: str, **kw: Any) -> None:
        self.part = part
        super().__init__(*args, **kw)

    def _figure(self, value: Any, record: Any) -> SafeString:
        return super()._figure(record.shown.get(self.part, value), record)


class ChargebackTable(FinopsTable):
    """A month by owner, the missing part pinned below as a line of its own, then the total of all lines.

    `compared` names the days of the month before; empty where there is nothing to compare with: the columns
    of the change are left out and the largest cost comes first. Files have the total in their head.
    """

    owner = LinkColumn(url="url", footer="Total")
    cost_center = tables.Column("Cost centre")
    direct_cost = ShownColumn("Direct", part="direct_cost", lines="lines_url", footer=_total)
    shared_cost = ShownColumn("Shared", part="shared_cost", footer=_total)
    adjustment_cost = ShownColumn("Adjustments", part="adjustment_cost", footer=_total)
    total_cost = ShownColumn("Total", part="total_cost", lines="total_lines_url", footer=_total)
    previous_total_cost = MoneyColumn("Month before", footer=_total)
    change = MoneyColumn("Change", signed=True, order_by="change_size", footer=_total)
    change_ratio = PctColumn("Change %", signed=True)
    share = PctColumn("Share")
    suggested_cost = MoneyColumn("Of it by suggested tags")

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
        self.has_suggested = any(line.suggested_cost for line in data)
        self.total = total_line([*data, *([missing] if missing else [])], lines_url)
        hidden = () if compared else ("previous_total_cost", "change", "change_ratio")
        if not (options["request"].GET.get("format") and self.has_suggested):
            hidden = (*hidden, "suggested_cost")  # a mark on the page
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
        name = format_html("<strong>{}</strong>", record.label) if record.is_missing else record.label
        return format_html("{}{}", name, suggested_mark(record.suggested_cost, self.currency))


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
    suggested_cost = MoneyColumn("Of it by suggested tags")  # a mark on the page
    dispute = LinkColumn(url="dispute_url", empty_values=(), orderable=False, exclude_from_export=True, verbose_name="")

    def __init__(self, data: Any = None, *, currency: str, **options: Any) -> None:
        super().__init__(data, **options)
        self.currency = currency
        self.has_suggested = any(row["suggested_cost"] for row in data or ())
        for column in self.columns:
            if isinstance(column.column, MoneyColumn):
                column.column.currency = currency

    def render_service_name(self, value: str, record: dict[str, Any]) -> SafeString:
        return format_html("{}{}", value, suggested_mark(record["suggested_cost"] or ZERO, self.currency))

    def render_dispute(self) -> str:
        """Where the line can be disputed."""
        return "Dispute"
