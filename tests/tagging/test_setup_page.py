"""From a first bill to teams: the proposal, accepted in one step."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from costs.scope import Scope
from costs.terms import CostMetric
from tagging.models import AllocationRule, Team
from tagging.selectors import statements
from tests.conftest import ClientFor
from tests.pages import get
from tests.tagging.builders import NOVEMBER, Spend, month, name_account
from tests.tagging.page_world import QUERIES, text_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def staff(finops_lead: User, client_for: ClientFor) -> Client:
    """One month: Team shop 10 + 4 (as Shop), ops 6; account 333 untagged 5 named ops; 1 without anything."""
    name_account("333333333333", "ops")
    month(
        [
            Spend("10", tags={"Team": "shop"}, resource="i-1"),
            Spend("4", tags={"Team": "Shop"}, resource="i-2"),
            Spend("6", tags={"Team": "ops"}, account="333333333333", resource="i-3"),
            Spend("5", account="333333333333"),
            Spend("1", account="444444444444"),
        ]
    )
    return client_for(finops_lead)


def form_of(client: Client) -> dict[str, str | list[str]]:
    """The proposal's form as a browser would send it back unchanged."""
    page: Any = client.get("/setup/")
    data: dict[str, str | list[str]] = {"tag_key": page.context["proposal"].tag_key}
    for row in page.context["rows"]:
        data[f"{row.prefix}-keep"] = "on"
        data[f"{row.prefix}-name"] = row.proposed.name
        data[f"{row.prefix}-tag_values"] = list(row.proposed.tag_values)
        data[f"{row.prefix}-accounts"] = list(row.proposed.sub_account_ids)
    return data


def owners() -> dict[str, int]:
    found = statements(Scope.all(), NOVEMBER, metric=CostMetric.BILLED)
    return {row.team_name.lower(): int(row.total_cost) for row in found.rows}


def test_the_proposal_shows_the_money_each_team_would_get(staff: Client) -> None:
    text = text_of(get(staff, "/setup/"))
    # ops: 6 by tag and 5 by account; shop: 14 by tag; bill 26
    for figure in ("$14.00", "$11.00", "$26.00", "Team = shop", "Account ops (333333333333)"):
        assert figure in text


def test_accepting_makes_teams_and_rules_and_says_what_has_an_owner(staff: Client) -> None:
    response = staff.post("/setup/", form_of(staff), follow=True)
    assert "2 teams made" in response.content.decode()
    assert "$25.00 has an owner now, $1.00 does not" in response.content.decode()
    assert owners() == {"shop": 14, "ops": 11}
    assert get(staff, "/setup/").status_code == 200
    assert "This is done already" in text_of(get(staff, "/setup/"))


def test_what_is_unticked_stays_out_and_names_can_be_changed(staff: Client) -> None:
    data = form_of(staff)
    place = next(name.split("-name")[0] for name, value in data.items() if name.endswith("-name") and value == "ops")
    data[f"{place}-name"], data[f"{place}-accounts"] = "Operations", []
    staff.post("/setup/", data)
    assert owners() == {"shop": 14, "operations": 6}


def test_two_proposals_given_one_name_become_one_team(staff: Client) -> None:
    data = form_of(staff)
    names = [name for name in data if name.endswith("-name")]
    staff.post("/setup/", {**data, **dict.fromkeys(names, "Everybody")})
    assert owners() == {"everybody": 25}


def test_a_kept_team_without_a_name_is_refused_and_nothing_is_made(staff: Client) -> None:
    data = form_of(staff)
    response = staff.post("/setup/", {**data, "team-0-name": " "})
    assert response.status_code == 400
    assert "a name" in response.content.decode()
    assert not Team.objects.exists()
    assert not AllocationRule.objects.exists()


def test_before_the_first_bill_the_page_says_what_to_do(finops_lead: User, client_for: ClientFor) -> None:
    text = text_of(get(client_for(finops_lead), "/setup/"))
    assert "No bill yet" in text
    assert "/imports/upload/" in text


def test_the_page_keeps_its_query_budget(staff: Client, django_assert_max_num_queries: DjangoAssertNumQueries) -> None:
    with django_assert_max_num_queries(QUERIES):
        get(staff, "/setup/")
