"""Two months with two accounts and a few resources, small enough to add up by hand.

April (billed): web-1 of account A 10, vol-1 of A 2. In all 12. Account A is called "Shop".
May: web-1 of A 20 + 4 (two usage types) = 24, vol-1 of A 3, so A 27; db-1 of B 7. In all 34, and 1 of the payer's
own (its line names no account): 35.
Account A is called "Shop" until the 10th and "Store" from the 20th on; web-1 is "web" until the 10th, then "front".
"""

from datetime import date
from pathlib import Path

from costs.models import BillImport, Resource
from tests.costs.bills import bring_in, cur2_line, line, write_cur2

A, B, PAYER = "000000000002", "000000000003", "000000000001"
APRIL = {"bill/BillingPeriodStartDate": "2026-04-01T00:00:00Z"}
INVENTORY = (
    "InstanceId,InstanceType,State,CostUSD,CPUUtilization,Region,AccountId,Volumes,Tags\n"
    "web-1,m5.large,{state},0.1,5,us-east-1,000000000002,vol-1 vol-9,Team=web\n"
)


def bill_line(day: str, cost: str, resource: str, account: str, name: str, **more: str) -> dict[str, str]:
    """A line of CUR 2.0: `more` may hold a Name, a Team and a usage type."""
    cells = {
        "lineItem/UsageStartDate": f"{day}T10:00:00Z",
        "lineItem/UsageType": more.get("usage", "BoxUsage:m5.large"),
    }
    if day.startswith("2026-04"):
        cells |= APRIL
    for key in ("Name", "Team"):
        if key in more:
            cells[f"resourceTags/user:{key}"] = more[key]
    made = line(cells, cost=cost, resource=resource, account=account)
    return cur2_line(made, line_item_usage_account_name=name)


def april(folder: Path) -> list[BillImport]:
    lines = [
        bill_line("2026-04-05", "10", "web-1", A, "Shop", Name="web", Team="web"),
        bill_line("2026-04-05", "2", "vol-1", A, "Shop", usage="EBS:VolumeUsage.gp2"),
    ]
    return bring_in(write_cur2(folder / "april.csv", lines))


def may(folder: Path) -> list[BillImport]:
    lines = [
        bill_line("2026-05-10", "20", "web-1", A, "Shop", Name="web", Team="web"),
        bill_line("2026-05-20", "4", "web-1", A, "Store", Name="front", Team="store", usage="DataTransfer-Out-Bytes"),
        bill_line("2026-05-20", "3", "vol-1", A, "Store", usage="EBS:VolumeUsage.gp2"),
        bill_line("2026-05-21", "7", "db-1", B, "Data", usage="RDS:GP2-Storage"),
        bill_line("2026-05-21", "1", "", "", ""),
    ]
    return bring_in(write_cur2(folder / "may.csv", lines))


def inventory(folder: Path, day: date, state: str) -> list[BillImport]:
    path = folder / f"inventory-{day}.csv"
    path.write_text(INVENTORY.format(state=state), encoding="utf-8")
    return bring_in(path, source="inventory", snapshot_on=day)


def key_of(resource_id: str) -> int:
    return Resource.objects.get(resource_id=resource_id).key
