"""Resource inventories: what their columns may be called, and their charges for every day of a month.

An inventory is a dated snapshot, not a bill: its rate is taken to hold for the whole month. Its rows are
read by `costs.inventory`, which names them as in `FIELDS`.
"""

from costs.billing_formats.base import ChargeMapping, Columns, literal
from costs.charges import CHARGE_COLUMNS, MONEY_TYPE
from costs.periods import BillingPeriod

# Field → the names its column may have, compared without case and punctuation.
FIELDS: dict[str, tuple[str, ...]] = {
    "resource_id": ("ResourceId", "InstanceId", "BucketName", "Bucket", "Instance", "ResourceArn", "Name"),
    "region_id": ("Region", "RegionId", "AwsRegion", "Location"),
    "cost": (
        "CostUSD",
        "CostPerHourUSD",
        "CostPerMonthUSD",
        "MonthlyCostUSD",
        "HourlyCostUSD",
        "HourlyCost",
        "MonthlyCost",
        "Cost",
    ),
    "currency": ("Currency", "CurrencyCode", "BillingCurrency"),
    "sub_account_id": ("AccountId", "Account", "SubAccountId", "LinkedAccountId", "OwnerAccountId"),
    "tags": ("Tags", "Tag", "ResourceTags"),
    "created_on": ("CreationDate", "LaunchTime", "LaunchDate", "CreatedOn", "CreatedAt"),
    "resource_type": ("ResourceType", "Type", "Service"),
    "instance_type": ("InstanceType", "InstanceClass"),
    "platform": ("Platform", "OperatingSystem"),
    "tenancy": ("Tenancy",),
    "state": ("State", "InstanceState", "Status"),
    "cpu_pct": ("CPUUtilization", "CpuPct", "AvgCPU", "CPUUtilizationPercent"),
    "memory_pct": ("MemoryUtilization", "MemoryPct", "AvgMemory", "MemoryUtilizationPercent"),
    "storage_class": ("StorageClass", "Class"),
}
REQUIRED = ("resource_id", "cost")
NUMBERS = ("cost", "cpu_pct", "memory_pct")
_RUNNING = ("running", "")  # an inventory without states lists what runs


def has_field(columns: Columns, name: str) -> bool:
    """Whether a column for the field is there, under any of its names."""
    return any(columns.has(spelling) for spelling in FIELDS[name])


def missing_fields(columns: Columns) -> list[str]:
    """The usual names of required columns that are there under none of their names."""
    return [FIELDS[name][0] for name in REQUIRED if not has_field(columns, name)]


def days_of(period: BillingPeriod) -> str:
    """SQL relation of the month's days with their ordinal from 1."""
    return (
        f"(SELECT CAST(DATE '{period.start}' + CAST(i AS INTEGER) - 1 AS DATE) AS charge_date, i AS ordinal"
        f" FROM range(1, {period.day_count + 1}) AS days(i))"
    )


def compute_mapping(period: BillingPeriod) -> ChargeMapping:
    """Hourly rate × 24 on every day, whatever the state; hours only where it runs."""
    running = f"lower(state) IN ({', '.join(map(literal, _RUNNING))})"
    return _mapping(
        period,
        cost=f"CAST(cost AS {MONEY_TYPE}) * 24",
        service=("AmazonEC2", "Amazon Elastic Compute Cloud"),
        extra={
            "usage_type": "instance_type",
            "instance_type": "instance_type",
            "platform": "CASE WHEN platform = '' THEN 'Linux/UNIX' ELSE platform END",
            "tenancy": "CASE WHEN tenancy = '' THEN 'Shared' ELSE tenancy END",
            "consumed_quantity": f"CASE WHEN {running} THEN 24 ELSE 0 END",
            "pricing_unit": "'Hrs'",
            "is_instance_usage": "instance_type <> ''",
        },
    )


def storage_mapping(period: BillingPeriod) -> ChargeMapping:
    """The monthly cost over the month's days by largest remainder: earlier days take the odd 1e-10."""
    units = f"CAST(round(abs(CAST(cost AS {MONEY_TYPE})), 10) * 10000000000 AS HUGEINT)"
    days = period.day_count
    share = f"({units} // {days} + CASE WHEN ordinal <= {units} % {days} THEN 1 ELSE 0 END)"
    sign = f"CASE WHEN CAST(cost AS {MONEY_TYPE}) < 0 THEN -1 ELSE 1 END"
    return _mapping(
        period,
        cost=f"CAST({share} * {sign} AS DECIMAL(26,0)) * CAST('0.0000000001' AS DECIMAL(11,10))",
        service=("AmazonS3", "Amazon Simple Storage Service"),
        extra={"usage_type": "storage_class", "pricing_unit": "'Month'"},
    )


def _mapping(period: BillingPeriod, *, cost: str, service: tuple[str, str], extra: dict[str, str]) -> ChargeMapping:
    expressions = {name: _blank(kind) for name, kind in CHARGE_COLUMNS.items()}
    money = f"CAST({cost} AS {MONEY_TYPE})"
    costs = ("billed_cost", "effective_cost", "list_cost", "contracted_cost", "unblended_cost")
    expressions |= dict.fromkeys(costs, money)
    expressions |= {
        "billing_period": f"DATE '{period.start}'",
        "charge_period_start": "CAST(charge_date AS TIMESTAMP)",
        "charge_period_end": "CAST(charge_date AS TIMESTAMP) + INTERVAL 1 DAY",
        "charge_date": "charge_date",
        "sub_account_id": "sub_account_id",
        "service_code": literal(service[0]),
        "service_name": literal(service[1]),
        "region_id": "region_id",
        "charge_category": "'Usage'",
        "charge_frequency": "'Recurring'",
        "charge_description": "CASE WHEN state = '' THEN 'Inventory' ELSE 'Inventory, ' || state END",
        "invoice_id": "'none'",  # an inventory is never invoiced
        "line_kind": "'Inventory'",
        "pricing_category": "'Standard'",
        "resource_id": "resource_id",
        "resource_type": "resource_type",
        "billing_currency": "currency",
        "is_taggable": "true",
        "tags": "tags",
    }
    return ChargeMapping(expressions=expressions | extra)


def _blank(kind: str) -> str:
    if kind == "VARCHAR":
        return "''"
    if kind == "BOOLEAN":
        return "false"
    return f"CAST({'NULL' if kind in {'DATE', 'TIMESTAMP'} else '0'} AS {kind})"
