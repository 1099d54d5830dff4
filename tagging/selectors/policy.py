"""The tag policy as it stands."""

from django.db.models import QuerySet

from costs.tags import canonical_key
from tagging.models import AllocationRule, TagKey
from tagging.policy import AllowedValue, KeyPolicy
from tagging.results import PolicyKey
from tagging.selectors.teams import matching_rule
from tagging.terms import RuleKind

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


def required_keys() -> tuple[KeyPolicy, ...]:
    """The keys compliance is judged on, in policy order."""
    return tuple(_key_policy(key) for key in TagKey.objects.filter(is_required=True))


def environment_policy() -> KeyPolicy | None:
    """How environments are spelled, or None where the policy does not say."""
    found = [key for key in TagKey.objects.all() if canonical_key(key.key) == canonical_key(ENVIRONMENT)]
    return _key_policy(found[0]) if found else None


def _key_policy(key: TagKey) -> KeyPolicy:
    allowed = tuple(AllowedValue(item["value"], tuple(item.get("aliases", ()))) for item in key.allowed_values)
    return KeyPolicy(key.key, tuple(key.key_aliases), allowed)
