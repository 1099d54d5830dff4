from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig

from finops_site import checks  # noqa: F401 - importing registers them


class FinopsSiteConfig(AppConfig):
    name = "finops_site"

    def ready(self) -> None:
        """Months in force follow the tags that rules and policy ask for."""
        # Neither may be imported before all models are.
        from finops_site.tasks import enqueue_retracking  # noqa: PLC0415
        from tagging.services import when_rules_change  # noqa: PLC0415

        when_rules_change(enqueue_retracking)


class FinopsAdminConfig(AdminConfig):
    default_site = "finops_site.admin_site.FinopsAdminSite"
