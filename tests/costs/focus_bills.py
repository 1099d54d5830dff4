"""Tiny FOCUS exports made in code: one hour of AWS usage in May 2026 with harmless defaults."""

import csv
import gzip
import io
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

DEFAULTS: dict[str, str] = {
    "BilledCost": "1",
    "BillingAccountId": "000000000001",
    "BillingCurrency": "USD",
    "BillingPeriodEnd": "2026-06-01T00:00:00Z",
    "BillingPeriodStart": "2026-05-01T00:00:00Z",
    "ChargeCategory": "Usage",
    "ChargeDescription": "",
    "ChargeFrequency": "Usage-Based",
    "ChargePeriodEnd": "2026-05-04T11:00:00Z",
    "ChargePeriodStart": "2026-05-04T10:00:00Z",
    "CommitmentDiscountCategory": "",
    "CommitmentDiscountId": "",
    "CommitmentDiscountStatus": "",
    "ConsumedQuantity": "1",
    "ConsumedUnit": "Hours",
    "ContractedCost": "1",
    "EffectiveCost": "1",
    "ListCost": "1",
    "PricingCategory": "Standard",
    "PricingQuantity": "1",
    "PricingUnit": "Hours",
    "ProviderName": "AWS",
    "RegionId": "us-east-1",
    "ResourceId": "i-1",
    "ServiceName": "Amazon Elastic Compute Cloud",
    "SubAccountId": "000000000002",
    "SubAccountName": "Shop",
    "Tags": "",
}


def focus_line(**cells: str) -> dict[str, str]:
    """One line: defaults, then these cells. `cost` stands for all four costs."""
    if cost := cells.pop("cost", ""):
        cells = dict.fromkeys(("BilledCost", "EffectiveCost", "ListCost", "ContractedCost"), cost) | cells
    return DEFAULTS | cells


def focus_text(lines: Sequence[Mapping[str, str]], *, leave_out: Iterable[str] = ()) -> str:
    """The lines as CSV with every column any of them has."""
    names = [name for name in dict.fromkeys([*DEFAULTS, *(n for row in lines for n in row)]) if name not in leave_out]
    out = io.StringIO()
    writer = csv.DictWriter(out, names, restval="", extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(lines)
    return out.getvalue()


def write_focus(path: Path, *lines: Mapping[str, str], leave_out: Iterable[str] = ()) -> Path:
    """A plain CSV, or gzip where the name ends in .gz."""
    content = focus_text(lines, leave_out=leave_out).encode()
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return path
