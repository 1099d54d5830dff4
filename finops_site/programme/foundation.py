"""What the FinOps group may do with the programme in the admin. Runs after each migrate, safe to repeat."""

from typing import Any

from django.apps import apps
from django.contrib.auth.management import create_permissions
from django.contrib.auth.models import Group, Permission
from django.db import connections
from django.db.models import Q

from finops_site.models import Programme
from tagging.terms import FINOPS_GROUP

_UPKEEP = ("planstep", "programme", "risk", "savingclaim", "scenario", "target")


def lay_foundation(*, using: str = "default", **_signal: Any) -> None:
    """Give the FinOps group the upkeep of the programme and its parts; there is one programme, so none is added."""
    if using != "default" or Programme._meta.db_table not in connections[using].introspection.table_names():
        return
    # This app stands first in the list, so its permissions would otherwise be made after this.
    create_permissions(apps.get_app_config("finops_site"), verbosity=0, using=using)
    upkeep = Q(content_type__model__in=_UPKEEP) & ~Q(codename__in=("add_programme", "delete_programme"))
    group, _ = Group.objects.get_or_create(name=FINOPS_GROUP)
    group.permissions.add(*Permission.objects.filter(upkeep, content_type__app_label="finops_site"))
