"""Addresses of the intake's pages, under /imports/."""

from django.urls import path

from costs import views

app_name = "costs"
urlpatterns = [
    path("", views.imports, name="imports"),
    path("cost-explorer/", views.cost_explorer, name="cost_explorer"),
    path("columns/", views.source_columns, name="columns"),
    path("sources/", views.sources, name="sources"),
    path("sources/<slug:source>/", views.source_page, name="source"),
    path("bills/<slug:source>/<str:period>/", views.bill_page, name="bill"),
    path("bills/<slug:source>/<str:period>/lines/", views.bill_lines, name="bill_lines"),
    path("<int:pk>/", views.import_page, name="import"),
    path("<int:pk>/cancel/", views.import_cancel, name="import_cancel"),
    path("<int:pk>/progress/", views.import_progress, name="import_progress"),
]
