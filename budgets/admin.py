"""Upkeep of budgets in the admin. What a budget is for and its periods stay as they were made."""

from datetime import date
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db.models import Model
from django.http import HttpRequest
from simple_history.admin import SimpleHistoryAdmin

from budgets.models import Alert, Budget, Delivery, PlannedAmount, Threshold
from budgets.selectors import unfit_addresses
from budgets.spans import BudgetPeriod
from budgets.terms import Cadence, ScopeKind
from costs.scope import Scope
from tagging import selectors as ownership

if TYPE_CHECKING:
    _Admin = admin.ModelAdmin[Any]
    _Inline = admin.TabularInline[Any, Any]
else:
    _Admin = SimpleHistoryAdmin
    _Inline = admin.TabularInline

FIXED = ("key", "scope_kind", "scope_key", "cadence")


class BudgetAdminForm(forms.ModelForm):  # type: ignore[type-arg]
    """A budget needs a key of what it is for; periods start with the calendar."""

    class Meta:
        model = Budget
        exclude = ()  # noqa: DJ006 - the admin leaves nothing out

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        kind, key = data.get("scope_kind"), (data.get("scope_key") or "").strip()
        if kind == ScopeKind.TOTAL.value and key:
            self.add_error("scope_key", "A budget of all spend has no key.")
        if kind and kind != ScopeKind.TOTAL.value and not key:
            self.add_error("scope_key", "Give the team's key, or the service, region, account or environment.")
        known = {team.key for team in ownership.visible_teams(Scope.all())}
        if kind == ScopeKind.TEAM.value and key and key not in known:
            self.add_error("scope_key", f"There is no team '{key}'.")
        starts_on, cadence = data.get("starts_on"), data.get("cadence") or self.instance.cadence
        if isinstance(starts_on, date) and BudgetPeriod.of(starts_on, Cadence(cadence)).start != starts_on:
            self.add_error("starts_on", "Give the first day of a period.")
        return data


class ThresholdForm(forms.ModelForm):  # type: ignore[type-arg]
    """Recipients are a list of mail addresses of people who may see the budget."""

    class Meta:
        model = Threshold
        exclude = ()  # noqa: DJ006 - the admin leaves nothing out

    def clean_recipients(self) -> list[str]:
        found = self.cleaned_data["recipients"] or []
        if not isinstance(found, list) or not all(isinstance(address, str) for address in found):
            raise ValidationError('Give a list of addresses, like ["ann@example.com"].')
        for address in found:
            validate_email(address)
        return found

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        budget = data.get("budget")
        if isinstance(budget, Budget) and (unfit := unfit_addresses(data.get("recipients") or [], budget)):
            self.add_error("recipients", f"{', '.join(unfit)} cannot open this budget's page.")
        return data


class PlannedInline(_Inline):
    model = PlannedAmount
    extra = 1


class ThresholdInline(_Inline):
    model = Threshold
    form = ThresholdForm
    extra = 1


@admin.register(Budget)
class BudgetAdmin(_Admin):
    form = BudgetAdminForm
    list_display = ("name", "scope_kind", "scope_key", "cadence", "amount", "currency", "metric", "is_active")
    list_filter = ("is_active", "scope_kind", "cadence", "metric")
    search_fields = ("name", "key", "scope_key")
    prepopulated_fields = {"key": ("name",)}
    autocomplete_fields = ("owner",)
    inlines = (ThresholdInline, PlannedInline)

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> tuple[str, ...]:
        """History and alerts belong to what it is for."""
        return FIXED if obj is not None else ()

    def get_prepopulated_fields(self, request: HttpRequest, obj: Model | None = None) -> dict[str, Any]:
        return {} if obj is not None else dict(self.prepopulated_fields)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:  # noqa: FBT001 - Django's signature
        if not change:
            obj.created_by = request.user
        super().save_model(request, obj, form, change)


@admin.register(Threshold)
class ThresholdAdmin(_Admin):
    form = ThresholdForm
    list_display = ("budget", "kind", "percent", "severity", "recipients")
    list_filter = ("kind", "severity")
    list_select_related = ("budget",)
    search_fields = ("budget__name",)
    autocomplete_fields = ("budget",)


class ReadOnlyAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """A record of what happened: nobody adds, changes or removes it."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


@admin.register(Alert)
class AlertAdmin(ReadOnlyAdmin):
    list_display = ("budget", "period_start", "kind", "percent", "severity", "created_at", "acknowledged_at")
    list_filter = ("severity", "kind")
    list_select_related = ("budget",)
    search_fields = ("budget__name", "ref")


@admin.register(Delivery)
class DeliveryAdmin(ReadOnlyAdmin):
    list_display = ("alert", "address", "state", "attempts", "sent_at", "error")
    list_filter = ("state",)
    list_select_related = ("alert",)
    search_fields = ("address", "alert__ref")
