"""Suggested tags as JSON and CSV, and what is decided of them."""

from typing import Any

from django.contrib.auth.models import AbstractUser, User
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.parsers import FormParser, JSONParser, MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from costs.api_base import (
    Answer,
    CurrencyText,
    ListView,
    MoneyText,
    PageSerializer,
    Parameters,
    PeriodText,
    ScopedView,
    api_scope,
    body_of,
    text,
)
from costs.errors import InvalidRequestError, NotFoundInScopeError
from costs.pages import current_moment
from costs.scope import Scope
from costs.terms import CostMetric
from tagging import selectors, services
from tagging.access import led_keys
from tagging.api.base import RowSerializer
from tagging.results.suggestions import SuggestionRow

SECTION = "Tags"
BASIS = CostMetric.EFFECTIVE.value
ACTIONS = ("accept", "dismiss", "propose")


class SuggestionRowSerializer(RowSerializer):
    """A tag suggested for a resource that lacks it."""

    ref = serializers.CharField(help_text="What it is decided by.")
    resource_id = serializers.CharField()
    name = serializers.CharField()
    service_name = serializers.CharField()
    sub_account_id = serializers.CharField()
    region_id = serializers.CharField()
    team_key = serializers.CharField(help_text="Empty where nobody owns it.")
    team_name = serializers.CharField()
    key = serializers.CharField()
    value = serializers.CharField()
    confidence = serializers.FloatField(help_text="The share of like cases in which the value was right.")
    evidence = serializers.ListField(child=serializers.CharField())
    monthly_cost = MoneyText()
    state = serializers.CharField(help_text="Empty, or proposed.")


class SuggestionPageSerializer(PageSerializer):
    """Suggested tags, with why there are none where there are none."""

    billing_period = PeriodText(source="period", allow_null=True)
    basis = serializers.CharField()
    currency = CurrencyText()
    other_currencies = serializers.ListField(child=serializers.CharField())
    why_none = serializers.CharField(help_text="Empty where there are some.")
    results = SuggestionRowSerializer(many=True)


class SuggestionList(ListView):
    """Tags that resources of the newest month lack and should probably carry. Staff's are learned from everything,
    yours from your teams' own resources alone. What teams proposed first, then the dearest.
    """

    operation, title, section = "tag_suggestions", "Suggested tags", SECTION
    serializer_class = SuggestionPageSerializer
    parameters = (
        text("key", "Only this key of the policy."),
        text("currency", "One currency; your main one where not given.", pattern="^[A-Za-z]{3}$"),
    )

    def answer(self, scope: Scope, parameters: Parameters, **_: Any) -> Answer:
        found = selectors.suggestions(scope, key=parameters.one("key"), currency=parameters.currency())
        beside = {"basis": BASIS, "currency": found.currency}
        head = {**vars(found), **beside, "why_none": "" if found.rows else found.why_none}
        return Answer(head, found.rows, _order, beside)


class SuggestionDecisionSerializer(serializers.Serializer[Any]):
    """What is decided of which suggestions."""

    action = serializers.CharField(help_text="accept (staff), dismiss, or propose (leads).", max_length=10)
    refs = serializers.ListField(child=serializers.CharField(max_length=40), allow_empty=False, max_length=1000)
    reason = serializers.CharField(required=False, allow_blank=True, default="", max_length=300)


class DecidedSerializer(serializers.Serializer[Any]):
    """How many were decided."""

    count = serializers.IntegerField()


class SuggestionDecision(ScopedView):
    """Accepts suggestions as virtual tags (FinOps staff), dismisses them, or proposes them to FinOps (team leads).
    404 for those of others, and for who may not.
    """

    operation, title, section = "tag_suggestions_decide", "Decide on suggested tags", SECTION
    parser_classes = (JSONParser, FormParser, MultiPartParser)
    serializer_class = DecidedSerializer

    @extend_schema(request=SuggestionDecisionSerializer, responses={200: DecidedSerializer})
    def post(self, request: Request) -> Response:
        self.read_parameters(request)
        scope, user = api_scope(request), request.user
        if not isinstance(user, AbstractUser):
            raise NotFoundInScopeError("Nothing here.")
        asked = body_of(request, SuggestionDecisionSerializer)
        if asked["action"] not in ACTIONS:
            raise InvalidRequestError(f"'{asked['action']}' is no action. Use {', '.join(ACTIONS)}.")
        author = User.objects.get(pk=user.pk)
        chosen = services.chosen_by_ref(asked["refs"], asked["reason"])
        now, led = current_moment(), led_keys(user)
        if asked["action"] == "accept":
            count = services.accept_suggestions(scope, chosen, author=author, now=now)
        elif asked["action"] == "dismiss":
            count = services.dismiss_suggestions(scope, chosen, led=led, author=author, now=now)
        else:
            count = services.propose_suggestions(scope, chosen, led=led, author=author, now=now)
        return Response(DecidedSerializer({"count": count}).data)


def _order(row: SuggestionRow) -> tuple[Any, ...]:
    return (not row.proposed_by, -row.monthly_cost, row.resource_id, row.key, row.ref)
