"""Tables of the month's chargeback and of one statement."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import django_tables2 as tables
from django.utils.html import format_html
from django.utils.safestring import SafeString

from costs.tables import FinopsTable, LinkColumn, MoneyColumn, PctColumn


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


class ChargebackTable(FinopsTable):
    """A month by owner, the missing part pinned below as a line of its own."""

    owner = LinkColumn(url="url")
    cost_center = tables.Column("Cost centre")
    direct_cost = MoneyColumn("Direct")
    shared_cost = MoneyColumn("Shared")
    adjustment_cost = MoneyColumn("Adjustments")
    total_cost = MoneyColumn("Total")
    previous_total_cost = MoneyColumn("Month before", visible=False)
    change = MoneyColumn("Change", signed=True)
    change_ratio = PctColumn("Change %", signed=True)
    share = PctColumn("Share")

    class Meta:
        row_attrs = {"class": lambda record: "row-missing" if record.is_missing else ""}
        pinned_row_attrs = {"class": "row-missing"}

    def __init__(self, data: Any = None, *, missing: OwnerLine | None, currency: str, **options: Any) -> None:
        self.missing = missing
        super().__init__(data, **options)
        for column in self.columns:
            if isinstance(column.column, MoneyColumn):
                column.column.currency = currency

    def get_bottom_pinned_data(self) -> list[OwnerLine]:
        """The missing part, where there is one to name."""
        return [self.missing] if self.missing is not None else []

    def render_owner(self, record: OwnerLine) -> SafeString | str:
        return format_html("<strong>{}</strong>", record.label) if record.is_missing else record.label

    def order_change(self, rows: Any, is_descending: bool) -> tuple[Any, bool]:  # noqa: FBT001 - django-tables2 calls it
        """By the size of the change, whichever way it went."""
        return sorted(rows, key=lambda line: abs(line.change or 0), reverse=is_descending), True


class StatementTable(FinopsTable):
    """The lines of a statement: service, account and kind of charge."""

    service_name = LinkColumn(verbose_name="Service", url="url")
    account = tables.Column("Account")
    charge_category = tables.Column("Charge category")
    cost = MoneyColumn("Cost")
    share = PctColumn("Share")

    def __init__(self, data: Any = None, *, currency: str, **options: Any) -> None:
        super().__init__(data, **options)
        self.columns["cost"].column.currency = currency
