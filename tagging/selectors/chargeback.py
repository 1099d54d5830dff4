"""A month by owner, and each team's statement."""

from costs.periods import BillingPeriod
from costs.scope import Scope
from costs.terms import CostMetric
from tagging.results import Chargeback, Statement, StatementList


def chargeback(
    scope: Scope, period: BillingPeriod, *, by: str = "team", metric: CostMetric, currency: str = ""
) -> Chargeback:
    """The month's costs by `by`: team, cost_center, project, owner, environment, account, service or tag:KEY."""
    raise NotImplementedError


def statements(scope: Scope, period: BillingPeriod, *, metric: CostMetric, currency: str = "") -> StatementList:
    """One summary per team the reader may see, largest change first; teams without costs are left out."""
    raise NotImplementedError


def statement(
    scope: Scope, period: BillingPeriod, team_key: str, *, metric: CostMetric, currency: str = ""
) -> Statement:
    """One team's month with its lines. Raises NotFoundInScopeError for another's team and for none."""
    raise NotImplementedError
