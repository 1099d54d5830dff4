"""The FinOps lead's upkeep in the admin: without superuser rights, with re-allocation, never a way up."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from django.contrib.auth.models import Permission, User
from django.urls import reverse

from costs.scope import Scope
from costs.terms import CostMetric
from tagging.models import AllocationRule, SharedPool, TagKey, Team, VirtualTag
from tagging.selectors import chargeback
from tests.conftest import ClientFor
from tests.tagging.builders import NOVEMBER, Spend, month

pytestmark = pytest.mark.django_db
LISTS = ("team", "membership", "tagkey", "allocationrule", "viewas", "sharedpool", "pooldriver", "commitmentbenefit",
         "tagsuggestion", "suggestioncount", "suggestionchoice", "virtualtag")  # fmt: skip


@pytest.mark.parametrize("model", LISTS)
def test_the_finops_lead_opens_every_list_and_a_team_lead_none(
    client_for: ClientFor, finops_lead: User, team_lead: User, model: str
) -> None:
    url = reverse(f"admin:tagging_{model}_changelist")
    assert client_for(finops_lead).get(url).status_code == 200
    assert client_for(team_lead).get(url).status_code != 200


def test_a_rule_saved_in_the_admin_moves_the_costs(client_for: ClientFor, finops_lead: User, team: Team) -> None:
    month([Spend("10", tags={"Team": "Pay"})])
    form = {
        "name": "Pay", "position": "1", "kind": "tag", "tag_key": "Team", "tag_values": '["pay"]',
        "sub_account_id": "", "team": str(team.pk), "is_active": "on", "reason": "Their tag.",
    }  # fmt: skip
    response = client_for(finops_lead).post(reverse("admin:tagging_allocationrule_add"), form)
    assert response.status_code == 302
    found = chargeback(Scope.all(), NOVEMBER, metric=CostMetric.BILLED)
    assert [(row.key, row.total_cost) for row in found.rows] == [("payments", Decimal(10))]


def test_a_rule_is_switched_and_moved_in_the_admin_with_a_reason_of_that_change_only(
    client_for: ClientFor, finops_lead: User
) -> None:
    rule = AllocationRule.objects.create(name="x", position=1, kind="default", reason="Agreed in May")
    path, client = reverse("admin:tagging_allocationrule_change", args=[rule.pk]), client_for(finops_lead)
    form = {"name": "x", "position": "2", "kind": "default", "tag_values": "[]", "condition": "{}"}  # off, and moved
    response = client.post(path, form | {"reason": "Agreed in May"})
    assert response.status_code == 200
    assert b"Say why you change it now" in response.content
    rule.refresh_from_db()
    assert (rule.position, rule.is_active) == (1, True)
    assert client.post(path, form | {"reason": "The team is gone"}).status_code == 302
    kept = AllocationRule.history.filter(id=rule.pk).first()
    assert (kept.position, kept.is_active, kept.reason) == (2, False, "The team is gone")
    assert kept.history_user == finops_lead


def test_a_rule_without_what_its_kind_matches_is_refused(client_for: ClientFor, finops_lead: User) -> None:
    form = {"name": "x", "position": "1", "kind": "tag", "tag_key": "", "tag_values": "[]", "is_active": "on"}
    response = client_for(finops_lead).post(reverse("admin:tagging_allocationrule_add"), form)
    assert response.status_code == 200
    assert b"needs a key and a list of values" in response.content
    assert b"Say why. It stays with the rule" in response.content
    assert not AllocationRule.objects.exists()


def test_suggested_and_virtual_tags_are_only_looked_at(client_for: ClientFor, finops_lead: User) -> None:
    made = VirtualTag.objects.create(
        resource_key=1, resource_id="i-1", tag_key="Team", value="payments", from_period=NOVEMBER.start,
        origin="suggestion", confidence=0.96, author=finops_lead, created_at=datetime(2025, 11, 20, tzinfo=UTC),
    )  # fmt: skip
    client = client_for(finops_lead)
    page = client.get(reverse("admin:tagging_virtualtag_change", args=[made.pk]))
    assert page.status_code == 200
    assert b'name="_save"' not in page.content
    for model in ("tagsuggestion", "suggestioncount", "suggestionchoice", "virtualtag"):
        assert client.get(reverse(f"admin:tagging_{model}_add")).status_code == 403, model
    assert client.post(reverse("admin:tagging_virtualtag_delete", args=[made.pk]), {"post": "yes"}).status_code == 403
    assert client.post(reverse("admin:tagging_virtualtag_change", args=[made.pk]), {"value": "x"}).status_code == 403
    assert VirtualTag.objects.get().value == "payments"


def test_a_condition_that_is_wrong_is_refused_with_its_branch(client_for: ClientFor, finops_lead: User) -> None:
    form = {
        "name": "x", "position": "1", "kind": "condition", "tag_values": "[]", "is_active": "on",
        "condition": '{"all": [{"field": "moon"}]}', "target": "moon",
    }  # fmt: skip
    response = client_for(finops_lead).post(reverse("admin:tagging_allocationrule_add"), form)
    text = response.content.decode()
    assert "branch all › 1: &#x27;moon&#x27; is not a field" in text
    assert "Write pool:KEY or cost-center:NAME" in text


POOL = {
    "key": "platform", "name": "Platform", "position": "1", "method": "fixed", "weighing": "direct",
    "services": "[]", "is_active": "on", "reason": "x",
    "targets": '[{"owner": "payments", "pct": "60"}, {"owner": "search", "pct": "40"}]',
}  # fmt: skip


def test_a_pool_in_the_admin_is_checked_as_on_its_page_and_kept_in_its_history(
    client_for: ClientFor, finops_lead: User
) -> None:
    client, url = client_for(finops_lead), reverse("admin:tagging_sharedpool_add")
    for wrong, words in (
        ({"targets": '[{"owner": "payments", "pct": "60"}]'}, "add up to 60, not to 100"),
        ({"targets": '["payments"]'}, "Write a list like"),
        ({"from_period": "2025-11-02"}, "Give the first day of a month"),
        ({"key": "savings-pot"}, "Choose another"),
    ):
        assert words in client.post(url, POOL | wrong).content.decode()
    assert client.post(url, POOL).status_code == 302
    stored = SharedPool.objects.get()
    assert stored.history.get().history_user == finops_lead
    assert "holds in the same months" in client.post(url, POOL).content.decode()
    assert client.post(reverse("admin:tagging_sharedpool_delete", args=[stored.pk]), {"post": "yes"}).status_code == 403


def test_teams_and_rules_are_never_deleted_and_the_log_never_changed(
    client_for: ClientFor, finops_lead: User, team: Team
) -> None:
    rule = AllocationRule.objects.create(name="x", position=1, kind="default")
    client = client_for(finops_lead)
    for name, pk in (("team", team.pk), ("allocationrule", rule.pk)):
        assert client.post(reverse(f"admin:tagging_{name}_delete", args=[pk]), {"post": "yes"}).status_code == 403
    assert client.get(reverse("admin:tagging_viewas_add")).status_code == 403


def test_a_change_of_the_policy_is_kept_in_its_history(client_for: ClientFor, finops_lead: User) -> None:
    key = TagKey.objects.get(key="Environment")
    form = {
        "key": key.key, "position": "2", "is_required": "on", "is_tracked": "on", "key_aliases": "[]",
        "value_kind": "text",
        "allowed_values": '[{"value": "Live", "aliases": ["prod"]}]',
    }  # fmt: skip
    assert client_for(finops_lead).post(reverse("admin:tagging_tagkey_change", args=[key.pk]), form).status_code == 302
    last = key.history.latest()
    assert (last.history_user, last.allowed_values[0]["value"]) == (finops_lead, "Live")


def test_the_finops_lead_makes_people_but_grants_no_power(
    client_for: ClientFor, finops_lead: User, admin_user: User, team_lead: User
) -> None:
    client = client_for(finops_lead)
    assert client.get(reverse("admin:auth_user_add")).status_code == 200
    assert client.get(reverse("admin:auth_user_change", args=[admin_user.pk])).status_code == 302  # is not there
    form = {
        "username": "leo", "email": "leo@example.com", "first_name": "Leo", "last_name": "", "is_active": "on",
        "is_superuser": "on", "is_staff": "on", "user_permissions": [str(Permission.objects.all()[0].pk)],
    }  # fmt: skip
    assert client.post(reverse("admin:auth_user_change", args=[team_lead.pk]), form).status_code == 302
    team_lead.refresh_from_db()
    assert (team_lead.is_superuser, team_lead.is_staff, team_lead.user_permissions.count()) == (False, False, 0)


def test_a_teams_key_stays_and_its_parents_are_never_below_it(
    client_for: ClientFor, finops_lead: User, team: Team, other_team: Team
) -> None:
    other_team.parent = team
    other_team.save()
    page = client_for(finops_lead).get(reverse("admin:tagging_team_change", args=[team.pk])).content.decode()
    assert 'name="key"' not in page
    assert ">Search</option>" not in page
