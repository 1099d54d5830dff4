"""Tables of the dashboards."""

from collections.abc import Sequence
from typing import Any

from django.utils.safestring import SafeString

from costs.tables import FinopsTable, LinkColumn, MoneyColumn, PctColumn, money_total
from finops_site.panels.changes import lines_before, lines_now
from tagging.selectors import Movers


class ChangeTable(FinopsTable):
    """Costs by a dimension against the same days of the month before, with totals."""

    label = LinkColumn(verbose_name="Name", url="url", footer="Total")
    cost = MoneyColumn("Cost", currency_of="currency", lines="lines_url", footer=lambda table: table.total("total"))
    previous_cost = MoneyColumn(
        "Before",
        currency_of="currency",
        lines="previous_lines_url",
        footer=lambda table: table.total("previous_total"),
    )
    change = MoneyColumn("Change", currency_of="currency", signed=True, footer=lambda table: table.total("change"))
    change_ratio = PctColumn("Change %", signed=True)
    share = PctColumn("Share")

    class Meta:
        row_attrs = {"class": lambda record: "row-missing" if record.is_missing else None}

    def __init__(
        self, data: Any, *, movers: Movers, label: str, own: Sequence[tuple[str, str]] = (), **options: Any
    ) -> None:
        self.movers, self.own = movers, own
        compared = ("previous_cost", "change", "change_ratio")
        super().__init__(data, exclude=() if movers.previous_total else compared, **options)
        names = {"label": label, "previous_cost": before_label(movers)}
        for bound in self.columns:
            bound.column.verbose_name = names.get(bound.name, bound.column.verbose_name)

    def total(self, name: str) -> SafeString:
        """A total of the movers for the footer, as the way to its lines."""
        movers = self.movers
        if name == "change":
            return money_total(movers.total - movers.previous_total, movers.currency, signed=True)
        url = lines_before(movers, *self.own) if name == "previous_total" else lines_now(movers, *self.own)
        return money_total(getattr(movers, name), movers.currency, url)


def before_label(movers: Movers) -> str:
    """`October 2026`, or `October 2026, 1–22` where the month is not over."""
    return movers.previous.label if movers.is_whole_month else f"{movers.previous.label}, 1–{movers.day_count}"
