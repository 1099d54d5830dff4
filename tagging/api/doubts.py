"""Costs a team says are not its own: listed, raised, answered with a rule or with words."""

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
)
from costs.errors import NotFoundInScopeError
from costs.pages import current_moment
from costs.periods import BillingPeriod
from costs.queries import parse_metric
from costs.scope import Scope
from costs.terms import CostMetric
from tagging import services
from tagging.access import may_act_for
from tagging.api.base import OwnershipList
from tagging.selectors.doubts import doubts, rule_proposal
from tagging.selectors.reach import reach
from tagging.terms import RuleKind

SECTION = "Allocation"


class DoubtSerializer(serializers.Serializer[Any]):
    """Costs in doubt."""

    id = serializers.IntegerField(source="pk", help_text="FinOps staff only; 0 for everybody else.")
    billing_period = PeriodText(source="period")
    currency = CurrencyText()
    basis = serializers.CharField(source="metric")
    team_key = serializers.CharField()
    team_name = serializers.CharField()
    rule_text = serializers.CharField(help_text="The rule that decided, as it stood.")
    matched_text = serializers.CharField(help_text="What it matched.")
    filters = serializers.ListField(child=serializers.ListField(child=serializers.CharField()))
    cost = MoneyText()
    text = serializers.CharField()
    belongs_to = serializers.CharField(help_text="Whose it is, in the words of who raised it.")
    state = serializers.CharField(help_text="open, accepted or rejected.")
    raised_by = serializers.CharField()
    raised_at = serializers.DateTimeField()
    answer = serializers.CharField()
    answered_at = serializers.DateTimeField(allow_null=True)


class DoubtPageSerializer(PageSerializer):
    """Costs in doubt."""

    results = DoubtSerializer(many=True)


class NewDoubtSerializer(serializers.Serializer[Any]):
    """Which costs of a team's month, by the rule that decided, and why they are not the team's."""

    team_key = serializers.CharField(max_length=160)
    billing_period = serializers.RegexField(r"^\d{4}-\d{2}$")
    currency = serializers.RegexField("^([A-Za-z]{3})?$", required=False, allow_blank=True, default="")
    basis = serializers.RegexField(f"^({'|'.join(CostMetric)})$", required=False, default=CostMetric.BILLED.value)
    decision = serializers.CharField(max_length=64, help_text="The decision's name, as in the address of its page.")
    service = serializers.CharField(max_length=200, required=False, default="")
    account = serializers.CharField(max_length=255, required=False, default="")
    text = serializers.CharField(max_length=1000)
    belongs_to = serializers.CharField(max_length=160, required=False, allow_blank=True, default="")


class DoubtList(OwnershipList):
    """Costs your teams say are not their own (all for FinOps staff). POST raises one: leads of the team and staff."""

    operation, title, section = "ownership_doubts", "Costs in doubt", SECTION
    serializer_class = DoubtPageSerializer
    parser_classes = (JSONParser, FormParser, MultiPartParser)

    def answer(self, scope: Scope, parameters: Parameters, **_: Any) -> Answer:
        del parameters
        return Answer({}, doubts(scope), lambda row: (row.state != "open", -row.raised_at.timestamp(), row.ref), {})

    @extend_schema(operation_id="ownership_doubt_new", request=NewDoubtSerializer, responses={201: DoubtSerializer})
    def post(self, request: Request) -> Response:
        scope, user, asked = api_scope(request), request.user, body_of(request, NewDoubtSerializer)
        scope.require_team(asked["team_key"])
        if not isinstance(user, AbstractUser) or not may_act_for(user, asked["team_key"]):
            raise NotFoundInScopeError("Nothing here.")
        period = BillingPeriod.parse(asked["billing_period"])
        filters = [(name, asked[name]) for name in ("account", "service") if asked[name]]
        question = services.OwnershipQuestion(
            asked["team_key"],
            period,
            reach(scope, (period,), asked["currency"].upper()).currency,
            parse_metric(asked["basis"]),
            (*filters, ("decision", asked["decision"])),
            asked["text"],
            asked["belongs_to"],
        )
        services.doubt_ownership(scope, question, by=user, now=current_moment())
        made = max(doubts(scope, team_key=asked["team_key"], only_open=True), key=lambda row: row.raised_at)
        return Response(DoubtSerializer(made).data, status=201)


class DoubtAnswerSerializer(serializers.Serializer[Any]):
    """With an owner, a rule over what was doubted gives it to that owner; without, it stays, and `answer` says why."""

    accept = serializers.BooleanField(required=False, default=False)
    owner_key = serializers.CharField(
        max_length=160, required=False, allow_blank=True, default="", help_text="Empty gives the costs to nobody."
    )
    from_period = serializers.RegexField(r"^(\d{4}-\d{2})?$", required=False, allow_blank=True, default="")
    answer = serializers.CharField(max_length=1000, required=False, allow_blank=True, default="")


class DoubtAnswer(ScopedView):
    """Makes a rule of a doubt, or declines it. FinOps staff only."""

    operation, title, section, staff_only = "ownership_doubt_answer", "Answer a doubt", SECTION, True
    parser_classes = (JSONParser, FormParser, MultiPartParser)
    serializer_class = DoubtSerializer

    @extend_schema(request=DoubtAnswerSerializer, responses={200: DoubtSerializer})
    def post(self, request: Request, pk: int) -> Response:
        self.read_parameters(request)
        scope, user, asked = api_scope(request), request.user, body_of(request, DoubtAnswerSerializer)
        assert isinstance(user, AbstractUser)
        if not asked["accept"]:
            services.decline_doubt(pk, answer=asked["answer"], by=user, now=current_moment())
        else:
            proposal, start = rule_proposal(scope, pk), asked["from_period"]
            rule = services.RuleInput(
                RuleKind.CONDITION,
                team_key=asked["owner_key"],
                condition=proposal.condition,
                from_period=BillingPeriod.parse(start) if start else None,
                reason=services.reason_of(proposal.doubt.text, proposal.doubt.raised_by),
            )
            services.accept_doubt(
                pk, rule, before=proposal.before, answer=asked["answer"], by=user, now=current_moment()
            )
        found = next(row for row in doubts(scope) if row.pk == pk)
        return Response(DoubtSerializer(found).data)
