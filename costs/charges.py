"""The canonical charge: one row per line of a bill, in FOCUS words, whatever format it came in."""

from collections.abc import Iterable
from datetime import date

MONEY_TYPE = "DECIMAL(38,18)"

# Order and types of the charge store's columns. Text is never NULL: what is absent is ''.
CHARGE_COLUMNS: dict[str, str] = {
    "billing_period": "DATE",
    "charge_period_start": "TIMESTAMP",
    "charge_period_end": "TIMESTAMP",
    "charge_date": "DATE",  # the start's day, moved into the month
    "billing_account_id": "VARCHAR",
    "sub_account_id": "VARCHAR",
    "sub_account_name": "VARCHAR",
    "invoice_id": "VARCHAR",
    "service_code": "VARCHAR",
    "service_name": "VARCHAR",
    "region_id": "VARCHAR",
    "availability_zone": "VARCHAR",
    "usage_type": "VARCHAR",
    "operation": "VARCHAR",
    "charge_category": "VARCHAR",
    "charge_frequency": "VARCHAR",
    "charge_description": "VARCHAR",
    "line_kind": "VARCHAR",
    "pricing_category": "VARCHAR",
    "commitment_discount_id": "VARCHAR",
    "commitment_discount_category": "VARCHAR",
    "commitment_discount_type": "VARCHAR",
    "commitment_discount_status": "VARCHAR",
    "resource_id": "VARCHAR",
    "resource_type": "VARCHAR",
    "instance_type": "VARCHAR",
    "platform": "VARCHAR",
    "tenancy": "VARCHAR",
    "pricing_unit": "VARCHAR",
    "consumed_quantity": "DOUBLE",
    "normalized_quantity": "DOUBLE",
    "billing_currency": "VARCHAR",
    "billed_cost": MONEY_TYPE,
    "effective_cost": MONEY_TYPE,  # NULL only between landing and `settle`
    "list_cost": MONEY_TYPE,
    "contracted_cost": MONEY_TYPE,
    "unblended_cost": MONEY_TYPE,
    # On a commitment's fee lines what the line commits to, used or not; where used and unused parts are lines of
    # their own (FOCUS), on each of those its part. Never both, so a commitment's lines add up to it.
    "commitment_cost": MONEY_TYPE,
    "commitment_hours": "DOUBLE",  # of a reservation, likewise: the hours it was bought for, times how many
    "commitment_normalized_units": "DOUBLE",  # the same hours in normalized units; 0 where the size has none
    "commitment_ends_at": "TIMESTAMP",
    "is_taggable": "BOOLEAN",
    "is_split_row": "BOOLEAN",
    "is_instance_usage": "BOOLEAN",
    "tags": "VARCHAR",
    "unread_cells": "UTINYINT",  # what had no weight for any total and was left out: 1 a number, 2 a map, 3 both
    "parent_resource_id": "VARCHAR",  # of a split row: the resource whose cost it breaks down
    "cost_categories": "VARCHAR",  # the provider's own grouping of the line, as JSON
    "discounting": "VARCHAR",  # 'inside': told after negotiated discounts; 'apart': the line is such a discount
    "pricing_currency": "VARCHAR",  # what the line was priced in, where that is not what it is billed in (tokens)
    "invoice_issuer": "VARCHAR",  # the seller who invoices the line
    "pricing_currency_cost": MONEY_TYPE,  # its effective cost in that currency: shown apart, never added to costs
}
# What a format need not give.
CHARGE_DEFAULTS = {
    "parent_resource_id": "''",
    "cost_categories": "'{}'",
    "discounting": "''",
    "pricing_currency": "''",
    "pricing_currency_cost": "0",
    "invoice_issuer": "''",
}
# Columns that hold one of a few words, whatever the format; a mapping that gives another one is refused.
CLOSED_TEXTS = {
    "charge_category": ("Usage", "Purchase", "Tax", "Credit", "Adjustment"),
    "charge_frequency": ("Usage-Based", "Recurring", "One-Time"),
    "pricing_category": ("Standard", "Dynamic", "Committed", "Other"),
    "commitment_discount_category": ("", "Spend", "Usage"),
    "commitment_discount_status": ("", "Used", "Unused"),
    "discounting": ("", "inside", "apart"),
}

# What allocation rules can see, before the tracked tags. Their order is part of every slice's key.
SLICE_DIMENSIONS = (
    "billing_account_id",
    "sub_account_id",
    "service_name",
    "region_id",
    "usage_type",
    "operation",
    "charge_category",
    "line_kind",
    "pricing_category",
    "commitment_discount_status",
    "is_taggable",
)
POOL_DIMENSIONS = ("sub_account_id", "region_id", "instance_type", "platform", "tenancy")
# All a line's group fixes: its slice, its pool and its tags.
GROUP_DIMENSIONS = (
    *SLICE_DIMENSIONS,
    "instance_type",
    "platform",
    "tenancy",
    "resource_type",
    "commitment_discount_category",
    "is_instance_usage",
    "tags",
)
# What makes a resource one.
RESOURCE_DIMENSIONS = ("sub_account_id", "resource_id")

FIRST_BILLING_YEAR = 2006


def implausible_month(months: Iterable[date], *, today: date) -> date | None:
    """The first month no bill can have (before 2006, or more than two months after `today`), else None."""
    limit = today.year * 12 + today.month + 2
    for month in sorted(months):
        if month.year < FIRST_BILLING_YEAR or month.year * 12 + month.month > limit:
            return month
    return None
