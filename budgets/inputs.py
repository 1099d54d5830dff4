"""What budgets' services take: frozen values, checked by the services themselves."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from budgets.evaluation import AlertStep
from budgets.terms import Cadence, ScopeKind, Severity, ThresholdKind
from costs.terms import CostMetric

# The steps of a new budget.
USUAL_STEPS = (
    AlertStep(ThresholdKind.ACTUAL, Decimal(50), Severity.INFO),
    AlertStep(ThresholdKind.ACTUAL, Decimal(80), Severity.WARNING),
    AlertStep(ThresholdKind.ACTUAL, Decimal(100), Severity.CRITICAL),
    AlertStep(ThresholdKind.FORECAST, Decimal(100), Severity.WARNING),
)


@dataclass(frozen=True)
class BudgetInput:
    """A budget to make or change. `planned` are amounts from a period on, by its first day."""

    name: str
    scope_kind: ScopeKind
    amount: Decimal
    scope_key: str = ""
    cadence: Cadence = Cadence.MONTHLY
    currency: str = "USD"
    metric: CostMetric = CostMetric.EFFECTIVE
    with_credits: bool = False
    with_refunds: bool = False
    with_tax: bool = False
    starts_on: date | None = None
    is_active: bool = True
    owner: str = ""  # user name
    steps: tuple[AlertStep, ...] = USUAL_STEPS
    planned: tuple[tuple[date, Decimal], ...] = ()
