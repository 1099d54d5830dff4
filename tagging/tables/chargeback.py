"""Tables of the month's chargeback and of one statement."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import django_tables2 as tables
from django.utils.html import format_html
from django.utils.safestring import SafeString

from costs.adding import NOT_BOOKED, Amounts, Booked, Sums, foot
from costs.money import ZERO
from costs.tables import FinopsTable, LinkColumn, MoneyColumn, PctColumn, money_total
from tagging.results.chargeback import OWNER_SUMS
from tagging.tables.marks import suggested_mark

SHARES_BEHIND = "The parts of pools behind it"


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
    shares_url: str = ""  # whose parts of which pools the shared cost is
    suggested_cost: Decimal = ZERO
    booked: Booked = NOT_BOOKED  # its document's cents, where it has one

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
    cents = table.foot.get(name)
    return money_total(getattr(total, name), table.currency, url, signed=name == "change", cents=cents)


class ChargebackTable(FinopsTable):
    """A month by owner, the missing part pinned below as a line of its own, then the total of all lines.

    `compared` names the days of the month before; empty where there is nothing to compare with: the columns
    of the change are left out and the largest cost comes first. Files have the total in their head. `whole` is what
    the lines add up to, in cents.
    """

    owner = LinkColumn(url="url", footer="Total")
    cost_center = tables.Column("Cost centre")
    direct_cost = MoneyColumn("Direct", lines="lines_url", footer=_total)
    shared_cost = MoneyColumn("Shared", lines="shares_url", leads_to=SHARES_BEHIND, footer=_total)
    adjustment_cost = MoneyColumn("Adjustments", footer=_total)
    total_cost = MoneyColumn("Total", lines="total_lines_url", footer=_total)
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
        whole: Decimal,
        **options: Any,
    ) -> None:
        self.missing, self.currency = missing, currency
        self.has_suggested = any(line.suggested_cost for line in data)
        every = [*data, *([missing] if missing else [])]
        self.total = total_line(every, lines_url)
        hidden = () if compared else ("previous_total_cost", "change", "change_ratio")
        if not (options["request"].GET.get("format") and self.has_suggested):
            hidden = (*hidden, "suggested_cost")  # a mark on the page
        order_by = "-change" if compared else "-total_cost"
        super().__init__(data, exclude=(*options.pop("exclude", ()), *hidden), order_by=order_by, **options)
        for column in self.columns:
            if column.name == "previous_total_cost":
                column.column.verbose_name = compared
            if isinstance(column.column, MoneyColumn):
                column.column.currency = currency
        self.add_up(every, OWNER_SUMS, [line.booked for line in every], whole=whole)

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


def _sum(bound_column: Any, table: Any) -> SafeString:
    name = bound_column.name
    return money_total(table.sums[name], table.currency, table.lines_urls[name], cents=table.foot[name])


def _share_sum(bound_column: Any, table: Any) -> SafeString:
    return money_total(table.sum, table.currency, cents=table.foot.get(bound_column.name))


class CenterShareTable(FinopsTable):
    """Parts of pools under their cost centres, and what left the pools there."""

    center = tables.Column("Cost centre", empty_values=())
    owner = LinkColumn(url="owner_url", footer="Sum")
    pool = LinkColumn(url="pool_url")
    cost = MoneyColumn("Shared", footer=_share_sum)

    class Meta:
        empty_text = "Nobody bears a part of a pool here in this month."

    def __init__(self, data: Sequence[dict[str, Any]], *, currency: str, **options: Any) -> None:
        super().__init__(data, **options)
        self.currency = currency
        self.sum = sum((row["cost"] for row in data), ZERO)
        self.columns["cost"].column.currency = currency
        self.add_up(data, Sums("cost"))


class StatementTable(FinopsTable):
    """The lines of a statement: service, account and kind of charge; `cents` are their amounts on screen.

    `lines_urls` lead to the lines behind the sum of a column; '' where it is not made of lines alone.
    """

    kind = tables.Column("Kind")
    service_name = LinkColumn(verbose_name="Service", url="url", footer="Sum")
    account = tables.Column("Account")
    charge_category = tables.Column("Charge category")
    list_cost = MoneyColumn("At list price", lines="list_lines_url", footer=_sum)
    cost = MoneyColumn("Cost", lines="lines_url", footer=_sum)
    share = PctColumn("Share")
    suggested_cost = MoneyColumn("Of it by suggested tags")  # a mark on the page
    dispute = LinkColumn(
        url="dispute_url", empty_values=(), orderable=False, exclude_from_export=True, verbose_name="Dispute"
    )

    def __init__(
        self,
        data: Sequence[dict[str, Any]],
        cents: Sequence[Amounts],
        *,
        currency: str,
        lines_urls: Mapping[str, str],
        **options: Any,
    ) -> None:
        super().__init__(data, **options)
        self.currency, self.lines_urls = currency, lines_urls
        self.sums = foot([{name: row[name] for name in lines_urls} for row in data])
        self.has_suggested = any(row["suggested_cost"] for row in data)
        self.show(data, cents)
        for column in self.columns:
            if isinstance(column.column, MoneyColumn):
                column.column.currency = currency

    def render_service_name(self, value: str, record: dict[str, Any]) -> SafeString:
        return format_html("{}{}", value, suggested_mark(record["suggested_cost"] or ZERO, self.currency))

    def render_dispute(self) -> str:
        """Where the line can be disputed."""
        return "Dispute"
