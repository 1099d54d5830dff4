"""The table under the explore page's chart."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from costs import figures
from costs.tables import FinopsTable, LinkColumn, MoneyColumn, PctColumn
from tagging.results import CostTable


@dataclass(frozen=True)
class ExploreRow:
    """One value. `parts` are the second dimension's columns, or the buckets in a file."""

    label: str
    url: str
    cost: Decimal
    previous_cost: Decimal
    change: Decimal
    change_ratio: Decimal | None
    share: Decimal | None
    parts: tuple[Decimal, ...]
    is_missing: bool


def _total(bound_column: Any, table: Any) -> str:
    amount = table.totals[bound_column.name]
    return (
        figures.change(amount, table.currency)
        if bound_column.name == "change"
        else figures.money(amount, table.currency)
    )


class ExploreTable(FinopsTable):
    """Values of a dimension with their change, and totals that are the page's."""

    label = LinkColumn(verbose_name="Name", url="url", footer="Total")
    cost = MoneyColumn("Cost", footer=_total)
    previous_cost = MoneyColumn("Before", footer=_total)
    change = MoneyColumn("Change", signed=True, footer=_total)
    change_ratio = PctColumn("Change %", signed=True)
    share = PctColumn("Share")

    class Meta:
        row_attrs = {"class": lambda record: "row-missing" if record.is_missing else ""}

    def __init__(
        self,
        data: Sequence[ExploreRow],
        *,
        found: CostTable,
        headers: tuple[str, str],
        parts: Sequence[tuple[str, Decimal]] = (),
        **options: Any,
    ) -> None:
        self.currency = found.currency
        change = found.total - found.previous_total
        self.totals = {"cost": found.total, "previous_cost": found.previous_total, "change": change}
        self.totals |= {f"part_{at}": total for at, (_, total) in enumerate(parts)}
        more = [
            (f"part_{at}", MoneyColumn(name, accessor=f"parts__{at}", footer=_total))
            for at, (name, _) in enumerate(parts)
        ]
        super().__init__(data, extra_columns=more, **options)
        names = dict(zip(("label", "previous_cost"), headers, strict=True))
        for bound in self.columns:
            bound.column.verbose_name = names.get(bound.name, bound.column.verbose_name)
            if isinstance(bound.column, MoneyColumn):
                bound.column.currency = found.currency
