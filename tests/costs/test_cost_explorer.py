"""Lines as Cost Explorer names them: the rules as a table, the page, and every known difference with its amount."""

import csv
import io
from decimal import Decimal
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from costs.cost_explorer import COMPUTE, EC2_OTHER, LOAD_BALANCING, ChargeType, ce_service, charge_type, rounding_of
from costs.periods import BillingPeriod
from costs.scope import Scope
from costs.selectors import CeQuestion, cost_explorer_table
from costs.services import prepare_imports
from costs.terms import CostMetric
from finops_site.pipeline import run_import
from tests.conftest import ClientFor
from tests.leaks.bills import Line, write_bill

NOVEMBER = BillingPeriod.parse("2025-11")
EC2 = "Amazon Elastic Compute Cloud"


@pytest.mark.parametrize(
    ("usage_type", "name"),
    [
        ("BoxUsage:m5.large", COMPUTE),
        ("BoxUsage", COMPUTE),  # m1.small of old
        ("USW2-BoxUsage:c5.xlarge", COMPUTE),
        ("EU-SpotUsage:m5.large", COMPUTE),
        ("APN1-HeavyUsage:t2.micro", COMPUTE),
        ("UGW1-DedicatedUsage:m5.large", COMPUTE),
        ("EUC1-HostUsage:m5", COMPUTE),
        ("UnusedBox:m5.large", COMPUTE),
        ("EBS:VolumeUsage.gp3", EC2_OTHER),
        ("USE2-EBS:SnapshotUsage", EC2_OTHER),
        ("EU-NatGateway-Hours", EC2_OTHER),
        ("NatGateway-Bytes", EC2_OTHER),
        ("USW2-DataTransfer-Out-Bytes", EC2_OTHER),
        ("USE1-EUC1-AWS-Out-Bytes", EC2_OTHER),
        ("ElasticIP:IdleAddress", EC2_OTHER),
        ("CPUCredits:t3", EC2_OTHER),
        ("EBSOptimized:c5.large", EC2_OTHER),
        ("BoxUsageLike", EC2_OTHER),
        ("LoadBalancerUsage", LOAD_BALANCING),
        ("EU-LCUUsage", LOAD_BALANCING),
    ],
)
def test_what_ec2_bills_is_two_services_there(usage_type: str, name: str) -> None:
    assert ce_service("AmazonEC2", EC2, usage_type, "Usage").name == name


@pytest.mark.parametrize(
    ("code", "bill_name", "category", "name", "from_code"),
    [
        ("AmazonS3", "Amazon Simple Storage Service", "Usage", "Amazon Simple Storage Service", False),
        ("AmazonS3", "AmazonS3", "Usage", "Amazon Simple Storage Service", True),
        ("AmazonCloudWatch", "AmazonCloudWatch", "Usage", "AmazonCloudWatch", False),
        ("AWSELB", "Elastic Load Balancing", "Usage", LOAD_BALANCING, False),
        ("AWSSupportBusiness", "AWS Support [Business]", "Purchase", "AWS Support (Business)", False),
        ("AWSSupportBusiness", "AWSSupportBusiness", "Purchase", "AWS Support (Business)", True),
        ("AmazonEC2", EC2, "Tax", "Tax", False),
        ("abc123marketplace", "Vendor Product", "Usage", "Vendor Product", False),
        ("abc123marketplace", "abc123marketplace", "Usage", "abc123marketplace", True),
        ("", "", "Adjustment", "No service", False),
    ],
)
def test_names_of_services(code: str, bill_name: str, category: str, name: str, from_code: bool) -> None:
    found = ce_service(code, bill_name, "x", category)
    assert (found.name, found.from_code) == (name, from_code)


def test_names_of_the_console() -> None:
    assert ce_service("AmazonEC2", EC2, "BoxUsage:m5.large", "Usage").console_name == "EC2-Instances"
    assert ce_service("AmazonEC2", EC2, "EBS:VolumeUsage", "Usage").console_name == "EC2-Other"
    assert ce_service("AmazonS3", "Amazon Simple Storage Service", "", "Usage").console_name == (
        "Amazon Simple Storage Service"
    )


@pytest.mark.parametrize(
    ("line_kind", "code", "has_commitment", "category", "found"),
    [
        ("Usage", "AmazonEC2", False, "Usage", ChargeType.USAGE),
        ("DiscountedUsage", "AmazonEC2", True, "Usage", ChargeType.RESERVATION_USAGE),
        ("RIFee", "AmazonEC2", True, "Purchase", ChargeType.RESERVATION_FEE),
        ("Fee", "AmazonEC2", True, "Purchase", ChargeType.UPFRONT_FEE),
        ("Fee", "AWSSupportBusiness", False, "Purchase", ChargeType.SUPPORT_FEE),
        ("Fee", "AmazonRegistrar", False, "Purchase", ChargeType.OTHER_FEE),
        ("SavingsPlanNegation", "AmazonEC2", True, "Adjustment", ChargeType.PLAN_NEGATION),
        ("EdpDiscount", "AmazonEC2", False, "Adjustment", ChargeType.DISCOUNT),
        ("Tax", "AmazonEC2", False, "Tax", ChargeType.TAX),
        ("Refund", "AmazonEC2", False, "Credit", ChargeType.REFUND),
        ("", "AmazonEC2", False, "Credit", ChargeType.CREDIT),
    ],
)
def test_charge_types(line_kind: str, code: str, has_commitment: bool, category: str, found: ChargeType) -> None:
    assert charge_type(line_kind, code, has_commitment=has_commitment, charge_category=category) is found


def test_rounding_is_what_showing_cents_adds() -> None:
    # 0.005 → 0.01, 0.004 → 0.00, −0.005 → −0.01: 0.00 shown of 0.004
    assert rounding_of(map(Decimal, ("0.005", "0.004", "-0.005"))) == Decimal("-0.004")


LINES = (
    Line("i-1", "10.001", day=1),
    Line("vol-1", "2.002", day=2, usage_type="EU-EBS:VolumeUsage.gp3", operation="CreateVolume"),
    Line("bucket", "4", day=2, service="Amazon Simple Storage Service", product="AmazonS3", usage_type="Requests"),
    Line("", "-1.5", day=2, kind="Credit"),
    Line("", "0.75", day=1, kind="Tax", usage_type="", operation=""),
    Line("q", "0.25", day=3, service="", product="AWSQueueService", usage_type="Requests"),
)


@pytest.fixture
def bill(tmp_path: Path) -> None:
    for pk in prepare_imports([write_bill(tmp_path / "bill.csv", "2025-11", LINES)], today=NOVEMBER.end):
        run_import(pk)


def question(**kwargs: object) -> CeQuestion:
    return CeQuestion((NOVEMBER,), CostMetric.UNBLENDED, **kwargs)  # type: ignore[arg-type]


@pytest.mark.django_db
@pytest.mark.real_parts
def test_a_month_by_their_services_adds_up_to_the_bill(bill: None) -> None:
    found = cost_explorer_table(Scope.all(), question())
    rows = {row.service.console_name: row.cost for row in found.rows}
    assert rows == {
        "EC2-Instances": Decimal("8.501"),  # 10.001 − 1.5: the credit has the usage type it applies to
        "Amazon Simple Storage Service": Decimal(4),
        "EC2-Other": Decimal("2.002"),
        "Tax": Decimal("0.75"),
        "Amazon Simple Queue Service": Decimal("0.25"),
    }
    assert found.total == Decimal("15.503")
    assert found.rows[0].bill_services == (EC2,)
    told = {row.title: row.amount for row in found.differences}
    assert (told["Credits"], told["Taxes"], told["Names"]) == (Decimal("-1.5"), Decimal("0.75"), Decimal("0.25"))
    assert told["Rounding"] == Decimal("-0.003")  # 8.50 + 4.00 + 2.00 + 0.75 + 0.25 = 15.50


@pytest.mark.django_db
def test_days_and_what_is_left_out(bill: None) -> None:
    found = cost_explorer_table(Scope.all(), question(by_day=True, left_out=("credits", "taxes")))
    assert [f"{start:%d}" for start in found.starts] == ["01", "02", "03"]
    assert found.totals == (Decimal("10.001"), Decimal("6.002"), Decimal("0.25"))
    assert found.total == Decimal("16.253")
    assert dict(found.by_type)[ChargeType.CREDIT] == Decimal("-1.5")  # told, though it is left out


@pytest.mark.django_db
def test_the_page_and_its_file(bill: None, finops_lead: User, team_lead: User, client_for: ClientFor) -> None:
    staff = client_for(finops_lead)
    page = staff.get("/imports/cost-explorer/?period=2025-11&without=taxes").content.decode()
    for text in (
        "EC2-Instances",
        "EC2-Other",
        "Left out of the table and its total: taxes.",
        "Where the two may differ",
    ):
        assert text in page
    answer = staff.get("/imports/cost-explorer/?period=2025-11&per=day&format=csv")
    rows = list(csv.reader(io.StringIO(b"".join(answer.streaming_content).decode())))  # type: ignore[attr-defined]
    assert ["Total", "15.503"] in rows
    assert any(row[:2] == ["EC2-Other", "EC2 - Other"] for row in rows)
    assert client_for(team_lead).get("/imports/cost-explorer/").status_code == 404


@pytest.mark.django_db
@pytest.mark.parametrize(
    "asked", ["basis=list", "per=year", "without=rain", "from=2024-01&to=2025-11", "from=2025-10&to=2025-11&per=day"]
)
def test_what_cannot_be_asked_is_refused(bill: None, finops_lead: User, client_for: ClientFor, asked: str) -> None:
    assert client_for(finops_lead).get(f"/imports/cost-explorer/?{asked}").status_code == 400


@pytest.mark.django_db
def test_the_page_keeps_its_query_budget_and_says_what_to_do_before_the_first_bill(
    finops_lead: User, client_for: ClientFor, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    staff: Client = client_for(finops_lead)
    with django_assert_max_num_queries(15):
        assert "No bill yet" in staff.get("/imports/cost-explorer/").content.decode()
