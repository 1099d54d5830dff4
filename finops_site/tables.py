"""Tables of the dashboards."""

from typing import Any

from costs import figures
from costs.tables import FinopsTable, LinkColumn, MoneyColumn, PctColumn
from tagging.selectors import Movers


class ChangeTable(FinopsTable):
    """Costs by a dimension against the same days of the month before, with totals."""

    label = LinkColumn(verbose_name="Name", url="url", footer="Total")
    cost = MoneyColumn("Cost", currency_of="currency", lines="lines_url", footer=lambda table: table.total("total"))
    previous_cost = MoneyColumn("Before", currency_of="currency", footer=lambda table: table.total("previous_total"))
    change = MoneyColumn("Change", currency_of="currency", signed=True, footer=lambda table: table.total("change"))
    change_ratio = PctColumn("Change %", signed=True)
    share = PctColumn("Share")

    class Meta:
        row_attrs = {"class": lambda record: "row-missing" if record.is_missing else None}

    def __init__(self, data: Any, *, movers: Movers, label: str, **options: Any) -> None:
        self.movers = movers
        compared = ("previous_cost", "change", "change_ratio")
        super().__init__(data, exclude=() if movers.previous_total else compared, **options)
        names = {"label": label, "previous_cost": before_label(movers)}
        for bound in self.columns:
            bound.column.verbose_name = names.get(bound.name, bound.column.verbose_name)

    def total(self, name: str) -> str:
        """A total of the movers as text, for the footer."""
        movers = self.movers
        if name == "change":
            return figures.change(movers.total - movers.previous_total, movers.currency)
        return figures.money(getattr(movers, name), movers.currency)


def before_label(movers: Movers) -> str:
    """`October 2026`, or `October 2026, 1–22` where the month is not over."""
    return movers.previous.label if movers.is_whole_month else f"{movers.previous.label}, 1–{movers.day_count}"
