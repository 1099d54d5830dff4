"""The table under the explore page's chart."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import django_tables2 as tables
from django.utils.html import format_html
from django.utils.safestring import SafeString

from costs.adding import Sums
from costs.money import ZERO
from costs.tables import FinopsTable, MoneyColumn, PctColumn, money_total
from tagging.results import CostTable
from tagging.tables.marks import suggested_mark


@dataclass(frozen=True)
class ExploreRow:
    """One value. `parts` are the second dimension's columns, or the buckets in a file."""

    key: str
    label: str
    cost: Decimal
    previous_cost: Decimal
    change: Decimal
    change_ratio: Decimal | None
    share: Decimal | None
    parts: tuple[Decimal, ...]
    is_missing: bool
    suggested_cost: Decimal = ZERO


@dataclass(frozen=True)
class ExploreLinks:
    """Addresses behind the table's figures; `key` None stands for all rows, `part` None for all parts."""

    of: Callable[[str | None, int | None], str]
    before: Callable[[str | None], str]


def _total(bound_column: Any, table: Any) -> SafeString:
    name = bound_column.name
    cents = table.foot.get(name)
    return money_total(
        table.totals[name], table.currency, table.total_lines(name), signed=name == "change", cents=cents
    )


class ExploreTable(FinopsTable):
    """Values of a dimension with their change, and totals that are the page's."""

    label = tables.Column("Name", footer="Total")
    cost = MoneyColumn("Cost", footer=_total)
    previous_cost = MoneyColumn("Before", footer=_total)
    change = MoneyColumn("Change", signed=True, footer=_total)
    change_ratio = PctColumn("Change %", signed=True)
    share = PctColumn("Share")
    suggested_cost = MoneyColumn("Of it by suggested tags")

    class Meta:
        row_attrs = {"class": lambda record: "row-missing" if record.is_missing else ""}

    def __init__(
        self,
        data: Sequence[ExploreRow],
        *,
        found: CostTable,
        url_of: Callable[[str], str],
        lines: ExploreLinks,
        headers: tuple[str, str],
        parts: Sequence[tuple[str, Decimal]] = (),
        **options: Any,
    ) -> None:
        self.currency, self.url_of, self.lines = found.currency, url_of, lines
        self.has_suggested = any(row.suggested_cost for row in data)
        change = found.total - found.previous_total
        self.totals = {"cost": found.total, "previous_cost": found.previous_total, "change": change}
        self.totals |= {f"part_{at}": total for at, (_, total) in enumerate(parts)}
        more = [
            (f"part_{at}", MoneyColumn(name, accessor=f"parts__{at}", lines=self._lines_of_part(at), footer=_total))
            for at, (name, _) in enumerate(parts)
        ]
        super().__init__(data, extra_columns=more, **options)
        names = dict(zip(("label", "previous_cost"), headers, strict=True))
        if not self.request.GET.get("format"):  # files are exact, and have a column for each day, which takes long
            self.add_up(data, Sums("cost", tuple(f"part_{at}" for at in range(len(parts))), "previous_cost", "change"))
        for bound in self.columns:
            bound.column.verbose_name = names.get(bound.name, bound.column.verbose_name)
            if isinstance(bound.column, MoneyColumn):
                bound.column.currency = found.currency
            if bound.name == "cost":
                bound.column.lines = lambda record: lines.of(record.key, None)
            if bound.name == "previous_cost":
                bound.column.lines = lambda record: lines.before(record.key)

    def total_lines(self, name: str) -> str:
        """The lines behind a total."""
        if name.startswith("part_"):
            return self.lines.of(None, int(name.removeprefix("part_")))
        return {"cost": self.lines.of(None, None), "previous_cost": self.lines.before(None)}.get(name, "")

    def _lines_of_part(self, at: int) -> Callable[[ExploreRow], str]:
        return lambda record: self.lines.of(record.key, at)

    def render_label(self, value: str, record: ExploreRow) -> SafeString:
        """The value's name as the way deeper. An address is made for rows that are shown only: it costs time."""
        link = format_html('<a href="{}">{}</a>', self.url_of(record.key), value)
        return link + suggested_mark(record.suggested_cost, self.currency)
