"""Inventories: renamed columns, blanks, tags as text, a month of charges from one snapshot."""

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from django.db.models import Sum

from costs.errors import ImportRejectedError
from costs.models import Bill, BillImport, DailyCost, Resource, ResourceSnapshot, UsageDay
from costs.scope import Scope
from costs.selectors import active_imports, bills
from costs.terms import ImportState
from tests.costs.bills import bring_in, bring_in_lines, line

pytestmark = [pytest.mark.real_parts, pytest.mark.django_db(transaction=True)]

COMPUTE = "ResourceId,Region,CostUSD,Tags,InstanceType,State,CPUUtilization\n"
DAY = date(2025, 11, 5)


def inventory(folder: Path, text: str, *, name: str = "inventory.csv", day: date = DAY) -> BillImport:
    path = folder / name
    path.write_text(text)
    (made,) = bring_in(path, snapshot_on=day)
    return made


def test_instance_costs_its_rate_every_hour_of_the_month_whatever_its_state(tmp_path: Path) -> None:
    made = inventory(
        tmp_path,
        COMPUTE
        + 'i-1,us-east-1,0.5,"Owner=Alice,Note=a=b",m5.large,running,40\n'
        + "i-2,us-east-1,1,None,m5.large,stopped,NULL\n",
    )
    # 0.5 × 24 × 30 = 360 and 1 × 24 × 30 = 720; only the running one has hours: 24 × 30 = 720.
    assert (made.billed_cost, made.list_cost, made.rows) == (Decimal(1080), Decimal(1080), 60)
    assert DailyCost.objects.filter(charge_date=date(2025, 11, 30)).aggregate(t=Sum("billed_cost"))["t"] == 36
    assert UsageDay.objects.aggregate(t=Sum("on_demand_hours"))["t"] == 720
    assert Resource.objects.get(resource_id="i-1").tags == {"Owner": "Alice", "Note": "a=b"}
    first, second = ResourceSnapshot.objects.order_by("resource__resource_id")
    assert (first.state, first.hourly_rate, first.cpu_pct, first.snapshot_on) == ("running", Decimal("0.5"), 40, DAY)
    assert (second.state, second.cpu_pct, second.tags) == ("stopped", None, {})


def test_bucket_spreads_its_month_by_largest_remainder(tmp_path: Path) -> None:
    made = inventory(tmp_path, "BucketName,Region,CostUSD,StorageClass\nb,eu-west-1,100,STANDARD\n")
    # 100 / 30 = 3.3333333333…: 30 × 3.3333333333 leaves 10 units of 1e-10, one for each of the first ten days.
    days = DailyCost.objects.filter(bill_import=made).order_by("charge_date")
    amounts = list(days.values_list("billed_cost", flat=True))
    assert amounts == [Decimal("3.3333333334")] * 10 + [Decimal("3.3333333333")] * 20
    assert (made.billed_cost, ResourceSnapshot.objects.get().monthly_rate) == (Decimal(100), Decimal(100))


def test_renamed_columns_are_recognised(tmp_path: Path) -> None:
    text = "InstanceId,Region,CostPerHourUSD,LaunchTime,InstanceType\ni-1,us-east-1,1,2025-01-01,m5.large\n"
    assert inventory(tmp_path, text).billed_cost == 720


def test_older_snapshot_of_a_month_is_kept_and_does_not_count(tmp_path: Path) -> None:
    newer = inventory(tmp_path, COMPUTE + "i-1,us-east-1,2,,m5.large,running,\n", name="b.csv", day=date(2025, 11, 9))
    older = inventory(tmp_path, COMPUTE + "i-1,us-east-1,1,,m5.large,running,\n", name="a.csv", day=DAY)
    assert older.state == ImportState.SUPERSEDED
    assert Bill.objects.get().import_in_force == newer
    assert sorted(ResourceSnapshot.objects.values_list("snapshot_on", flat=True)) == [DAY, date(2025, 11, 9)]


def test_same_inventory_again_changes_nothing(tmp_path: Path) -> None:
    text = COMPUTE + "i-1,us-east-1,2,,m5.large,running,\n"
    inventory(tmp_path, text)
    assert inventory(tmp_path, text, name="again.csv").state == ImportState.UNCHANGED
    assert ResourceSnapshot.objects.count() == 1


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (COMPUTE + "i-1,r,1,,t,on,\ni-2,r,1.0.0,,t,on,\n", "line 3, column CostUSD: '1.0.0' is not a number."),
        (COMPUTE + ",r,1,,t,on,\n", "line 2, column ResourceId: The resource has no id."),
        ("ResourceId,InstanceType\ni-1,t\n", "but has no column CostUSD"),
        (COMPUTE + "i-1,r,1,,t,on,1,2,3,4\n", "line 2: The line has 10 columns, the header 7."),
    ],
    ids=["text in a number", "no id", "no cost column", "long row"],
)
def test_bad_inventory_is_refused_with_its_place(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(ImportRejectedError) as refused:
        inventory(tmp_path, text)
    assert told in str(refused.value)
    assert not Bill.objects.filter(import_in_force__isnull=False).exists()


def bill_line(currency: str, cost: str) -> dict[str, str]:
    return line(cost=cost, currency=currency, period="2025-11-01T00:00:00Z", start="2025-11-02T00:00:00Z")


def counted() -> dict[str, str]:
    return {item.source_name: item.currency for item in active_imports(Scope.all())}


def test_bill_in_another_currency_leaves_the_inventory_its_cost(tmp_path: Path) -> None:
    inventory(tmp_path, COMPUTE + "i-1,us-east-1,1.5,,m5.large,running,\n")
    made = bring_in_lines(tmp_path, bill_line("EUR", "5"))
    assert counted() == {"inventory-compute": "USD", "aws-000000000001": "EUR"}
    assert [row.gives_cost for row in bills(Scope.all())] == [True, True]
    assert "inventory_covered" not in {finding["code"] for finding in made.findings}


def test_bill_that_first_covers_a_month_says_what_no_longer_counts(tmp_path: Path) -> None:
    # 1.5 × 24 × 30 = 1,080
    inventory(tmp_path, COMPUTE + "i-1,us-east-1,1.5,,m5.large,running,\n")
    first = bring_in_lines(tmp_path, bill_line("USD", "5"))
    assert counted() == {"aws-000000000001": "USD"}
    assert {row.source_name: row.gives_cost for row in bills(Scope.all())} == {
        "inventory-compute": False,
        "aws-000000000001": True,
    }
    told = next(finding for finding in first.findings if finding["code"] == "inventory_covered")
    assert told["text"] == (
        "This bill covers November 2025 now. inventory-compute counted $1,080.00 of billed cost there until now,"
        " which no longer counts; what it says of resources stays."
    )
    assert (told["severity"], told["difference"]) == ("warning", "-1080")
    second = bring_in_lines(tmp_path, bill_line("USD", "6"), name="next.csv")
    assert "inventory_covered" not in {finding["code"] for finding in second.findings}


@pytest.mark.parametrize(
    ("cell", "tags"),
    [
        ('"{""Team"": ""a"", ""Size"": 3, ""Deep"": {""x"": 1}, ""user:Env"": ""NULL""}"', {"Team": "a", "Size": "3"}),
        (
            '"[{""Key"": ""Team"", ""Value"": ""a""}, {""key"": ""Env"", ""value"": ""Prod""}]"',
            {"Team": "a", "Env": "Prod"},
        ),
        ('"[1, null, {""x"": 2}]"', {}),
        ('"{""Team"": "', {}),
    ],
)
def test_tags_may_be_json(tmp_path: Path, cell: str, tags: dict[str, str]) -> None:
    inventory(tmp_path, f"{COMPUTE}i-1,us-east-1,0.5,{cell},m5.large,running,40\n")
    assert Resource.objects.get().tags == tags == ResourceSnapshot.objects.get().tags
