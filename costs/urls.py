"""Addresses of the intake's pages, under /imports/."""

from django.urls import path

from costs import views

app_name = "costs"
urlpatterns = [
    path("", views.imports, name="imports"),
    path("columns/", views.source_columns, name="columns"),
    path("<int:pk>/", views.import_page, name="import"),
    path("<int:pk>/progress/", views.import_progress, name="import_progress"),
]
