"""Why is this mine? From a figure to the rules, the slices and the lines of the bill behind it."""

from costs.periods import BillingPeriod
from costs.scope import Scope
from costs.terms import CostMetric
from tagging.results import ChargeLines, Decisions, SliceRow

LINES_PER_PAGE = 100
Filters = tuple[tuple[str, str], ...]


def decisions(
    scope: Scope,
    period: BillingPeriod,
    *,
    team_key: str,
    metric: CostMetric,
    currency: str = "",
    filters: Filters = (),
) -> Decisions:
    """Which rules gave the team its costs, with what they matched; `team_key` '' is nobody (staff only).

    `filters` are (dimension, value) pairs as in `CostQuery`. Raises NotFoundInScopeError.
    """
    raise NotImplementedError


def decision_slices(
    scope: Scope, period: BillingPeriod, *, metric: CostMetric, currency: str = "", filters: Filters = ()
) -> tuple[SliceRow, ...]:
    """The slices behind a figure, largest first. `filters` may also hold ("decision", Decision.ref)."""
    raise NotImplementedError


def charge_lines(
    scope: Scope,
    period: BillingPeriod,
    *,
    metric: CostMetric,
    currency: str = "",
    filters: Filters = (),
    page: int = 1,
) -> ChargeLines:
    """The lines of the bill behind a figure, from the charge store, by time, LINES_PER_PAGE at a time.

    `filters` as in `decision_slices`, and ("resource", resource_id), ("day", "2025-11-03").
    """
    raise NotImplementedError
