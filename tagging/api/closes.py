"""Months that close: their versions, figures, steps, corrections and disputes."""

from typing import Any

from django.contrib.auth.models import AbstractUser
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.parsers import FormParser, JSONParser, MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from costs.api_base import (
    Answer,
    CurrencyText,
    MoneyText,
    PageSerializer,
    Parameters,
    PeriodText,
    ScopedView,
    api_scope,
    body_of,
    text,
)
from costs.errors import NotFoundInScopeError
from costs.pages import current_moment
from costs.periods import BillingPeriod
from costs.queries import parse_metric
from costs.scope import Scope
from costs.terms import CostMetric
from tagging import services
from tagging.access import may_act_for
from tagging.api.base import BASIS, CURRENCY, CURRENCY_STATES, VERSION, OwnershipDocument, OwnershipList
from tagging.selectors.close_list import close_list
from tagging.selectors.closed_currencies import month_currencies
from tagging.selectors.disputes import disputes
from tagging.selectors.month_end_view import adjustments, month_end
from tagging.selectors.versions import parse_version

SECTION = "Month close"
# A pattern, not an enum: in the schema enums of the same values would have to share a name.
BASIS_PATTERN = f"^({'|'.join(CostMetric)})?$"
CHARGED_BASIS = text("basis", "The cost basis of every figure; the one charged where not given.", pattern=BASIS_PATTERN)
NOT_BOOKED = "Null on a basis the month was not charged on."


class CloseRowSerializer(serializers.Serializer[Any]):
    """One version of a month's close."""

    billing_period = PeriodText(source="period")
    currency = CurrencyText()
    version = serializers.IntegerField()
    state = serializers.CharField(help_text="closed, final or reopened.")
    number = serializers.CharField(help_text="Empty until it is final.")
    basis = serializers.CharField(help_text="What is charged.")
    bill_version = serializers.CharField()
    hash = serializers.CharField(help_text="SHA-256 over its lines.")
    closed_at = serializers.DateTimeField()


class ClosePageSerializer(PageSerializer):
    """Every version of every month's close."""

    results = CloseRowSerializer(many=True)


class CloseList(OwnershipList):
    """Every version of every month that was closed, newest month first. FinOps staff only."""

    operation, title, section, staff_only = "closes", "Closed months", SECTION, True
    serializer_class = ClosePageSerializer

    def answer(self, scope: Scope, parameters: Parameters, **_: Any) -> Answer:
        del parameters
        rows = close_list(scope)
        return Answer({}, rows, lambda row: (-row.period.start.toordinal(), row.currency, -row.version), {})


class MonthEndRowSerializer(serializers.Serializer[Any]):
    """One document of the month."""

    owner_kind = serializers.CharField()
    owner_key = serializers.CharField()
    owner = serializers.CharField()
    cost_center = serializers.CharField()
    number = serializers.CharField()
    direct_cost = MoneyText()
    shared_cost = MoneyText()
    adjustment_cost = MoneyText()
    total_cost = MoneyText()
    booked = MoneyText(
        allow_null=True, help_text=f"In cents; those of all documents and the unallocated sum to the bill. {NOT_BOOKED}"
    )


class ObstacleSerializer(serializers.Serializer[Any]):
    """What stands in the way of closing."""

    code = serializers.CharField()
    text = serializers.CharField()
    may_be_forced = serializers.BooleanField()


class CloseEventSerializer(serializers.Serializer[Any]):
    """Who did what, when and why."""

    what = serializers.CharField()
    version = serializers.IntegerField()
    by = serializers.CharField()
    reason = serializers.CharField()
    at = serializers.DateTimeField()


class MonthEndSerializer(serializers.Serializer[Any]):
    """A month as it is closed, or as it would close now. Σ rows + unallocated = bill + carried in."""

    billing_period = PeriodText(source="period")
    currency = CurrencyText()
    basis = serializers.CharField(source="metric.value")
    state = serializers.CharField(help_text="open, closed, final; reopened of a version that counts no more.")
    version = serializers.IntegerField()
    superseded = serializers.CharField(help_text="Of a version that was reopened: when, why, what replaced it.")
    number = serializers.CharField(help_text="Empty until it is final, and on a basis the month was not charged on.")
    charged_basis = serializers.CharField(help_text="What the month was closed on; empty while it is open.")
    currency_states = serializers.DictField(child=serializers.CharField(), help_text=CURRENCY_STATES)
    bill_version = serializers.CharField()
    hash = serializers.CharField()
    bill_total = MoneyText()
    carried_in = MoneyText()
    pending_adjustment = MoneyText()
    unallocated_cost = MoneyText()
    unallocated_booked = MoneyText(allow_null=True, help_text=NOT_BOOKED)
    difference = MoneyText()
    booked_total = MoneyText(allow_null=True, help_text=NOT_BOOKED)
    booked_difference = MoneyText(allow_null=True, help_text=NOT_BOOKED)
    open_disputes = serializers.IntegerField()
    obstacles = ObstacleSerializer(many=True)
    warnings = serializers.ListField(child=serializers.CharField())
    events = CloseEventSerializer(many=True)
    rules = serializers.ListField(child=serializers.CharField())
    rows = MonthEndRowSerializer(many=True)


class CloseOne(OwnershipDocument):
    """One month as it is closed, or as it would close now. FinOps staff only."""

    operation, title, section, staff_only = "close", "A month's close", SECTION, True
    serializer_class = MonthEndSerializer
    parameters = (CHARGED_BASIS, CURRENCY, VERSION)

    def state(self, request: Request) -> str:
        """What stands in the way depends on the day and the queue: the answer itself is compared."""
        del request
        return ""

    def document(self, scope: Scope, parameters: Parameters, **kwargs: Any) -> Any:
        metric = parameters.read("basis", parse_metric, CostMetric.BILLED) if parameters.one("basis") else None
        period = BillingPeriod.parse(kwargs["period"])
        version = parameters.read("version", parse_version, None)
        return _month_end(scope, period, metric, parameters.currency(), version)


class CloseStepSerializer(serializers.Serializer[Any]):
    """A step of the close."""

    reason = serializers.CharField(required=False, allow_blank=True, default="", max_length=1000)
    force = serializers.BooleanField(
        required=False, default=False, help_text="Overrules some obstacles; needs a reason."
    )
    basis = serializers.RegexField(
        BASIS_PATTERN, required=False, default=CostMetric.BILLED.value, help_text="What is charged, when closing."
    )
    currency = serializers.RegexField("^([A-Za-z]{3})?$", required=False, allow_blank=True, default="")


class CloseStepOne(ScopedView):
    """Closes the month, makes it final, or reopens it (with a reason). FinOps staff only."""

    operation, title, section, staff_only = "close_step", "Close, make final, reopen", SECTION, True
    parser_classes = (JSONParser, FormParser, MultiPartParser)
    serializer_class = MonthEndSerializer

    @extend_schema(request=CloseStepSerializer, responses={200: MonthEndSerializer})
    def post(self, request: Request, period: str, step: str) -> Response:
        self.read_parameters(request)
        if step not in ("close", "final", "reopen"):
            raise NotFoundInScopeError("Nothing here.")
        month = BillingPeriod.parse(period)
        asked = body_of(request, CloseStepSerializer)
        assert isinstance(request.user, AbstractUser)
        who = request.user.get_full_name() or request.user.get_username()
        taken = services.CloseStep(who, current_moment(), asked["reason"], force=asked["force"])
        currency = asked["currency"].upper()
        if step == "close":
            metric = parse_metric(asked["basis"] or CostMetric.BILLED.value)
            services.close_month(month, taken, metric=metric, currency=currency)
        elif step == "final":
            services.finalise_month(month, taken, currency=currency)
        else:
            services.reopen_month(month, taken, currency=currency)
        return Response(MonthEndSerializer(_month_end(api_scope(request), month, None, currency)).data)


class AdjustmentSerializer(serializers.Serializer[Any]):
    """A correction of a closed month's line."""

    origin = serializers.CharField(help_text="The month it corrects.")
    origin_version = serializers.IntegerField()
    to = serializers.CharField(help_text="The month that carries it; empty while it waits.")
    owner = serializers.CharField()
    kind = serializers.CharField()
    service_name = serializers.CharField()
    sub_account_id = serializers.CharField()
    charge_category = serializers.CharField()
    cost = MoneyText()
    basis = serializers.CharField()


class AdjustmentPageSerializer(PageSerializer):
    """Corrections, carried and waiting."""

    results = AdjustmentSerializer(many=True)


class AdjustmentList(OwnershipList):
    """What later bills made of closed months, line by line: carried, or waiting for the next close. Staff only."""

    operation, title, section, staff_only = "adjustments", "Adjustments", SECTION, True
    serializer_class = AdjustmentPageSerializer
    parameters = (BASIS, CURRENCY)

    def answer(self, scope: Scope, parameters: Parameters, **_: Any) -> Answer:
        metric = parameters.read("basis", parse_metric, CostMetric.BILLED)
        rows = adjustments(scope, metric=metric, currency=parameters.currency())
        return Answer({}, rows, lambda row: tuple(str(value) for value in vars(row).values()), {"basis": metric.value})


class DisputeSerializer(serializers.Serializer[Any]):
    """A line in dispute."""

    id = serializers.IntegerField(source="pk", help_text="FinOps staff only; 0 for everybody else.")
    line_ref = serializers.CharField(source="ref")
    billing_period = PeriodText(source="period")
    currency = CurrencyText()
    version = serializers.IntegerField(help_text="The version of the month it was raised on.")
    standing = serializers.CharField(help_text="Where that version was reopened: what became of the line; else empty.")
    team_key = serializers.CharField()
    team_name = serializers.CharField()
    line = serializers.CharField()
    cost = MoneyText()
    state = serializers.CharField(help_text="open, accepted or rejected.")
    text = serializers.CharField()
    raised_by = serializers.CharField()
    raised_at = serializers.DateTimeField()
    answer = serializers.CharField()
    answered_at = serializers.DateTimeField(allow_null=True)


class DisputePageSerializer(PageSerializer):
    """Disputes."""

    results = DisputeSerializer(many=True)


class NewDisputeSerializer(serializers.Serializer[Any]):
    """Which line, and what is wrong with it."""

    team_key = serializers.CharField(max_length=160)
    billing_period = serializers.RegexField(r"^\d{4}-\d{2}$")
    currency = serializers.RegexField("^[A-Za-z]{3}$", required=False, default="USD")
    line_ref = serializers.CharField(max_length=64)
    text = serializers.CharField(max_length=1000)


class DisputeList(OwnershipList):
    """Disputes of your teams' statements (all for FinOps staff). POST raises one: leads of the team and staff."""

    operation, title, section = "disputes", "Disputes", SECTION
    serializer_class = DisputePageSerializer
    parser_classes = (JSONParser, FormParser, MultiPartParser)

    def answer(self, scope: Scope, parameters: Parameters, **_: Any) -> Answer:
        del parameters
        return Answer({}, disputes(scope), lambda row: (row.state != "open", -row.raised_at.timestamp(), row.ref), {})

    @extend_schema(operation_id="dispute_new", request=NewDisputeSerializer, responses={201: DisputeSerializer})
    def post(self, request: Request) -> Response:
        scope, user = api_scope(request), request.user
        asked = body_of(request, NewDisputeSerializer)
        scope.require_team(asked["team_key"])
        if not isinstance(user, AbstractUser) or not may_act_for(user, asked["team_key"]):
            raise NotFoundInScopeError("Nothing here.")
        period = BillingPeriod.parse(asked["billing_period"])
        currency = asked["currency"].upper()
        doubt = services.Doubt(asked["team_key"], period, currency, asked["line_ref"], asked["text"])
        services.raise_dispute(scope, doubt, by=user, now=current_moment())
        rows = disputes(scope, period=period, currency=currency, team_key=asked["team_key"], only_open=True)
        made = next(row for row in rows if row.ref == asked["line_ref"])
        return Response(DisputeSerializer(made).data, status=201)


class AnswerSerializer(serializers.Serializer[Any]):
    """The FinOps lead's answer."""

    answer = serializers.CharField(max_length=1000)
    accept = serializers.BooleanField(required=False, default=False)


class DisputeAnswer(ScopedView):
    """Accepts or rejects a dispute. FinOps staff only."""

    operation, title, section, staff_only = "dispute_answer", "Answer a dispute", SECTION, True
    parser_classes = (JSONParser, FormParser, MultiPartParser)
    serializer_class = DisputeSerializer

    @extend_schema(request=AnswerSerializer, responses={200: DisputeSerializer})
    def post(self, request: Request, pk: int) -> Response:
        self.read_parameters(request)
        asked = body_of(request, AnswerSerializer)
        assert isinstance(request.user, AbstractUser)
        services.answer_dispute(
            pk, accept=asked["accept"], answer=asked["answer"], by=request.user, now=current_moment()
        )
        found = next(row for row in disputes(api_scope(request)) if row.pk == pk)
        return Response(DisputeSerializer(found).data)


def _month_end(
    scope: Scope, period: BillingPeriod, metric: CostMetric | None, currency: str, version: int | None = None
) -> dict[str, Any]:
    """What MonthEndSerializer takes."""
    today = current_moment().date()
    found = month_end(scope, period, today=today, metric=metric, currency=currency, version=version)
    return {**vars(found), "currency_states": month_currencies(scope, period, found.currency).states}
