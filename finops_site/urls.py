"""Every address of the site."""

from allauth.account import views as account
from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path, re_path

from finops_site import dashboards, sources, uploads

# What of allauth is used: nobody signs up, addresses are kept by the FinOps lead.
accounts: list[URLPattern | URLResolver] = [
    path("login/", account.login, name="account_login"),
    path("logout/", account.logout, name="account_logout"),
    path("inactive/", account.account_inactive, name="account_inactive"),
    path("reauthenticate/", account.reauthenticate, name="account_reauthenticate"),
    path("password/change/", account.password_change, name="account_change_password"),
    path("password/reset/", account.password_reset, name="account_reset_password"),
    path("password/reset/done/", account.password_reset_done, name="account_reset_password_done"),
    re_path(
        r"^password/reset/key/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)/$",
        account.password_reset_from_key,
        name="account_reset_password_from_key",
    ),
    path("password/reset/key/done/", account.password_reset_from_key_done, name="account_reset_password_from_key_done"),
]

urlpatterns: list[URLPattern | URLResolver] = [
    path("", dashboards.home, name="home"),
    path("overview/", dashboards.overview, name="overview"),
    path("teams/<slug:team_key>/", dashboards.team, name="team"),
    path("accounts/", include(accounts)),
    path("admin/", admin.site.urls),
    path("api/v1/", include("finops_site.api_urls")),
    path("programme/", include("finops_site.programme.urls")),
    path("estate/", include("finops_site.estate.urls")),
    path("imports/upload/", uploads.upload, name="upload"),
    path("imports/<int:pk>/retry/", uploads.retry_import, name="retry_import"),
    path("imports/sources/new/", sources.source_new, name="source_new"),
    path("imports/sources/<slug:source>/edit/", sources.source_edit, name="source_edit"),
    path("imports/sources/<slug:source>/look/", sources.look_now, name="source_look"),
    path("imports/sources/<slug:source>/months/", sources.import_months, name="source_months"),
    path("imports/sources/<slug:source>/active/", sources.set_active, name="source_active"),
    path("imports/deliveries/<int:pk>/retry/", sources.retry_delivery, name="retry_delivery"),
    path("imports/", include("costs.urls")),
    path("", include("budgets.urls")),
    path("commitments/", include("ri.urls")),
    path("", include("tagging.urls")),
]
