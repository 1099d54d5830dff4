"""On which basis a month is shown where none is asked for: the one it was charged on."""

from costs.periods import BillingPeriod
from costs.scope import Scope
from costs.terms import CostMetric
from tagging.models import Statement
from tagging.selectors.closed import closed_months
from tagging.selectors.closes import close_by_version, close_of
from tagging.selectors.reach import reach


def usual_basis(scope: Scope, period: BillingPeriod, currency: str = "", version: int | None = None) -> CostMetric:
    """What the month (or one version of it) was closed on; billed cost while it is open, and for who has no part."""
    if version is not None:
        close = close_by_version(period, reach(scope, (period,), currency).currency, version)
        is_own = close is not None and (scope.everything or _has_statement(scope, close.pk))
        return CostMetric(close.basis) if close is not None and is_own else CostMetric.BILLED
    if not any(closed == period for closed, _ in closed_months()):
        return CostMetric.BILLED
    found = reach(scope, (period,), currency)
    close = close_of(period, found.currency) if (period, found.currency) in closed_months() else None
    if close is None or not (scope.everything or found.imports or _has_statement(scope, close.pk)):
        return CostMetric.BILLED
    return CostMetric(close.basis)


def _has_statement(scope: Scope, close_pk: int) -> bool:
    return Statement.objects.filter(close=close_pk, owner_key__in=scope.team_keys).exists()
