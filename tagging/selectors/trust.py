"""Whether a month's figures can be relied on, and which months and currencies a reader has."""

from costs.periods import BillingPeriod
from costs.scope import Scope
from costs.terms import CostMetric
from tagging.results import Trust


def trust(scope: Scope, period: BillingPeriod, *, metric: CostMetric, currency: str = "") -> Trust:
    """The trust strip of a month: figures and sources for staff, only that it ties out for teams."""
    raise NotImplementedError


def currencies_of(scope: Scope, periods: tuple[BillingPeriod, ...]) -> tuple[str, ...]:
    """Currencies the reader has costs in, the main one (USD where present) first."""
    raise NotImplementedError


def latest_period(scope: Scope) -> BillingPeriod | None:
    """The newest month in which the reader has costs, or None."""
    raise NotImplementedError


def periods_of(scope: Scope) -> tuple[BillingPeriod, ...]:
    """Months in which the reader has costs, newest first."""
    raise NotImplementedError
