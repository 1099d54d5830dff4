"""All writes of budgets and alerts. Whoever calls has made sure of the user's rights."""

from budgets.services.acknowledging import acknowledge
from budgets.services.deliveries import claim_due_deliveries, record_failure, record_refusal, record_sent
from budgets.services.evaluating import Evaluation, evaluate_budgets
from budgets.services.keeping import create_budget, revise_budget, update_budget

__all__ = [
    "Evaluation",
    "acknowledge",
    "claim_due_deliveries",
    "create_budget",
    "evaluate_budgets",
    "record_failure",
    "record_refusal",
    "record_sent",
    "revise_budget",
    "update_budget",
]
