"""All reads of budgets and alerts. A team sees the budgets of its teams and nothing else of any other."""

from budgets.results import (
    AlertRow,
    BudgetDetail,
    BudgetRow,
    BudgetState,
    Cause,
    DeliveryRow,
    Measured,
    PeriodRow,
    Suggestion,
)
from budgets.selectors.alerts import alert, alerts, open_alert_count
from budgets.selectors.listing import budget, budget_list, measured
from budgets.selectors.measuring import foresee, foreseen_days, measure
from budgets.selectors.reach import may_acknowledge
from budgets.selectors.recipients import may_read, recipients_of, unfit_addresses
from budgets.selectors.suggesting import scope_choices, suggestions

__all__ = [
    # results
    "AlertRow",
    "BudgetDetail",
    "BudgetRow",
    "BudgetState",
    "Cause",
    "DeliveryRow",
    "Measured",
    "PeriodRow",
    "Suggestion",
    # reads
    "alert",
    "alerts",
    "budget",
    "budget_list",
    "foresee",
    "foreseen_days",
    "may_acknowledge",
    "may_read",
    "measure",
    "measured",
    "open_alert_count",
    "recipients_of",
    "scope_choices",
    "suggestions",
    "unfit_addresses",
]
