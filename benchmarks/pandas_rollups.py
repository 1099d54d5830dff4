"""The rollups an import makes, made by pandas alone from the same file: no charges kept, nothing stored or checked."""

from pathlib import Path

import pandas as pd

_GROUP = {
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
_RESOURCE = {"lineItem/ResourceId": "line_item_resource_id"}
_NUMBERS = {
    "lineItem/UnblendedCost": "line_item_unblended_cost",
    "pricing/publicOnDemandCost": "pricing_public_on_demand_cost",
    "reservation/EffectiveCost": "reservation_effective_cost",
    "lineItem/UsageAmount": "line_item_usage_amount",
    "lineItem/NormalizedUsageAmount": "line_item_normalized_usage_amount",
}
_START = {"lineItem/UsageStartDate": "line_item_usage_start_date"}


def roll_up(path: Path, *, form: str) -> dict[str, int]:
    """Days by slice, resources by slice, usage by day and by hour; returns how many rows each has."""
    names = {**_GROUP, **_POOL, **_RESOURCE, **_NUMBERS, **_START}
    frame = _read_csv(path, names) if form == "csv.gz" else pd.read_parquet(path, columns=list(names.values()))
    frame = frame.rename(columns={name: told for name, told in names.items() if name in frame})
    start = pd.to_datetime(frame.pop("line_item_usage_start_date"), utc=True)
    frame["charge_hour"], frame["charge_date"] = start, start.dt.floor("D")
    group, pool, numbers = list(_GROUP.values()), list(_POOL.values()), list(_NUMBERS.values())
    is_instance = frame["line_item_usage_type"].str.contains("BoxUsage", regex=False)
    is_covered = frame["line_item_line_item_type"] == "DiscountedUsage"
    frame["effective_cost"] = frame["line_item_unblended_cost"].where(~is_covered, frame["reservation_effective_cost"])
    sums = [*numbers, "effective_cost"]
    usage = frame[is_instance]
    keys = {
        "daily_costs": (frame, [*group, "charge_date"]),
        "resource_costs": (frame, [*group, "line_item_resource_id"]),
        "usage_days": (usage, [*group, *pool, "charge_date"]),
        "usage_hours": (usage, [*group, *pool, "charge_hour"]),
    }
    return {name: len(lines.groupby(by, dropna=False, observed=True)[sums].sum()) for name, (lines, by) in keys.items()}


def _read_csv(path: Path, names: dict[str, str]) -> pd.DataFrame:
    texts = dict.fromkeys((*_GROUP, *_POOL, *_RESOURCE), "category")
    return pd.read_csv(path, usecols=list(names), dtype={**texts, **dict.fromkeys(_NUMBERS, "float64")})
