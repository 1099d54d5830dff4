"""The API of budgets and alerts."""

from budgets.api.reading import AlertList
from budgets.api.writing import AlertAcknowledge, BudgetCollection, BudgetOne

__all__ = ["AlertAcknowledge", "AlertList", "BudgetCollection", "BudgetOne"]
