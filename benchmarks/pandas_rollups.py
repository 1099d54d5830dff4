"""The rollups an import makes, made by pandas alone from the same file: no charges kept, nothing stored or checked.

All that an import makes and no others; a test holds their numbers of rows against the import's.
"""

from pathlib import Path

import pandas as pd

_SLICE = {
    "bill/PayerAccountId": "bill_payer_account_id",
    "lineItem/UsageAccountId": "line_item_usage_account_id",
    "product/ProductName": "product_product_name",
    "product/region": "product_region",
    "lineItem/UsageType": "line_item_usage_type",
    "lineItem/Operation": "line_item_operation",
    "lineItem/LineItemType": "line_item_line_item_type",
    "resourceTags/user:Team": "resource_tags_user_team",
}
_POOL = {
    "product/instanceType": "product_instance_type",
    "product/operatingSystem": "product_operating_system",
    "product/tenancy": "product_tenancy",
}
_OTHERS = {
    "lineItem/ResourceId": "line_item_resource_id",
    "resourceTags/user:Name": "resource_tags_user_name",
    "reservation/ReservationARN": "reservation_reservation_a_r_n",
    "bill/InvoiceId": "bill_invoice_id",
}
_NUMBERS = {
    "lineItem/UnblendedCost": "line_item_unblended_cost",
    "pricing/publicOnDemandCost": "pricing_public_on_demand_cost",
    "reservation/EffectiveCost": "reservation_effective_cost",
    "lineItem/UsageAmount": "line_item_usage_amount",
    "lineItem/NormalizedUsageAmount": "line_item_normalized_usage_amount",
}
_START = {"lineItem/UsageStartDate": "line_item_usage_start_date"}
_COSTS = ["billed_cost", "effective_cost", "list_cost", "contracted_cost", "unblended_cost"]
_TAGS = ["resource_tags_user_team", "resource_tags_user_name"]
_DAYS = {"first_seen_on": ("charge_date", "min"), "last_seen_on": ("charge_date", "max")}
_RESOURCE = ["line_item_usage_account_id", "line_item_resource_id"]


def roll_up(path: Path, *, form: str, texts_as: str = "str") -> dict[str, int]:
    """Each rollup with its sums; returns how many rows each has. Grouping goes faster with texts as `category`."""
    lines = _lines(path, form=form, texts_as=texts_as)
    named = lines[lines["line_item_resource_id"].notna()]
    tables: dict[str, pd.DataFrame | pd.Series[int]] = {
        "slices": lines.groupby(list(_SLICE.values()), dropna=False, observed=True).size(),
        "daily_costs": _summed(lines, [*_SLICE.values(), "charge_date"], [*_COSTS, "consumed_quantity"]),
        "resource_costs": _resource_costs(named),
        "resources": _resources(named),
        "resource_tags": named.groupby([*_RESOURCE, *_TAGS], dropna=False, observed=True)["charge_date"].agg(
            ["min", "max"]
        ),
        **_usage(lines[lines["is_instance"]]),
        "accounts": lines.groupby(["bill_payer_account_id", "line_item_usage_account_id"], observed=True)[
            "charge_date"
        ].agg(["min", "max"]),
        "month_sums": _summed(lines, ["line_item_line_item_type"], _COSTS),
    }
    return {name: len(table) for name, table in tables.items()}


def _lines(path: Path, *, form: str, texts_as: str) -> pd.DataFrame:
    """The columns that rollups are made of, with cost bases and days."""
    texts = {**_SLICE, **_POOL, **_OTHERS}
    names = {**texts, **_NUMBERS, **_START}
    if form == "csv.gz":
        types = {**dict.fromkeys(texts, texts_as), **dict.fromkeys(_NUMBERS, "float64")}
        lines = pd.read_csv(path, usecols=list(names), dtype=types).rename(columns=names)
    else:
        lines = pd.read_parquet(path, columns=list(names.values()))
    lines["charge_hour"] = pd.to_datetime(lines.pop("line_item_usage_start_date"), utc=True)
    lines["charge_date"] = lines["charge_hour"].dt.floor("D")
    lines["is_instance"] = lines["line_item_usage_type"].str.contains("BoxUsage", regex=False)
    is_covered = lines["line_item_line_item_type"] == "DiscountedUsage"
    lines["priced"] = is_covered.map({True: "reserved", False: "on_demand"})
    billed = lines["line_item_unblended_cost"]
    listed = lines["pricing_public_on_demand_cost"].fillna(billed)
    effective = billed.where(~is_covered, lines["reservation_effective_cost"])
    costs = dict(zip(_COSTS, (billed, effective, listed, listed, billed), strict=True))
    lines = lines.assign(**costs)
    lines["consumed_quantity"] = lines.pop("line_item_usage_amount")
    lines["normalized_quantity"] = lines.pop("line_item_normalized_usage_amount")
    return lines


def _summed(lines: pd.DataFrame, keys: list[str], sums: list[str]) -> pd.DataFrame:
    return lines.groupby(keys, dropna=False, observed=True)[sums].sum()


def _resource_costs(named: pd.DataFrame) -> pd.DataFrame:
    """Of each resource in each slice, with its days and its last name."""
    hours = named["consumed_quantity"].where(named["is_instance"], 0)
    grouped = named.assign(usage_hours=hours).groupby([*_SLICE.values(), _RESOURCE[1]], dropna=False, observed=True)
    sums = {name: (name, "sum") for name in (*_COSTS, "usage_hours", "consumed_quantity")}
    return grouped.agg(**sums, **_DAYS, name=("resource_tags_user_name", "last"))


def _resources(named: pd.DataFrame) -> pd.DataFrame:
    """Each resource as it was last seen."""
    last = {
        name: (name, "last") for name in ("product_product_name", "product_region", "product_instance_type", *_TAGS)
    }
    return named.sort_values("charge_date", kind="stable").groupby(_RESOURCE, observed=True).agg(**last, **_DAYS)


def _usage(usage: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Instance hours and units by how they were priced: of each day, and of each hour."""
    quantities = ["consumed_quantity", "normalized_quantity"]
    days = [*_SLICE.values(), *_POOL.values(), "charge_date"]
    by_pricing = pd.DataFrame(_summed(usage, [*days, "priced"], quantities).unstack("priced", fill_value=0))
    by_pricing.columns = pd.Index(["_".join(names) for names in by_pricing.columns])
    costs = _summed(usage, days, _COSTS[:3])
    hours = [*_SLICE.values(), *_POOL.values(), "charge_hour", "reservation_reservation_a_r_n"]
    return {
        "usage_days": by_pricing.join(costs),
        "usage_hours": _summed(usage, hours, [*quantities, "list_cost"]),
    }
