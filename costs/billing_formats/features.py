"""What a file's columns make possible: which features are off without them, and what stands in their place."""

from collections.abc import Collection
from dataclasses import dataclass

from costs.terms import BillingFormat


@dataclass(frozen=True)
class Feature:
    """Something people see that needs one of these columns (as the format calls them), or the columns of this field.

    One that needs nothing is never to be had from the format.
    """

    name: str
    instead: str
    any_of: tuple[str, ...] = ()
    field: str = ""


_TYPES = ("SkuPriceDetails", "x_InstanceType", "x_SkuInstanceType", "x_UsageType", "SkuMeter", "x_SkuDetails")
_BY_TAG = Feature("Owners and rules by tag", "every line counts as untagged", field="tags")
_REGIONS = "Costs by region"
_NO_REGION = "every line is without a region"

_FOCUS = (
    Feature("Effective cost", "commitments count as they are billed", ("EffectiveCost",)),
    Feature("List cost and savings", "contracted or billed cost stands in", ("ListCost",)),
    Feature("Contracted cost", "list or billed cost stands in", ("ContractedCost",)),
    Feature("Unblended cost", "billed cost stands in"),
    _BY_TAG,
    Feature("Costs by resource", "no line has a resource, so none can comply with the tag policy", ("ResourceId",)),
    Feature(_REGIONS, _NO_REGION, ("RegionId", "RegionName")),
    Feature("Costs by usage type", "every line is without one", ("x_UsageType", "SkuMeter", "x_SkuMeterName")),
    Feature("Names of accounts", "their ids are shown", ("SubAccountName",)),
    Feature("Final months", "no line tells its invoice, so the bill stays open", ("InvoiceId", "x_InvoiceId")),
    Feature("Utilisation of commitments", "what they left unused is not known", ("CommitmentDiscountStatus",)),
    Feature("Utilisation in hours", "it is told in money", ("CommitmentDiscountQuantity",)),
    Feature("When commitments end", "no end is shown"),
    Feature("Coverage of instances and purchase advice", "no line tells an instance type", _TYPES),
)
_CUR = (
    Feature("Effective cost of reservations", "they count as they are billed", ("reservation_effective_cost",)),
    Feature("List cost and savings", "unblended cost stands in", ("pricing_public_on_demand_cost",)),
    Feature("Contracted cost", "list cost stands in", ("line_item_net_unblended_cost",)),
    _BY_TAG,
    Feature("Costs by resource", "no line has a resource", ("line_item_resource_id",)),
    Feature(_REGIONS, _NO_REGION, field="region_id"),
    Feature("Names of accounts", "their ids are shown", ("line_item_usage_account_name",)),
    Feature("Final months", "no line tells its invoice, so the bill stays open", ("bill_invoice_id",)),
    Feature("When commitments end", "no end is shown", ("reservation_end_time", "savings_plan_end_time")),
)
_INVENTORY = (
    _BY_TAG,
    Feature(_REGIONS, _NO_REGION, ("region_id",)),
    Feature("Costs by account", "every resource is without one", ("sub_account_id",)),
)
_COMPUTE = (
    *_INVENTORY,
    Feature("Uptime and stopped instances", "every instance counts as running", ("state",)),
    Feature("Utilisation of instances", "advice takes them as they run", ("cpu_pct",)),
    Feature("Purchase advice", "no instance has a type", ("instance_type",)),
)
_OF_FORMAT = {
    BillingFormat.FOCUS: _FOCUS,
    BillingFormat.LEGACY_CUR: _CUR,
    BillingFormat.CUR_2: _CUR,
    BillingFormat.INVENTORY_COMPUTE: _COMPUTE,
    BillingFormat.INVENTORY_STORAGE: _INVENTORY,
}


def switched_off(billing_format: BillingFormat, *, read: Collection[str], fields: Collection[str]) -> list[Feature]:
    """Features that these columns and fields do not give, in the order of how much hangs on them."""
    return [
        feature
        for feature in _OF_FORMAT.get(billing_format, ())
        if not any(name in read for name in feature.any_of) and (not feature.field or feature.field not in fields)
    ]
