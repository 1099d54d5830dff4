"""One month's costs by several dimensions at once, from which tables by any of them are derived.

Asking once and deriving many keeps pages fast and makes their panels agree to the last digit.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from costs.money import ZERO
from costs.periods import BillingPeriod
from costs.queries import NOT_SET
from costs.series import OTHER, change
from costs.terms import CostMetric
from tagging.results import Mover, Movers


@dataclass(frozen=True)
class Cell:
    """Costs with one value in each of the cube's dimensions ('' where there is none)."""

    values: tuple[str, ...]
    cost: Decimal
    previous_cost: Decimal


@dataclass(frozen=True)
class CostCube:
    """Costs of `period` and, like for like, of the month before; Σ cells = total.

    The first `day_count` days of both months are compared. `names` gives a label for every value of
    every dimension.
    """

    period: BillingPeriod
    metric: CostMetric
    currency: str
    other_currencies: tuple[str, ...]
    day_count: int
    is_whole_month: bool
    dimensions: tuple[str, ...]
    names: Mapping[str, Mapping[str, str]]
    cells: tuple[Cell, ...]

    def only(self, dimension: str, value: str) -> "CostCube":
        """The part with this value ('' for none)."""
        at = self.dimensions.index(dimension)
        kept = tuple(cell for cell in self.cells if cell.values[at] == value)
        return CostCube(**{**self.__dict__, "cells": kept})

    def by(self, dimension: str) -> Movers:
        """Every value of the dimension in either month, the largest change first; rows sum to the totals."""
        at = self.dimensions.index(dimension)
        now: dict[str, Decimal] = defaultdict(lambda: ZERO)
        before: dict[str, Decimal] = defaultdict(lambda: ZERO)
        for cell in self.cells:
            now[cell.values[at]] += cell.cost
            before[cell.values[at]] += cell.previous_cost
        names = self.names[dimension]
        rows = [_mover(value, names.get(value, value), now[value], before[value]) for value in now]
        return Movers(
            period=self.period,
            previous=self.period.previous(),
            by=dimension,
            metric=self.metric,
            currency=self.currency,
            day_count=self.day_count,
            is_whole_month=self.is_whole_month,
            total=sum(now.values(), ZERO),
            previous_total=sum(before.values(), ZERO),
            rows=tuple(sorted(rows, key=lambda row: (-abs(row.change), row.label))),
        )

    def choices(self, dimension: str) -> tuple[tuple[str, str], ...]:
        """(filter value, label) of every value with costs this month, by label, 'none' last."""
        at = self.dimensions.index(dimension)
        values = {cell.values[at] for cell in self.cells}
        names = self.names[dimension]
        known = sorted(((value, names.get(value, value)) for value in values if value), key=lambda p: p[1].casefold())
        return (*known, *([(NOT_SET, names[""])] if "" in values else []))


@dataclass(frozen=True)
class CostPivot:
    """A second dimension as columns. `rows` holds one amount per column, by the filter value of the row.

    `column_keys` are the columns' filter values; None for the others together.
    """

    columns: tuple[str, ...]
    rows: Mapping[str, tuple[Decimal, ...]]
    totals: tuple[Decimal, ...]
    column_keys: tuple[str | None, ...] = ()


def pivot_of(cells: Mapping[tuple[str, ...], Decimal], names: Mapping[str, str], *, top: int) -> CostPivot:
    """Sums by (row, column) as a table: the `top` largest columns (or credits), the others together, no value last."""
    totals: dict[str, Decimal] = defaultdict(lambda: ZERO)
    for (_, value), cost in cells.items():
        totals[value] += cost
    ranked = sorted((value for value in totals if value), key=lambda value: (-totals[value], names.get(value, value)))
    shown = ranked
    if len(ranked) > top + 1:
        largest = set(sorted(ranked, key=lambda value: (-abs(totals[value]), names.get(value, value)))[:top])
        shown = [value for value in ranked if value in largest]
    place = {value: at for at, value in enumerate(shown)}
    labels, keys = [names.get(value, value) for value in shown], list[str | None](shown)
    if len(ranked) > len(shown):
        labels.append(f"{OTHER} ({len(ranked) - len(shown)})")
        keys.append(None)
        place |= {value: len(shown) for value in ranked if value not in place}
    if "" in totals:
        place[""] = len(labels)
        labels.append(names.get("", NOT_SET))
        keys.append(NOT_SET)
    rows: dict[str, list[Decimal]] = {}
    for (row, value), cost in cells.items():
        rows.setdefault(row or NOT_SET, [ZERO] * len(labels))[place[value]] += cost
    sums = tuple(sum((amounts[at] for amounts in rows.values()), ZERO) for at in range(len(labels)))
    return CostPivot(tuple(labels), {key: tuple(amounts) for key, amounts in rows.items()}, sums, tuple(keys))


def _mover(value: str, label: str, now: Decimal, before: Decimal) -> Mover:
    moved = change(now, before)
    return Mover(value or NOT_SET, label, now, before, moved.amount, moved.ratio, is_missing=not value)
