"""Tag compliance of a month, and the resources behind it."""

from collections.abc import Sequence
from typing import Any

from rest_framework import serializers

from costs.api_base import (
    Answer,
    CurrencyText,
    MoneyText,
    PageSerializer,
    PairsField,
    Parameters,
    PeriodText,
    RatioNumber,
    choice,
    text,
)
from costs.errors import InvalidRequestError
from costs.scope import Scope
from costs.terms import CostMetric
from tagging import selectors
from tagging.api.base import MONTH, TAG_MONTH, OwnershipList, RowSerializer, month_of
from tagging.results import Compliance
from tagging.terms import TagState, UnreadReason

GROUPS = ("service", "region", "account", "team", "environment")
STATES = ("compliant", "to_fix")
RESOURCE_FILTERS = (
    *(text(name, f"Only this {name}; may be repeated. `(none)` is what has no value.", many=True) for name in GROUPS),
    choice("state", STATES, "Only resources that comply, or only those to fix."),
    text("missing", "Only resources that lack this key of the policy.", many=True),
    text("invalid", "Only resources whose value of this key is not allowed.", many=True),
    text("search", "Only resources with this text in their id or name."),
)


class TaggableSerializer(RowSerializer):
    """Compliant of taggable, by count and by money."""

    resources = serializers.IntegerField()
    compliant_resources = serializers.IntegerField()
    compliance_ratio = RatioNumber(help_text="compliant_resources ÷ resources.")
    taggable_cost = MoneyText()
    compliant_cost = MoneyText()
    cost_ratio = RatioNumber(help_text="compliant_cost ÷ taggable_cost.")


class UnreadKeySerializer(serializers.Serializer[Any]):
    """A required key that the month was not read for: judged in no figure."""

    key = serializers.CharField()
    reason = serializers.ChoiceField(choices=[reason.value for reason in UnreadReason])
    values = serializers.IntegerField(allow_null=True, help_text="How many, where these are too many to be tracked.")


class CompliancePageSerializer(PageSerializer, TaggableSerializer):
    """What stands above the rows: all required keys together."""

    billing_period = PeriodText(source="period")
    unread_keys = UnreadKeySerializer(many=True, help_text="Required keys the month was not read for: left out.")
    exempt_resources = serializers.IntegerField(help_text="Excused from every key: in no other figure.")
    exempt_cost = MoneyText()
    untaggable_cost = MoneyText(help_text="All other costs you may see: nobody can tag them.")


class KeyRowSerializer(RowSerializer):
    """One required key. present + missing + exempt = resources; invalid is within present."""

    key = serializers.CharField()
    present = serializers.IntegerField()
    missing = serializers.IntegerField()
    invalid = serializers.IntegerField()
    exempt = serializers.IntegerField(help_text="Excused, or the key does not apply there.")
    compliant_ratio = RatioNumber(help_text="(present − invalid) ÷ (resources − exempt).")
    compliant_cost = MoneyText()
    cost_ratio = RatioNumber()


class KeyPageSerializer(CompliancePageSerializer):
    """Compliance by key."""

    results = KeyRowSerializer(many=True)


class GroupRowSerializer(TaggableSerializer):
    """All required keys together within one service, region, account or team."""

    key = serializers.CharField(help_text="As a filter takes it.")
    label = serializers.CharField()  # type: ignore[assignment]
    is_missing = serializers.BooleanField()


class GroupPageSerializer(CompliancePageSerializer):
    """Compliance by group."""

    by = serializers.CharField()
    results = GroupRowSerializer(many=True)


class ComplianceByKey(OwnershipList):
    """How far a month's taggable resources and money follow the tag policy: in all, and by each required key,
    in the policy's order.
    """

    operation, title, section = "compliance", "Tag compliance by key", "Tags"
    serializer_class = KeyPageSerializer
    parameters = TAG_MONTH

    def answer(self, scope: Scope, parameters: Parameters, **_: Any) -> Answer:
        found = compliance_of(scope, parameters)
        head = head_of(found)
        rows = [{**vars(row), "place": place} for place, row in enumerate(found.by_key)]
        return Answer(head, rows, lambda row: (row["place"], row["key"]), beside_of(found))


class ComplianceByGroup(OwnershipList):
    """Tag compliance by service, region, account or team. Most money to mend first."""

    operation, title, section = "compliance_groups", "Tag compliance by service, region, account or team", "Tags"
    serializer_class = GroupPageSerializer
    parameters = (*TAG_MONTH, choice("by", GROUPS, "What to group by.", default="service"))

    def answer(self, scope: Scope, parameters: Parameters, **_: Any) -> Answer:
        by = parameters.chosen("by", GROUPS, "service")
        found = compliance_of(scope, parameters, by)
        rows = getattr(found, f"by_{by}")
        return Answer(
            {**head_of(found), "by": by},
            rows,
            lambda row: (row.compliant_cost - row.taggable_cost, -row.resources, row.key),
            beside_of(found),
        )


class ResourceRowSerializer(RowSerializer):
    """A taggable resource's month and what the policy says of its tags."""

    resource_id = serializers.CharField()
    name = serializers.CharField()
    resource_type = serializers.CharField()
    service_name = serializers.CharField()
    sub_account_id = serializers.CharField()
    sub_account_name = serializers.CharField()
    region_id = serializers.CharField()
    team_key = serializers.CharField(help_text="Empty where nobody owns it.")
    team_name = serializers.CharField()
    cost = MoneyText()
    is_compliant = serializers.BooleanField()
    states = PairsField(help_text=f"By required key: {', '.join(TagState)}.")
    values = PairsField(help_text="By required key: the value found, empty where there is none.")
    suggested = PairsField(help_text="By required key: the value of an accepted suggestion. The resource has none.")


class ResourcePageSerializer(PageSerializer):
    """Taggable resources of a month."""

    billing_period = PeriodText(source="period")
    basis = serializers.CharField()
    currency = CurrencyText()
    policy_keys = serializers.ListField(child=serializers.CharField(), help_text="Required keys, in order.")
    unread_keys = UnreadKeySerializer(many=True, help_text="Required keys the month was not read for: left out.")
    total_cost = MoneyText(help_text="Of all rows, on whatever page.")
    results = ResourceRowSerializer(many=True)


_ORDER = ("resource_id", "sub_account_id", "service_name", "team_key")


class ResourceList(OwnershipList):
    """Taggable resources of a month with cost, owner and the state of every required tag. Largest first."""

    operation, title, section = "resources", "Resources and their tags", "Tags"
    serializer_class = ResourcePageSerializer
    parameters = (*MONTH, *RESOURCE_FILTERS)

    def answer(self, scope: Scope, parameters: Parameters, **_: Any) -> Answer:
        asked = month_of(scope, parameters)
        parameters.chosen("state", STATES, "")
        parameters.read("missing", policy_key, "")
        parameters.read("invalid", policy_key, "")
        table = selectors.resources(
            scope,
            asked.period,
            metric=asked.metric,
            currency=asked.currency,
            filters=parameters.filters(parameter.name for parameter in RESOURCE_FILTERS),
        )
        beside = {"basis": asked.metric.value, "currency": table.currency}
        head = {
            "period": asked.period,
            "policy_keys": table.policy_keys,
            "unread_keys": table.unread_keys,
            "total_cost": table.total,
            **beside,
        }
        self.rows = table.rows
        cost, *others = (table.rows.field(name) for name in ("cost", *_ORDER))
        return Answer(head, table.rows.entries, lambda each: (-cost(each), *(field(each) for field in others)), beside)

    def made(self, rows: Sequence[Any]) -> Sequence[Any]:
        """Rows are made of those that are written only: there may be a hundred thousand."""
        return self.rows.made(rows)


def compliance_of(scope: Scope, parameters: Parameters, *groups: str) -> Compliance:
    """The month's compliance as asked for, by these dimensions."""
    asked = month_of(scope, parameters, basis=CostMetric.EFFECTIVE)
    return selectors.compliance(scope, asked.period, metric=asked.metric, currency=asked.currency, groups=groups)


def beside_of(found: Compliance) -> dict[str, Any]:
    return {"basis": found.metric.value, "currency": found.currency}


def head_of(found: Compliance) -> dict[str, Any]:
    return {**vars(found), **beside_of(found)}


def policy_key(value: str) -> str:
    """A required key of the policy; InvalidRequestError names them."""
    known = [item.key for item in selectors.tag_policy() if item.is_required]
    if value not in known:
        raise InvalidRequestError(f"'{value}' is not a required key. Use {', '.join(known)}.")
    return value
