"""What the FinOps group may do in the admin. Runs after each migrate, safe to repeat."""

from typing import Any

from django.contrib.auth.models import Group, Permission
from django.db import connections
from django.db.models import Q

from budgets.models import Budget
from tagging.terms import FINOPS_GROUP

_UPKEEP = ("budget", "plannedamount", "threshold")


def lay_foundation(*, using: str = "default", **_signal: Any) -> None:
    """Give the FinOps group the upkeep of budgets, and a look at alerts and their mails."""
    if using != "default" or Budget._meta.db_table not in connections[using].introspection.table_names():
        return
    upkeep, looking = Q(content_type__model__in=_UPKEEP), Q(codename__startswith="view_")
    group, _ = Group.objects.get_or_create(name=FINOPS_GROUP)
    group.permissions.add(*Permission.objects.filter(upkeep | looking, content_type__app_label="budgets"))
