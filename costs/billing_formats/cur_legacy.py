"""Legacy Cost and Usage Report: slash headers in CSV, snake case in Parquet. See docs/algorithms/effective-cost.md.

The only place that knows AWS's own words. Rules of the cost bases are AWS's (amortised and net view).
"""

import re

from costs.billing_formats.base import ChargeMapping, Columns, Finding, literal, squash, tags_json
from costs.charges import MONEY_TYPE
from costs.periods import BillingPeriod
from costs.terms import BillingFormat

FORMAT = BillingFormat.LEGACY_CUR
NAME = "AWS Cost and Usage Report (legacy)"

PAYER = "bill_payer_account_id"
ACCOUNT = "line_item_usage_account_id"
KIND = "line_item_line_item_type"
PERIOD = "bill_billing_period_start_date"
CURRENCY = "line_item_currency_code"
UNBLENDED = "line_item_unblended_cost"
NET_UNBLENDED = "line_item_net_unblended_cost"
RI_ARN = "reservation_reservation_a_r_n"

# The CSV's own spelling, for messages about what is missing.
_REQUIRED = {
    PERIOD: "bill/BillingPeriodStartDate",
    KIND: "lineItem/LineItemType",
    UNBLENDED: "lineItem/UnblendedCost",
    CURRENCY: "lineItem/CurrencyCode",
}
_TELLING = (*_REQUIRED, PAYER, ACCOUNT, "line_item_usage_start_date", "line_item_product_code", "line_item_usage_type")

_USAGE_KINDS = ("Usage", "DiscountedUsage", "SavingsPlanCoveredUsage", "FlatRateSubscription", "FlateRateSubscription")
_COVERED = ("DiscountedUsage", "SavingsPlanCoveredUsage")
_TAGGABLE = ("Usage", *_COVERED)
_PURCHASES = ("SavingsPlanRecurringFee", "SavingsPlanUpfrontFee", "RIFee", "Fee")
_KNOWN = (*_USAGE_KINDS, *_PURCHASES, "SavingsPlanNegation", "Tax", "Credit", "Refund", "Discount")
_SPLIT_OPERATIONS = ("ECSTask-EC2", "EKSPod-EC2")
_INSTANCE_STEMS = (
    "BoxUsage",
    "SpotUsage",
    "DedicatedUsage",
    "InstanceUsage",
    "Multi-AZUsage",
    "NodeUsage",
    "ESInstance",
)
_SERVICE_NAMES = {
    "AmazonEC2": "Amazon Elastic Compute Cloud",
    "AmazonS3": "Amazon Simple Storage Service",
    "AmazonRDS": "Amazon Relational Database Service",
    "AmazonVPC": "Amazon Virtual Private Cloud",
    "AmazonCloudWatch": "AmazonCloudWatch",
    "AmazonDynamoDB": "Amazon DynamoDB",
    "AmazonElastiCache": "Amazon ElastiCache",
    "AmazonEFS": "Amazon Elastic File System",
    "AmazonRedshift": "Amazon Redshift",
    "AmazonRoute53": "Amazon Route 53",
    "AmazonCloudFront": "Amazon CloudFront",
    "AWSLambda": "AWS Lambda",
    "ComputeSavingsPlans": "Savings Plans for AWS Compute usage",
}
_PLATFORMS = {
    "RunInstances": "Linux/UNIX",
    "RunInstances:0010": "RHEL",
    "RunInstances:1010": "RHEL with HA",
    "RunInstances:00g0": "RHEL BYOL",
    "RunInstances:000g": "SUSE",
    "RunInstances:0002": "Windows",
    "RunInstances:0800": "Windows BYOL",
    "RunInstances:0006": "Windows with SQL Server Standard",
    "RunInstances:0202": "Windows with SQL Server Web",
    "RunInstances:0102": "Windows with SQL Server Enterprise",
    "RunInstances:0100": "Linux with SQL Server Enterprise",
    "RunInstances:0004": "Linux with SQL Server Standard",
    "RunInstances:0200": "Linux with SQL Server Web",
    "RunInstances:0g00": "Ubuntu Pro",
}
_TAG_COLUMN = re.compile(r"^resource_?tags[/_]", re.IGNORECASE)


def recognise(columns: Columns) -> str:
    """Why the file is a legacy CUR, or ''."""
    found = [name for name in _TELLING if columns.has(name)]
    if len(found) < 4:
        return ""
    style = "slash headers" if any("/" in name for name in columns.names) else "snake-case columns"
    return f"{style}, {len(found)} of its {len(_TELLING)} telling columns"


def missing(columns: Columns) -> list[str]:
    """Columns without which a line has no period, kind, amount, currency or account."""
    slashes = any("/" in name for name in columns.names)
    lost = [slash if slashes else snake for snake, slash in _REQUIRED.items() if not columns.has(snake)]
    if not columns.has(PAYER) and not columns.has(ACCOUNT):
        lost.append("bill/PayerAccountId" if slashes else PAYER)
    return lost


def mapping(columns: Columns, period: BillingPeriod | None = None) -> ChargeMapping:
    """The file's columns as canonical charges; the months come from the lines, not from `period`."""
    del period
    parts = _parts(columns)
    kind = "part_kind"
    expressions = {
        **_when(columns),
        **_who_and_what(columns),
        **_kinds(columns, kind),
        **_commitment_terms(columns, kind),
        **_instance(columns, kind),
        **_quantities(columns, kind),
        **_costs(columns, kind),
        "billing_currency": f"upper({columns.text(CURRENCY)})",
        "is_taggable": f"{_is_in(kind, _TAGGABLE)} AND {columns.text('line_item_resource_id')} <> ''",
        "is_split_row": _is_split_row(columns),
        "tags": _tags(columns),
    }
    expressions["unread_cells"] = columns.unread_cells()
    return ChargeMapping(
        expressions=expressions,
        parts=parts,
        checks=tuple(columns.checks.values()),
        read=dict(columns.read),
        absent=tuple(columns.absent),
        findings=_findings(columns),
    )


def payer(columns: Columns) -> str:
    """SQL of the payer of a line."""
    return columns.text(PAYER, ACCOUNT)


def unknown_kind(kind: str) -> bool:
    """Whether a line type is one this module has no rule for (it counts by its unblended cost)."""
    return kind not in _KNOWN and not kind.endswith("Discount")


def _parts(columns: Columns) -> dict[str, str]:
    """What several fields are made from."""
    usage_type = columns.text("line_item_usage_type")
    is_instance = " OR ".join(f"contains({usage_type}, {literal(stem)})" for stem in _INSTANCE_STEMS)
    return {
        "part_kind": columns.text(KIND),
        "part_start": columns.moment("line_item_usage_start_date"),
        "part_period": f"CAST(date_trunc('month', {columns.moment(PERIOD)}) AS DATE)",
        "part_unblended": columns.money(UNBLENDED),
        "part_is_instance": f"({is_instance})",
    }


def _when(columns: Columns) -> dict[str, str]:
    inside = "least(greatest(CAST(part_start AS DATE), part_period), last_day(part_period))"
    return {
        "billing_period": "part_period",
        "charge_period_start": "part_start",
        "charge_period_end": columns.moment("line_item_usage_end_date"),
        "charge_date": f"coalesce({inside}, part_period)",
    }


def _who_and_what(columns: Columns) -> dict[str, str]:
    code = columns.text("line_item_product_code", "product_servicecode")
    known = " ".join(f"WHEN {literal(key)} THEN {literal(name)}" for key, name in _SERVICE_NAMES.items())
    zone = columns.text("line_item_availability_zone")
    from_zone = f"regexp_replace({zone}, '^([a-z]+(-[a-z]+)+-[0-9]+)[a-z]$', '\\1')"
    return {
        "billing_account_id": payer(columns),
        "sub_account_id": columns.text(ACCOUNT, PAYER),
        "sub_account_name": columns.text("line_item_usage_account_name"),
        "invoice_id": columns.text("bill_invoice_id"),
        "service_code": code,
        "service_name": columns.text(
            "product_product_name", "product_servicename", default=f"CASE {code} {known} ELSE {code} END"
        ),
        "region_id": columns.text("product_region_code", "product_region", default=from_zone),
        "availability_zone": zone,
        "usage_type": columns.text("line_item_usage_type"),
        "operation": columns.text("line_item_operation"),
        "charge_description": columns.text("line_item_line_item_description"),
        "resource_id": columns.text("line_item_resource_id"),
        "resource_type": columns.text("product_product_family"),
        "pricing_unit": columns.text("pricing_unit"),
    }


def _kinds(columns: Columns, kind: str) -> dict[str, str]:
    usage_type = columns.text("line_item_usage_type")
    plan = columns.text("savings_plan_savings_plan_a_r_n")
    reservation = columns.text(RI_ARN, "reservation_subscription_id") if columns.has(RI_ARN) else "''"
    is_plan, is_reserved = f"starts_with({kind}, 'SavingsPlan')", f"{kind} IN ('DiscountedUsage', 'RIFee')"
    of_reservation = f"({is_reserved} OR ({kind} = 'Fee' AND {reservation} <> ''))"
    return {
        "line_kind": kind,
        "charge_category": f"CASE WHEN {_is_in(kind, _PURCHASES)} THEN 'Purchase' WHEN {kind} = 'Tax' THEN 'Tax'"
        f" WHEN {kind} = 'Credit' THEN 'Credit' WHEN {kind} = 'Refund' THEN 'Adjustment' ELSE 'Usage' END",
        "charge_frequency": f"CASE WHEN {kind} IN ('RIFee', 'SavingsPlanRecurringFee') THEN 'Recurring'"
        f" WHEN {kind} IN ('Fee', 'SavingsPlanUpfrontFee', 'Credit', 'Refund') THEN 'One-Time'"
        " ELSE 'Usage-Based' END",
        "pricing_category": f"CASE WHEN {is_plan} OR {of_reservation} THEN 'Committed'"
        f" WHEN {_is_in(kind, _USAGE_KINDS)} THEN CASE WHEN contains({usage_type}, 'Spot') THEN 'Dynamic'"
        " ELSE 'Standard' END ELSE 'Other' END",
        "commitment_discount_id": f"CASE WHEN {is_plan} THEN {plan} WHEN {of_reservation} THEN {reservation}"
        " ELSE '' END",
        "commitment_discount_category": f"CASE WHEN {is_plan} THEN 'Spend' WHEN {of_reservation} THEN 'Usage'"
        " ELSE '' END",
        "commitment_discount_type": f"CASE WHEN {is_plan} THEN {columns.text('savings_plan_offering_type')}"
        f" WHEN {of_reservation} THEN {columns.text('pricing_offering_class')} ELSE '' END",
        "commitment_discount_status": f"CASE WHEN {_is_in(kind, _COVERED)} THEN 'Used'"
        f" WHEN {kind} IN ('RIFee', 'SavingsPlanRecurringFee') THEN 'Unused' ELSE '' END",
    }


def _commitment_terms(columns: Columns, kind: str) -> dict[str, str]:
    """What a reservation's fee line was bought for, and when a commitment ends (an end that is no time is none)."""
    is_fee = f"{kind} = 'RIFee'"
    ends = ", ".join(
        f"try_cast({columns.text(name)} AS TIMESTAMP)" for name in ("reservation_end_time", "savings_plan_end_time")
    )
    return {
        "commitment_hours": f"CASE WHEN {is_fee} THEN {columns.number('line_item_usage_amount')} ELSE 0 END",
        "commitment_normalized_units": f"CASE WHEN {is_fee} THEN"
        f" {columns.number('line_item_normalized_usage_amount')} ELSE 0 END",
        "commitment_ends_at": f"CASE WHEN {is_fee} OR {kind} = 'SavingsPlanRecurringFee' THEN coalesce({ends}) END",
    }


def _instance(columns: Columns, kind: str) -> dict[str, str]:
    usage_type, operation = columns.text("line_item_usage_type"), columns.text("line_item_operation")
    used = "part_is_instance"
    named = f"({used} OR {kind} = 'RIFee')"
    from_usage = f"CASE WHEN {named} THEN split_part({usage_type}, ':', 2) ELSE '' END"
    platforms = " ".join(f"WHEN {literal(code)} THEN {literal(name)}" for code, name in _PLATFORMS.items())
    system = columns.text(
        "product_database_engine", "product_cache_engine", "product_operating_system", default="'Linux/UNIX'"
    )
    instance = columns.text("product_instance_type", default=from_usage)
    dedicated = f"CASE WHEN contains({usage_type}, 'DedicatedUsage') THEN 'Dedicated' ELSE 'Shared' END"
    return {
        "instance_type": instance,
        "platform": f"CASE WHEN NOT {named} THEN '' ELSE CASE {operation} {platforms} ELSE {system} END END",
        "tenancy": f"CASE WHEN {used} THEN {columns.text('product_tenancy', default=dedicated)} ELSE '' END",
        "is_instance_usage": f"{used} AND {_is_in(kind, _TAGGABLE)}",
    }


def _quantities(columns: Columns, kind: str) -> dict[str, str]:
    is_usage = _is_in(kind, _USAGE_KINDS)
    return {
        "consumed_quantity": f"CASE WHEN {is_usage} THEN {columns.number('line_item_usage_amount')} ELSE 0 END",
        "normalized_quantity": f"CASE WHEN {is_usage} THEN {columns.number('line_item_normalized_usage_amount')}"
        " ELSE 0 END",
    }


def _costs(columns: Columns, kind: str) -> dict[str, str]:
    unblended, net = "part_unblended", columns.maybe_money(NET_UNBLENDED)
    is_discount = _is_discount(kind)
    billed = f"CASE WHEN {is_discount} THEN 0 ELSE coalesce({net}, {unblended}) END" if net else unblended
    public = columns.maybe_money("pricing_public_on_demand_cost", is_lenient=True)
    list_cost = f"coalesce({public}, {unblended})" if public else unblended
    list_cost = f"CASE WHEN {kind} = 'SavingsPlanNegation' THEN 0 ELSE {list_cost} END"
    contracted = f"CASE WHEN {kind} = 'SavingsPlanNegation' THEN 0 ELSE {list_cost} - ({unblended} - {billed}) END"
    return {
        "unblended_cost": unblended,
        "billed_cost": _as_money(billed),
        "list_cost": _as_money(list_cost),
        "contracted_cost": _as_money(contracted if net else list_cost),
        "effective_cost": _as_money(_effective(columns, kind, billed, is_net=net is not None)),
        "commitment_cost": _as_money(_commitment(columns, kind, unblended, is_net=net is not None)),
    }


def _effective(columns: Columns, kind: str, billed: str, *, is_net: bool) -> str:
    plan_column = "savings_plan_net_savings_plan_effective_cost" if is_net else ""
    plan = _first_money(columns, plan_column, "savings_plan_savings_plan_effective_cost")
    cases = [
        f"WHEN {kind} = 'SavingsPlanCoveredUsage' THEN {plan}",
        f"WHEN {kind} = 'SavingsPlanRecurringFee' THEN {_unused_plan(columns, is_net=is_net)}",
        f"WHEN {kind} IN ('SavingsPlanNegation', 'SavingsPlanUpfrontFee') THEN 0",
        *_reservation_cases(columns, kind, is_net=is_net),
        f"WHEN {kind} = 'Refund' AND {columns.text('line_item_product_code')} = 'ComputeSavingsPlans' AND"
        f" starts_with({columns.text('line_item_line_item_description')},"
        " 'Refund for one-time fee for Savings Plan ID') THEN 0",
    ]
    return f"CASE {' '.join(cases)} ELSE {billed} END"


def _unused_plan(columns: Columns, *, is_net: bool) -> str:
    """The plan's unused part; NULL where the line does not tell it (settled after landing)."""
    total = columns.maybe_money("savings_plan_total_commitment_to_date")
    used = columns.maybe_money("savings_plan_used_commitment")
    return f"({total} - coalesce({used}, 0))" if total and used and not is_net else "NULL"


def _reservation_cases(columns: Columns, kind: str, *, is_net: bool) -> list[str]:
    if not _amortises_reservations(columns):
        return []
    net = "reservation_net_" if is_net else ""
    used = _first_money(columns, net and f"{net}effective_cost", "reservation_effective_cost")
    upfront = "unused_amortized_upfront_fee_for_billing_period"
    unused_upfront = _first_money(columns, net and f"{net}{upfront}", f"reservation_{upfront}")
    recurring = "unused_recurring_fee"
    unused_recurring = _first_money(columns, net and f"{net}{recurring}", f"reservation_{recurring}")
    return [
        f"WHEN {kind} = 'DiscountedUsage' THEN {used}",
        f"WHEN {kind} = 'RIFee' THEN {unused_upfront} + {unused_recurring}",
        f"WHEN {kind} = 'Fee' AND {columns.text(RI_ARN)} <> '' THEN 0",
    ]


def _commitment(columns: Columns, kind: str, unblended: str, *, is_net: bool) -> str:
    """What a fee line commits to, used or not: its recurring part and its share of what was paid upfront."""
    view = "net_" if is_net else ""
    upfront = _first_money(columns, f"reservation_{view}amortized_upfront_fee_for_billing_period")
    amortized, recurring = (
        f"savings_plan_{view}{part}_commitment_for_billing_period" for part in ("amortized_upfront", "recurring")
    )
    if is_net and columns.has(amortized) and columns.has(recurring):
        plan = f"{columns.money(amortized)} + {columns.money(recurring)}"
    else:
        total = columns.maybe_money("savings_plan_total_commitment_to_date")
        plan = f"coalesce({total}, {unblended})" if total else unblended
    return (
        f"CASE WHEN {kind} = 'RIFee' THEN {unblended} + {upfront}"
        f" WHEN {kind} = 'SavingsPlanRecurringFee' THEN {plan} ELSE 0 END"
    )


def _first_money(columns: Columns, *names: str) -> str:
    found = [sql for name in names if name and columns.has(name) and (sql := columns.maybe_money(name))]
    return f"coalesce({', '.join([*found, '0'])})"


def _amortises_reservations(columns: Columns) -> bool:
    return columns.has("reservation_effective_cost") and columns.has("reservation_unused_recurring_fee")


def _findings(columns: Columns) -> tuple[Finding, ...]:
    if _amortises_reservations(columns):
        return ()
    text = "The file has no columns that spread reservations over their use; effective cost counts them as billed."
    return (Finding("no_amortisation_columns", text),)


def _tags(columns: Columns) -> str:
    tags = []
    for column in columns.columns:
        if _TAG_COLUMN.match(column.name):
            key = _tag_key(_TAG_COLUMN.sub("", column.name))
            tags.append((key, columns.value(column)))
    return tags_json(dict(reversed(tags)).items())


def _tag_key(name: str) -> str:
    for prefix in ("user:", "user_"):
        if name.casefold().startswith(prefix):
            return name[len(prefix) :]
    return f"aws:{name[4:]}" if name.casefold().startswith("aws_") else name


def _is_split_row(columns: Columns) -> str:
    rows = f"{columns.text('line_item_operation')} IN ({', '.join(map(literal, _SPLIT_OPERATIONS))})"
    if columns.has("split_line_item_parent_resource_id"):
        rows = f"({rows} OR {columns.text('split_line_item_parent_resource_id')} <> '')"
    return rows


def _is_discount(kind: str) -> str:
    return f"(ends_with({kind}, 'Discount'))"


def _is_in(kind: str, kinds: tuple[str, ...]) -> str:
    return f"{kind} IN ({', '.join(map(literal, kinds))})"


def _as_money(sql: str) -> str:
    return f"CAST({sql} AS {MONEY_TYPE})"


def is_cur2(columns: Columns) -> bool:
    """Whether this is CUR 2.0, which keeps tags and product in map columns."""
    maps = {"resourcetags", "product", "costcategory", "discount"}
    return columns.has(KIND) and any(squash(name) in maps for name in columns.names)
