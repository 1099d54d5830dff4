"""Upkeep: teams, members, rules, set-up in one step, and looking with another user's eyes."""

from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from django.contrib.auth.models import Group, User

from costs.errors import InvalidRequestError, NotFoundInScopeError
from costs.scope import Scope
from costs.terms import CostMetric
from tagging.models import AllocationRule, Membership, TagKey, Team, ViewAs
from tagging.selectors import allocation_rules, chargeback, team_by_key, team_members
from tagging.services import (
    ProposalChoices,
    RuleInput,
    TeamChoice,
    TeamInput,
    accept_proposal,
    create_team,
    remove_member,
    reorder_rules,
    save_rule,
    set_member,
    start_view_as,
    stop_view_as,
    update_team,
)
from tagging.services.foundation import lay_foundation
from tagging.terms import FINOPS_GROUP, MemberRole, RuleKind
from tests.tagging.builders import NOVEMBER, Spend, month

pytestmark = pytest.mark.django_db
ALL = Scope.all()


def by_team() -> dict[str, Decimal]:
    return {row.key: row.total_cost for row in chargeback(ALL, NOVEMBER, metric=CostMetric.BILLED).rows}


def test_a_new_team_gets_a_key_of_its_own_from_its_name() -> None:
    assert create_team(TeamInput("Data & AI")) == "data-ai"
    assert create_team(TeamInput("Data AI")) == "data-ai-2"
    assert create_team(TeamInput("Übung", parent_key="data-ai")) == "ubung"
    assert team_by_key(ALL, "ubung").parent_name == "Data & AI"


@pytest.mark.parametrize(
    ("team_input", "hint"),
    [
        (TeamInput(" "), "needs a name"),
        (TeamInput("PAYMENTS"), "already"),
        (TeamInput("New", parent_key="none"), "to be the parent"),
        (TeamInput("New", key="Not A Key"), "cannot be a team key"),
        (TeamInput("New", key="payments"), "cannot be a team key"),
    ],
)
def test_a_team_that_cannot_be_is_refused_with_the_reason(team: Team, team_input: TeamInput, hint: str) -> None:
    with pytest.raises(InvalidRequestError, match=hint):
        create_team(team_input)


def test_a_team_cannot_stand_below_itself(team: Team, other_team: Team) -> None:
    update_team("search", TeamInput("Search", parent_key="payments"))
    with pytest.raises(InvalidRequestError, match="below itself"):
        update_team("payments", TeamInput("Payments", parent_key="search"))
    with pytest.raises(NotFoundInScopeError):
        update_team("none", TeamInput("x"))


def test_a_new_cost_centre_moves_the_teams_costs(team: Team) -> None:
    save_rule(RuleInput(RuleKind.ACCOUNT, sub_account_id="111111111111", team_key="payments"))
    month([Spend("10"), Spend("1", tags={"CostCenter": "CC-9"})])
    update_team("payments", TeamInput("Payments", cost_center="CC-777"))
    found = chargeback(ALL, NOVEMBER, by="cost_center", metric=CostMetric.BILLED)
    assert {row.owner: row.total_cost for row in found.rows} == {"CC-777": Decimal(10), "CC-9": Decimal(1)}


def test_members_come_change_role_and_go(team: Team, other_lead: User) -> None:
    set_member("payments", "otto", role=MemberRole.VIEWER)
    set_member("payments", "otto", role=MemberRole.LEAD)
    assert [(member.username, member.role) for member in team_members(ALL, "payments")] == [("otto", MemberRole.LEAD)]
    remove_member("payments", "otto")
    remove_member("payments", "otto")
    assert not Membership.objects.filter(team=team).exists()
    with pytest.raises(InvalidRequestError, match="no user 'nobody'"):
        set_member("payments", "nobody", role=MemberRole.VIEWER)


@pytest.mark.parametrize(
    ("rule", "hint"),
    [
        (RuleInput(RuleKind.TAG, tag_key="Team", tag_values=(" ",)), "at least one value"),
        (RuleInput(RuleKind.ACCOUNT), "account number"),
        (RuleInput(RuleKind.DEFAULT, team_key="none"), "no team 'none'"),
        (RuleInput(RuleKind.DEFAULT, from_period=NOVEMBER, to_period=NOVEMBER), "before it starts"),
    ],
)
def test_a_rule_that_cannot_be_is_refused_with_the_reason(rule: RuleInput, hint: str) -> None:
    with pytest.raises(InvalidRequestError, match=hint):
        save_rule(rule)


def test_a_changed_rule_keeps_its_place_and_its_history(team: Team) -> None:
    pk = save_rule(RuleInput(RuleKind.TAG, tag_key="Team", tag_values=("a", "a ", "b"), team_key="payments"))
    save_rule(RuleInput(RuleKind.TAG, tag_key="Team", tag_values=("c",), team_key="payments"), pk=pk)
    stored = AllocationRule.objects.get(pk=pk)
    assert (stored.tag_values, stored.name, stored.position) == (["c"], "Team c → Payments", 1)
    assert [list(version.tag_values) for version in stored.history.order_by("history_id")] == [["a", "b"], ["c"]]
    for change in (
        lambda: save_rule(RuleInput(RuleKind.DEFAULT), pk=pk + 1),
        lambda: reorder_rules([pk + 1], reason="x"),
    ):
        with pytest.raises(NotFoundInScopeError, match="no rule"):
            change()


def test_accepting_a_proposal_writes_teams_and_rules_in_order_and_allocates() -> None:
    month([Spend("30", tags={"Team": "Base Load"}), Spend("5", account="222222222222"), Spend("2", account="333")])
    choices = ProposalChoices(
        "Team",
        (
            TeamChoice("Data", tag_values=("BaseLoad", "Base Load"), cost_center="CC-1"),
            TeamChoice("Web", sub_account_ids=("222222222222",)),
        ),
    )
    assert accept_proposal(choices) == 2
    assert [(rule.kind, rule.team_key) for rule in allocation_rules(ALL)] == [
        (RuleKind.TAG, "data"),
        (RuleKind.ACCOUNT, "web"),
        (RuleKind.DEFAULT, ""),
    ]
    assert by_team() == {"data": Decimal(30), "web": Decimal(5)}
    with pytest.raises(InvalidRequestError, match="rules already"):
        accept_proposal(ProposalChoices("Team", (TeamChoice("Third", tag_values=("x",)),)))
    assert not Team.objects.filter(name="Third").exists()


@pytest.mark.parametrize(
    ("choices", "hint"),
    [
        (ProposalChoices("Team", ()), "at least one team"),
        (ProposalChoices("", (TeamChoice("A", ("a",)),)), "which tag key"),
        (ProposalChoices("Team", (TeamChoice("A"), TeamChoice("a "))), "team 'a' stands twice"),
        (ProposalChoices("Team", (TeamChoice("A", ("x",)), TeamChoice("B", ("X",)))), "tag value 'x' stands twice"),
        (ProposalChoices("", (TeamChoice("A", (), ("1",)), TeamChoice("B", (), ("1",)))), "account '1' stands twice"),
    ],
)
def test_a_proposal_that_cannot_be_changes_nothing(choices: ProposalChoices, hint: str) -> None:
    with pytest.raises(InvalidRequestError, match=hint):
        accept_proposal(choices)
    assert not Team.objects.exists()


def test_looking_as_a_user_is_logged_from_start_to_end(finops_lead: User, team_lead: User, now: datetime) -> None:
    assert start_view_as(finops_lead, "leo", now=now) == team_lead.pk
    stop_view_as(finops_lead, now=now + timedelta(minutes=5))
    logged = ViewAs.objects.get()
    assert (logged.staff, logged.viewed) == (finops_lead, team_lead)
    assert (logged.started_at, logged.ended_at) == (now, now + timedelta(minutes=5))


def test_only_finops_staff_look_as_others_and_never_as_staff(finops_lead: User, team_lead: User, now: datetime) -> None:
    with pytest.raises(NotFoundInScopeError):
        start_view_as(team_lead, "fiona", now=now)
    for username in ("fiona", "nobody"):
        with pytest.raises(InvalidRequestError):
            start_view_as(finops_lead, username, now=now)
    assert not ViewAs.objects.exists()


def test_an_installation_starts_with_the_group_and_the_five_mandatory_keys() -> None:
    required = TagKey.objects.filter(is_required=True)
    assert [key.key for key in required] == ["Owner", "Environment", "Team", "CostCenter", "Project"]
    environment = TagKey.objects.get(key="Environment")
    assert [item["value"] for item in environment.allowed_values] == ["Dev", "Test", "Staging", "Prod"]
    granted = set(Group.objects.get(name=FINOPS_GROUP).permissions.values_list("codename", flat=True))
    assert {"add_team", "change_tagkey", "delete_membership", "view_viewas", "view_billimport", "add_user"} <= granted
    assert not {"change_viewas", "add_billimport", "delete_user", "change_group", "add_allocation"} & granted


def test_the_foundation_leaves_a_changed_policy_alone_when_laid_again() -> None:
    TagKey.objects.exclude(key="Team").delete()
    lay_foundation()
    assert [key.key for key in TagKey.objects.all()] == ["Team"]
