"""A team out of use goes on being charged: whoever takes it out of use, or closes the month, is told."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from django.test import Client

from costs.scope import Scope
from costs.terms import CostMetric
from tagging.models import AllocationRule, Membership, SharedPool, Team
from tagging.selectors.month_end_view import month_end
from tagging.services import CloseStep, RuleInput, close_month, save_rule
from tagging.terms import RuleKind
from tests.tagging import page_world
from tests.tagging.builders import NOVEMBER, Spend, month

pytestmark = [pytest.mark.django_db, pytest.mark.real_parts]
NOW = datetime(2026, 3, 10, 10, tzinfo=UTC)
text_of: Callable[[Any], str] = page_world.text_of
CHARGED = "Search is out of use, and $5.00 of November 2025 is on its statement, which no team member can open."


@pytest.fixture
def rule(team: Team, other_team: Team) -> int:
    """November: payments 30, search 5 by the rule returned."""
    save_rule(RuleInput(RuleKind.TAG, tag_key="Team", tag_values=("payments",), team_key="payments"))
    pk = save_rule(RuleInput(RuleKind.TAG, tag_key="Team", tag_values=("search<b>",), team_key="search"))
    month([Spend("30", tags={"Team": "payments"}), Spend("5", tags={"Team": "search<b>"})])
    return pk


def out_of_use(key: str, **more: Any) -> None:
    Team.objects.filter(key=key).update(is_active=False, **more)


def plain(page: str) -> str:
    return " ".join(re.sub("<[^>]*>", " ", page).replace("\N{NO-BREAK SPACE}", " ").split())


def test_a_preview_warns_of_each_team_out_of_use_with_amount_and_rules(rule: int, staff: Client) -> None:
    assert "out of use" not in text_of(staff.get("/close/?period=2025-11"))
    out_of_use("search")
    said = f"{CHARGED} Rules that give it costs: Tag Team is search<b>."
    assert said in month_end(Scope.all(), NOVEMBER, today=NOW.date()).warnings
    assert said in staff.get("/api/v1/closes/2025-11/").json()["warnings"]
    for path in ("/close/?period=2025-11", "/close/2025-11/close/"):
        page = text_of(staff.get(path))
        assert page.count(CHARGED) == 1, path
        assert f'href="/rules/{rule}/"' in page, path
        assert "search<b>" not in page, path


def test_a_team_below_one_in_use_is_read_by_those_above(rule: int, team: Team) -> None:
    out_of_use("search", parent=team)
    (found,) = month_end(Scope.all(), NOVEMBER, today=NOW.date()).out_of_use
    assert "which only members of the teams above it can open" in found.text
    out_of_use("payments")
    both = month_end(Scope.all(), NOVEMBER, today=NOW.date()).out_of_use
    assert [(item.key, item.is_read) for item in both] == [("payments", False), ("search", False)]


def test_a_team_out_of_use_without_costs_is_no_warning(rule: int) -> None:
    Team.objects.create(key="old", name="Old", is_active=False)
    assert month_end(Scope.all(), NOVEMBER, today=NOW.date()).out_of_use == ()


def test_whoever_takes_a_team_out_of_use_is_told_before_and_after(rule: int, staff: Client) -> None:
    SharedPool.objects.create(
        key="platform", name="Platform", method="fixed", targets=[{"owner": "search", "pct": "100"}]
    )
    before = text_of(staff.get("/teams/search/edit/"))
    assert "$5.00 of November 2025 is its. Rules that give it costs: Tag Team is search&lt;b&gt;." in before
    assert "Pools that name it: Platform." in before
    assert CHARGED not in before
    page = text_of(staff.post("/teams/search/edit/", {"name": "Search"}, follow=True))
    assert not Team.objects.get(key="search").is_active
    assert "Search goes on getting costs" in page
    assert CHARGED in page
    assert f'href="/rules/{rule}/"' in page
    assert 'href="/pools/platform/edit/"' in page
    assert "team_key=search" not in page  # no new rule is offered for it
    assert CHARGED in text_of(staff.get("/teams/search/edit/"))


def test_a_team_without_costs_goes_out_of_use_without_a_word(rule: int, staff: Client) -> None:
    Team.objects.create(key="old", name="Old")
    page = text_of(staff.post("/teams/old/edit/", {"name": "Old"}, follow=True))
    assert "Old changed." in page
    assert "goes on getting costs" not in page


def test_forms_offer_teams_in_use_and_mark_what_is_chosen_already(rule: int, staff: Client) -> None:
    out_of_use("search")
    new = text_of(staff.get("/rules/new/?kind=tag&team_key=search"))
    assert '<option value="search"' not in new
    assert '<option value="payments">Payments</option>' in new
    assert '<option value="search" selected>Search (inactive)</option>' in text_of(staff.get(f"/rules/{rule}/"))
    for path in (
        "/new-team/", "/teams/payments/edit/", "/tags/exemptions/", "/tags/policy/new/", "/new-pool/", "/people/new/",
    ):  # fmt: skip
        answer = staff.get(path)
        assert answer.status_code == 200, path
        assert "Search (inactive)" not in text_of(answer), path
        assert '<option value="search"' not in text_of(answer), path


def test_a_pool_keeps_offering_a_team_that_takes_part(rule: int, staff: Client) -> None:
    SharedPool.objects.create(
        key="platform", name="Platform", method="fixed", targets=[{"owner": "search", "pct": "100"}]
    )
    out_of_use("search")
    assert "Search (inactive)" in text_of(staff.get("/pools/platform/edit/"))


def test_a_rule_is_still_saved_for_the_team_it_gives_to(rule: int, staff: Client) -> None:
    out_of_use("search")
    form = {"tag_key": "Team", "tag_values": "search<b>\nfind", "team_key": "search", "reason": "Another spelling."}
    assert staff.post(f"/rules/{rule}/", form).status_code == 302
    assert AllocationRule.objects.filter(is_active=True, team__key="search").count() == 1


def test_the_admin_says_what_goes_on_and_offers_teams_in_use(rule: int, staff: Client, other_team: Team) -> None:
    form = {
        "name": "Search", "cost_center": "", "memberships-TOTAL_FORMS": "0", "memberships-INITIAL_FORMS": "0",
    }  # fmt: skip
    Membership.objects.filter(team=other_team).delete()
    page = text_of(staff.post(f"/admin/tagging/team/{other_team.pk}/change/", form, follow=True))
    assert CHARGED in page
    asked = "/admin/autocomplete/?app_label=tagging&model_name=allocationrule&field_name=team&term="
    assert [row["text"] for row in staff.get(asked).json()["results"]] == ["Payments"]


def test_a_closed_month_keeps_its_warnings_to_itself(rule: int) -> None:
    close_month(NOVEMBER, CloseStep("Fiona", NOW), metric=CostMetric.BILLED)
    out_of_use("search")
    assert month_end(Scope.all(), NOVEMBER, today=NOW.date()).out_of_use == ()


def test_the_pages_stay_within_their_queries(
    rule: int, staff: Client, django_assert_max_num_queries: Callable[[int], object]
) -> None:
    out_of_use("search")
    for path in ("/teams/search/edit/", "/close/?period=2025-11"):
        with django_assert_max_num_queries(page_world.QUERIES + 15):  # type: ignore[attr-defined]
            assert staff.get(path).status_code == 200
