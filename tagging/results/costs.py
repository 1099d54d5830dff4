"""Costs by a dimension, and what changed."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from costs.money import ZERO
from costs.periods import BillingPeriod, DateRange
from costs.queries import CostQuery
from costs.terms import CostMetric


@dataclass(frozen=True)
class CostRow:
    """One value of the dimension. `points` match `CostTable.bucket_starts`; they sum to `cost`.

    `key` is what a filter takes (`costs.queries.NOT_SET` where the costs have no value, then
    `is_missing`); `label` is for people. `previous_cost` is the same span just before.
    """

    key: str
    label: str
    cost: Decimal
    previous_cost: Decimal
    points: tuple[Decimal, ...]
    is_missing: bool = False
    suggested_cost: Decimal = ZERO  # of resources that a virtual tag puts there, where that was asked


@dataclass(frozen=True)
class CostTable:
    """All rows, largest first, missing value last; Σ rows = total. `other_currencies` are shown apart.

    `compared` are the days that `previous_cost` covers: as many as the question's, cut where its last month
    is not full yet. None where nothing is compared (every previous cost is zero); `not_covered` then names
    the months without costs.
    """

    query: CostQuery
    currency: str
    other_currencies: tuple[str, ...]
    bucket_starts: tuple[date, ...]
    rows: tuple[CostRow, ...]
    total: Decimal
    previous_total: Decimal
    compared: DateRange | None = None
    not_covered: tuple[BillingPeriod, ...] = ()


@dataclass(frozen=True)
class Mover:
    """A value whose cost changed. `change_ratio` is None where there was no cost before."""

    key: str
    label: str
    cost: Decimal
    previous_cost: Decimal
    change: Decimal
    change_ratio: Decimal | None
    is_missing: bool = False


@dataclass(frozen=True)
class Movers:
    """Like for like: the first `day_count` days of both months. Largest change (either way) first."""

    period: BillingPeriod
    previous: BillingPeriod
    by: str
    metric: CostMetric
    currency: str
    day_count: int
    is_whole_month: bool
    total: Decimal
    previous_total: Decimal
    rows: tuple[Mover, ...]
