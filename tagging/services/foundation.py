"""What every installation starts with: the FinOps group and a tag policy. Runs after each migrate."""

from typing import Any

from django.contrib.auth.models import Group, Permission
from django.db import connections
from django.db.models import Q

from tagging.models import TagKey
from tagging.terms import FINOPS_GROUP, MANDATORY_TAGS, OPTIONAL_TAGS, ValueKind

# Other spellings that mean an environment of the policy; letter case never matters.
ENVIRONMENTS = {
    "Dev": ["development", "develop", "devel", "sandbox"],
    "Test": ["testing", "tst", "qa", "uat", "quality"],
    "Staging": ["stage", "stg", "preprod", "pre-prod", "pre-production"],
    "Prod": ["production", "prd", "live"],
}
# Kept on the slices though not required, because many companies name their teams by it.
TRACKED_BESIDES = ("Department",)
_DAYS = ("ExpirationDate",)
_UPKEEP = (
    "team",
    "membership",
    "tagkey",
    "allocationrule",
    "exemption",
    "untaggablecharge",
    "sharedpool",
    "pooldriver",
    "commitmentbenefit",
    "accountcode",
)


def lay_foundation(*, using: str = "default", **_signal: Any) -> None:
    """Make the FinOps group with its permissions, and the tag policy where there is none at all.

    Safe to repeat: what the FinOps lead changed since is left alone, except that permissions missing
    from the group come back.
    """
    if using != "default" or TagKey._meta.db_table not in connections[using].introspection.table_names():
        return
    group, _ = Group.objects.get_or_create(name=FINOPS_GROUP)
    group.permissions.add(*_permissions())
    if not TagKey.objects.exists():
        TagKey.objects.bulk_create(_policy())


def _permissions() -> list[Permission]:
    upkeep = Q(content_type__app_label="tagging", content_type__model__in=_UPKEEP)
    looking = Q(content_type__app_label__in=("tagging", "costs"), codename__startswith="view_")
    people = Q(content_type__app_label="auth", codename__in=("add_user", "change_user", "view_user"))
    return list(Permission.objects.filter(upkeep | looking | people))


def _policy() -> list[TagKey]:
    allowed = {"Environment": [{"value": value, "aliases": aliases} for value, aliases in ENVIRONMENTS.items()]}
    required = [
        TagKey(key=key, position=place, allowed_values=allowed.get(key, []))
        for place, key in enumerate(MANDATORY_TAGS, start=1)
    ]
    besides = [
        TagKey(key=key, position=len(required) + place, is_required=False)
        for place, key in enumerate(TRACKED_BESIDES, start=1)
    ]
    optional = [
        TagKey(
            key=key,
            position=len(required) + len(besides) + place,
            is_required=False,
            is_tracked=False,
            value_kind=(ValueKind.DATE if key in _DAYS else ValueKind.TEXT).value,
        )
        for place, key in enumerate(OPTIONAL_TAGS, start=1)
    ]
    return [*required, *besides, *optional]
