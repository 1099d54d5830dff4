"""The month close in the admin: account codes to keep, closes to look at. Closing itself is done on its page."""

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest

from tagging.models import AccountCode, Close, Invoice, OwnershipDoubt

if TYPE_CHECKING:
    _Admin = admin.ModelAdmin[Any]
else:
    _Admin = admin.ModelAdmin


class LookOnlyMixin:
    """What was closed is looked at, never edited."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        del request
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        del request, obj
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        del request, obj
        return False


@admin.register(AccountCode)
class AccountCodeAdmin(_Admin):
    list_display = ("kind", "cost_center", "code", "name")
    list_filter = ("kind",)
    search_fields = ("code", "name", "cost_center")


@admin.register(Close)
class CloseAdmin(LookOnlyMixin, _Admin):
    list_display = ("period", "currency", "version", "state", "number_year", "number_in_year", "basis", "closed_at")
    list_filter = ("state", "currency")


@admin.register(Invoice)
class InvoiceAdmin(LookOnlyMixin, _Admin):
    list_display = ("period", "invoice_id", "issuer", "amount", "currency", "entered_by")
    search_fields = ("invoice_id", "issuer")


@admin.register(OwnershipDoubt)
class OwnershipDoubtAdmin(LookOnlyMixin, _Admin):
    list_display = ("period", "team_name", "rule_text", "cost", "currency", "state", "raised_by", "raised_at", "rule")
    list_filter = ("state",)
    search_fields = ("team_key", "rule_text", "matched_text", "text")
