"""Addresses of accounts and resources, under /estate/."""

from django.urls import path

from finops_site.estate import accounts, resources

app_name = "estate"
urlpatterns = [
    path("accounts/", accounts.accounts, name="accounts"),
    path("account/", accounts.account, name="account"),
    path("account/name/", accounts.rename, name="account_name"),
    path("resources/", resources.resources, name="resources"),
    path("resources/<int:resource_key>/", resources.resource, name="resource"),
]
