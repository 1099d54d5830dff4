"""Inventory of buckets: monthly cost, storage class, tags as `Key=Value` text."""

from costs.billing_formats import inventory
from costs.billing_formats.base import ChargeMapping, Columns
from costs.periods import BillingPeriod
from costs.terms import BillingFormat

FORMAT = BillingFormat.INVENTORY_STORAGE
NAME = "an inventory of buckets"


def recognise(columns: Columns) -> str:
    """Why the file is an inventory of buckets, or ''."""
    if columns.has("BucketName") or (
        inventory.has_field(columns, "storage_class") and inventory.has_field(columns, "resource_id")
    ):
        return "buckets"
    return ""


def missing(columns: Columns) -> list[str]:
    """Columns without which there is no inventory."""
    return inventory.missing_fields(columns)


def mapping(columns: Columns, period: BillingPeriod | None = None) -> ChargeMapping:
    """Charges of every day of the period."""
    del columns  # `costs.inventory` already gave every field its name
    assert period is not None
    return inventory.storage_mapping(period)
