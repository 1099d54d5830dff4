"""The API of measured months, for FinOps staff."""

from collections.abc import Mapping
from typing import Any, ClassVar

from rest_framework import serializers

from costs.api_base import (
    Answer,
    CurrencyText,
    ListView,
    MoneyText,
    PageSerializer,
    Parameters,
    PeriodText,
    choice,
    month,
    text,
)
from costs.scope import Scope
from finops_site.metrics.reading import metric_months
from finops_site.metrics.terms import Metric, Unit

ANY_UNIT = "Exact text: a share (1 is all of it), a count or money, as `unit` says. Null where there is none."


class MetricSerializer(serializers.Serializer[Any]):
    """One figure of one month."""

    billing_period = PeriodText(source="period")
    name = serializers.CharField()
    metric = serializers.CharField(source="label", help_text="The figure for people.")
    unit = serializers.ChoiceField(choices=[unit.value for unit in Unit])
    value = MoneyText(allow_null=True, help_text=f"{ANY_UNIT} Null: measured, and there is nothing to divide by.")
    numerator = MoneyText(allow_null=True, help_text="What was divided, where something was.")
    denominator = MoneyText(allow_null=True, help_text="By what.")
    target = MoneyText(allow_null=True, help_text=ANY_UNIT)
    meets_target = serializers.BooleanField(allow_null=True, help_text="Null without a target or a value.")
    smaller_is_better = serializers.BooleanField()
    basis = serializers.CharField(help_text="What the figure is, in words.")
    currency = CurrencyText(help_text="Empty for figures of people and plans.")
    measured_at = serializers.DateTimeField()


class MetricPageSerializer(PageSerializer):
    """Measured figures, oldest month first."""

    results = MetricSerializer(many=True)


class MetricList(ListView):
    """The figures success is judged by, month by month, as they were last measured: after every import and every day.
    A figure that was not measured is not there. FinOps staff only.
    """

    staff_only: ClassVar[bool] = True
    operation, title, section = "metrics", "Measured months", "Programme"
    serializer_class = MetricPageSerializer
    parameters = (
        month("from", "First month, YYYY-MM."),
        month("to", "Last month, YYYY-MM."),
        choice("name", [metric.value for metric in Metric], "One figure; all where not given."),
        text("currency", "One currency; the main one where not given.", pattern="^[A-Za-z]{3}$"),
    )

    def answer(self, scope: Scope, parameters: Parameters, **_: Any) -> Answer:
        first, last = parameters.period("from"), parameters.period("to")
        name = parameters.chosen("name", [metric.value for metric in Metric], "")
        found = metric_months(scope, currency=parameters.currency())
        rows = [
            {
                **vars(value),
                "name": metric.value,
                "label": metric.label,
                "unit": metric.unit.value,
                "basis": metric.basis,
                "smaller_is_better": metric.smaller_is_better,
                "meets_target": value.meets_target,
            }
            for metric, months in found.items()
            if name in ("", metric.value)
            for period, value in months.items()
            if (first is None or period >= first) and (last is None or period <= last)
        ]
        return Answer({}, rows, metric_order)


def metric_order(row: Mapping[str, Any]) -> tuple[Any, ...]:
    return (str(row["period"]), row["name"], row["currency"])
