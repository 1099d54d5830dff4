"""Upkeep of allocation rules: order, what each decides, what a change moves; staff only."""

import pytest
from django.contrib.auth.models import User
from django.http import HttpResponse
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from costs.scope import Scope
from costs.terms import CostMetric
from tagging.models import AllocationRule, Team
from tagging.selectors import allocation_rules, statements
from tests.conftest import ClientFor
from tests.tagging.builders import NOVEMBER
from tests.tagging.page_world import QUERIES, file_of, text_of, two_months

pytestmark = pytest.mark.django_db


@pytest.fixture
def staff(finops_lead: User, client_for: ClientFor, team: Team, other_team: Team) -> Client:
    two_months()
    return client_for(finops_lead)


def get(client: Client, path: str) -> HttpResponse:
    response: HttpResponse = client.get(path)  # type: ignore[assignment]
    return response


def post(client: Client, path: str, **data: str) -> HttpResponse:
    response: HttpResponse = client.post(path, data)  # type: ignore[assignment]
    return response


def owners() -> dict[str, str]:
    """What each team has in November."""
    found = statements(Scope.all(), NOVEMBER, metric=CostMetric.BILLED)
    return {row.team_key: format(row.total_cost.normalize(), "f") for row in found.rows}


def rule_of(team_key: str) -> int:
    return next(rule.pk for rule in allocation_rules(Scope.all()) if rule.team_key == team_key)


def test_rules_stand_in_order_with_the_money_each_decides_and_what_none_matched(staff: Client) -> None:
    _, rows = file_of(get(staff, "/rules/?format=csv"))
    cost = rows[0].index("Cost")
    assert [(row[1], row[cost]) for row in rows[1:]] == [("Tag Team is payments", "30"), ("Tag Team is search", "5")]
    text = text_of(get(staff, "/rules/"))
    assert "No rule matched" in text
    assert "$7.00" in text


def test_a_new_rule_gives_costs_an_owner_and_the_page_says_what_moved(staff: Client) -> None:
    # account 222222222222 carries search's 5 only; 111111111111 the rest: nobody's 7 go to search
    response = post(
        staff, "/rules/new/?kind=account", sub_account_id="111111111111", team_key="search", reason="Their account"
    )
    assert response.status_code == 302
    assert owners() == {"payments": "30", "search": "12"}
    text = text_of(get(staff, "/rules/"))
    assert "What the change moved" in text
    for figure in ("Nobody (unallocated)", "+$7.00", "−$7.00"):
        assert figure in text
    assert "What the change moved" not in text_of(get(staff, "/rules/"))  # said once


def test_a_preview_shows_what_would_move_and_keeps_nothing(staff: Client) -> None:
    response = post(
        staff, "/rules/new/?kind=tag", tag_key="team", tag_values="nothing\nSEARCH", team_key="payments", preview="1"
    )
    assert "This would move nothing" in text_of(response)  # the rule before it has search already
    response = post(
        staff, f"/rules/{rule_of('search')}/", tag_key="Team", tag_values="search", team_key="payments", preview="1"
    )
    text = text_of(response)
    assert "This would move" in text
    assert "$10.00" in text  # 5 in each month
    assert owners() == {"payments": "30", "search": "5"}
    assert AllocationRule.objects.count() == 2


def test_a_changed_rule_keeps_its_place(staff: Client) -> None:
    first = rule_of("payments")
    post(
        staff,
        f"/rules/{first}/",
        tag_key="Team",
        tag_values="payments\npay",
        team_key="payments",
        name="Pay",
        reason="x",
    )
    rules = allocation_rules(Scope.all())
    assert (rules[0].pk, rules[0].tag_values, rules[0].name) == (first, ("payments", "pay"), "Pay")


def test_a_rule_is_neither_added_nor_changed_without_a_reason_which_stays_in_its_history(staff: Client) -> None:
    first, count = rule_of("payments"), AllocationRule.objects.count()
    wanted = {"tag_key": "Team", "tag_values": "payments", "team_key": "payments"}
    for path in ("/rules/new/?kind=tag", f"/rules/{first}/"):
        response = post(staff, path, **wanted, reason="  ")
        assert response.status_code == 400
        assert "This field is required" in text_of(response)
    assert AllocationRule.objects.count() == count
    assert post(staff, f"/rules/{first}/", **wanted, reason="Agreed in May").status_code == 302
    page = text_of(get(staff, f"/rules/{first}/"))
    assert "Before: Agreed in May" in page
    assert AllocationRule.history.filter(id=first).first().reason == "Agreed in May"


def test_moving_a_rule_changes_the_order_and_stops_at_the_ends(staff: Client) -> None:
    first, second = (rule.pk for rule in allocation_rules(Scope.all()))
    post(staff, f"/rules/{second}/move/", direction="up")
    assert [rule.pk for rule in allocation_rules(Scope.all())] == [second, first]
    post(staff, f"/rules/{second}/move/", direction="up")
    assert [rule.pk for rule in allocation_rules(Scope.all())] == [second, first]
    post(staff, f"/rules/{second}/move/", direction="down")
    assert [rule.pk for rule in allocation_rules(Scope.all())] == [first, second]


def test_a_rule_turned_off_gives_its_costs_back_and_can_be_turned_on_again(staff: Client) -> None:
    post(staff, f"/rules/{rule_of('search')}/switch/")
    assert owners() == {"payments": "30"} or owners()["search"] == "0"
    post(staff, f"/rules/{rule_of('search')}/switch/")
    assert owners() == {"payments": "30", "search": "5"}


def test_a_rule_without_values_is_refused_with_what_is_missing(staff: Client) -> None:
    response = post(staff, "/rules/new/?kind=tag", tag_key="Team", tag_values="", team_key="payments")
    assert response.status_code == 400
    assert "required" in text_of(response)
    assert get(staff, "/rules/new/?kind=moon").status_code == 400
    assert get(staff, "/rules/999999/").status_code == 404


def test_a_month_that_is_none_is_refused_in_the_form(staff: Client) -> None:
    response = post(staff, "/rules/new/?kind=default", from_period="soon")
    assert response.status_code == 400
    assert "YYYY-MM" in text_of(response)


@pytest.mark.parametrize(
    "path", ["/rules/", "/rules/new/", "/setup/", "/teams/", "/new-team/", "/people/", "/people/new/"]
)
def test_upkeep_is_not_there_for_team_leads(team_lead: User, client_for: ClientFor, path: str) -> None:
    assert get(client_for(team_lead), path).status_code == 404


def test_a_team_lead_cannot_change_rules(staff: Client, team_lead: User, client_for: ClientFor) -> None:
    lead = client_for(team_lead)
    assert post(lead, f"/rules/{rule_of('search')}/switch/").status_code == 404
    assert post(lead, "/rules/new/?kind=default", team_key="payments").status_code == 404
    assert owners() == {"payments": "30", "search": "5"}


@pytest.mark.parametrize("path", ["/rules/", "/rules/new/?kind=account"])
def test_pages_keep_their_query_budget(
    staff: Client, django_assert_max_num_queries: DjangoAssertNumQueries, path: str
) -> None:
    with django_assert_max_num_queries(QUERIES):
        get(staff, path)
