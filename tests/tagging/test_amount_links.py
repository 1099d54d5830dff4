"""From an amount on a page to its lines, one kind after the other: their sum is known by hand, to the last digit."""

from datetime import UTC, date, datetime
from decimal import Decimal
from importlib import import_module
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from budgets.inputs import BudgetInput
from budgets.services import create_budget, evaluate_budgets
from budgets.terms import ScopeKind
from costs.models import BillImport, Resource
from costs.services import prepare_imports
from costs.terms import CostMetric
from finops_site.pipeline import run_import
from tagging.models import Team
from tagging.services import CloseStep, close_month
from tests.conftest import ClientFor
from tests.finops_site.amounts import amounts_of
from tests.leaks.bills import Line, write_bill
from tests.tagging.builders import NOVEMBER, OCTOBER
from tests.tagging.lines_world import PAYMENTS, SEARCH, import_months
from tests.tagging.page_world import QUERIES

pytestmark = [pytest.mark.django_db, pytest.mark.real_parts]
NOW = datetime(2025, 12, 3, 10, tzinfo=UTC)
# See lines_world: payments 1.00000000004 × 2 + 2; search 7 − 0.5; nobody 4 + 0.25 + 0.00000000003.
PAYMENTS_COST, SEARCH_COST, BILL = "4.00000000008", "6.5", "14.75000000011"
BUCKETS = "Amazon Simple Storage Service"


@pytest.fixture
def world(team: Team, other_team: Team, tmp_path: Path) -> None:
    import_months(tmp_path)


@pytest.fixture
def staff(finops_lead: User, client_for: ClientFor, world: None) -> Client:
    return client_for(finops_lead)


@pytest.fixture
def lead(team_lead: User, client_for: ClientFor, world: None) -> Client:
    return client_for(team_lead)


def url_of(client: Client, page: str, place: str, row: str = "") -> str:
    """Where the first amount at that place of the page leads; of the row that starts with this text."""
    found = amounts_of(client.get(page).content.decode())
    urls = [each.lines_url for each in found if each.place == place and each.row.startswith(row)]
    assert urls, sorted({(each.place, each.row) for each in found})
    return urls[0]


def sum_of(client: Client, url: str) -> Decimal:
    """The exact sum of the lines at an address, which ties out where there is a figure to compare with."""
    found = client.get(url).context["found"]
    assert found.figure is None or found.ties_out
    total: Decimal = found.total
    return total


EXPLORE = "/explore/?period=2025-11&by=team&then=service"
CE = "/imports/cost-explorer/?period=2025-11"


@pytest.mark.parametrize(
    ("page", "place", "row", "wanted"),
    [
        pytest.param(EXPLORE, "Cost", "Payments", PAYMENTS_COST, id="explore"),
        pytest.param(EXPLORE, "Amazon Elastic Compute Cloud", "Search", SEARCH_COST, id="part"),
        pytest.param(EXPLORE, BUCKETS, "Unallocated", "4", id="part-of-nobody"),
        pytest.param(EXPLORE, f"total of {BUCKETS}", "", "4", id="total-of-a-part"),
        pytest.param(EXPLORE, "total of Cost", "", BILL, id="total"),
        # October has the same lines up to the fourth, the last day November has costs for.
        pytest.param(EXPLORE, "October 2025, 1–4", "Payments", PAYMENTS_COST, id="before"),
        pytest.param(EXPLORE, "total of October 2025, 1–4", "", BILL, id="total-before"),
        pytest.param("/overview/?period=2025-11", "October 2025, 1–4", "Search", SEARCH_COST, id="overview-before"),
        pytest.param("/overview/?period=2025-11", "total of Cost", "", BILL, id="overview-total"),
        pytest.param("/chargeback/?period=2025-11", "total of Direct", "", BILL, id="chargeback-total"),
        pytest.param("/imports/{pk}/", "Billed cost", "Tax", "0.25", id="category-of-an-import"),
        pytest.param("/imports/{pk}/", "total of Billed cost", "", BILL, id="total-of-an-import"),
        pytest.param("/imports/", "Billed cost", "", BILL, id="bills"),
        # EC2-Instances 1.00000000004 × 2 + 7 − 0.5; EC2-Other 2 + 0.00000000003
        pytest.param(CE, "Total", "EC2-Instances", "8.50000000008", id="cost-explorer-instances"),
        pytest.param(CE, "Total", "EC2-Other", "2.00000000003", id="cost-explorer-other"),
        pytest.param(CE, "Credit", "", "-0.5", id="cost-explorer-charge-type"),
        pytest.param(CE, "total of Total", "", BILL, id="cost-explorer-total"),
        pytest.param(f"{CE}&without=credits&without=taxes", "total of Total", "", "15.00000000011", id="left-out"),
        pytest.param(f"{CE}&per=day", "2 Nov 2025", "EC2-Instances", "6.5", id="cost-explorer-day"),
        pytest.param("/estate/accounts/?period=2025-11", "Cost", "222222222222", SEARCH_COST, id="account"),
        pytest.param("/estate/accounts/?period=2025-11", "total of Cost", "", BILL, id="accounts"),
        pytest.param(
            "/estate/account/?id=222222222222&period=2025-11", "The month before", "", "6.5", id="month-before"
        ),
        pytest.param("/estate/resources/?period=2025-11", "Cost", "i-1", "2.00000000008", id="resources"),
        pytest.param("/resources/?period=2025-11", "Cost", "i-1", "2.00000000008", id="tagged-resources"),
    ],
)
def test_an_amount_opens_its_lines(staff: Client, page: str, place: str, row: str, wanted: str) -> None:
    page = page.replace("{pk}", str(BillImport.objects.get(billing_period=NOVEMBER.start).pk))
    assert sum_of(staff, url_of(staff, page, place, row)) == Decimal(wanted)


def test_a_resource_opens_the_lines_of_its_months_and_parts(staff: Client) -> None:
    page = f"/estate/resources/{Resource.objects.get(resource_id='i-3').pk}/"
    assert sum_of(staff, url_of(staff, page, "Effective", "October 2025")) == Decimal("6.5")
    credit = [each for each in amounts_of(staff.get(page).content.decode()) if "Credit" in each.row]
    assert [sum_of(staff, each.lines_url) for each in credit] == [Decimal("-0.5")] * 2


def test_what_a_budget_has_spent_opens_the_lines_it_counts(staff: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    morning = datetime(2025, 11, 3, 6, tzinfo=UTC)
    monkeypatch.setattr(import_module("budgets.views.budgets"), "current_moment", lambda: morning)
    for kind, key, name in ((ScopeKind.TEAM, "search", "Search"), (ScopeKind.TOTAL, "", "All")):
        wanted = BudgetInput(name, kind, Decimal(20), scope_key=key)
        create_budget(wanted, author=None, today=date(2025, 10, 1))
    evaluate_budgets(today=morning.date(), now=morning)
    # Without the credit of 0.5 and the tax of 0.25; of all without what counts on the fourth, which is still to come.
    assert sum_of(staff, url_of(staff, "/budgets/", "Spent", "Search")) == Decimal(7)
    assert sum_of(staff, url_of(staff, "/budgets/", "Spent", "All")) == Decimal("15.00000000008")
    assert sum_of(staff, url_of(staff, "/budgets/all/", "Spent so far")) == Decimal("15.00000000008")
    assert sum_of(staff, url_of(staff, "/budgets/all/", "Cost", "October 2025")) == Decimal("15.00000000011")


def test_a_closed_month_opens_the_lines_it_was_closed_on(staff: Client, lead: Client, tmp_path: Path) -> None:
    close_month(OCTOBER, CloseStep("Fiona", NOW), metric=CostMetric.BILLED)
    again = (Line("i-1", "5", tags=PAYMENTS), Line("i-3", "6", tags=SEARCH))
    for pk in prepare_imports([write_bill(tmp_path / "again.csv", str(OCTOBER), again)], today=NOVEMBER.end):
        run_import(pk)
    page = "/statements/payments/?period=2025-10"
    for client in (staff, lead):
        url = url_of(client, page, "Direct")
        assert "closed=yes" in url
        assert sum_of(client, url) == Decimal(PAYMENTS_COST)
        assert sum_of(client, url.replace("&closed=yes", "")) == 5
    assert sum_of(staff, url_of(staff, page, "Cost")) == Decimal(PAYMENTS_COST)
    assert sum_of(staff, url_of(staff, "/close/?period=2025-10", "Bill")) == Decimal(BILL)
    # Whatever a lead asks for, nothing of others is among it.
    assert sum_of(lead, "/lines/?period=2025-10&closed=yes&team=search") == 0
    assert sum_of(lead, "/lines/?period=2025-10&closed=yes") == Decimal(PAYMENTS_COST)
    assert lead.get("/lines/?period=2025-10&closed=perhaps").status_code == 400


def test_every_version_of_a_bill_opens_its_own_lines(staff: Client, lead: Client, tmp_path: Path) -> None:
    lines = (Line("i-1", "5", tags=PAYMENTS), Line("", "1", kind="Tax"))
    again = write_bill(tmp_path / "again.csv", str(NOVEMBER), lines)
    for pk in prepare_imports([again], today=NOVEMBER.end):
        run_import(pk)
    page = "/imports/bills/aws-900000000001/2025-11/"
    assert [sum_of(staff, url_of(staff, page, "Billed cost", row)) for row in ("1", "2")] == [Decimal(BILL), 6]
    old, new = BillImport.objects.filter(billing_period=NOVEMBER.start).order_by("pk").values_list("pk", flat=True)
    assert sum_of(staff, url_of(staff, f"/imports/{old}/", "Billed cost", "Tax")) == Decimal("0.25")
    assert sum_of(staff, url_of(staff, f"/imports/{new}/", "Billed cost", "Tax")) == 1
    url = url_of(staff, f"/imports/{old}/", "total of Billed cost")
    assert staff.get(url).context["found"].figure == Decimal("14.7500000001")
    assert lead.get(url).status_code == 404
    assert [staff.get(f"/lines/?version={text}").status_code for text in ("999", "x", "9" * 30)] == [404] * 3


def test_an_unknown_charge_type_is_told(staff: Client) -> None:
    assert staff.get("/lines/?ce_type=Toll").status_code == 400


@pytest.mark.parametrize("asked", ["closed=yes", "version={pk}", "ce_service=Tax&ce_type=Tax"])
def test_lines_of_versions_keep_the_query_budget(
    staff: Client, django_assert_max_num_queries: DjangoAssertNumQueries, asked: str
) -> None:
    close_month(NOVEMBER, CloseStep("Fiona", NOW), metric=CostMetric.BILLED)
    asked = asked.replace("{pk}", str(BillImport.objects.get(billing_period=NOVEMBER.start).pk))
    with django_assert_max_num_queries(QUERIES):
        assert staff.get(f"/lines/?period=2025-11&{asked}").status_code == 200
