"""Tags: compliant money of taggable money, next fixes, values not allowed; a team's own only."""

import pytest
from django.contrib.auth.models import User
from django.http import HttpResponse
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from tagging.models import Team
from tests.conftest import ClientFor
from tests.tagging.builders import Spend, month
from tests.tagging.page_world import QUERIES, file_of, text_of, two_months

pytestmark = pytest.mark.django_db
ALL_FIVE = {"Owner": "jo", "Environment": "Dev", "Team": "payments", "CostCenter": "CC-100", "Project": "P1"}


@pytest.fixture
def world(team: Team, other_team: Team) -> None:
    """Beside the two months, payments' i-9 with every key: 2 of 40 taggable dollars are compliant."""
    two_months()
    month([Spend("2", tags=ALL_FIVE, resource="i-9")], source="second-payer")


@pytest.fixture
def staff(finops_lead: User, client_for: ClientFor, world: None) -> Client:
    return client_for(finops_lead)


@pytest.fixture
def lead(team_lead: User, client_for: ClientFor, world: None) -> Client:
    return client_for(team_lead)


def get(client: Client, path: str) -> HttpResponse:
    response: HttpResponse = client.get(path)  # type: ignore[assignment]
    return response


def test_compliant_money_of_taggable_money_comes_first(staff: Client) -> None:
    # taggable: 10 + 20 + 5 + 3 + 2 = 40; compliant: 2 = 5 %; resources 1 of 5 = 20 %
    text = text_of(get(staff, "/tags/?basis=billed"))
    for figure in ("5.0", "$2.00", "$40.00", "20.0", "1 of 5", "$38.00"):
        assert figure in text


def test_next_fixes_are_the_dearest_resources_with_the_keys_they_need(staff: Client) -> None:
    _, rows = file_of(get(staff, "/tags/?table=fixes&format=csv"))
    assert [row[0] for row in rows[1:]] == ["bucket", "i-1", "i-2", "i-3"]
    assert "Environment" in rows[1][3]
    assert "Owner" in rows[1][3]


def test_values_that_are_not_allowed_are_listed_with_their_money(staff: Client) -> None:
    _, rows = file_of(get(staff, "/tags/?table=invalid&format=csv"))
    assert [(row[0], row[1], row[3], row[4]) for row in rows[1:]] == [("Environment", "Moon", "1", "20")]


@pytest.mark.parametrize("group", ["team", "service", "account", "region"])
def test_groups_sum_to_the_month(staff: Client, group: str) -> None:
    head, rows = file_of(get(staff, f"/tags/?basis=billed&group={group}&table=groups&format=csv"))
    taggable = rows[0].index("Taggable")
    assert sum(float(row[taggable]) for row in rows[1:]) == float(head["Taggable cost"]) == 40


def test_a_team_lead_sees_own_resources_only(lead: Client) -> None:
    text = text_of(get(lead, "/tags/?basis=billed"))
    assert "1 of 3" in text
    assert "$32.00" in text
    for secret in ("i-2", "i-3", "$40.00", "Search"):
        assert secret not in text
    _, rows = file_of(get(lead, "/tags/?table=groups&group=team&format=csv"))
    assert [row[0] for row in rows[1:]] == ["Payments"]


def test_before_the_first_bill_the_page_says_what_to_do(team_lead: User, client_for: ClientFor) -> None:
    assert "No costs yet" in text_of(get(client_for(team_lead), "/tags/"))


def test_the_page_keeps_its_query_budget(staff: Client, django_assert_max_num_queries: DjangoAssertNumQueries) -> None:
    with django_assert_max_num_queries(QUERIES):
        get(staff, "/tags/")
