"""A measured figure with what it is judged by."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from costs.figures import money, number, pct
from costs.periods import BillingPeriod
from finops_site.metrics.terms import Metric, Unit


@dataclass(frozen=True)
class Measure:
    """What a measurement found. `value` is None where there is nothing to divide by."""

    value: Decimal | None
    numerator: Decimal | None = None
    denominator: Decimal | None = None


@dataclass(frozen=True)
class MetricValue:
    """A figure of a month as it was last measured. `currency` is empty for what has none."""

    metric: Metric
    period: BillingPeriod
    currency: str
    value: Decimal | None
    numerator: Decimal | None
    denominator: Decimal | None
    target: Decimal | None
    measured_at: datetime

    @property
    def text(self) -> str:
        """The figure for people."""
        return figure(self.metric, self.value, self.currency)

    @property
    def meets_target(self) -> bool | None:
        """None without a target or a value."""
        if self.value is None or self.target is None:
            return None
        return self.value <= self.target if self.metric.smaller_is_better else self.value >= self.target


def figure(metric: Metric, value: Decimal | None, currency: str = "") -> str:
    """A value of this metric for people: `77.2 %`, `5`, `$57.60`; `n/a` for None."""
    if metric.unit is Unit.MONEY:
        return money(value, currency)
    return pct(value) if metric.unit is Unit.RATIO else number(value)
