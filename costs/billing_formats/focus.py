"""FOCUS of any version and provider. See docs/algorithms/focus.md.

The inner words are FOCUS's own, so most fields are taken as they stand; what providers write in their own way is made
one. Columns with `x_` are not read, but for the few that name an instance, an operation or a service, or hold tags.
"""

from collections.abc import Mapping
from dataclasses import replace

from costs.billing_formats import focus_cells as cells
from costs.billing_formats import focus_instances, focus_tags, maps
from costs.billing_formats.base import UNREAD_MAP, ChargeMapping, Columns, Finding, in_layers, literal
from costs.charges import MONEY_TYPE
from costs.periods import BillingPeriod
from costs.terms import BillingFormat

FORMAT = BillingFormat.FOCUS
NAME = "a FOCUS export"

PROVIDER, ACCOUNT, CURRENCY = "ProviderName", "BillingAccountId", "BillingCurrency"
PERIOD, START = "BillingPeriodStart", "ChargePeriodStart"
BILLED, CATEGORY = "BilledCost", "ChargeCategory"
ISSUER, SERVICE_PROVIDER = "InvoiceIssuerName", "ServiceProviderName"

_REQUIRED = (ACCOUNT, CURRENCY, PERIOD, START, CATEGORY, BILLED)
_TELLING = (*_REQUIRED, "EffectiveCost", "ListCost", "BillingPeriodEnd", "ChargePeriodEnd", "ServiceCategory")
# The newest version first; a file is of the first one of whose columns it has any.
_VERSIONS = (
    ("1.3 or later", ("ServiceProviderName", "AllocatedMethodId", "ContractApplied")),
    ("1.2", ("InvoiceId", "PricingCurrency")),  # Azure has BillingAccountType in its 1.0
    ("1.1", ("SkuPriceDetails", "CommitmentDiscountQuantity", "SkuMeter")),
    ("before 1.0", ("ChargeSubcategory", "UsageQuantity", "ChargeType")),
)

_CATEGORIES = {"usage": "Usage", "purchase": "Purchase", "tax": "Tax", "credit": "Credit", "adjustment": "Adjustment"}
_FREQUENCIES = {"usagebased": "Usage-Based", "recurring": "Recurring", "onetime": "One-Time"}
_PRICING = {
    "standard": "Standard",
    "ondemand": "Standard",
    "dynamic": "Dynamic",
    "committed": "Committed",
    "commitmentbased": "Committed",
    "other": "Other",
}
_COMMITMENTS = {"spend": "Spend", "usage": "Usage"}
_STATUSES = {"used": "Used", "unused": "Unused", "usedcommitment": "Used", "unusedcommitment": "Unused"}
_KINDS = (
    "Usage",
    "SpotUsage",
    "DiscountedUsage",
    "SavingsPlanCoveredUsage",
    "UnusedCommitment",
    "UpfrontFee",
    "RecurringFee",
    "Fee",
    "Tax",
    "Credit",
    "Adjustment",
)


def recognise(columns: Columns) -> str:
    """Why the file is a FOCUS export, or ''."""
    is_sure = columns.has(BILLED) and columns.has(START)
    found = [name for name in _TELLING if columns.has(name)]
    if not is_sure and len(found) < 5:
        return ""
    shown = f"its columns {BILLED} and {START}" if is_sure else f"{len(found)} of its {len(_TELLING)} telling columns"
    for version, names in _VERSIONS:
        if told := next((name for name in names if columns.has(name)), ""):
            return f"{shown}; version {version} by {told}"
    return f"{shown}; version 1.0, as it has no column of a later one"


def missing(columns: Columns) -> list[str]:
    """Columns without which a line has no account, period, category or amount.

    The currency can be told in another way, so it is named only where others are missing, too.
    """
    lost = cells.lost(columns, _REQUIRED)
    return [] if lost == [CURRENCY] else lost


def lacks_currency(columns: Columns) -> bool:
    """Whether no column tells the currency of lines."""
    return bool(cells.lost(columns, [CURRENCY]))


def tells_provider(columns: Columns) -> bool:
    """Whether the file says of each line whose bill it is on; from version 1.4 on it says who sold and who invoices."""
    return not cells.lost(columns, [PROVIDER])


def whose(columns: Columns, *, currency: str = "") -> dict[str, str]:
    """SQL of what makes lines of one file parts of different bills: provider, account that pays, currency.

    `currency` is that of lines which do not tell theirs. Where a file does not tell the provider, all lines of an
    account are of one, and this is who invoices a line.
    """
    plain = cells.plain_cells(columns)
    return {
        "provider": plain.text(PROVIDER) if tells_provider(columns) else plain.text(ISSUER, SERVICE_PROVIDER),
        "billing_account_id": plain.text(ACCOUNT),
        "billing_currency": f"upper({plain.text(CURRENCY, default=literal(currency))})",
    }


def lines_of(columns: Columns, part: Mapping[str, str], *, currency: str = "") -> str:
    """SQL condition of the lines of one such part."""
    told = whose(columns, currency=currency)
    if not tells_provider(columns):
        del told["provider"]
    return " AND ".join(f"{sql} = {literal(part[name])}" for name, sql in told.items())


def in_currency(mapping: ChargeMapping, columns: Columns, currency: str, reason: str) -> ChargeMapping:
    """The mapping with this currency for lines that do not tell theirs, which the import says."""
    told = whose(columns, currency=currency)["billing_currency"]
    text = f"Lines without {CURRENCY} count in {currency}, {reason}."
    return replace(
        mapping,
        expressions={**mapping.expressions, "billing_currency": told},
        findings=(*mapping.findings, Finding("currency_assumed", text, "warning")),
        assumed={CURRENCY: f"{currency}, {reason}"},
    )


def unknown_kind(kind: str) -> bool:
    """Whether a line's category is none of FOCUS's (it counts by its billed cost, as an adjustment)."""
    return kind not in _KINDS


def mapping(columns: Columns, period: BillingPeriod | None = None) -> ChargeMapping:
    """The file's columns as canonical charges; the months come from the lines, not from `period`."""
    del period
    plain = cells.plain_cells(columns)
    expressions = {
        **_when(plain),
        **_who_and_what(plain),
        **_kinds(plain),
        **_commitments(plain),
        **focus_instances.fields(plain),
        **_quantities(plain),
        **_costs(plain),
        "billing_currency": f"upper({plain.text(CURRENCY)})",
        "is_taggable": f"part_is_usage AND {plain.text('ResourceId')} <> ''",
        "is_split_row": "false",  # allocated lines stand in their origin's place; `settle` looks whether they do
        "tags": focus_tags.tags(),
        "cost_categories": f"coalesce({maps.json_of('part_cost_categories')}, '{{}}')",
    }
    tag_parts = focus_tags.parts(plain)
    unread = " OR ".join(f"{name} IS NULL" for name in focus_tags.told(tag_parts))
    expressions["unread_cells"] = f"{UNREAD_MAP} * CAST({unread} OR part_cost_categories IS NULL AS UTINYINT)"
    return ChargeMapping(
        expressions=expressions,
        layers=in_layers(_parts(plain) | tag_parts),
        checks=tuple(plain.checks.values()),
        read=dict(plain.read),
        absent=tuple(name for name in plain.absent if not name.startswith("x_")),  # nobody has to have those
        findings=_findings(columns),
    )


def _parts(columns: Columns) -> dict[str, str]:
    """What several fields are made from; parts may use one another."""
    return {
        "part_start": columns.moment(START),
        "part_period": f"CAST(date_trunc('month', {columns.moment(PERIOD)}) AS DATE)",
        "part_category": _one_of(columns.text(CATEGORY), _CATEGORIES, default="''"),
        "part_status": _one_of(columns.text("CommitmentDiscountStatus"), _STATUSES),
        "part_commitment": _one_of(columns.text("CommitmentDiscountCategory"), _COMMITMENTS),
        "part_commitment_id": columns.text("CommitmentDiscountId"),
        "part_frequency": _one_of(columns.text("ChargeFrequency"), _FREQUENCIES, default="'Usage-Based'"),
        "part_pricing": _one_of(columns.text("PricingCategory"), _PRICING, default=_default_pricing()),
        "part_is_usage": "part_category = 'Usage' AND part_status <> 'Unused'",
        "part_is_consumed": _is_consumed(columns),
        "part_unit": f"CASE WHEN part_is_consumed THEN {columns.text('ConsumedUnit')}"
        f" ELSE {columns.text('PricingUnit')} END",
        "part_usage_type": columns.text("x_UsageType", "SkuMeter", "x_SkuMeterName"),
        **focus_instances.parts(columns),
        "part_is_allocated": f"{columns.text('AllocatedMethodId')} <> ''"
        f" OR {columns.text('AllocatedResourceId')} <> ''",
        "part_cost_categories": focus_tags.pairs(columns, "x_CostCategories", key="e.key"),
        "part_billed": columns.money(BILLED),
        "part_effective": f"coalesce({_stated(columns, 'EffectiveCost')}, part_billed)",
        "part_list": _stated(columns, "ListCost"),
        "part_contracted": _stated(columns, "ContractedCost"),
    }


def _when(columns: Columns) -> dict[str, str]:
    inside = "least(greatest(CAST(part_start AS DATE), part_period), last_day(part_period))"
    return {
        "billing_period": "part_period",
        "charge_period_start": "part_start",
        "charge_period_end": columns.moment("ChargePeriodEnd"),
        "charge_date": f"coalesce({inside}, part_period)",
    }


def _who_and_what(columns: Columns) -> dict[str, str]:
    account = columns.text("SubAccountId")
    account_name, payer_name = (_named(columns.text(name)) for name in ("SubAccountName", "BillingAccountName"))
    return {
        "billing_account_id": columns.text(ACCOUNT),
        "sub_account_id": columns.text("SubAccountId", ACCOUNT),
        "sub_account_name": f"CASE WHEN {account} = '' THEN {payer_name} ELSE {account_name} END",
        "invoice_id": columns.text("InvoiceId", "x_InvoiceId"),
        "invoice_issuer": columns.text(ISSUER),
        "service_code": columns.text("x_ServiceCode"),
        "service_name": columns.text(
            "ServiceName", "x_SkuMeterSubcategory", "ServiceCategory", PROVIDER, SERVICE_PROVIDER
        ),
        "region_id": columns.text("RegionId", "RegionName"),
        "availability_zone": columns.text("AvailabilityZone"),
        "usage_type": "part_usage_type",
        "operation": columns.text("x_Operation"),
        "charge_description": columns.text("ChargeDescription"),
        "resource_id": f"CASE WHEN part_is_allocated THEN {columns.text('AllocatedResourceId', 'ResourceId')}"
        f" ELSE {columns.text('ResourceId')} END",
        "parent_resource_id": f"CASE WHEN part_is_allocated THEN {columns.text('ResourceId')} ELSE '' END",
        "resource_type": columns.text("ResourceType"),
    }


def _kinds(columns: Columns) -> dict[str, str]:
    return {
        "line_kind": (
            "CASE WHEN part_category IN ('Tax', 'Credit', 'Adjustment') THEN part_category"
            " WHEN part_category = 'Purchase' THEN CASE WHEN part_commitment_id = '' THEN 'Fee'"
            " WHEN part_frequency = 'One-Time' THEN 'UpfrontFee' ELSE 'RecurringFee' END"
            f" WHEN part_category = '' THEN {columns.text(CATEGORY)}"
            " WHEN part_status = 'Unused' THEN 'UnusedCommitment'"
            " WHEN part_status = 'Used' AND part_commitment = 'Spend' THEN 'SavingsPlanCoveredUsage'"
            " WHEN part_status = 'Used' THEN 'DiscountedUsage'"
            " WHEN part_pricing = 'Dynamic' THEN 'SpotUsage' ELSE 'Usage' END"
        ),
        "charge_category": "CASE WHEN part_category = '' THEN 'Adjustment' ELSE part_category END",
        "charge_frequency": "part_frequency",
        "pricing_category": "part_pricing",
    }


def _commitments(columns: Columns) -> dict[str, str]:
    """On used and unused lines what the line takes of its commitment, in money, hours and normalized units."""
    quantity, unit = columns.number("CommitmentDiscountQuantity"), columns.text("CommitmentDiscountUnit")
    taken = "part_status <> '' AND part_commitment = 'Usage'"
    is_normalized = f"contains(lower({unit}), 'normalized')"
    in_hours = f"{taken} AND NOT {is_normalized} AND {focus_instances.is_hours(unit)}"
    return {
        "commitment_discount_id": "part_commitment_id",
        "commitment_discount_category": "part_commitment",
        "commitment_discount_type": columns.text("CommitmentDiscountType"),
        "commitment_discount_status": "CASE WHEN part_category = 'Usage' THEN part_status ELSE '' END",
        "commitment_cost": f"CASE WHEN part_category = 'Usage' AND part_status <> '' THEN part_effective"
        f" ELSE CAST(0 AS {MONEY_TYPE}) END",
        "commitment_hours": f"CASE WHEN {in_hours} THEN {quantity} ELSE 0 END",
        "commitment_normalized_units": f"CASE WHEN {taken} AND {is_normalized} THEN {quantity} ELSE 0 END",
        "commitment_ends_at": "NULL::TIMESTAMP",
    }


def _quantities(columns: Columns) -> dict[str, str]:
    """What was used, else what was priced; nothing on lines that are no use."""
    quantity = columns.number("PricingQuantity")
    if columns.has("ConsumedQuantity"):
        quantity = f"CASE WHEN part_is_consumed THEN {columns.number('ConsumedQuantity')} ELSE {quantity} END"
    return {
        "consumed_quantity": f"CASE WHEN part_is_usage THEN {quantity} ELSE 0 END",
        "normalized_quantity": "0",
        "pricing_unit": "part_unit",
    }


def _is_consumed(columns: Columns) -> str:
    consumed = columns.find("ConsumedQuantity")
    return f"{columns.value(consumed)} IS NOT NULL" if consumed else "false"


def _costs(columns: Columns) -> dict[str, str]:
    """An empty list cost is the contracted one, an empty contracted one the list cost, both empty: billed."""
    priced_in = columns.text("PricingCurrency")
    is_other = f"{priced_in} <> '' AND upper({priced_in}) <> upper({columns.text(CURRENCY)})"
    other_cost = _stated(columns, "PricingCurrencyEffectiveCost")
    return {
        "unblended_cost": "part_billed",
        "billed_cost": "part_billed",
        "effective_cost": "part_effective",
        "list_cost": "coalesce(part_list, part_contracted, part_billed)",
        "contracted_cost": "coalesce(part_contracted, part_list, part_billed)",
        "pricing_currency": f"CASE WHEN {is_other} THEN {priced_in} ELSE '' END",
        "pricing_currency_cost": f"CASE WHEN {is_other} THEN coalesce({other_cost}, 0) ELSE 0 END",
    }


def _stated(columns: Columns, name: str) -> str:
    return columns.maybe_money(name) or f"CAST(NULL AS {MONEY_TYPE})"


def _findings(columns: Columns) -> tuple[Finding, ...]:
    found = [Finding("no_unblended_cost", "FOCUS has no unblended cost; billed cost stands in its place.")]
    if cells.lost(columns, ["EffectiveCost"]):
        text = "The file has no EffectiveCost; effective cost counts commitments as billed."
        found.append(Finding("no_amortisation_columns", text, "warning"))
    if not columns.has("ListCost"):
        text = "The file has no ListCost; list cost is contracted cost where that is given, else billed cost."
        found.append(Finding("no_list_cost", text, "warning"))
    return tuple(found)


def _default_pricing() -> str:
    """How a line is priced that does not say it."""
    return (
        "CASE WHEN part_commitment_id <> '' THEN 'Committed' WHEN part_category = 'Usage' THEN 'Standard'"
        " ELSE 'Other' END"
    )


def _named(text: str) -> str:
    """A name, without what Azure writes where there is none."""
    return f"CASE WHEN {text} IN ('Unassigned', '-2') THEN '' ELSE {text} END"


def _one_of(text: str, values: dict[str, str], *, default: str = "''") -> str:
    """One of FOCUS's allowed values, however case, blanks and hyphens are written."""
    cases = " ".join(f"WHEN {literal(key)} THEN {literal(value)}" for key, value in values.items())
    return f"CASE regexp_replace(lower({text}), '[^a-z]', '', 'g') {cases} ELSE {default} END"
