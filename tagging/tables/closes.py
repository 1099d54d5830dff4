"""Tables of a month's close: documents, corrections."""

from typing import Any

import django_tables2 as tables

from costs.tables import FinopsTable, LinkColumn, MoneyColumn


class MonthEndTable(FinopsTable):
    """One row for each document of the month."""

    owner = LinkColumn("Statement", url="url")
    number = tables.Column("Number")
    cost_center = tables.Column("Cost centre")
    direct_cost = MoneyColumn("Direct", lines="lines_url")
    shared_cost = MoneyColumn("Shared")
    adjustment_cost = MoneyColumn("Adjustments")
    booked = MoneyColumn("Booked")

    def __init__(self, data: Any = None, *, currency: str, **options: Any) -> None:
        super().__init__(data, **options)
        for name in ("direct_cost", "shared_cost", "adjustment_cost", "booked"):
            self.columns[name].column.currency = currency


class AdjustmentTable(FinopsTable):
    """Corrections of closed months, carried or waiting."""

    origin = tables.Column("Corrects")
    origin_version = tables.Column("Version")
    to = tables.Column("Carried in", empty_values=())
    owner = tables.Column("Owner")
    service_name = tables.Column("Service or pool")
    sub_account_id = tables.Column("Account")
    charge_category = tables.Column("Charge category")
    cost = MoneyColumn("Amount", signed=True)

    def __init__(self, data: Any = None, *, currency: str, **options: Any) -> None:
        super().__init__(data, **options)
        self.columns["cost"].column.currency = currency

    def render_to(self, value: str) -> str:
        """The month that carries it, or that it waits."""
        return value or "waits"
