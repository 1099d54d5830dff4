"""The tag policy, what it finds on resources, and compliance over time."""

from collections.abc import Sequence
from typing import Any

from rest_framework import serializers
from rest_framework.request import Request

from costs.api_base import (
    Answer,
    CurrencyText,
    ListView,
    MoneyText,
    PageSerializer,
    Parameters,
    PeriodText,
    RatioNumber,
    choice,
    text,
)
from costs.scope import Scope
from costs.terms import CostMetric
from tagging import selectors
from tagging.api.base import CURRENCY, TAG_MONTH, OwnershipList, RowSerializer, month_of
from tagging.selectors import PolicyRow
from tagging.terms import TagProblem, ValueKind, ValueMatch

SECTION = "Tags"
PLACES = ("team", "service", "region", "account", "environment")


class AllowedValueSerializer(serializers.Serializer[Any]):
    """An allowed value, with other spellings of it."""

    value = serializers.CharField()
    match = serializers.ChoiceField(choices=[match.value for match in ValueMatch])
    aliases = serializers.ListField(child=serializers.CharField())


class PolicyKeySerializer(serializers.Serializer[Any]):
    """A key of the policy."""

    key = serializers.CharField()
    aliases = serializers.ListField(child=serializers.CharField())
    is_required = serializers.BooleanField()
    is_tracked = serializers.BooleanField()
    value_kind = serializers.ChoiceField(choices=[kind.value for kind in ValueKind])
    allowed_values = AllowedValueSerializer(many=True, help_text="Empty: any text that is not empty.")
    is_key_exact = serializers.BooleanField(help_text="Another letter case of the key breaks the policy.")
    is_value_exact = serializers.BooleanField(help_text="Another letter case of a value breaks the policy.")
    resource_types = serializers.ListField(child=serializers.CharField(), help_text="Empty: all.")
    applies_to = serializers.CharField(help_text="In words.")
    from_period = PeriodText(allow_null=True)
    to_period = PeriodText(allow_null=True, help_text="The first month it no longer holds.")


class PolicyPageSerializer(PageSerializer):
    """The tag policy, in order."""

    results = PolicyKeySerializer(many=True)


class TagPolicyList(OwnershipList):
    """The keys a resource has to carry, and what their values may be."""

    operation, title, section = "tag_policy", "Tag policy", SECTION
    serializer_class = PolicyPageSerializer
    parameters = ()

    def answer(self, scope: Scope, parameters: Parameters, **_: Any) -> Answer:
        del parameters
        rows = [{**_policy_cells(row), "place": place} for place, row in enumerate(selectors.policy_rows(scope))]
        return Answer({}, rows, lambda row: (row["place"],))


class TagFindingSerializer(RowSerializer):
    """One key on one resource."""

    resource_id = serializers.CharField()
    name = serializers.CharField()
    service_name = serializers.CharField()
    sub_account_id = serializers.CharField()
    region_id = serializers.CharField()
    team_key = serializers.CharField(help_text="Empty where nobody owns it.")
    team_name = serializers.CharField()
    key = serializers.CharField(help_text="The policy's key.")
    problem = serializers.ChoiceField(choices=[problem.value for problem in TagProblem])
    spelling = serializers.CharField(help_text="How the key is written there, where that is known and differs.")
    value = serializers.CharField(help_text="The value found.")
    wanted = serializers.CharField(help_text="The value to set; empty where nobody but its owner can know it.")
    why = serializers.CharField()
    breaks = serializers.BooleanField(help_text="Whether it makes the resource non-compliant.")
    announced_on = serializers.DateField(allow_null=True, help_text="Told or exported on; still open since.")
    cost = MoneyText(help_text="Of the whole resource.")


class ProblemTotalSerializer(serializers.Serializer[Any]):
    """One kind of finding over the whole month."""

    problem = serializers.CharField(source="problem.value")
    findings = serializers.IntegerField()
    resources = serializers.IntegerField()
    breaking = serializers.IntegerField()
    cost = MoneyText(help_text="Of these resources, each once.")


class TagFindingPageSerializer(PageSerializer):
    """Findings of tags in a month."""

    billing_period = PeriodText(source="period")
    basis = serializers.CharField()
    currency = CurrencyText()
    totals = ProblemTotalSerializer(many=True, help_text="Whatever `problem` asks for.")
    results = TagFindingSerializer(many=True)


class NotCached:
    """Announcements and snapshots are no part of what answers to staff are cached by."""

    def state(self, request: Request) -> str:
        del request
        return ""


class TagFindingList(NotCached, ListView):
    """What is wrong with the tags of a month's resources, key by key, with the value meant where it can be known.
    Dearest resource first.
    """

    operation, title, section = "tag_findings", "Findings of tags", SECTION
    serializer_class = TagFindingPageSerializer
    parameters = (
        *TAG_MONTH,
        choice("problem", TagProblem, "Only this kind."),
        choice("breaks", ("yes", "no"), "Only what makes a resource non-compliant, or only what does not."),
        text("key", "Only this key of the policy; may be repeated.", many=True),
        *(
            text(name, f"Only this {name}; may be repeated. `(none)` is what has no value.", many=True)
            for name in PLACES
        ),
        text("search", "Only resources with this text in their id."),
    )

    def answer(self, scope: Scope, parameters: Parameters, **_: Any) -> Answer:
        asked = month_of(scope, parameters, basis=CostMetric.EFFECTIVE)
        closed = [("problem", parameters.chosen("problem", TagProblem, ""))]
        closed += [("breaks", parameters.chosen("breaks", ("yes", "no"), ""))]
        filters = tuple(pair for pair in closed if pair[1]) + parameters.filters(("key", *PLACES, "search"))
        found = selectors.tag_findings(
            scope, asked.period, metric=asked.metric, currency=asked.currency, filters=filters
        )
        beside = {"basis": asked.metric.value, "currency": found.currency}
        head = {"period": found.period, "totals": found.totals, **beside}
        self.rows = found.rows
        return Answer(head, found.rows.entries, found.rows.order_of(), beside)

    def made(self, rows: Sequence[Any]) -> Sequence[Any]:
        """Rows are made of those that are written only: there may be a hundred thousand."""
        return self.rows.made(rows)


class TrendPointSerializer(RowSerializer):
    """A month as it was seen on a day."""

    billing_period = PeriodText(source="period")
    taken_on = serializers.DateField()
    resources = serializers.IntegerField()
    compliant_resources = serializers.IntegerField()
    compliance_ratio = RatioNumber()
    taggable_cost = MoneyText()
    compliant_cost = MoneyText()
    cost_ratio = RatioNumber()


class TrendPageSerializer(PageSerializer):
    """Compliance over time."""

    basis = serializers.CharField()
    currency = CurrencyText()
    results = TrendPointSerializer(many=True)


class ComplianceTrend(NotCached, ListView):
    """Tag compliance over time: months as they were last seen and, of the newest, every day. Newest day first."""

    operation, title, section = "compliance_trend", "Tag compliance over time", SECTION
    serializer_class = TrendPageSerializer
    parameters = (CURRENCY,)

    def answer(self, scope: Scope, parameters: Parameters, **_: Any) -> Answer:
        trend = selectors.compliance_trend(scope, currency=parameters.currency())
        beside = {"basis": CostMetric.EFFECTIVE.value, "currency": trend.currency}
        rows = list(dict.fromkeys((*trend.months, *trend.days)))
        return Answer(
            dict(beside), rows, lambda row: (-row.period.start.toordinal(), -row.taken_on.toordinal()), beside
        )


def _policy_cells(row: PolicyRow) -> dict[str, Any]:
    policy = row.policy
    return {
        "key": policy.key,
        "aliases": policy.aliases,
        "is_required": policy.is_required,
        "is_tracked": policy.is_tracked,
        "value_kind": policy.kind.value,
        "allowed_values": [
            {"value": each.value, "match": each.match.value, "aliases": each.aliases} for each in policy.allowed
        ],
        "is_key_exact": policy.exact_key,
        "is_value_exact": policy.exact_value,
        "resource_types": policy.resource_types,
        "applies_to": row.applies_to,
        "from_period": policy.from_period,
        "to_period": policy.to_period,
    }
