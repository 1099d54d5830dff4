"""What the site itself keeps: measured months."""

from finops_site.models.metrics import MonthMetric, SignIn

__all__ = ["MonthMetric", "SignIn"]
