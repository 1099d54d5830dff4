"""Costs in doubt, and the rules they could become."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from costs.periods import BillingPeriod
from costs.terms import CostMetric

Filters = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class DoubtRow:
    """Costs in doubt, as their team and FinOps staff see them. `pk` only for staff (0 for others)."""

    pk: int
    ref: str
    period: BillingPeriod
    currency: str
    metric: CostMetric
    team_key: str
    team_name: str
    rule_text: str
    matched_text: str
    filters: Filters
    cost: Decimal
    text: str
    belongs_to: str
    state: str
    raised_by: str
    raised_at: datetime
    answer: str
    answered_by: str
    answered_at: datetime | None


@dataclass(frozen=True)
class RuleProposal:
    """The narrowest rule over what was doubted: a condition, and the rule it has to stand before (None: it is gone)."""

    doubt: DoubtRow
    condition: Mapping[str, Any]
    before: int | None
    cost: Decimal  # what the doubted costs come to now, on the doubt's basis
    left_out: tuple[str, ...]  # filters no rule can see: a resource, a day
