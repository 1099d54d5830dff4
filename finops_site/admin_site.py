"""The admin for the FinOps lead: members of the FinOps group enter it without being superusers."""

from django.contrib.admin import AdminSite
from django.http import HttpRequest

from tagging.access import is_finops, is_viewing_as


class FinopsAdminSite(AdminSite):
    site_header = site_title = "FinOps upkeep"
    index_title = "Rules, policy, teams and people"

    def has_permission(self, request: HttpRequest) -> bool:
        """FinOps staff and superusers, except while they look with another user's eyes."""
        user = request.user
        return bool(user.is_active and is_finops(user) and not is_viewing_as(request))
