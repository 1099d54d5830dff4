from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig

from finops_site import checks  # noqa: F401 - importing registers them


class FinopsSiteConfig(AppConfig):
    name = "finops_site"


class FinopsAdminConfig(AdminConfig):
    default_site = "finops_site.admin_site.FinopsAdminSite"
