"""Pages of budgets and alerts."""

from budgets.views.alerts import acknowledge, inbox
from budgets.views.budgets import budget, budgets
from budgets.views.upkeep import budget_edit, budget_new

__all__ = ["acknowledge", "budget", "budget_edit", "budget_new", "budgets", "inbox"]
