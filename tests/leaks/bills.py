"""A tiny legacy CUR written as text, so that a test can say exactly who spent what."""

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

PAYER = "900000000001"
HEADER = (
    "identity/LineItemId",
    "bill/BillingEntity",
    "bill/BillType",
    "bill/PayerAccountId",
    "bill/BillingPeriodStartDate",
    "bill/BillingPeriodEndDate",
    "lineItem/UsageAccountId",
    "lineItem/LineItemType",
    "lineItem/UsageStartDate",
    "lineItem/UsageEndDate",
    "lineItem/ProductCode",
    "lineItem/UsageType",
    "lineItem/Operation",
    "lineItem/ResourceId",
    "lineItem/UsageAmount",
    "lineItem/CurrencyCode",
    "lineItem/UnblendedCost",
    "lineItem/LineItemDescription",
    "product/ProductName",
    "product/region",
    "product/productFamily",
    "product/instanceType",
    "pricing/publicOnDemandCost",
)
KEYS = ("Team", "Environment", "Owner", "CostCenter", "Project", "Name", "CostObject")


@dataclass(frozen=True)
class Line:
    """One day's charge of one resource. `tags` are (key, value) pairs of KEYS or `extra_keys`."""

    resource_id: str
    cost: str
    day: int = 1
    account: str = "111111111111"
    service: str = "Amazon Elastic Compute Cloud"
    product: str = "AmazonEC2"
    usage_type: str = "BoxUsage:m5.large"
    operation: str = "RunInstances"
    region: str = "us-east-1"
    kind: str = "Usage"
    family: str = ""
    tags: tuple[tuple[str, str], ...] = ()


def write_bill(
    path: Path,
    period: str,
    lines: Sequence[Line],
    *,
    extra_keys: Iterable[str] = (),
    payer: str = PAYER,
    currency: str = "USD",
) -> Path:
    """Write the lines as the CUR of a month (`YYYY-MM`) and return the path."""
    keys = (*KEYS, *extra_keys)
    year, month = (int(part) for part in period.split("-"))
    end = f"{year + month // 12}-{month % 12 + 1:02d}-01T00:00:00Z"
    with path.open("w", newline="", encoding="utf-8") as out:
        writer = csv.writer(out)
        writer.writerow((*HEADER, *(f"resourceTags/user:{key}" for key in keys)))
        for number, line in enumerate(lines):
            tags = dict(line.tags)
            start = f"{period}-{line.day:02d}T00:00:00Z"
            writer.writerow(
                (
                    f"line-{number}", "AWS", "Anniversary", payer, f"{period}-01T00:00:00Z", end,
                    line.account, line.kind, start, start.replace("T00", "T01"),
                    line.product, line.usage_type, line.operation, line.resource_id, "1", currency,
                    line.cost, f"charge of {line.resource_id}", line.service, line.region, line.family, "m5.large",
                    line.cost,
                    *(tags.get(key, "") for key in keys),
                )
            )  # fmt: skip
    return path
