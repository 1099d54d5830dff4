"""What a Cost and Usage Report means, whatever its file: shared by the legacy report and CUR 2.0.

The only place, with `cur_costs`, that knows AWS's own words. Names of columns are those of CUR 2.0 and Parquet; a CSV's
slash headers agree with them without case and punctuation. See docs/algorithms/effective-cost.md.
"""

from collections.abc import Iterable

from costs.billing_formats import cur_costs
from costs.billing_formats.base import EMPTY, ChargeMapping, Columns, Finding, literal, squash
from costs.billing_formats.cur_costs import KIND_PART, SPLIT_PART, is_in

PAYER = "bill_payer_account_id"
ACCOUNT = "line_item_usage_account_id"
KIND = "line_item_line_item_type"
PERIOD = "bill_billing_period_start_date"
CURRENCY = "line_item_currency_code"
UNBLENDED = cur_costs.UNBLENDED
PARENT = "split_line_item_parent_resource_id"

# The CSV's own spelling, for messages about what is missing.
REQUIRED = {
    PERIOD: "bill/BillingPeriodStartDate",
    KIND: "lineItem/LineItemType",
    UNBLENDED: "lineItem/UnblendedCost",
    CURRENCY: "lineItem/CurrencyCode",
}
TELLING = (*REQUIRED, PAYER, ACCOUNT, "line_item_usage_start_date", "line_item_product_code", "line_item_usage_type")

_USAGE_KINDS = ("Usage", "DiscountedUsage", "SavingsPlanCoveredUsage", "FlatRateSubscription", "FlateRateSubscription")
_COVERED = ("DiscountedUsage", "SavingsPlanCoveredUsage")
_TAGGABLE = ("Usage", *_COVERED)
_PURCHASES = ("SavingsPlanRecurringFee", "SavingsPlanUpfrontFee", "RIFee", "Fee")
_DISCOUNTS = (
    "BundledDiscount",
    "EdpDiscount",
    "PrivateRateDiscount",
    "RiVolumeDiscount",
    "SppDiscount",
    "DistributorDiscount",
    "Discount",
)
_KNOWN = (*_USAGE_KINDS, *_PURCHASES, "SavingsPlanNegation", "Tax", "Credit", "Refund", *_DISCOUNTS)
_SPLIT_OPERATIONS = ("ECSTask-EC2", "EKSPod-EC2")
INSTANCE_STEMS = (
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
PLATFORMS = {
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


def has_slashes(columns: Columns) -> bool:
    """Whether the header is a CSV's own, `lineItem/UnblendedCost`, and not snake case."""
    return any(name.casefold().startswith(("identity/", "bill/", "lineitem/")) for name in columns.names)


def missing(columns: Columns) -> list[str]:
    """Columns without which a line has no period, kind, amount or account, as the file would spell them.

    The currency can be told in another way, so it is named only where others are missing, too.
    """
    slashes = has_slashes(columns)
    lost = [slash if slashes else snake for snake, slash in REQUIRED.items() if not columns.has(snake)]
    if not columns.has(PAYER) and not columns.has(ACCOUNT):
        lost.append("bill/PayerAccountId" if slashes else PAYER)
    return [] if lost == [currency_column(columns)] else lost


def currency_column(columns: Columns) -> str:
    """The column that tells the currency, as the file spells it or would."""
    found = next((name for name in columns.names if squash(name) == squash(CURRENCY)), "")
    return found or (REQUIRED[CURRENCY] if has_slashes(columns) else CURRENCY)


def charge_mapping(
    columns: Columns, *, tags: str, cost_categories: str, layers: tuple[dict[str, str], ...] = ()
) -> ChargeMapping:
    """The columns as canonical charges; only tags and cost categories are read differently by each report.

    Both are SQL of JSON objects; they, and columns the caller added, may use what the caller's `layers` name.
    """
    kind, parts = KIND_PART, _parts(columns)
    expressions = {
        **_when(columns),
        **_who_and_what(columns),
        **_kinds(columns, kind),
        **_commitment_terms(columns, kind),
        **_instance(columns, kind),
        **_quantities(columns, kind),
        **cur_costs.costs(columns, parts),
        "billing_currency": f"upper({columns.text(CURRENCY)})",
        "is_taggable": f"{is_in(kind, _TAGGABLE)} AND {columns.text('line_item_resource_id')} <> ''",
        "is_split_row": SPLIT_PART,
        "parent_resource_id": columns.text(PARENT),
        "tags": tags,
        "cost_categories": cost_categories,
    }
    expressions["unread_cells"] = columns.unread_cells(parts)
    return ChargeMapping(
        expressions=expressions,
        layers=layers,
        parts=parts,
        checks=tuple(columns.checks.values()),
        read=dict(columns.read),
        absent=tuple(columns.absent),
        findings=_findings(columns),
    )


def unknown_kind(kind: str) -> bool:
    """Whether a line type is one there is no rule for (it counts by its unblended cost)."""
    return kind not in _KNOWN and not kind.casefold().endswith("discount")


def tag_key(name: str) -> str:
    """A tag's own key: without the prefix of users' tags, with `aws:` before those AWS made; both spellings agree."""
    for prefix in ("user:", "user_"):
        if name.casefold().startswith(prefix):
            return name[len(prefix) :]
    return f"aws:{name[4:]}" if name.casefold().startswith("aws_") else name


def joined_by_key(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """(key, SQL) pairs with each key once: where several columns mean it, the first that is filled counts."""
    found: dict[str, list[str]] = {}
    for key, sql in pairs:
        found.setdefault(key, []).append(sql)
    return {key: sqls[0] if len(sqls) == 1 else f"coalesce({', '.join(sqls)})" for key, sqls in found.items()}


def _parts(columns: Columns) -> dict[str, str]:
    """What several fields are made from."""
    usage_type = columns.text("line_item_usage_type")
    is_instance = " OR ".join(f"contains({usage_type}, {literal(stem)})" for stem in INSTANCE_STEMS)
    return {
        KIND_PART: _kind(columns.text(KIND)),
        "part_start": columns.moment("line_item_usage_start_date"),
        "part_period": f"CAST(date_trunc('month', {columns.moment(PERIOD)}) AS DATE)",
        **cur_costs.parts(columns),
        "part_is_instance": f"({is_instance})",
        SPLIT_PART: _is_split_row(columns),
    }


def _kind(told: str) -> str:
    """The line type as AWS writes it, in whatever case the file does."""
    known = {name.casefold(): name for name in reversed(_KNOWN)}
    cases = " ".join(f"WHEN {literal(folded)} THEN {literal(name)}" for folded, name in known.items())
    return f"CASE WHEN {is_in(told, _KNOWN)} THEN {told} ELSE CASE lower(trim({told})) {cases} ELSE {told} END END"


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
        "billing_account_id": columns.account(PAYER, ACCOUNT),
        "sub_account_id": columns.account(ACCOUNT, PAYER),
        "sub_account_name": columns.text("line_item_usage_account_name"),
        "invoice_id": columns.text("bill_invoice_id"),
        "invoice_issuer": columns.text("line_item_legal_entity", "bill_invoicing_entity", "bill_billing_entity"),
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
    arn = columns.text(cur_costs.RI_ARN)
    reservation = (
        columns.text(cur_costs.RI_ARN, "reservation_subscription_id") if columns.has(cur_costs.RI_ARN) else arn
    )
    is_plan = f"(starts_with({kind}, 'SavingsPlan') OR {cur_costs.is_plan_refund(columns)})"
    of_reservation = f"({kind} IN ('DiscountedUsage', 'RIFee') OR ({kind} = 'Fee' AND {arn} <> ''))"
    return {
        "line_kind": kind,
        "charge_category": f"CASE WHEN {is_in(kind, _PURCHASES)} THEN 'Purchase' WHEN {kind} = 'Tax' THEN 'Tax'"
        f" WHEN {kind} = 'Credit' THEN 'Credit' WHEN {kind} = 'Refund' THEN 'Adjustment' ELSE 'Usage' END",
        "charge_frequency": f"CASE WHEN {kind} IN ('RIFee', 'SavingsPlanRecurringFee') THEN 'Recurring'"
        f" WHEN {kind} IN ('Fee', 'SavingsPlanUpfrontFee', 'Credit', 'Refund') THEN 'One-Time'"
        " ELSE 'Usage-Based' END",
        "pricing_category": f"CASE WHEN {is_plan} OR {of_reservation} THEN 'Committed'"
        f" WHEN {is_in(kind, _USAGE_KINDS)} THEN CASE WHEN contains({usage_type}, 'Spot') THEN 'Dynamic'"
        " ELSE 'Standard' END ELSE 'Other' END",
        "commitment_discount_id": f"CASE WHEN {is_plan} THEN {plan} WHEN {of_reservation} THEN {reservation}"
        " ELSE '' END",
        "commitment_discount_category": f"CASE WHEN {is_plan} THEN 'Spend' WHEN {of_reservation} THEN 'Usage'"
        " ELSE '' END",
        "commitment_discount_type": _either(
            is_plan, columns.text("savings_plan_offering_type"), of_reservation, columns.text("pricing_offering_class")
        ),
        "commitment_discount_status": f"CASE WHEN {is_in(kind, _COVERED)} THEN 'Used'"
        f" WHEN {kind} IN ('RIFee', 'SavingsPlanRecurringFee') THEN 'Unused' ELSE '' END",
    }


def _either(is_one: str, one: str, is_other: str, other: str) -> str:
    """SQL of a text of plans or of reservations; just '' where the file tells neither."""
    return EMPTY if one == other == EMPTY else f"CASE WHEN {is_one} THEN {one} WHEN {is_other} THEN {other} ELSE '' END"


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
    platforms = " ".join(f"WHEN {literal(code)} THEN {literal(name)}" for code, name in PLATFORMS.items())
    system = columns.text(
        "product_database_engine", "product_cache_engine", "product_operating_system", default="'Linux/UNIX'"
    )
    instance = columns.text("product_instance_type", default=from_usage)
    dedicated = f"CASE WHEN contains({usage_type}, 'DedicatedUsage') THEN 'Dedicated' ELSE 'Shared' END"
    return {
        "instance_type": instance,
        "platform": f"CASE WHEN NOT {named} THEN '' ELSE CASE {operation} {platforms} ELSE {system} END END",
        "tenancy": f"CASE WHEN {used} THEN {columns.text('product_tenancy', default=dedicated)} ELSE '' END",
        "is_instance_usage": f"{used} AND {is_in(kind, _TAGGABLE)}",
    }


def _quantities(columns: Columns, kind: str) -> dict[str, str]:
    is_usage = is_in(kind, _USAGE_KINDS)
    return {
        "consumed_quantity": f"CASE WHEN {is_usage} THEN {columns.number('line_item_usage_amount')} ELSE 0 END",
        "normalized_quantity": f"CASE WHEN {is_usage} THEN {columns.number('line_item_normalized_usage_amount')}"
        " ELSE 0 END",
    }


def _is_split_row(columns: Columns) -> str:
    told = columns.text("line_item_operation")
    rows = f"(lower({told}) IN ({', '.join(literal(name.casefold()) for name in _SPLIT_OPERATIONS)}))"
    if columns.has(PARENT):
        rows = f"({rows} OR {columns.text(PARENT)} <> '')"
    return rows


def _findings(columns: Columns) -> tuple[Finding, ...]:
    if cur_costs.amortises_reservations(columns):
        return ()
    text = "The file has no columns that spread reservations over their use; effective cost counts them as billed."
    return (Finding("no_amortisation_columns", text),)
