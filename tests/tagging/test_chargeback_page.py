"""The month's chargeback and the statement: figures tie to the data, teams get their own only."""

import pytest
from django.contrib.auth.models import User
from django.http import HttpResponse
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from tagging.models import Team
from tests.conftest import ClientFor
from tests.tagging.page_world import QUERIES, file_of, text_of, two_months

pytestmark = pytest.mark.django_db


@pytest.fixture
def world(team: Team, other_team: Team) -> None:
    two_months()


@pytest.fixture
def staff(finops_lead: User, client_for: ClientFor, world: None) -> Client:
    return client_for(finops_lead)


@pytest.fixture
def lead(team_lead: User, client_for: ClientFor, world: None) -> Client:
    return client_for(team_lead)


def get(client: Client, path: str) -> HttpResponse:
    response: HttpResponse = client.get(path)  # type: ignore[assignment]
    return response


def test_chargeback_names_owners_by_size_of_change_and_what_nobody_owns(staff: Client) -> None:
    response = get(staff, "/chargeback/")
    text = text_of(response)
    assert response.status_code == 200
    # payments rose by 18, search by 0
    assert text.index(">Payments<") < text.index(">Search<")
    for figure in ("$30.00", "+$18.00", "$5.00", "$7.00", "$42.00", "16.7", "Draft", "Unallocated"):
        assert figure in text
    assert "Bill" in text
    assert "$0.00" in text


def test_chargeback_file_sums_to_the_bill_with_the_unallocated_line(staff: Client) -> None:
    head, rows = file_of(get(staff, "/chargeback/?period=2025-11&format=csv"))
    assert (head["Bill total"], head["Owners"], head["Unallocated"], head["Difference"]) == ("42", "35", "7", "0")
    assert head["State"].startswith("Draft")
    totals = {row[0]: row[rows[0].index("Total")] for row in rows[1:]}
    assert totals == {"Payments": "30", "Search": "5", "Unallocated": "7"}


def test_chargeback_on_effective_cost_counts_what_is_effective(staff: Client) -> None:
    head, _ = file_of(get(staff, "/chargeback/?period=2025-11&basis=effective&format=csv"))
    # 40: i-1 costs 8 effective instead of 10
    assert (head["Basis"], head["Bill total"], head["Difference"]) == ("Effective cost", "40", "0")


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("by=environment", {"Prod": "10", "Moon": "20", "Unallocated": "12"}),
        ("by=tag:TEAM", {"payments": "30", "search": "5", "Unallocated": "7"}),
        ("tag_key=team&by=service", {"payments": "30", "search": "5", "Unallocated": "7"}),
        ("by=service", {"Compute": "22", "Storage": "20"}),
    ],
)
def test_chargeback_by_another_kind_of_owner_has_no_row_for_costs_without_it(
    staff: Client, query: str, expected: dict[str, str]
) -> None:
    _, rows = file_of(get(staff, f"/chargeback/?period=2025-11&{query}&format=csv"))
    assert {row[0]: row[rows[0].index("Total")] for row in rows[1:]} == expected


def test_chargeback_excel_opens(staff: Client) -> None:
    response = get(staff, "/chargeback/?format=xlsx")
    assert response.content[:2] == b"PK"


def test_a_team_lead_of_one_team_is_led_to_its_statement(lead: Client) -> None:
    response = get(lead, "/chargeback/?period=2025-11&basis=billed")
    assert response.status_code == 302
    assert response["Location"] == "/statements/payments/?period=2025-11&basis=billed"


def test_a_team_lead_gets_own_costs_by_service_without_any_figure_of_the_bill(lead: Client) -> None:
    text = text_of(get(lead, "/chargeback/?by=service"))
    assert "$20.00" in text
    for secret in ("$42.00", "$7.00", "Unallocated", "Search", "Difference"):
        assert secret not in text
    head, _ = file_of(get(lead, "/chargeback/?by=service&format=csv"))
    assert "Bill total" not in head
    assert head["Total"] == "30"


def test_a_statement_shows_the_total_the_change_and_its_lines(lead: Client) -> None:
    text = text_of(get(lead, "/statements/payments/?period=2025-11"))
    for figure in ("$30.00", "+$18.00", "+150.0", "Storage", "$20.00", "Compute", "$10.00", "CC-100", "Draft"):
        assert figure in text
    assert "$42.00" not in text
    assert "/why/payments/?period=2025-11&amp;basis=billed&amp;service=Storage&amp;account=111111111111" in text


def test_a_statement_file_sums_to_its_total(lead: Client) -> None:
    head, rows = file_of(get(lead, "/statements/payments/?period=2025-11&format=csv"))
    assert head["Total"] == "30"
    assert sorted(row[rows[0].index("Cost")] for row in rows[1:]) == ["10", "20"]


@pytest.mark.parametrize("path", ["/statements/search/", "/statements/nowhere/"])
def test_another_teams_statement_is_not_there(lead: Client, path: str) -> None:
    assert get(lead, path).status_code == 404


def test_a_month_that_is_none_is_refused_with_the_form_it_takes(staff: Client) -> None:
    response = get(staff, "/chargeback/?period=Nov")
    assert response.status_code == 400
    assert "YYYY-MM" in text_of(response)


def test_a_month_without_costs_shows_nothing_and_still_answers(staff: Client, lead: Client) -> None:
    assert get(staff, "/chargeback/?period=2024-01").status_code == 200
    assert get(lead, "/statements/payments/?period=2024-01").status_code == 200


def test_before_the_first_bill_the_page_says_what_to_do(finops_lead: User, client_for: ClientFor) -> None:
    text = text_of(get(client_for(finops_lead), "/chargeback/"))
    assert "No costs yet" in text
    assert "/imports/" in text


def test_anonymous_readers_are_sent_to_the_log_in(client: Client, world: None) -> None:
    for path in ("/chargeback/", "/statements/payments/", "/why/payments/", "/tags/", "/rules/", "/imports/"):
        response = get(client, path)
        assert response.status_code == 302
        assert response["Location"].startswith("/accounts/login/")


@pytest.mark.parametrize("path", ["/chargeback/", "/chargeback/?by=service", "/statements/payments/"])
def test_pages_keep_their_query_budget(
    staff: Client, django_assert_max_num_queries: DjangoAssertNumQueries, path: str
) -> None:
    with django_assert_max_num_queries(QUERIES):
        get(staff, path)
