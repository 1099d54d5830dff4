"""What the FinOps group may do in the admin. Runs after each migrate, safe to repeat."""

from typing import Any

from django.contrib.auth.models import Group, Permission
from django.db import connections

from ri.models import Offering
from tagging.terms import FINOPS_GROUP

_UPKEEP = ("pricebook", "offering")


def lay_foundation(*, using: str = "default", **_signal: Any) -> None:
    """Give the FinOps group the upkeep of price books and their offers."""
    if using != "default" or Offering._meta.db_table not in connections[using].introspection.table_names():
        return
    group, _ = Group.objects.get_or_create(name=FINOPS_GROUP)
    upkeep = Permission.objects.filter(content_type__app_label="ri", content_type__model__in=_UPKEEP)
    group.permissions.add(*upkeep)
