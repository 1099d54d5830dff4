"""Costs by any dimension over time, and what moved."""

from costs.periods import BillingPeriod
from costs.queries import CostQuery
from costs.scope import Scope
from costs.terms import CostMetric
from tagging.results import CostTable, Movers


def explore_costs(scope: Scope, query: CostQuery) -> CostTable:
    """Answer a cost query from what the reader may see; empty rows where there is nothing."""
    raise NotImplementedError


def movers(
    scope: Scope, period: BillingPeriod, *, by: str, metric: CostMetric, currency: str = "", limit: int = 10
) -> Movers:
    """The values of a dimension that changed most against the month before, like for like."""
    raise NotImplementedError


def filter_choices(scope: Scope, query: CostQuery, dimension: str) -> tuple[tuple[str, str], ...]:
    """(value, label) pairs a filter on this dimension can offer: only values in the reader's own costs."""
    raise NotImplementedError
