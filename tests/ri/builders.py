"""Offers, limits and assumptions for tests; what a test does not name is harmless."""

from decimal import Decimal

import numpy as np

from ri.offerings import Offer
from ri.terms import Assumptions, Limits, OfferingClass, PaymentOption
from ri.usage import Hours

D = Decimal
ASSUMED = Assumptions(
    running=D("0.95"), busy=D("0.98"), busy_cpu=60.0, stopped=D("0.45"), terminated=D("0.10"), min_snapshots=14
)
PRICES = (
    "region,instance_type,platform,tenancy,on_demand_hourly,offering_class,term_years,payment_option,upfront,hourly\n"
)


def offer(
    p: str = "0.10",
    *,
    hourly: str = "0.06",
    upfront: str = "0",
    years: int = 1,
    option: PaymentOption = PaymentOption.NO_UPFRONT,
    instance_type: str = "m5.large",
) -> Offer:
    """By default on demand at 0.10 and reserved for a year at 0.06 without upfront: r ÷ p = 0.6."""
    return Offer(
        region_id="us-east-1",
        instance_type=instance_type,
        platform="Linux/UNIX",
        tenancy="default",
        on_demand_hourly=D(p),
        offering_class=OfferingClass.STANDARD,
        term_years=years,
        payment_option=option,
        upfront=D(upfront),
        hourly=D(hourly),
    )


def limits(*, max_payback: str = "18", target: str = "0.7", min_usage_days: int = 7) -> Limits:
    """The defaults of the product."""
    return Limits(
        min_uptime=D("0.8"),
        coverage_target=D(target),
        max_payback_months=D(max_payback),
        falls=(D("0.1"), D("0.2"), D("0.3")),
        min_usage_days=min_usage_days,
        confident_days=30,
        confident_fall=D("0.2"),
    )


def hours(*runs: tuple[int, float]) -> Hours:
    """Usage from (number of hours, instances in each of them)."""
    return np.concatenate([np.full(count, value, dtype=np.float64) for count, value in runs])
