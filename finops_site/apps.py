import logging
from typing import TYPE_CHECKING

from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig
from django.contrib.auth.signals import user_logged_in
from django.db import DatabaseError, transaction
from django.db.models.signals import post_migrate
from django.utils import timezone
from django.utils.module_loading import import_string

from finops_site import checks  # noqa: F401 - importing registers them
from tagging.hooks import when_rules_change

if TYPE_CHECKING:  # models are not there yet while apps are loaded
    from django.contrib.auth.base_user import AbstractBaseUser

logger = logging.getLogger(__name__)


class FinopsSiteConfig(AppConfig):
    name = "finops_site"

    def ready(self) -> None:
        """Months in force follow the tags that rules and policy ask for, findings follow their owners; who signs in
        is counted by month."""
        when_rules_change(read_months_for_new_tags)
        when_rules_change(look_for_findings_of_new_owners)
        user_logged_in.connect(remember_sign_in, dispatch_uid="finops_site.remember_sign_in")
        post_migrate.connect(import_string("finops_site.programme.foundation.lay_foundation"), sender=self)


class FinopsAdminConfig(AdminConfig):
    default_site = "finops_site.admin_site.FinopsAdminSite"


def read_months_for_new_tags() -> None:
    """Have workers read again what lacks a tag to track."""
    # Tasks need all models, which are not there yet while apps are loaded.
    from finops_site.tasks import enqueue_retracking  # noqa: PLC0415

    enqueue_retracking()


def look_for_findings_of_new_owners() -> None:
    """Have a worker look again, because a finding belongs to whoever owns the cost."""
    from finops_site.tasks import enqueue_findings  # noqa: PLC0415

    enqueue_findings()


def remember_sign_in(*, user: "AbstractBaseUser", **_: object) -> None:
    """Keep the month of the sign-in. What goes wrong there must keep nobody out."""
    # Models are not there yet while apps are loaded.
    from finops_site.metrics.keeping import record_sign_in  # noqa: PLC0415

    try:
        with transaction.atomic():
            record_sign_in(user.pk, today=timezone.now().date())  # noqa: TID251 - a signal is an entry point
    except DatabaseError:
        logger.exception("A sign-in could not be counted.")
