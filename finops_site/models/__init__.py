"""What the site itself keeps: measured months, and the programme."""

from finops_site.models.metrics import MonthMetric, SignIn
from finops_site.models.programme import PlanStep, Programme, Risk, SavingClaim, Scenario, Target

__all__ = ["MonthMetric", "PlanStep", "Programme", "Risk", "SavingClaim", "Scenario", "SignIn", "Target"]
