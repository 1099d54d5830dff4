"""Pages of the programme, for FinOps staff."""

from finops_site.programme.views.case import business_case, save_assumptions
from finops_site.programme.views.plan import plan, start
from finops_site.programme.views.risks import risks
from finops_site.programme.views.savings import savings
from finops_site.programme.views.upkeep import part_edit, part_new, part_remove, settings

__all__ = [
    "business_case",
    "part_edit",
    "part_new",
    "part_remove",
    "plan",
    "risks",
    "save_assumptions",
    "savings",
    "settings",
    "start",
]
