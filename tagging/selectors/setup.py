"""What teams a fresh installation could start with."""

from costs.periods import BillingPeriod
from costs.scope import Scope
from costs.terms import CostMetric
from tagging.results import SetupProposal


def setup_proposal(
    scope: Scope,
    period: BillingPeriod,
    *,
    metric: CostMetric = CostMetric.BILLED,
    currency: str = "",
    tag_key: str = "",
) -> SetupProposal:
    """Teams, aliases and rules proposed from a month; `tag_key` overrides the key chosen. Staff only."""
    raise NotImplementedError


def needs_setup(scope: Scope) -> bool:
    """Whether there are costs but no teams yet. False for anyone but staff."""
    raise NotImplementedError
