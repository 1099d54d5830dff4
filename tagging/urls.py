"""Addresses of ownership pages, sorted by path."""

from django.urls import path

from tagging.views.explore import explore
from tagging.views.resources import resources

app_name = "tagging"

urlpatterns = [
    path("explore/", explore, name="explore"),
    path("resources/", resources, name="resources"),
]
