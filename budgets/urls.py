"""Pages of budgets and alerts."""

from django.urls import path

from budgets import views

app_name = "budgets"
urlpatterns = [
    path("budgets/", views.budgets, name="budgets"),
    path("budgets/new/", views.budget_new, name="budget_new"),
    path("budgets/<slug:budget_key>/", views.budget, name="budget"),
    path("budgets/<slug:budget_key>/edit/", views.budget_edit, name="budget_edit"),
    path("alerts/", views.inbox, name="inbox"),
    path("alerts/<slug:alert_ref>/acknowledge/", views.acknowledge, name="acknowledge"),
]
