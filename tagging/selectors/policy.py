"""The tag policy as it stands."""

from dataclasses import dataclass, replace

from django.db.models import QuerySet

from costs.periods import BillingPeriod
from costs.reading import read_once
from costs.scope import Scope
from costs.tags import canonical_key
from tagging.models import AllocationRule, TagKey, Team
from tagging.policy import AllowedValue, KeyPolicy
from tagging.policy.exemptions import Excuse, Untaggable
from tagging.results import PolicyKey
from tagging.selectors.arrangements import arrangements
from tagging.selectors.teams import matching_rule
from tagging.terms import RuleKind, ValueKind, ValueMatch

ENVIRONMENT = "Environment"


def tracked_keys() -> tuple[str, ...]:
    """Keys kept on every slice: the policy's (with their aliases) and those that rules use, in policy order."""
    wanted: dict[str, str] = {}
    for key in TagKey.objects.filter(is_tracked=True):
        for name in (key.key, *key.key_aliases):
            wanted.setdefault(canonical_key(name), name)
    for name in sorted(keys_of_rules(AllocationRule.objects.filter(is_active=True))):
        wanted.setdefault(canonical_key(name), name)
    return tuple(wanted.values())


def keys_of_rules(rules: QuerySet[AllocationRule]) -> tuple[str, ...]:
    """The tag keys these rules look at, patterns of names among them."""
    looking = rules.exclude(kind__in=(RuleKind.ACCOUNT.value, RuleKind.DEFAULT.value)).select_related("team")
    return tuple(dict.fromkeys(key for rule in looking for key in matching_rule(rule).tag_keys))


def tag_policy() -> tuple[PolicyKey, ...]:
    """The policy's keys in order. No money and no names of anybody: every reader may see it."""
    return tuple(
        PolicyKey(
            key=key.key,
            is_required=key.is_required,
            is_tracked=key.is_tracked,
            allowed_values=tuple(item["value"] for item in key.allowed_values),
        )
        for key in TagKey.objects.all()
    )


@dataclass(frozen=True)
class PolicyRow:
    """A key as a page shows it. `pk` is 0 for a team, which changes nothing and is told no other team's key."""

    pk: int
    policy: KeyPolicy
    enforced_for: tuple[str, ...]
    applies_to: str


def policy_rows(scope: Scope) -> tuple[PolicyRow, ...]:
    """The whole policy in order, for its page and its exports."""
    return tuple(
        PolicyRow(
            pk=key.pk if scope.everything else 0,
            policy=policy if scope.everything else replace(policy, teams=()),
            enforced_for=tuple(key.enforced_for),
            applies_to=_applies_to(scope, policy),
        )
        for key in TagKey.objects.all()
        if (policy := key_policy(key))
    )


def _applies_to(scope: Scope, policy: KeyPolicy) -> str:
    parts = [", ".join(policy.resource_types)] if policy.resource_types else []
    if policy.teams and scope.everything:
        parts.append("teams " + ", ".join(policy.teams))
    elif policy.teams:
        parts.append("your team" if scope.team_keys & set(policy.teams) else "other teams")
    if policy.from_period:
        parts.append(f"from {policy.from_period.label}")
    if policy.to_period:
        parts.append(f"until before {policy.to_period.label}")
    return "; ".join(parts) or "all resources"


def required_keys(period: BillingPeriod | None = None) -> tuple[KeyPolicy, ...]:
    """The keys compliance is judged on (in a month, where one is given), in policy order."""
    return tuple(key for key in policy_keys(period) if key.is_required)


def policy_keys(period: BillingPeriod | None = None) -> tuple[KeyPolicy, ...]:
    """All keys of the policy, or those in force in a month, in order. Read once within a page."""
    found = read_once("tag policy", lambda: tuple(key_policy(key) for key in arrangements().tag_keys))
    return tuple(key for key in found if period is None or key.holds_in(period))


def excuses() -> tuple[Excuse, ...]:
    """All exemptions, also those that have ended: which of them hold depends on the day of the charge."""
    return read_once("exemptions", _excuses)


def _excuses() -> tuple[Excuse, ...]:
    rows = arrangements().exemptions
    teams = {team.pk: team.key for team in Team.objects.outline()} if rows else {}
    return tuple(
        Excuse(
            since=row["since"],
            until=row["until"],
            keys=tuple(row["keys"]),
            resource=row["resource"],
            account=row["sub_account_id"],
            service=row["service_name"],
            team=teams.get(row["team_id"], ""),
            reason=row["reason"],
        )
        for row in rows
    )


def untaggable_charges() -> tuple[Untaggable, ...]:
    """What cannot be tagged although it names a resource."""
    return tuple(Untaggable(row["service_name"], row["usage_type"]) for row in arrangements().untaggable)


def environment_policy() -> KeyPolicy | None:
    """How environments are spelled, or None where the policy does not say."""
    found = [key for key in TagKey.objects.all() if canonical_key(key.key) == canonical_key(ENVIRONMENT)]
    return key_policy(found[0]) if found else None


def key_policy(key: TagKey) -> KeyPolicy:
    """A stored key as it is judged by."""
    return KeyPolicy(
        key=key.key,
        aliases=tuple(key.key_aliases),
        allowed=tuple(
            AllowedValue(item["value"], tuple(item.get("aliases", ())), ValueMatch(item.get("match", "exact")))
            for item in key.allowed_values
        ),
        kind=ValueKind(key.value_kind),
        exact_key=key.is_key_exact,
        exact_value=key.is_value_exact,
        is_required=key.is_required,
        is_tracked=key.is_tracked,
        resource_types=tuple(key.resource_types),
        teams=tuple(key.team_keys),
        from_period=None if key.from_period is None else BillingPeriod.of(key.from_period),
        to_period=None if key.to_period is None else BillingPeriod.of(key.to_period),
    )
