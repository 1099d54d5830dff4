"""All reads of the intake, and other apps' only door to it. Every one takes a Scope."""

from costs.selectors.imports import (
    ActiveImport,
    active_imports,
    bill_total,
    currencies,
    import_period,
    imports_to_allocate,
    latest_period,
    periods_with_costs,
)
from costs.selectors.rollups import account_names, daily_costs, resource_costs, slices, slices_of, usage_days

__all__ = [
    "ActiveImport",
    "account_names",
    "active_imports",
    "bill_total",
    "currencies",
    "daily_costs",
    "import_period",
    "imports_to_allocate",
    "latest_period",
    "periods_with_costs",
    "resource_costs",
    "slices",
    "slices_of",
    "usage_days",
]
