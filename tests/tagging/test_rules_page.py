"""Upkeep of allocation rules: order, what each decides, what a change moves; staff only."""

from datetime import UTC, datetime
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.http import HttpResponse
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from costs.scope import Scope
from costs.terms import CostMetric
from tagging.models import AllocationRule, Team
from tagging.selectors import allocation_rules, statements
from tagging.services import CloseStep, close_month
from tests.conftest import ClientFor
from tests.pages import get
from tests.tagging.builders import NOVEMBER, OCTOBER
from tests.tagging.page_world import QUERIES, file_of, text_of, two_months

pytestmark = pytest.mark.django_db
NOW = datetime(2025, 12, 8, tzinfo=UTC)


@pytest.fixture
def staff(finops_lead: User, client_for: ClientFor, team: Team, other_team: Team) -> Client:
    two_months()
    return client_for(finops_lead)


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


def step(client: Client, pk: int, change: str, reason: str = "Agreed") -> HttpResponse:
    return post(client, f"/rules/{pk}/step/", change=change, reason=reason)


def order() -> list[int]:
    return [rule.pk for rule in allocation_rules(Scope.all())]


def test_moving_a_rule_changes_the_order_and_stops_at_the_ends(staff: Client) -> None:
    first, second = order()
    step(staff, second, "up")
    assert order() == [second, first]
    step(staff, second, "up")
    assert order() == [second, first]
    page = text_of(get(staff, "/rules/"))
    assert "It is the first rule already" in page
    assert "Move it down again" in page  # of the step before, which did move it
    step(staff, second, "down")
    assert order() == [first, second]


def test_a_rule_turned_off_gives_its_costs_back_and_can_be_turned_on_again(staff: Client) -> None:
    step(staff, rule_of("search"), "off")
    assert owners() == {"payments": "30"} or owners()["search"] == "0"
    assert "Out of use" in text_of(get(staff, "/rules/"))
    step(staff, rule_of("search"), "on")
    assert owners() == {"payments": "30", "search": "5"}


@pytest.mark.parametrize("change", ["up", "off", "on"])
@pytest.mark.parametrize(("reason", "said"), [("  ", "Say why"), ("x" * 71, "The reason has 71 letters. Say it in 70")])
def test_no_rule_is_moved_or_switched_without_a_short_reason(
    staff: Client, change: str, reason: str, said: str
) -> None:
    before, second = order(), rule_of("search")
    if change == "on":
        step(staff, second, "off")
    kept = AllocationRule.history.count()
    response = step(staff, second, change, reason)
    assert response.status_code == 400
    assert said in text_of(response)
    assert (order(), AllocationRule.history.count()) == (before, kept)
    assert AllocationRule.objects.get(pk=second).is_active is (change != "on")
    assert post(staff, f"/rules/{second}/step/", reason="x").status_code == 400


def test_why_a_rule_was_moved_and_switched_stays_in_its_history_beside_why_it_is_so(
    staff: Client, finops_lead: User
) -> None:
    first, second = order()
    wanted = {"tag_key": "Team", "tag_values": "search", "team_key": "search"}
    post(staff, f"/rules/{second}/", **wanted, reason="Agreed in May")
    step(staff, second, "up", "Search goes first")
    step(staff, second, "off", "The team is gone")
    step(staff, second, "on", "The team is back")
    page = text_of(get(staff, f"/rules/{second}/"))
    for text in (
        "The team is back",
        "The team is gone",
        "Search goes first",
        "place 1",
        "place 2",
        finops_lead.username,
    ):
        assert text in page
    assert "Another was moved past it: Search goes first" in text_of(get(staff, f"/rules/{first}/"))
    assert "Agreed in May" in text_of(get(staff, "/rules/"))  # why it is so, whatever was switched
    assert AllocationRule.objects.get(pk=second).reason == "Agreed in May"


def test_the_longest_reason_fits_the_history_of_both_rules_that_change_places(staff: Client) -> None:
    first, second = order()
    assert step(staff, second, "up", "w" * 70).status_code == 302
    assert AllocationRule.history.filter(id=first).first().history_change_reason.endswith("w" * 70)


def test_a_step_offers_the_way_back_once(staff: Client) -> None:
    before, second = order(), rule_of("search")
    step(staff, second, "up")
    page = str(get(staff, "/rules/").content, "utf-8")
    assert "Move it down again" in page
    assert 'name="change" value="down"' in page
    assert "As before" in page  # a reason is filled in, and may be changed
    assert "Move it down again" not in text_of(get(staff, "/rules/"))
    step(staff, second, "down", "As before")
    assert order() == before
    step(staff, second, "off")
    assert "Use it again" in text_of(get(staff, "/rules/"))


def test_a_rule_that_held_in_a_closed_month_is_turned_off_from_the_first_open_one_and_on_again(
    staff: Client, finops_lead: User
) -> None:
    # October is closed: search keeps its costs there. In November its 5 go to nobody, and come back.
    close_month(OCTOBER, CloseStep(by="x", now=NOW, force=True, reason="x"), metric=CostMetric.BILLED)
    old = rule_of("search")
    step(staff, old, "off")
    assert owners().get("search", "0") == "0"
    assert "Out of use" in text_of(get(staff, "/rules/"))
    step(staff, old, "on", "Wrong one")
    assert owners() == {"payments": "30", "search": "5"}
    again = AllocationRule.objects.get(replaces=old)
    assert (again.from_period, again.to_period, again.is_active) == (NOVEMBER.start, None, True)
    assert "Changed since" in text_of(get(staff, "/rules/"))
    response = step(staff, old, "on")
    assert (response.status_code, "Use that one" in text_of(response)) == (400, True)


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
    assert step(lead, rule_of("search"), "off").status_code == 404
    assert post(lead, "/rules/new/?kind=default", team_key="payments").status_code == 404
    assert owners() == {"payments": "30", "search": "5"}


@pytest.mark.parametrize("path", ["/rules/", "/rules/new/?kind=account"])
def test_pages_keep_their_query_budget(
    staff: Client, django_assert_max_num_queries: DjangoAssertNumQueries, path: str
) -> None:
    with django_assert_max_num_queries(QUERIES):
        get(staff, path)


def opened_version(client: Client, pk: int) -> str:
    """What the form of the rule sends back as the rule it was opened with."""
    page: Any = get(client, f"/rules/{pk}/")
    found: str = page.context["form"].initial["version"]
    return found


def test_the_change_of_somebody_else_meanwhile_is_not_overwritten(staff: Client) -> None:
    """Two leads open a rule; the first one's change stands, the second is told and sees it in the history."""
    first = rule_of("payments")
    opened = opened_version(staff, first)
    given = {"tag_key": "Team", "team_key": "payments", "reason": "x", "version": opened}
    post(staff, f"/rules/{first}/", tag_values="payments\npay", **given)
    late = post(staff, f"/rules/{first}/", tag_values="payments\nother", **given)
    assert late.status_code == 400
    assert "The rule was changed after you opened it." in text_of(late)
    assert allocation_rules(Scope.all())[0].tag_values == ("payments", "pay")
    trial = post(staff, f"/rules/{first}/", tag_values="payments\nother", preview="1", **given)
    assert "The rule was changed after you opened it." in text_of(trial)


def test_a_rule_moved_meanwhile_can_still_be_changed(staff: Client) -> None:
    first = rule_of("payments")
    opened = opened_version(staff, first)
    post(staff, f"/rules/{first}/step/", change="down", reason="later")
    post(
        staff, f"/rules/{first}/", tag_key="Team", tag_values="payments\npay", team_key="payments", reason="x",
        version=opened,
    )  # fmt: skip
    assert allocation_rules(Scope.all())[1].tag_values == ("payments", "pay")


def test_a_rule_that_a_change_replaced_gets_no_second_successor(staff: Client) -> None:
    """October is closed, so a change makes a row from November on; changing the old row again would make twins."""
    close_month(OCTOBER, CloseStep("Fiona", datetime(2025, 11, 10, tzinfo=UTC)), metric=CostMetric.BILLED)
    first, given = rule_of("payments"), {"tag_key": "Team", "tag_values": "payments", "reason": "x"}
    assert post(staff, f"/rules/{first}/", team_key="search", **given).status_code == 302
    again = post(staff, f"/rules/{first}/", team_key="payments", **given)
    assert again.status_code == 400
    assert "This rule was changed into another since. Use that one." in text_of(again)
    assert AllocationRule.objects.filter(replaces_id=first).count() == 1
