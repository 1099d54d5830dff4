"""Rules changed in the admin keep to the closed months as those of the page do, and are checked like them."""

from datetime import UTC, date, datetime

import pytest
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from costs.terms import CostMetric
from tagging.models import AllocationRule, Team
from tagging.services import CloseStep, RuleInput, close_month, save_rule, use_rule_again
from tagging.terms import RuleKind
from tests.tagging.builders import OCTOBER, Spend, month

pytestmark = [pytest.mark.django_db, pytest.mark.real_parts]
NOW = datetime(2026, 3, 10, 10, tzinfo=UTC)
FORM = {"name": "Pay", "position": "1", "kind": "tag", "tag_key": "Team", "tag_values": '["pay"]', "condition": "{}",
        "initial-tag_values": '["pay"]', "initial-condition": "{}",  # as the admin's page sends them along
        "is_active": "on", "reason": "Their tag."}  # fmt: skip


@pytest.fixture
def rule(team: Team, other_team: Team) -> AllocationRule:
    """Tag Team=pay is payments' since ever; October, with 12 of it, is closed, November has 10."""
    pk = save_rule(RuleInput(RuleKind.TAG, name="Pay", tag_key="Team", tag_values=("pay",), team_key="payments"))
    month([Spend("12", tags={"Team": "pay"})], period=OCTOBER)
    month([Spend("10", tags={"Team": "pay"})])
    close_month(OCTOBER, CloseStep(by="x", now=NOW, force=True, reason="x"), metric=CostMetric.BILLED)
    return AllocationRule.objects.get(pk=pk)


def change(client: Client, rule: AllocationRule, **given: str) -> HttpResponse:
    path = reverse("admin:tagging_allocationrule_change", args=[rule.pk])
    return client.post(path, {**FORM, **given})  # type: ignore[return-value]


def kept() -> list[tuple[str, date | None, date | None, int]]:
    rows = AllocationRule.objects.select_related("team").order_by("pk")
    return [(row.team.key if row.team else row.target, row.from_period, row.to_period, row.position) for row in rows]


def test_a_rule_that_held_in_a_closed_month_ends_there_and_another_follows(
    rule: AllocationRule, staff: Client, other_team: Team
) -> None:
    assert change(staff, rule, team=str(other_team.pk), reason="Moved").status_code == 302
    november = date(2025, 11, 1)
    assert kept() == [("payments", None, november, 1), ("search", november, None, 1)]
    later = AllocationRule.objects.get(replaces=rule)
    assert (later.reason, later.tag_values) == ("Moved", ["pay"])


def test_a_rule_that_is_only_moved_or_renamed_stays_one_rule(rule: AllocationRule, staff: Client, team: Team) -> None:
    given = {"team": str(team.pk), "position": "7", "name": "Paying", "reason": "Order"}
    assert change(staff, rule, **given).status_code == 302
    assert kept() == [("payments", None, None, 7)]


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"from_period": "2025-10-01"}, "closed"),
        ({"from_period": "2026-02-01", "to_period": "2026-01-01"}, "before it starts"),
        ({"to_period": "2025-10-01"}, "would end (2025-10)"),
        ({"target": "pool:nope"}, "There is no pool &#x27;nope&#x27;"),
        ({"tag_values": '["\\ud800"]'}, "a character that no text of a bill has"),
        ({"kind": "condition", "condition": '{"field": "service", "op": "is", "values": ["\\ud800"]}'}, "Condition,"),
    ],
)
def test_what_the_page_refuses_the_admin_refuses(
    rule: AllocationRule, staff: Client, given: dict[str, str], says: str
) -> None:
    before = kept()
    answer = change(staff, rule, **{"reason": "Because", **given})
    assert answer.status_code == 200
    assert says in answer.content.decode()
    assert staff.post(reverse("admin:tagging_allocationrule_add"), {**FORM, **given}).status_code == 200
    assert kept() == before


def test_a_new_rule_begins_with_the_first_open_month(rule: AllocationRule, staff: Client, other_team: Team) -> None:
    given = {**FORM, "tag_values": '["look"]', "team": str(other_team.pk), "position": "4"}
    assert staff.post(reverse("admin:tagging_allocationrule_add"), given).status_code == 302
    assert kept()[1] == ("search", date(2025, 11, 1), None, 4)


def test_a_rule_that_had_ended_long_ago_held_no_longer_because_it_is_used_again(team: Team, other_team: Team) -> None:
    """It ended before October; October is closed without it, and used again it holds from November on alone."""
    ended = RuleInput(RuleKind.TAG, tag_key="Team", tag_values=("pay",), team_key="payments", to_period=OCTOBER)
    pk = save_rule(ended)
    month([Spend("12", tags={"Team": "pay"})], period=OCTOBER)
    month([Spend("10", tags={"Team": "pay"})])
    close_month(OCTOBER, CloseStep(by="x", now=NOW, force=True, reason="x"), metric=CostMetric.BILLED)
    use_rule_again(pk, reason="Again")
    assert [row[1:3] for row in kept()] == [(None, date(2025, 10, 1)), (date(2025, 11, 1), None)]
