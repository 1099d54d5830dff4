"""The tag policy as it stands."""

from costs.tags import canonical_key
from tagging.models import AllocationRule, TagKey
from tagging.policy import AllowedValue, KeyPolicy
from tagging.results import PolicyKey
from tagging.terms import RuleKind

ENVIRONMENT = "Environment"


def tracked_keys() -> tuple[str, ...]:
    """Keys kept on every slice: the policy's (with their aliases) and those that rules use, in policy order."""
    wanted: dict[str, str] = {}
    for key in TagKey.objects.filter(is_tracked=True):
        for name in (key.key, *key.key_aliases):
            wanted.setdefault(canonical_key(name), name)
    used = AllocationRule.objects.filter(is_active=True, kind=RuleKind.TAG.value)
    for name in used.order_by("tag_key").values_list("tag_key", flat=True):
        wanted.setdefault(canonical_key(name), name)
    return tuple(wanted.values())


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
