"""Findings as JSON and CSV, and what is decided of them."""

from typing import Any

from django.contrib.auth.models import AbstractUser
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.parsers import FormParser, JSONParser, MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from costs.api_base import (
    Answer,
    CurrencyText,
    DocumentView,
    ListView,
    MoneyText,
    PageSerializer,
    Parameters,
    PeriodText,
    ScopedView,
    api_scope,
    body_of,
    choice,
    text,
)
from costs.errors import NotFoundInScopeError
from costs.pages import current_moment
from costs.scope import Scope
from costs.terms import CostMetric, FindingKind
from tagging import selectors, services
from tagging.access import may_act_for
from tagging.results import FindingDetail, FindingRow
from tagging.terms import FindingState

SECTION = "Findings"
BASIS = {"basis": CostMetric.EFFECTIVE.value}


class EvidenceSerializer(serializers.Serializer[Any]):
    """A piece of evidence in words."""

    label = serializers.CharField()  # type: ignore[assignment]
    text = serializers.CharField()


class FindingRowSerializer(serializers.Serializer[Any]):
    """One owner's part of one resource's cost that is spent on nothing, a month."""

    ref = serializers.CharField()
    kind = serializers.CharField(help_text=", ".join(FindingKind))
    title = serializers.CharField()
    resource_id = serializers.CharField()
    resource_name = serializers.CharField()
    service_name = serializers.CharField()
    sub_account_id = serializers.CharField()
    region_id = serializers.CharField()
    owner_key = serializers.CharField(help_text="The team; empty where nobody owns it.")
    owner_label = serializers.CharField()
    reason = serializers.CharField()
    evidence = EvidenceSerializer(many=True)
    measured_period = PeriodText(help_text="The month it was measured in.")
    monthly_cost = MoneyText()
    monthly_saving = MoneyText()
    state = serializers.CharField(help_text=", ".join(FindingState))
    dismissed_until = serializers.DateField(allow_null=True)
    note = serializers.CharField()
    changed_by = serializers.CharField(help_text="Empty where the product did it itself.")
    first_seen_on = serializers.DateField()
    last_seen_on = serializers.DateField()
    done_on = serializers.DateField(allow_null=True)
    verified_saving = MoneyText(help_text="Measured from later bills, over all months since it was done.")
    basis = serializers.CharField(help_text="The cost basis of the figures.")
    currency = CurrencyText()


class KindTotalSerializer(serializers.Serializer[Any]):
    """Open and accepted findings of one kind."""

    kind = serializers.CharField(help_text=", ".join(FindingKind))
    title = serializers.CharField()
    count = serializers.IntegerField()
    monthly_cost = MoneyText()
    monthly_saving = MoneyText()


class FindingPageSerializer(PageSerializer):
    """Findings you may see. Totals count the open and accepted ones among them."""

    basis = serializers.CharField(help_text="The cost basis of every figure.")
    currency = CurrencyText()
    other_currencies = serializers.ListField(
        child=serializers.CharField(), help_text="Currencies that have findings too; ask for each apart."
    )
    total_monthly_cost = MoneyText()
    total_monthly_saving = MoneyText(help_text="A resource counts once, for one kind: savings add up.")
    verified_saving = MoneyText()
    by_kind = KindTotalSerializer(many=True)
    results = FindingRowSerializer(many=True)


class FindingList(ListView):
    """Money spent on nothing: stopped instances that still cost, idle ones, unused commitments, rates far above
    list, dear storage. All for staff, those of your teams' own costs for you. Largest saving first.
    """

    operation, title, section = "findings", "Findings", SECTION
    serializer_class = FindingPageSerializer
    parameters = (
        choice("kind", FindingKind, "Only this kind."),
        choice("state", FindingState, "Only those in this state."),
        text("team", "Only this team's; `(none)` is what nobody owns."),
        text("search", "Only findings with this text in id, name or reason."),
        text("currency", "One currency; your main one where not given.", pattern="^[A-Za-z]{3}$"),
    )

    def answer(self, scope: Scope, parameters: Parameters, **_: Any) -> Answer:
        kind, state = parameters.chosen("kind", FindingKind, ""), parameters.chosen("state", FindingState, "")
        found = selectors.findings(
            scope,
            kinds=[FindingKind(kind)] if kind else [],
            states=[FindingState(state)] if state else [],
            team=parameters.one("team"),
            search=parameters.one("search"),
            currency=parameters.currency(),
        )
        kinds = [{**vars(total), "kind": total.kind.value, "title": total.title} for total in found.by_kind]
        rows = [finding_cells(row) for row in found.rows]
        head = {**vars(found), **BASIS, "by_kind": kinds}
        return Answer(head, rows, lambda row: (-row["monthly_saving"], row["resource_id"], row["ref"]))


class EventSerializer(serializers.Serializer[Any]):
    """A change of state. `by` is empty where the product did it itself."""

    at = serializers.DateTimeField()
    state = serializers.CharField()
    by = serializers.CharField()
    note = serializers.CharField()
    dismissed_until = serializers.DateField(allow_null=True)


class VerifiedMonthSerializer(serializers.Serializer[Any]):
    """A month after it was done. Of one that is not full, the baseline is that of the days covered."""

    billing_period = PeriodText(source="period")
    covered_days = serializers.IntegerField()
    is_full = serializers.BooleanField()
    baseline_cost = MoneyText()
    actual_cost = MoneyText()
    saving = MoneyText()


class FindingDetailSerializer(FindingRowSerializer):
    """A finding with its events and what it saved, month by month."""

    baseline_cost = MoneyText(help_text="A month of everything that is looked at again to verify the saving.")
    resource_ids = serializers.ListField(child=serializers.CharField(), help_text="With what is attached to it.")
    events = EventSerializer(many=True)
    months = VerifiedMonthSerializer(many=True)


class FindingOne(DocumentView):
    """One finding. 404 for one of another team and for none."""

    operation, title, section = "finding", "One finding", SECTION
    serializer_class = FindingDetailSerializer

    def document(self, scope: Scope, parameters: Parameters, **kwargs: Any) -> Any:
        del parameters
        return detail_cells(selectors.finding(scope, kwargs["finding_ref"]))


# A pattern, not an enum: in the schema these share a name, and imports have a state with other values.
@extend_schema_field({"type": "string", "pattern": f"^({'|'.join(FindingState)})$"})
class StateField(serializers.ChoiceField):
    """A state by its name."""


class DecisionSerializer(serializers.Serializer[Any]):
    """What is decided."""

    state = StateField(choices=[state.value for state in FindingState])
    until = serializers.DateField(
        required=False, allow_null=True, default=None, help_text="The day a dismissed one opens again."
    )
    note = serializers.CharField(
        required=False, allow_blank=True, default="", max_length=500, help_text="A dismissal needs one."
    )


class FindingDecision(ScopedView):
    """Accepts, dismisses until a day, marks done, or opens again. For FinOps staff and leads of the owning team;
    404 for everybody else.
    """

    operation, title, section = "finding_state", "Decide on a finding", SECTION
    parser_classes = (JSONParser, FormParser, MultiPartParser)
    serializer_class = FindingDetailSerializer

    @extend_schema(request=DecisionSerializer, responses={200: FindingDetailSerializer})
    def post(self, request: Request, finding_ref: str) -> Response:
        self.read_parameters(request)
        scope = api_scope(request)
        row = selectors.finding(scope, finding_ref).row
        user = request.user
        if not isinstance(user, AbstractUser) or not may_act_for(user, row.owner_key):
            raise NotFoundInScopeError("Nothing here.")
        asked = body_of(request, DecisionSerializer)
        decision = services.Decision(FindingState(asked["state"]), asked["note"], asked["until"])
        services.change_finding(finding_ref, decision, user=user, now=current_moment())
        return Response(FindingDetailSerializer(detail_cells(selectors.finding(scope, finding_ref))).data)


def finding_cells(row: FindingRow) -> dict[str, Any]:
    """A finding as the API writes it."""
    return {
        **vars(row),
        **BASIS,
        "kind": row.kind.value,
        "title": row.title,
        "state": row.state.value,
        "measured_period": row.period,
        "evidence": [{"label": label, "text": said} for label, said in row.evidence],
    }


def detail_cells(found: FindingDetail) -> dict[str, Any]:
    """A finding with events and months as the API writes it."""
    return {**vars(found), **finding_cells(found.row)}
