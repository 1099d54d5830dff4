"""What each allocation rule decides in a month, for the page of rules."""

from dataclasses import dataclass
from decimal import Decimal

from django.db.models import Count, Sum

from costs.money import ZERO
from costs.periods import BillingPeriod
from costs.scope import Scope
from costs.terms import CostMetric
from tagging.selectors.reach import reach
from tagging.selectors.sums import Ask, slice_rows


@dataclass(frozen=True)
class RuleCost:
    """The month's money and slices that one rule decided."""

    cost: Decimal
    slice_count: int


@dataclass(frozen=True)
class RuleCosts:
    """By the rule's pk; what no rule matched stands under None."""

    currency: str
    by_rule: dict[int | None, RuleCost]

    def of(self, pk: int | None) -> RuleCost:
        """A rule's money; zero where it decided nothing."""
        return self.by_rule.get(pk, RuleCost(ZERO, 0))


def rule_costs(scope: Scope, period: BillingPeriod, *, metric: CostMetric, currency: str = "") -> RuleCosts:
    """Money and slices by deciding rule. Staff only. Two queries."""
    scope.require_everything()
    found = reach(scope, (period,), currency)
    rows = slice_rows(Ask(found, metric)).order_by().values_list("owned__rule_id")
    summed = rows.annotate(Sum(metric.column), Count("slice_id", distinct=True))
    return RuleCosts(found.currency, {pk: RuleCost(cost, slices) for pk, cost, slices in summed})
