"""The start page, the overview and the team page: who gets them, and that their figures tie to the data."""

import csv
import io
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import DatabaseError
from django.test import Client
from openpyxl import load_workbook
from pytest_django import DjangoAssertNumQueries

from costs.errors import FinopsError
from finops_site.panels.parts import UNREADABLE
from tagging import selectors
from tagging.models import Membership, Team
from tagging.services import RuleInput, save_rule
from tagging.terms import MemberRole, RuleKind
from tests.conftest import ClientFor, member_of
from tests.tagging.builders import OCTOBER, Spend, month, name_account

pytestmark = pytest.mark.django_db


def text_of(response: Any) -> str:
    return str(response.content.decode())


def rows_of(response: Any) -> list[list[str]]:
    """The rows of a CSV answer, its head left out."""
    text = b"".join(response.streaming_content).decode()
    rows = list(csv.reader(io.StringIO(text)))
    return rows[rows.index([]) + 1 :]


@pytest.fixture
def rules(team: Team, other_team: Team) -> None:
    for name in ("payments", "search"):
        save_rule(RuleInput(RuleKind.TAG, tag_key="Team", tag_values=(name,), team_key=name))


@pytest.fixture
def two_months(rules: None) -> None:
    """November: payments 30 (10 + 20), search 5, nobody 7, in all 42. October: payments 12, search 5, in all 17."""
    pay, search = {"Team": "payments", "Environment": "Prod"}, {"Team": "search"}
    name_account("111111111111", "shop")
    month([Spend("12", tags=pay), Spend("5", tags=search)], period=OCTOBER)
    month(
        [
            Spend("10", tags=pay, resource="i-pay", effective="8"),
            Spend("20", tags=pay, day=30, service="Storage", usage_type="TimedStorage", resource="bucket-pay"),
            Spend("5", tags=search, day=12, service="Indexing", account="222222222222", resource="i-search"),
            Spend("7", day=2, service="Support"),
        ]
    )


@pytest.fixture
def staff(finops_lead: User, client_for: ClientFor) -> Client:
    return client_for(finops_lead)


@pytest.fixture
def lead(team_lead: User, client_for: ClientFor) -> Client:
    return client_for(team_lead)


def test_home_sends_staff_to_the_overview(staff: Client) -> None:
    assert staff.get("/").headers["Location"] == "/overview/"


def test_home_sends_a_member_of_one_team_to_it(lead: Client) -> None:
    assert lead.get("/").headers["Location"] == "/teams/payments/"


def test_home_counts_a_team_with_its_sub_teams_as_one(team: Team, lead: Client) -> None:
    Team.objects.create(key="fraud", name="Fraud", parent=team)
    assert lead.get("/").headers["Location"] == "/teams/payments/"


def test_home_lists_the_teams_of_a_member_of_several(
    two_months: None, team_lead: User, other_team: Team, lead: Client
) -> None:
    Membership.objects.create(team=other_team, user=team_lead, role=MemberRole.VIEWER.value)
    page = text_of(lead.get("/"))
    assert "$30.00" in page
    assert "$5.00" in page
    assert "/teams/search/" in page
    assert "Unallocated" not in page
    _, *rows = rows_of(lead.get("/?format=csv"))
    assert [row[:4] for row in rows] == [["Payments", "30", "12", "18"], ["Search", "5", "5", "0"]]


def test_home_tells_a_stranger_whom_to_ask(two_months: None, client_for: ClientFor) -> None:
    page = text_of(client_for(User.objects.create_user("sid", password="x")).get("/"))
    assert "You are in no team yet" in page
    assert "$" not in page


@pytest.mark.parametrize("path", ["/", "/overview/", "/teams/payments/"])
def test_anonymous_readers_are_sent_to_the_log_in(client: Client, team: Team, path: str) -> None:
    assert client.get(path).headers["Location"].startswith("/accounts/login/?next=")


@pytest.mark.parametrize("who", ["team_lead", "viewer"])
def test_overview_does_not_exist_for_members_of_teams(
    two_months: None, who: str, request: pytest.FixtureRequest, client_for: ClientFor
) -> None:
    assert client_for(request.getfixturevalue(who)).get("/overview/").status_code == 404


def test_overview_shows_the_month_against_the_one_before_and_ties_out(two_months: None, staff: Client) -> None:
    response = staff.get("/overview/")
    page = text_of(response)
    head = response.context["headline"].value
    # 42 now, 17 before; payments +18 and nobody +7 moved it most.
    assert (head.movers.total, head.movers.previous_total, head.change) == (Decimal(42), Decimal(17), Decimal(25))
    assert [(row.label, row.change) for row in head.reasons] == [
        ("Payments", Decimal(18)),
        ("Unallocated", Decimal(7)),
    ]
    assert '<data value="42">$42.00</data>' in page
    assert '<data value="0">$0.00</data>' in page  # the difference in the trust strip
    assert "Billed cost, November 2025" in page
    assert "could not be shown" not in page


def test_overview_names_unallocated_cost_by_account_with_its_share(two_months: None, staff: Client) -> None:
    found = staff.get("/overview/").context["unallocated"].value
    assert found.cost == Decimal(7)
    assert found.share == Decimal(7) / Decimal(42)
    assert [(bar.name, bar.amount) for bar in found.by_account.bars] == [("shop (111111111111)", Decimal(7))]


def test_overview_on_another_basis_shows_its_figures(two_months: None, staff: Client) -> None:
    # i-pay costs 8 instead of 10 with commitments spread: 42 − 2.
    page = text_of(staff.get("/overview/?basis=effective"))
    assert "$40.00" in page
    assert "Effective cost, November 2025" in page


def test_overview_compares_an_unfinished_month_with_the_same_days(rules: None, staff: Client) -> None:
    month([Spend("4", day=2), Spend("9", day=20)], period=OCTOBER)
    month([Spend("5", day=1), Spend("1", day=3)])
    response = staff.get("/overview/")
    movers = response.context["headline"].value.movers
    # Days 1 to 3: 6 now, 4 before (the 9 of the 20th is left out).
    assert (movers.total, movers.previous_total, movers.day_count) == (Decimal(6), Decimal(4), 3)
    assert "so far (day 3 of 30)" in text_of(response)


def test_overview_by_day_has_a_column_for_each_day(two_months: None, staff: Client) -> None:
    chart = staff.get("/overview/?per=day").context["spend"].value.chart
    assert len(chart.labels) == 30
    by_name = {row.name: sum(row.amounts) for row in chart.series}
    assert by_name == {"Payments": Decimal(30), "Search": Decimal(5), "Unallocated": Decimal(7)}


def test_overview_exports_its_owners_as_csv(two_months: None, staff: Client) -> None:
    header, *rows = rows_of(staff.get("/overview/?format=csv"))
    assert header == ["Owner", "Cost", "October 2025", "Change", "Change %", "Share"]
    assert [row[:4] for row in rows] == [
        ["Payments", "30", "12", "18"],
        ["Search", "5", "5", "0"],
        ["Unallocated", "7", "0", "7"],
    ]


def test_overview_before_the_first_import_says_what_to_do(staff: Client) -> None:
    page = text_of(staff.get("/overview/"))
    assert "Upload a bill" in page
    assert "make demo" in page


def test_overview_without_teams_leads_to_the_proposal(staff: Client) -> None:
    month([Spend("5", tags={"Team": "payments"})])
    page = text_of(staff.get("/overview/"))
    assert "These costs have no owners yet" in page
    assert 'href="/setup/"' in page


def test_overview_lists_a_failed_import_with_its_error(two_months: None, staff: Client) -> None:
    made = month([Spend("1")], source="other", in_force=False)
    type(made).objects.filter(pk=made.pk).update(state="failed", error="a.csv, line 3: not a number.")
    assert "a.csv, line 3: not a number." in text_of(staff.get("/overview/"))


@pytest.mark.parametrize("error", [FinopsError("The tag policy is broken."), DatabaseError("locked")])
def test_a_failing_panel_says_so_in_its_place_and_the_page_lives(
    two_months: None, staff: Client, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fail(*args: object, **kwargs: object) -> None:
        raise error

    monkeypatch.setattr("ri.selectors.advised", fail)
    response = staff.get("/overview/")
    page = text_of(response)
    assert response.status_code == 200
    assert page.count("could not be shown") == 1
    assert "locked" not in page
    assert "$42.00" in page


def test_a_page_without_its_figures_still_answers(
    two_months: None, staff: Client, lead: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: object, **kwargs: object) -> None:
        raise DatabaseError("locked")

    monkeypatch.setattr(selectors, "cost_cube", fail)
    monkeypatch.setattr(selectors, "trust", fail)
    for page in (staff.get("/overview/"), lead.get("/teams/payments/")):
        assert page.status_code == 200
        assert text_of(page).count(UNREADABLE) >= 2


def test_team_page_shows_the_teams_own_month_to_its_members(two_months: None, lead: Client) -> None:
    response = lead.get("/teams/payments/")
    page = text_of(response)
    head = response.context["headline"].value
    # 30 now, 12 before: Storage is new with 20, Compute fell by 2.
    assert (head.movers.total, head.change) == (Decimal(30), Decimal(18))
    assert [(row.label, row.change) for row in head.reasons] == [("Storage", Decimal(20)), ("Compute", Decimal(-2))]
    assert "$30.00" in page
    assert "could not be shown" not in page


def test_team_page_holds_nothing_of_the_bill_or_of_others(two_months: None, lead: Client) -> None:
    page = text_of(lead.get("/teams/payments/"))
    for foreign in (
        "$42.00",
        "$7.00",
        "$5.00",
        "Search",
        "search",
        "Unallocated",
        "Support",
        "Indexing",
        "222222222222",
    ):
        assert foreign not in page, foreign
    assert "Ties out to the bill" in page


def test_team_page_of_another_team_is_the_404_of_no_team(two_months: None, lead: Client) -> None:
    other, none = lead.get("/teams/search/"), lead.get("/teams/no-such-team/")
    assert other.status_code == none.status_code == 404
    assert text_of(other).replace("search", "") == text_of(none).replace("no-such-team", "")


def test_team_page_lists_what_to_fix_by_cost(two_months: None, lead: Client) -> None:
    response = lead.get("/teams/payments/")
    assert [(row.resource_id, row.cost) for row in response.context["resources"].value.fixes] == [
        ("bucket-pay", Decimal(20)),
        ("i-pay", Decimal(10)),
    ]
    address = "/lines/?period=2025-11&amp;basis=billed&amp;team=payments&amp;taggable=yes&amp;resource=bucket-pay"
    assert address in text_of(response)


def test_team_page_draws_each_day_over_the_month_before(two_months: None, lead: Client) -> None:
    chart = lead.get("/teams/payments/").context["daily"].value
    assert (chart.current.amounts[0], chart.current.amounts[29]) == (Decimal(10), Decimal(20))
    assert chart.previous.amounts[0] == Decimal(12)
    # October has a 31st: it is part of the figure that the label names.
    assert (chart.current.name, chart.previous.name) == ("November 2025", "October 2025")
    assert len(chart.previous.amounts) == len(chart.labels) == 31


def test_team_page_names_the_days_that_its_lines_add_up(rules: None, team: Team, lead: Client) -> None:
    pay = {"Team": "payments"}
    month([Spend("4", day=2, tags=pay), Spend("9", day=20, tags=pay)], period=OCTOBER)
    month([Spend("5", day=1, tags=pay), Spend("1", day=3, tags=pay)])
    response = lead.get("/teams/payments/")
    chart = response.context["daily"].value
    # Days 1 to 3: 6 now, 4 before; the 9 of the 20th is on neither line.
    assert (chart.current.name, chart.previous.name) == ("November 2025, 1–3", "October 2025, 1–3")
    assert sum(amount for amount in chart.current.amounts if amount) == Decimal(6)
    assert sum(amount for amount in chart.previous.amounts if amount) == Decimal(4)
    assert len(chart.labels) == 30


def test_team_page_adds_up_its_sub_teams(rules: None, team: Team, lead: Client) -> None:
    Team.objects.create(key="fraud", name="Fraud", parent=team)
    save_rule(RuleInput(RuleKind.TAG, tag_key="Team", tag_values=("fraud",), team_key="fraud"))
    month([Spend("10", tags={"Team": "payments"}), Spend("4", tags={"Team": "fraud"}), Spend("3")])
    response = lead.get("/teams/payments/")
    found = response.context["sub_teams"].value
    assert (found.own_cost, found.total) == (Decimal(10), Decimal(14))
    assert [(row.name, row.cost) for row in found.rows] == [("Fraud", Decimal(4))]
    # The page itself is the team's own.
    assert response.context["headline"].value.movers.total == Decimal(10)


def test_team_page_without_costs_says_so(two_months: None, client_for: ClientFor) -> None:
    user = member_of(Team.objects.create(key="new", name="New"), "nora", MemberRole.LEAD)
    assert "No costs yet" in text_of(client_for(user).get("/teams/new/"))


def test_team_page_shows_members_to_staff_only(two_months: None, staff: Client, lead: Client) -> None:
    assert "Who answers for it" in text_of(staff.get("/teams/payments/"))
    assert "Who answers for it" not in text_of(lead.get("/teams/payments/"))


def test_team_page_exports_its_services_to_excel(two_months: None, lead: Client) -> None:
    book = load_workbook(io.BytesIO(lead.get("/teams/payments/?format=xlsx").content))
    rows = [[cell for cell in row if cell is not None] for row in book.active.iter_rows(values_only=True)]
    assert rows[0] == ["Team", "Payments"]
    assert ["Storage", 20, 0, 20] in [row[:4] for row in rows]
    assert ["Compute", 10, 12, -2] in [row[:4] for row in rows]


def test_a_month_that_is_none_is_refused_with_the_form(two_months: None, staff: Client) -> None:
    response = staff.get("/overview/?period=2025-13")
    assert response.status_code == 400
    assert "YYYY-MM" in text_of(response)


@pytest.mark.parametrize(("path", "most"), [("/overview/", 20), ("/overview/?per=day", 20), ("/teams/payments/", 13)])
def test_pages_of_staff_keep_to_their_queries(
    two_months: None, staff: Client, path: str, most: int, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_max_num_queries(most):
        assert staff.get(path).status_code == 200


def test_the_team_page_keeps_to_its_queries_with_sub_teams(
    two_months: None, team: Team, lead: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    Team.objects.create(key="fraud", name="Fraud", parent=team)
    with django_assert_max_num_queries(12):
        assert lead.get("/teams/payments/").status_code == 200
