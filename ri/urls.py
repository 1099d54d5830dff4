"""Addresses of commitments, under /commitments/."""

from django.urls import path

from ri import views

app_name = "ri"
urlpatterns = [
    path("", views.commitments, name="commitments"),
    path("pool/", views.pool_page, name="pool"),
    path("recommend/", views.run, name="run"),
]
