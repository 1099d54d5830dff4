"""Teams, their members, and the rules; each as its reader may see it."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from django.core import serializers

from costs.errors import NotFoundInScopeError
from costs.periods import BillingPeriod
from costs.reading import read_once
from costs.scope import Scope
from tagging.allocation import Rule
from tagging.benefit import POT, POT_NAME
from tagging.conditions import parse_condition
from tagging.models import AllocationRule, Membership, SharedPool, Team, TeamRow
from tagging.owners import bare_key, kind_of, pool_owner
from tagging.results import MemberView, RuleView, TeamView
from tagging.terms import MemberRole, OwnerKind, RuleKind

# What rules see of a slice, in the order of `Facts`.
FACT_COLUMNS = (
    "sub_account_id",
    "billing_account_id",
    "service_name",
    "region_id",
    "usage_type",
    "operation",
    "charge_category",
    "line_kind",
    "pricing_category",
    "commitment_discount_status",
    "tags",
)


def visible_teams(scope: Scope) -> tuple[TeamView, ...]:
    """Teams of the scope by name, also inactive ones: their past costs stay with staff and the team above."""
    rows = Team.objects.outline()
    seen = {row.pk: row for row in rows if scope.everything or row.key in scope.team_keys}
    return tuple(_team_view(row, seen.get(row.parent_pk or 0)) for row in rows if row.pk in seen)


def team_by_key(scope: Scope, key: str) -> TeamView:
    """One team. Raises NotFoundInScopeError for another's and for one that does not exist, alike."""
    scope.require_team(key)
    team = next((team for team in visible_teams(scope) if team.key == key), None)
    if team is None:
        raise NotFoundInScopeError("Nothing here.")
    return team


def owner_by_key(scope: Scope, key: str) -> TeamView:
    """A team, or for staff a pool or cost centre as if it were one. Raises NotFoundInScopeError."""
    if kind_of(key) is OwnerKind.TEAM:
        return team_by_key(scope, key)
    scope.require_everything()
    pools = pool_labels()
    if kind_of(key) is OwnerKind.POOL and key not in pools:
        raise NotFoundInScopeError("Nothing here.")
    return TeamView(key, owner_label(key, pools), "", "", "", is_active=True)


def team_members(scope: Scope, key: str) -> tuple[MemberView, ...]:
    """A team's own members by name. Raises NotFoundInScopeError."""
    team_by_key(scope, key)
    found = Membership.objects.filter(team__key=key).select_related("user").order_by("user__username")
    return tuple(
        MemberView(
            username=member.user.get_username(),
            full_name=member.user.get_full_name(),
            email=member.user.email,
            role=MemberRole(member.role),
        )
        for member in found
    )


def allocation_rules(scope: Scope) -> tuple[RuleView, ...]:
    """All rules in the order they are tried, also those out of use. Staff only (NotFoundInScopeError)."""
    scope.require_everything()
    names = pool_labels()
    rules = list(AllocationRule.objects.select_related("team"))
    replaced = {rule.replaces_id for rule in rules}
    return tuple(replace(_rule_view(rule, names), is_replaced=rule.pk in replaced) for rule in rules)


def rules_in_use() -> tuple[Rule, ...]:
    """Active rules in their order, as matching needs them."""
    return tuple(matching_rule(rule) for rule in AllocationRule.objects.filter(is_active=True).select_related("team"))


def rules_by_pk() -> dict[int, Rule]:
    """All rules there ever were, those out of use among them."""
    return {row.pk: matching_rule(row) for row in AllocationRule.objects.select_related("team")}


def matching_rule(rule: AllocationRule) -> Rule:
    """The core's view of a stored rule."""
    return Rule(
        pk=rule.pk,
        kind=RuleKind(rule.kind),
        owner_key=rule.target if rule.team is None else rule.team.key,
        tag_key=rule.tag_key,
        tag_values=tuple(rule.tag_values),
        sub_account_id=rule.sub_account_id,
        from_period=None if rule.from_period is None else BillingPeriod.of(rule.from_period),
        to_period=None if rule.to_period is None else BillingPeriod.of(rule.to_period),
        condition=parse_condition(rule.condition) if rule.condition else None,
    )


def stored_rules(period: BillingPeriod) -> list[dict[str, Any]]:
    """The active rules that hold in a month, in their order, as JSON with everything that is stored of them."""
    rows = AllocationRule.objects.filter(is_active=True).select_related("team")
    held = [row for row in rows if matching_rule(row).holds_in(period)]
    found: list[dict[str, Any]] = json.loads(serializers.serialize("json", held))
    return found


def rules_from_store(stored: list[dict[str, Any]]) -> tuple[Rule, ...]:
    """What `stored_rules` gave, as matching needs it; they hold in their month whatever became of them since."""
    rows: list[Any] = [
        item.object for item in serializers.deserialize("json", json.dumps(stored), ignorenonexistent=True)
    ]
    teams = Team.objects.in_bulk({row.team_id for row in rows if row.team_id is not None})
    for row in rows:
        row.team = teams.get(row.team_id)
        row.from_period = row.to_period = None
    return tuple(matching_rule(row) for row in rows)


def _team_view(team: TeamRow, parent: TeamRow | None) -> TeamView:
    """A team as its reader may see it; `parent` is the one above where they see that too."""
    return TeamView(
        key=team.key,
        name=team.name,
        cost_center=team.cost_center,
        parent_key="" if parent is None else parent.key,
        parent_name="" if parent is None else parent.name,
        is_active=team.is_active,
    )


def _rule_view(rule: AllocationRule, pools: Mapping[str, str]) -> RuleView:
    compiled = matching_rule(rule)
    return RuleView(
        pk=rule.pk,
        position=rule.position,
        name=rule.name,
        text=compiled.text,
        kind=compiled.kind,
        tag_key=rule.tag_key,
        tag_values=compiled.tag_values,
        sub_account_id=rule.sub_account_id,
        team_key=compiled.owner_key,
        team_name=owner_label(compiled.owner_key, pools) if rule.team is None else rule.team.name,
        from_period=compiled.from_period,
        to_period=compiled.to_period,
        is_active=rule.is_active,
        reason=rule.reason,
        condition=dict(rule.condition),
        charge_kind=rule.charge_kind,
        version=rule.version,
    )


def pool_labels() -> dict[str, str]:
    """Names of all pools, also former ones, by owner key; the newest name of each."""
    rows = SharedPool.objects.order_by("pk").values_list("key", "name")
    return read_once("names of pools", lambda: {pool_owner(key): name for key, name in rows} | {POT: POT_NAME})


def owner_label(owner_key: str, pools: Mapping[str, str]) -> str:
    """A pool or cost centre for people; teams are named by `labels`."""
    if kind_of(owner_key) is OwnerKind.POOL:
        return f"Pool {pools.get(owner_key, bare_key(owner_key))}"
    return f"Cost centre {bare_key(owner_key)}" if owner_key else ""


def leads_addresses(scope: Scope) -> dict[str, tuple[str, ...]]:
    """Mail addresses of the active leads of every active team, each once."""
    scope.require_everything()
    rows = Membership.objects.filter(role=MemberRole.LEAD.value, team__is_active=True, user__is_active=True)
    found: dict[str, dict[str, str]] = {}
    for key, address in rows.exclude(user__email="").order_by("pk").values_list("team__key", "user__email"):
        found.setdefault(key, {}).setdefault(address.lower(), address)
    return {key: tuple(addresses.values()) for key, addresses in found.items()}
