from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig

from finops_site import checks  # noqa: F401 - importing registers them
from tagging.hooks import when_rules_change


class FinopsSiteConfig(AppConfig):
    name = "finops_site"

    def ready(self) -> None:
        """Months in force follow the tags that rules and policy ask for."""
        when_rules_change(read_months_for_new_tags)


class FinopsAdminConfig(AdminConfig):
    default_site = "finops_site.admin_site.FinopsAdminSite"


def read_months_for_new_tags() -> None:
    """Have workers read again what lacks a tag to track."""
    # Tasks need all models, which are not there yet while apps are loaded.
    from finops_site.tasks import enqueue_retracking  # noqa: PLC0415

    enqueue_retracking()
