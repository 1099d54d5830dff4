"""Budgets made and changed, and alerts taken on, with the rights of the pages."""

from collections.abc import Mapping
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.parsers import JSONParser
from rest_framework.request import Request
from rest_framework.response import Response

from budgets import selectors, services
from budgets.api.reading import AlertRowSerializer, BudgetDetail, BudgetList, BudgetSerializer, alert_cells
from budgets.api.reading import budget_document as document_of
from budgets.evaluation import AlertStep
from budgets.inputs import BudgetInput
from budgets.terms import Cadence, ScopeKind, Severity, ThresholdKind
from costs.api_base import ScopedView, api_scope, body_of
from costs.errors import NotFoundInScopeError
from costs.pages import current_moment
from costs.terms import CostMetric

LEFT_OUT = ("credits", "refunds", "tax")
DIGITS, PLACES = 18, 2
AMOUNT = "The plan of periods without an amount of their own."


def amount_field(**options: Any) -> serializers.DecimalField:
    """Money that comes in: exact text, not below zero."""
    return serializers.DecimalField(max_digits=DIGITS, decimal_places=PLACES, min_value=0, **options)


class StepInputSerializer(serializers.Serializer[Any]):
    """A share of the plan that gives an alert."""

    kind = serializers.ChoiceField(choices=[value.value for value in ThresholdKind], default=ThresholdKind.ACTUAL.value)
    percent = serializers.DecimalField(max_digits=7, decimal_places=2, help_text="Of the plan, above 0.")
    severity = serializers.ChoiceField(choices=[value.value for value in Severity], default=Severity.WARNING.value)
    recipients = serializers.ListField(
        child=serializers.EmailField(), default=list, help_text="Instead of who answers for it."
    )


class PlannedInputSerializer(serializers.Serializer[Any]):
    """Another plan from the period of this day on, until the next."""

    period_start = serializers.DateField()
    amount = amount_field()


class BudgetChangeSerializer(serializers.Serializer[Any]):
    """What of a budget may change. Lists are replaced whole."""

    name = serializers.CharField(max_length=120, required=False)
    amount = amount_field(required=False, help_text=AMOUNT)
    currency = serializers.RegexField("^[A-Z]{3}$", required=False, help_text="USD if left out.")
    basis = serializers.ChoiceField(choices=[value.value for value in CostMetric], required=False)
    left_out = serializers.ListField(
        child=serializers.ChoiceField(choices=LEFT_OUT),
        required=False,
        help_text="Charges the budget does not count; all three if left out.",
    )
    starts_on = serializers.DateField(
        required=False, help_text="A day of the first period that gives alerts; the running one if left out."
    )
    is_active = serializers.BooleanField(required=False)
    owner_username = serializers.CharField(
        required=False, allow_blank=True, max_length=150, help_text="Who answers for it; empty for FinOps staff."
    )
    thresholds = StepInputSerializer(many=True, required=False)
    planned = PlannedInputSerializer(many=True, required=False)


class BudgetInputSerializer(BudgetChangeSerializer):
    """A budget to make. What it is for and its periods cannot be changed later."""

    name = serializers.CharField(max_length=120)
    amount = amount_field(help_text=AMOUNT)
    scope_kind = serializers.ChoiceField(choices=[value.value for value in ScopeKind])
    scope_key = serializers.CharField(
        required=False,
        allow_blank=True,
        max_length=200,
        help_text="The team's key, or the service, region, account or environment; empty for all spend.",
    )
    cadence = serializers.ChoiceField(
        choices=[value.value for value in Cadence], required=False, help_text="monthly if left out."
    )


class AcknowledgeSerializer(serializers.Serializer[Any]):
    """Why, or what is done about it."""

    note = serializers.CharField(required=False, allow_blank=True, max_length=300)


class BudgetCollection(BudgetList):
    __doc__ = BudgetList.__doc__
    parser_classes = (JSONParser,)

    @extend_schema(
        operation_id="budget_create",
        summary="Make a budget",
        description="Makes a budget and evaluates it at once. FinOps staff only.",
        request=BudgetInputSerializer,
        responses={201: BudgetSerializer},
    )
    def post(self, request: Request) -> Response:
        scope = api_scope(request)
        scope.require_everything()
        now = current_moment()
        assert request.user.is_authenticated
        wanted = BudgetInput(**_input_fields(body_of(request, BudgetInputSerializer)))
        key = services.create_budget(wanted, author=request.user, today=now.date())
        services.evaluate_budgets(today=now.date(), now=now, keys=[key])
        return Response(BudgetSerializer(document_of(scope, key)).data, status=status.HTTP_201_CREATED)


class BudgetOne(BudgetDetail):
    __doc__ = BudgetDetail.__doc__
    http_method_names = ["get", "head", "patch"]
    parser_classes = (JSONParser,)

    @extend_schema(
        operation_id="budget_change",
        summary="Change a budget",
        description="Changes the fields given and evaluates the budget at once. What it is for and its periods stay. "
        "FinOps staff only.",
        request=BudgetChangeSerializer,
        responses={200: BudgetSerializer},
    )
    def patch(self, request: Request, budget_key: str) -> Response:
        scope = api_scope(request)
        scope.require_everything()
        now = current_moment()
        changes = _input_fields(body_of(request, BudgetChangeSerializer, may_be_empty=False))
        services.revise_budget(budget_key, changes, today=now.date())
        services.evaluate_budgets(today=now.date(), now=now, keys=[budget_key])
        return Response(BudgetSerializer(document_of(scope, budget_key)).data)


class AlertAcknowledge(ScopedView):
    """Take an alert on, with those told with it. The first to do so stays. For FinOps staff, and for leads the alerts
    of their teams; 404 for anybody else.
    """

    operation, title, section = "alert_acknowledge", "Acknowledge an alert", "Budgets"
    http_method_names = ["post"]
    parser_classes = (JSONParser,)
    serializer_class = AlertRowSerializer

    @extend_schema(request=AcknowledgeSerializer, responses={200: AlertRowSerializer})
    def post(self, request: Request, alert_ref: str) -> Response:
        scope = api_scope(request)
        if not selectors.may_acknowledge(scope, request.user, selectors.alert(scope, alert_ref)):
            raise NotFoundInScopeError("Nothing here.")
        assert request.user.is_authenticated
        note = body_of(request, AcknowledgeSerializer).get("note", "")
        services.acknowledge(alert_ref, user=request.user, now=current_moment(), note=note)
        return Response(AlertRowSerializer(alert_cells(selectors.alert(scope, alert_ref))).data)


def _input_fields(data: Mapping[str, Any]) -> dict[str, Any]:
    """Fields of the API as BudgetInput names and types them; only those given."""
    fields = dict(data)
    for name, kind in (("scope_kind", ScopeKind), ("cadence", Cadence)):
        if name in fields:
            fields[name] = kind(fields[name])
    if "basis" in fields:
        fields["metric"] = CostMetric(fields.pop("basis"))
    if "owner_username" in fields:
        fields["owner"] = fields.pop("owner_username")
    if "left_out" in fields:
        absent = fields.pop("left_out")
        fields |= {f"with_{name}": name not in absent for name in LEFT_OUT}
    if "thresholds" in fields:
        fields["steps"] = tuple(_step(step) for step in fields.pop("thresholds"))
    if "planned" in fields:
        fields["planned"] = tuple((item["period_start"], item["amount"]) for item in fields["planned"])
    return fields


def _step(given: Mapping[str, Any]) -> AlertStep:
    return AlertStep(
        ThresholdKind(given["kind"]), given["percent"], Severity(given["severity"]), tuple(given["recipients"])
    )
