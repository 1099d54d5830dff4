"""What the tag policy says of a month's resources."""

from costs.periods import BillingPeriod
from costs.scope import Scope
from costs.terms import CostMetric
from tagging.results import Compliance, ResourceTable

Filters = tuple[tuple[str, str], ...]


def compliance(
    scope: Scope, period: BillingPeriod, *, metric: CostMetric = CostMetric.BILLED, currency: str = ""
) -> Compliance:
    """The policy's required keys over the month's taggable charges that the reader may see."""
    raise NotImplementedError


def resources(
    scope: Scope, period: BillingPeriod, *, metric: CostMetric, currency: str = "", filters: Filters = ()
) -> ResourceTable:
    """Taggable resources with cost and tag states.

    `filters`: (dimension, value) for team, service, region, account; ("state", "compliant" or "to_fix"),
    ("missing", KEY), ("invalid", KEY), ("search", text in id or name).
    """
    raise NotImplementedError
