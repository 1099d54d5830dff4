"""Costs by any dimension over time, and who owns what."""

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
    choice,
    month,
    text,
)
from costs.periods import BillingPeriod
from costs.queries import DIMENSIONS, MAX_MONTHS, CostQuery, Granularity, parse_metric, parse_query
from costs.scope import Scope
from costs.terms import CostMetric
from tagging.api.base import (
    BASIS,
    CURRENCY,
    DIMENSION_PATTERN,
    FILTERS,
    MONTH,
    PERIOD,
    MonthSerializer,
    OwnershipList,
    RowSerializer,
    by_dimension,
    default_period,
    month_of,
)
from tagging.selectors import explore_costs
from tagging.selectors.answers import allocations
from tagging.selectors.suggested import mark_costs

BY = text(
    "by",
    f"What to group by: {', '.join(DIMENSIONS)} or `tag:KEY` with any tag key.",
    pattern=DIMENSION_PATTERN,
    default="service",
)


SUGGESTED = "Of `cost`, what resources cost that an accepted suggestion puts there; the provider knows no such tag."


class CostRowSerializer(RowSerializer):
    """One value of the dimension."""

    key = serializers.CharField(help_text="As a filter takes it; `(none)` where the costs have no value.")
    label = serializers.CharField()  # type: ignore[assignment]
    is_missing = serializers.BooleanField()
    cost = MoneyText()
    previous_cost = MoneyText(help_text="From `previous_from` to `previous_to`.")
    suggested_cost = MoneyText(help_text=SUGGESTED)
    points = serializers.ListField(child=MoneyText(), help_text="Costs by bucket, as `bucket_starts` names them.")


class CostPageSerializer(PageSerializer):
    """Costs by one dimension."""

    first_period = PeriodText(source="first", help_text="First month, inclusive.")
    last_period = PeriodText(source="last", help_text="Last month, inclusive.")
    by = serializers.CharField()
    per = serializers.CharField()
    basis = serializers.CharField()
    currency = CurrencyText()
    other_currencies = serializers.ListField(child=serializers.CharField())
    bucket_starts = serializers.ListField(child=serializers.DateField(), help_text="First day of every bucket.")
    total_cost = MoneyText(help_text="Of all rows, on whatever page.")
    previous_total_cost = MoneyText()
    previous_from = serializers.DateField(
        allow_null=True, help_text="First day compared. Null where a month has no costs: previous costs are then zero."
    )
    previous_to = serializers.DateField(allow_null=True, help_text="Last day compared, inclusive.")
    results = CostRowSerializer(many=True)


class CostList(OwnershipList):
    """Costs by team, service, account, region, tag and more, by day, week or month. Largest first, costs
    without a value last. Any tag filters too: `tag:department=payments`, repeatable. Compared with as many
    months just before, up to the same day while the last month is not full. In CSV every bucket is a column
    named by its first day.
    """

    operation, title, section = "costs", "Costs by any dimension over time", "Costs"
    serializer_class = CostPageSerializer
    takes_tags = True
    parameters = (
        month("from", f"First month, YYYY-MM. At most {MAX_MONTHS} months."),
        month("to", "Last month, inclusive."),
        PERIOD,
        BY,
        choice("per", Granularity, "The width of a bucket.", default=Granularity.MONTH.value),
        BASIS,
        CURRENCY,
        *FILTERS,
    )

    def answer(self, scope: Scope, parameters: Parameters, **_: Any) -> Answer:
        query = cost_query(scope, parameters)
        table = mark_costs(scope, explore_costs(scope, query))
        beside = {"basis": query.metric.value, "currency": table.currency}
        head = {
            "first": query.first,
            "last": query.last,
            "by": query.group_by,
            "per": query.granularity.value,
            "other_currencies": table.other_currencies,
            "bucket_starts": table.bucket_starts,
            "total_cost": table.total,
            "previous_total_cost": table.previous_total,
            "previous_from": table.compared.start if table.compared else None,
            "previous_to": table.compared.last if table.compared else None,
            **beside,
        }
        return Answer(head, table.rows, lambda row: (int(row.is_missing), -row.cost, row.key), beside)

    def csv_columns(self, answer: Answer) -> list[str]:
        fields = [name for name in super().csv_columns(answer) if name != "points"]
        return [*fields, *(f"{start:%Y-%m-%d}" for start in answer.head["bucket_starts"])]

    def csv_row(self, row: dict[str, Any], answer: Answer) -> dict[str, Any]:
        spread = {f"{at}": cost for at, cost in zip(answer.head["bucket_starts"], row.pop("points"), strict=True)}
        return {**row, **spread}


class AllocationRowSerializer(RowSerializer):
    """One slice of costs and its owner."""

    team_key = serializers.CharField(help_text="Empty where nobody owns it.")
    team_name = serializers.CharField()
    rule = serializers.CharField(source="rule_text", help_text="The rule that decided, as it stood.")
    matched = serializers.CharField(source="matched_text", help_text="What of the costs the rule matched.")
    service_name = serializers.CharField()
    sub_account_id = serializers.CharField()
    sub_account_name = serializers.CharField()
    region_id = serializers.CharField()
    usage_type = serializers.CharField()
    operation = serializers.CharField()
    charge_category = serializers.CharField()
    line_kind = serializers.CharField()
    tags = PairsField(help_text="Tags that rules can see: the policy's keys and those of your own teams' rules.")
    cost = MoneyText()


class AllocationPageSerializer(PageSerializer, MonthSerializer):
    """Who owns what in a month."""

    total_cost = MoneyText(help_text="Of all rows, on whatever page.")
    results = AllocationRowSerializer(many=True)


class AllocationList(OwnershipList):
    """Who owns what, and the rule that decided: one row for each distinct combination of all that rules can
    see. Largest first. Any tag filters too: `tag:Team=payments`, repeatable; `team=(none)` is what
    nobody owns (FinOps staff only).
    """

    operation, title, section = "allocations", "Who owns what, and why", "Costs"
    serializer_class = AllocationPageSerializer
    takes_tags = True
    parameters = (*MONTH, *FILTERS)

    def answer(self, scope: Scope, parameters: Parameters, **_: Any) -> Answer:
        asked = month_of(scope, parameters)
        table = allocations(
            scope,
            asked.period,
            metric=asked.metric,
            currency=asked.currency,
            filters=parameters.filters(DIMENSIONS),
        )
        beside = {"basis": asked.metric.value, "currency": table.currency}
        head = {
            "period": asked.period,
            "other_currencies": table.other_currencies,
            "total_cost": table.total,
            **beside,
        }
        return Answer(
            head,
            table.rows,
            lambda row: (-row.cost, row.team_key, row.service_name, row.rule_text, row.matched_text, row.ref),
            beside,
        )


def cost_query(scope: Scope, parameters: Parameters) -> CostQuery:
    """The question, every part checked under its own name first."""
    first, last, one = (parameters.period(name) for name in ("from", "to", "period"))
    parameters.read("basis", parse_metric, CostMetric.BILLED)
    parameters.chosen("per", Granularity, Granularity.MONTH.value)
    parameters.currency()
    by_dimension(parameters, "service")
    latest = last or one or default_period_after(scope, first)
    return parse_query(parameters.values, latest=latest)


def default_period_after(scope: Scope, first: BillingPeriod | None) -> BillingPeriod:
    """The newest month with costs, but never before the first month asked for."""
    latest = default_period(scope)
    return max(latest, first) if first else latest
