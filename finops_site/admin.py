"""Upkeep of the programme in the admin, with the history of every change."""

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest
from simple_history.admin import SimpleHistoryAdmin

from finops_site.models import PlanStep, Programme, Risk, SavingClaim, Scenario, Target
from finops_site.programme.forms import ClaimForm, RiskForm, ScenarioForm, StepForm, TargetForm

if TYPE_CHECKING:
    _Admin = admin.ModelAdmin[Any]
else:
    _Admin = SimpleHistoryAdmin


@admin.register(Programme)
class ProgrammeAdmin(_Admin):
    """There is one programme; it is started on its page."""

    list_display = ("name", "starts_on", "investment", "currency", "discount_rate")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


class PartAdmin(_Admin):
    """A part of the one programme."""

    exclude = ("programme",)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:  # noqa: FBT001 - Django's signature
        if not change:
            obj.programme = Programme.objects.get()
        super().save_model(request, obj, form, change)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return super().has_add_permission(request) and Programme.objects.exists()


@admin.register(Scenario)
class ScenarioAdmin(PartAdmin):
    form = ScenarioForm
    list_display = ("name", "annual_saving", "basis")


@admin.register(PlanStep)
class PlanStepAdmin(PartAdmin):
    form = StepForm
    list_display = ("title", "phase", "due_offset_days", "owner", "metric", "comparator", "threshold", "is_gate")
    list_filter = ("phase", "is_gate")


@admin.register(Target)
class TargetAdmin(PartAdmin):
    form = TargetForm
    list_display = ("metric", "month_number", "value", "note")


@admin.register(Risk)
class RiskAdmin(PartAdmin):
    form = RiskForm
    list_display = ("title", "probability", "impact_amount", "owner", "state")
    list_filter = ("state",)


@admin.register(SavingClaim)
class SavingClaimAdmin(PartAdmin):
    form = ClaimForm
    list_display = ("source", "claimed_amount", "basis")
