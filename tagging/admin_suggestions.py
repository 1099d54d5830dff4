"""Suggested and virtual tags in the admin, to look at with their history. They are decided and ended on their pages."""

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from simple_history.admin import SimpleHistoryAdmin

from tagging.admin_closes import LookOnlyMixin
from tagging.models import SuggestionChoice, SuggestionCount, TagSuggestion, VirtualTag

if TYPE_CHECKING:
    _Admin = admin.ModelAdmin[Any]
    _WithHistory = admin.ModelAdmin[Any]
else:
    _Admin = admin.ModelAdmin
    _WithHistory = SimpleHistoryAdmin


@admin.register(TagSuggestion)
class TagSuggestionAdmin(LookOnlyMixin, _Admin):
    list_display = ("resource_id", "tag_key", "value", "audience", "confidence", "monthly_cost", "currency", "period")
    list_filter = ("tag_key", "audience", "currency")
    search_fields = ("resource_id", "name", "value")


@admin.register(SuggestionCount)
class SuggestionCountAdmin(LookOnlyMixin, _Admin):
    list_display = ("tag_key", "audience", "known", "lacking", "suggested", "currency", "period", "made_at")
    list_filter = ("tag_key", "currency")


@admin.register(SuggestionChoice)
class SuggestionChoiceAdmin(LookOnlyMixin, _WithHistory):
    list_display = ("resource_id", "tag_key", "value", "state", "audience", "author", "decided_at", "reason")
    list_filter = ("state", "tag_key", "audience")
    list_select_related = ("author",)
    search_fields = ("resource_id", "value", "reason")


@admin.register(VirtualTag)
class VirtualTagAdmin(LookOnlyMixin, _WithHistory):
    list_display = ("resource_id", "tag_key", "value", "from_period", "to_period", "origin", "author", "created_at")
    list_filter = ("tag_key", "origin")
    list_select_related = ("author",)
    search_fields = ("resource_id", "value", "reason")
