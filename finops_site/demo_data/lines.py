"""The lines of one month while they are made: meters (what stays the same) and arrays (what each hour adds).

Money is whole 1e-10 USD in int64, so sums and differences are exact; the file gets the nearest double of each.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from finops_site.demo_data.schedules import BoolArray, FloatArray, IntArray, Month

# money columns of a line besides its cost, by their names in the file
MONEY_COLUMNS = (
    "pricing_public_on_demand_cost",
    "reservation_amortized_upfront_cost_for_usage",
    "reservation_amortized_upfront_fee_for_billing_period",
    "reservation_effective_cost",
    "reservation_recurring_fee_for_usage",
    "reservation_unused_amortized_upfront_fee_for_billing_period",
    "reservation_unused_recurring_fee",
    "reservation_upfront_value",
    "savings_plan_recurring_commitment_for_billing_period",
    "savings_plan_savings_plan_effective_cost",
    "savings_plan_total_commitment_to_date",
    "savings_plan_used_commitment",
)


@dataclass(frozen=True)
class Meter:
    """What all lines of one stream share. `columns` are text columns by their names in the file."""

    columns: Mapping[str, str]
    rate: int = 0  # 1e-10 USD for one unit
    factor: float = 0.0  # normalised units of one unit


@dataclass
class Lines:
    """Lines of one month in the order they were added."""

    month: Month
    meters: list[Meter] = field(default_factory=list)
    _meter: list[IntArray] = field(default_factory=list)
    _hour: list[IntArray] = field(default_factory=list)
    _span: list[IntArray] = field(default_factory=list)
    _usage: list[FloatArray] = field(default_factory=list)
    _cost: list[IntArray] = field(default_factory=list)
    _money: dict[str, list[IntArray]] = field(default_factory=lambda: {name: [] for name in MONEY_COLUMNS})

    def add(
        self,
        meter: Meter,
        hours: IntArray,
        usage: FloatArray,
        *,
        cost: IntArray | None = None,
        span: int = 1,
        money: Mapping[str, IntArray] | None = None,
    ) -> IntArray:
        """Add one line for each hour and return their costs: rate × usage unless `cost` is given.

        The list cost is rate × usage too, unless `money` or a given cost says otherwise.
        """
        if not len(hours):
            return hours
        priced = priced_at(meter.rate, usage)
        self._meter.append(np.full(len(hours), len(self.meters), dtype=np.int64))
        self.meters.append(meter)
        self._hour.append(hours)
        self._span.append(np.full(len(hours), span, dtype=np.int64))
        self._usage.append(usage)
        self._cost.append(priced if cost is None else cost)
        given = money or {}
        for name, parts in self._money.items():
            default = priced if name == MONEY_COLUMNS[0] and cost is None else np.zeros(len(hours), dtype=np.int64)
            parts.append(given.get(name, default))
        return self._cost[-1]

    def add_hours(self, meter: Meter, runs: BoolArray, usage: FloatArray | None = None) -> IntArray:
        """One line for each hour of the month that `runs`, of one unit each unless `usage` is given."""
        hours = np.flatnonzero(runs).astype(np.int64)
        return self.add(meter, hours, np.ones(len(hours)) if usage is None else usage[hours])

    def add_one(
        self, meter: Meter, cost: int, *, hour: int = 0, usage: float = 1.0, money: dict[str, int] | None = None
    ) -> None:
        """One line for the rest of the month (a fee, a tax, a credit) of exactly that cost."""
        arrays = {name: np.array([value], dtype=np.int64) for name, value in (money or {}).items()}
        span = self.month.hours_in_all - hour
        at = np.array([hour], dtype=np.int64)
        self.add(meter, at, np.array([usage]), cost=np.array([cost], dtype=np.int64), span=span, money=arrays)

    def arrays(self) -> "Arrays":
        """All lines in the order of a bill: by hour, then by meter."""
        hour, meter = np.concatenate(self._hour), np.concatenate(self._meter)
        order = np.lexsort((meter, hour))
        return Arrays(
            meter=meter[order],
            hour=hour[order],
            span=np.concatenate(self._span)[order],
            usage=np.concatenate(self._usage)[order],
            cost=np.concatenate(self._cost)[order],
            money={name: np.concatenate(parts)[order] for name, parts in self._money.items()},
        )

    def cost_by(self, column: str) -> dict[str, int]:
        """What was charged so far for each value of a text column."""
        totals: dict[str, int] = {}
        for meter, cost in zip(self.meters, self._cost, strict=True):
            value = meter.columns.get(column, "")
            totals[value] = totals.get(value, 0) + int(cost.sum())
        return totals


@dataclass(frozen=True)
class Arrays:
    """The numbers of a month's lines, one place per line in each array."""

    meter: IntArray
    hour: IntArray
    span: IntArray
    usage: FloatArray
    cost: IntArray
    money: Mapping[str, IntArray]


def priced_at(rate: int, usage: FloatArray) -> IntArray:
    """Rate × usage, rounded to ten decimals of a dollar."""
    return np.rint(rate * usage).astype(np.int64)
