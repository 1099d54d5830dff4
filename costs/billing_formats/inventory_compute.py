"""Inventory of instances: hourly cost, state, utilisation, tags as `Key=Value` text."""

from costs.billing_formats import inventory
from costs.billing_formats.base import ChargeMapping, Columns
from costs.periods import BillingPeriod
from costs.terms import BillingFormat

FORMAT = BillingFormat.INVENTORY_COMPUTE
NAME = "an inventory of instances"


def recognise(columns: Columns) -> str:
    """Why the file is an inventory of instances, or ''."""
    if inventory.has_field(columns, "instance_type") and inventory.has_field(columns, "resource_id"):
        return "resources with an instance type"
    return ""


def missing(columns: Columns) -> list[str]:
    """Columns without which there is no inventory."""
    return inventory.missing_fields(columns)


def mapping(columns: Columns, period: BillingPeriod | None = None) -> ChargeMapping:
    """Charges of every day of the period."""
    del columns  # `costs.inventory` already gave every field its name
    assert period is not None
    return inventory.compute_mapping(period)
