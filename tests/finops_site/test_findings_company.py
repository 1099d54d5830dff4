"""Findings of a whole small company by the real intake: inventories first, then bills. Numbers worked by hand."""

import io
import json
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError

from costs.scope import Scope
from costs.terms import FindingKind
from finops_site import pipeline
from tagging import selectors
from tagging.models import Team
from tagging.results import FindingRow
from tagging.services import RuleInput, save_rule
from tagging.terms import RuleKind
from tests.costs.bills import bring_in, line, write_csv

pytestmark = [pytest.mark.real_parts, pytest.mark.django_db(transaction=True)]
D = Decimal
COMPUTE = "ResourceId,Region,CostUSD,Tags,InstanceType,State,CPUUtilization,Volumes\n"
NOW = datetime(2026, 6, 3, 6, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _teams(db: None) -> None:
    for name in ("payments", "search"):
        Team.objects.create(key=name, name=name.title())
        save_rule(RuleInput(RuleKind.TAG, tag_key="Team", tag_values=(name,), team_key=name))


def inventory(folder: Path, day: date, *rows: str) -> None:
    path = folder / f"inventory-{day}.csv"
    path.write_text(COMPUTE + "\n".join(rows) + "\n")
    bring_in(path, snapshot_on=day)


def found(now: datetime = NOW) -> dict[str, FindingRow]:
    pipeline.detect_findings(now=now)
    return {row.resource_id: row for row in selectors.findings(Scope.all()).rows}


def test_the_instances_of_an_inventory_that_do_not_run_are_named_with_all_they_cost(tmp_path: Path) -> None:
    inventory(
        tmp_path,
        date(2026, 4, 5),
        "i-stopped,us-east-1,0.5,Team=payments,m5.large,stopped,0,",
        "i-gone,us-east-1,0.2,Team=search,m5.large,terminated,0,",
        "i-idle,us-east-1,0.1,Team=search,m5.large,running,3,",
        "i-dear,us-east-1,0.192,Team=payments,m5.large,running,60,",
        "i-fair,us-east-1,0.12,,m5.large,running,60,",
    )
    rows = found()
    # April has 720 hours: 0.5 × 720 = 360, 0.2 × 720 = 144, 0.1 × 720 = 72; 0.192 is twice a price of 0.096
    # that is only representative: nothing is counted.
    assert {name: (row.kind, row.owner_key, row.monthly_saving) for name, row in rows.items()} == {
        "i-stopped": (FindingKind.NOT_RUNNING, "payments", D(360)),
        "i-gone": (FindingKind.NOT_RUNNING, "search", D(144)),
        "i-idle": (FindingKind.IDLE, "search", D(72)),
        "i-dear": (FindingKind.OFF_LIST_RATE, "payments", D(0)),
    }
    table = selectors.findings(Scope.all())
    by_kind = {total.kind: total for total in table.by_kind}
    assert (by_kind[FindingKind.NOT_RUNNING].count, by_kind[FindingKind.NOT_RUNNING].monthly_saving) == (2, D(504))
    assert table.total_monthly_saving == D(576)
    assert "price book 'representative'" in dict(rows["i-dear"].evidence)["List price"]


def day_of(day: int, resource: str, cost: str, usage: str, **more: str) -> dict[str, str]:
    """A day's line of May."""
    start = {"lineItem/UsageStartDate": f"2026-05-{day:02d}T00:00:00Z", "lineItem/UsageType": usage}
    return line(start, resource=resource, cost=cost, public=cost, team="payments", **more)


def may() -> Iterator[dict[str, str]]:
    """An instance that ran to the 10th at 2.40 a day, its volume at 1.00 a day all along, and another's volume."""
    for day in range(1, 32):
        if day <= 10:
            yield day_of(day, "i-1", "2.40", "BoxUsage:m5.large")
        yield day_of(day, "vol-1", "1.00", "EBS:VolumeUsage.gp2")
        yield day_of(day, "vol-2", "0.50", "EBS:VolumeUsage.gp2")


def test_where_a_bill_covers_the_month_a_stopped_instance_costs_what_its_volume_does(tmp_path: Path) -> None:
    inventory(tmp_path, date(2026, 5, 5), "i-1,us-east-1,0.1,,m5.large,running,40,vol-1")
    inventory(tmp_path, date(2026, 5, 11), "i-1,us-east-1,0.1,,m5.large,stopped,0,vol-1")
    bring_in(write_csv(tmp_path / "bill.csv", list(may())))
    rows = found()
    # Seen stopped on the 11th: 20 days after it at 1.00 are 20.00, in 31 days 31.00. vol-1 is not looked at again.
    assert {name: (row.kind, row.monthly_saving) for name, row in rows.items()} == {
        "i-1": (FindingKind.NOT_RUNNING, D(31)),
        "vol-2": (FindingKind.DEAR_STORAGE, D("3.1")),  # 31 × 0.50 × 20 %
    }
    detail = selectors.finding(Scope.all(), rows["i-1"].ref)
    assert detail.resource_ids == ("i-1", "vol-1")
    assert dict(detail.row.evidence)["State"] == "stopped, as first seen"
    assert dict(detail.row.evidence)["Measured"] == "May 2026, effective cost of 20 of 31 days, scaled to the month"


def test_a_volume_on_an_instance_of_another_team_does_not_name_it(tmp_path: Path) -> None:
    rows = (
        "i-secret,us-east-1,0.1,Team=search,m5.large,stopped,0,vol-1",
        "i-own,us-east-1,0.1,Team=payments,m5.large,",
    )
    inventory(tmp_path, date(2026, 5, 11), rows[0], f"{rows[1]}stopped,0,vol-2")
    bring_in(write_csv(tmp_path / "bill.csv", list(may())))
    rows_found = found()
    # From the 12th on 20 days: vol-1 at 1.00 and vol-2 at 0.50 a day; in 31 days 31.00 and 15.50.
    assert {name: (row.kind, row.owner_key, row.monthly_saving) for name, row in rows_found.items()} == {
        "vol-1": (FindingKind.NOT_RUNNING, "payments", D(31)),
        "i-own": (FindingKind.NOT_RUNNING, "payments", D("15.5")),
    }
    row = rows_found["vol-1"]
    assert row.reason == "Attached to an instance that is stopped since 11 May 2026 and still costs $31.00 a month."
    detail = selectors.finding(Scope.teams(frozenset({"payments"})), row.ref)
    assert "i-secret" not in str(detail)
    assert detail.resource_ids == ("vol-1",)


def test_an_instance_that_idles_costs_what_the_bill_says(tmp_path: Path) -> None:
    inventory(tmp_path, date(2026, 5, 5), "i-1,us-east-1,0.1,,m5.large,running,4,vol-1")
    inventory(tmp_path, date(2026, 5, 6), "i-1,us-east-1,0.1,,m5.large,running,5,vol-1")
    bring_in(write_csv(tmp_path / "bill.csv", list(may())))
    row = found()["i-1"]
    assert (row.kind, row.monthly_cost) == (FindingKind.IDLE, D(24))  # 10 × 2.40; its volume stays needed
    assert dict(row.evidence)["CPU"] == "4.5 % on average of 2 inventories to 6 May 2026"


def test_a_reservation_hardly_used_is_a_finding_by_what_it_left_unused(tmp_path: Path) -> None:
    bring_in(write_csv(tmp_path / "may.csv", [fee("2026-05", "30", "5")]))
    row = found()["arn:ri-1"]
    assert (row.kind, row.monthly_saving, row.owner_key) == (FindingKind.UNUSED_COMMITMENT, D(35), "")
    assert row.reason.startswith("87.5\u00a0% of this reservation")  # 35 of 20 + 20
    bring_in(write_csv(tmp_path / "june.csv", [fee("2026-06", "4", "0")]))
    row = found(datetime(2026, 7, 3, 6, tzinfo=UTC))["arn:ri-1"]
    assert row.monthly_saving == D(4)


def fee(month: str, unused_recurring: str, unused_upfront: str) -> dict[str, str]:
    """A month's fee of a reservation: 20.00 recurring, 20.00 upfront spread."""
    cells = {
        "bill/BillingPeriodStartDate": f"{month}-01T00:00:00Z",
        "lineItem/UsageStartDate": f"{month}-01T00:00:00Z",
        "lineItem/UsageType": "HeavyUsage:m5.large",
        "reservation/ReservationARN": "arn:ri-1",
        "reservation/AmortizedUpfrontFeeForBillingPeriod": "20",
        "reservation/UnusedAmortizedUpfrontFeeForBillingPeriod": unused_upfront,
        "reservation/UnusedRecurringFee": unused_recurring,
    }
    return line(cells, kind="RIFee", cost="20")


def run(*arguments: str) -> str:
    out = io.StringIO()
    call_command("findings", *arguments, stdout=out)
    return out.getvalue()


def test_the_command_prints_what_there_is_to_save(tmp_path: Path) -> None:
    inventory(tmp_path, date(2026, 4, 5), "i-stopped,us-east-1,0.5,Team=payments,m5.large,stopped,0,")
    assert run() == "Findings: 0 to act on, $0.00 a month to save of $0.00 effective cost.\n"
    text = run("--detect")
    assert "Findings: 1 to act on, $360.00 a month to save of $360.00 effective cost" in text
    assert "i-stopped" in text
    answer: dict[str, Any] = json.loads(run("--json"))
    assert answer["total_monthly_saving"] == "360"
    assert answer["by_kind"][0] | {"title": ""} == {
        "kind": "not_running",
        "title": "",
        "count": 1,
        "monthly_cost": "360",
        "monthly_saving": "360",
    }
    (row,) = answer["findings"]
    assert (row["resource_id"], row["owner"], row["monthly_saving"], row["state"]) == (
        "i-stopped",
        "Payments",
        "360",
        "open",
    )
    assert row["evidence"][1] == {"label": "Inventory of", "text": "5 Apr 2026"}
    assert json.loads(run("--json", "--kind", "idle"))["findings"] == []
    assert json.loads(run("--json", "--team", "search"))["findings"] == []


def test_the_command_says_in_one_line_what_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(**_: object) -> None:
        raise OperationalError("no such table")

    monkeypatch.setattr(pipeline, "detect_findings", broken)
    with pytest.raises(CommandError, match=r"Cannot use the database \(no such table\)"):
        run("--detect")
    with pytest.raises(CommandError):
        run("--kind", "nothing")
