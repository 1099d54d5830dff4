"""Addresses of the programme, under /programme/."""

from django.urls import path

from finops_site.programme import views

urlpatterns = [
    path("", views.plan, name="programme"),
    path("start/", views.start, name="programme_start"),
    path("business-case/", views.business_case, name="programme_case"),
    path("business-case/save/", views.save_assumptions, name="programme_assumptions"),
    path("risks/", views.risks, name="programme_risks"),
    path("savings/", views.savings, name="programme_savings"),
    path("edit/", views.settings, name="programme_settings"),
    path("edit/<slug:kind>/new/", views.part_new, name="programme_part_new"),
    path("edit/<slug:kind>/<int:pk>/", views.part_edit, name="programme_part"),
    path("edit/<slug:kind>/<int:pk>/remove/", views.part_remove, name="programme_part_remove"),
]
