"""Tables of a month's close: documents, corrections."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import django_tables2 as tables
from django.utils.safestring import SafeString

from costs.adding import Booked, Sums, foot
from costs.money import ZERO
from costs.tables import FinopsTable, LinkColumn, MoneyColumn, money_total
from tagging.results.chargeback import OWNER_SUMS
from tagging.results.closes import AdjustmentRow

_AMOUNTS = (*OWNER_SUMS.parts, "booked", "total_cost")


def _sum(bound_column: Any, table: Any) -> SafeString:
    return money_total(table.totals[bound_column.name], table.currency, cents=table.foot.get(bound_column.name))


class MonthEndTable(FinopsTable):
    """One row for each document of the month, in the cents of the documents; files keep exact parts."""

    owner = LinkColumn("Statement", url="url", footer="All statements")
    number = tables.Column("Number")
    cost_center = tables.Column("Cost centre")
    direct_cost = MoneyColumn("Direct", lines="lines_url", footer=_sum)
    shared_cost = MoneyColumn("Shared", footer=_sum)
    adjustment_cost = MoneyColumn("Adjustments", footer=_sum)
    booked = MoneyColumn("Booked", footer=_sum)
    total_cost = MoneyColumn("Total", footer=_sum)  # instead of it, on a basis that was not charged

    def __init__(self, data: Any, cents: Sequence[Booked], *, currency: str, **options: Any) -> None:
        super().__init__(data, **options)
        self.currency = currency
        self.totals = foot([{name: row[name] or ZERO for name in _AMOUNTS} for row in data])
        total = "total_cost" if "booked" in options.get("exclude", ()) else "booked"
        self.add_up(data, Sums(total, OWNER_SUMS.parts), cents)
        for column in self.columns:
            if isinstance(column.column, MoneyColumn):
                column.column.currency = currency

    def has_footer(self) -> bool:
        """Nothing has no sum."""
        return len(self.rows) > 0


def _total(table: "FinopsTable") -> SafeString:
    assert isinstance(table, _Corrections)
    return money_total(table.total, table.currency, signed=True)


class _Corrections(FinopsTable):
    """Corrections line by line, with their sum over all pages."""

    total = Decimal(0)
    currency = ""

    origin = tables.Column("Corrects", footer="Sum")
    origin_version = tables.Column("Version")
    owner = tables.Column("Owner")
    service_name = tables.Column("Service or pool")
    sub_account_id = tables.Column("Account")
    charge_category = tables.Column("Charge category")
    cost = MoneyColumn("Amount", signed=True, footer=_total)

    def __init__(self, data: Sequence[AdjustmentRow], *, currency: str, **options: Any) -> None:
        super().__init__(data, **options)
        self.total, self.currency = sum((row.cost for row in data), Decimal(0)), currency
        self.columns["cost"].column.currency = currency
        self.add_up(data, Sums("cost"))

    def has_footer(self) -> bool:
        """Nothing has no sum."""
        return len(self.rows) > 0


class CarriedTable(_Corrections):
    """What a month takes in, or would take in when it closes; the lines sum to its "Carried in"."""


class AdjustmentTable(_Corrections):
    """Corrections of a closed month itself, carried by a later one or waiting."""

    to = tables.Column("Carried in", empty_values=())

    class Meta:
        sequence = ("origin", "origin_version", "to", "...")

    def render_to(self, value: str) -> str:
        """The month that carries it, or that it waits."""
        return value or "waits"
