"""Budgets and alerts as JSON and CSV, for whoever may see them."""

from typing import Any

from rest_framework import serializers

from budgets import selectors
from budgets.results import AlertRow, BudgetRow, BudgetState, PeriodRow
from budgets.terms import Cadence, ScopeKind, Severity, ThresholdKind
from costs.api_base import (
    Answer,
    CurrencyText,
    DocumentView,
    ListView,
    MoneyText,
    PageSerializer,
    Parameters,
    RatioNumber,
    choice,
)
from costs.pages import current_moment
from costs.scope import Scope

STATES = ("open", "acknowledged")


class BasisSerializer(serializers.Serializer[Any]):
    """What the figures beside it are."""

    basis = serializers.CharField(help_text="The cost basis of the figures.")
    left_out = serializers.ListField(
        child=serializers.CharField(), help_text="Charges the budget does not count: credits, refunds, tax."
    )
    currency = CurrencyText()


class BudgetRowSerializer(BasisSerializer):
    """A budget with its running period as last evaluated; figures are null before the first evaluation."""

    key = serializers.CharField()
    name = serializers.CharField()
    scope_kind = serializers.CharField(help_text=", ".join(ScopeKind))
    scope_key = serializers.CharField(help_text="Empty for all spend.")
    scope_label = serializers.CharField()
    cadence = serializers.CharField(help_text=", ".join(Cadence))
    owner = serializers.CharField(help_text="Who answers for it; empty for FinOps staff.")
    is_active = serializers.BooleanField()
    state = serializers.CharField(help_text=", ".join(BudgetState))
    open_alerts = serializers.IntegerField()
    period = serializers.CharField(allow_null=True, help_text="`2026-11`, `2026-Q4` or `2026`.")
    planned_amount = MoneyText(allow_null=True)
    actual_cost = MoneyText(allow_null=True)
    used_ratio = RatioNumber(help_text="actual_cost ÷ planned_amount.")
    burn_rate = RatioNumber(help_text="Share of the plan spent ÷ share of the period gone; above 1 it does not last.")
    forecast_cost = MoneyText(allow_null=True, help_text="Null where the history is too short.")
    forecast_low = MoneyText(allow_null=True, help_text="The 80 % range.")
    forecast_high = MoneyText(allow_null=True)
    forecast_method = serializers.CharField(allow_null=True)
    overrun = MoneyText(allow_null=True, help_text="Forecast (or actual) − plan; positive is over.")
    runs_out_on = serializers.DateField(allow_null=True)
    data_through = serializers.DateField(allow_null=True, help_text="The last day with usage.")
    is_stale = serializers.BooleanField(allow_null=True, help_text="Usage is too old for forecast alerts.")


class BudgetPageSerializer(PageSerializer):
    """Budgets you may see."""

    results = BudgetRowSerializer(many=True)


class BudgetList(ListView):
    """Budgets you may see, all for staff and those of your teams for you, with the running period. Largest
    overrun first.
    """

    operation, title, section = "budgets", "Budgets", "Budgets"
    serializer_class = BudgetPageSerializer

    def answer(self, scope: Scope, parameters: Parameters, **_: Any) -> Answer:
        del parameters
        rows = selectors.budget_list(scope, today=current_moment().date())
        cells = [{**budget_cells(row), "place": place} for place, row in enumerate(rows)]
        return Answer({}, cells, lambda row: (row["place"], row["key"]))


class PlannedSerializer(serializers.Serializer[Any]):
    """The plan from the period that starts then, until the next."""

    period_start = serializers.DateField()
    amount = MoneyText()


class StepSerializer(serializers.Serializer[Any]):
    """A share of the plan that gives an alert."""

    kind = serializers.CharField(help_text=", ".join(ThresholdKind))
    percent = MoneyText()
    severity = serializers.CharField(help_text=", ".join(Severity))
    recipients = serializers.ListField(
        child=serializers.CharField(), help_text="Instead of who answers for it; to FinOps staff only, else empty."
    )


class CauseSerializer(serializers.Serializer[Any]):
    """A team (of a team's budget: a service) with its costs so far and of as many days of the period before."""

    key = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]
    cost = MoneyText()
    previous_cost = MoneyText(source="previous")
    change = MoneyText()


class PastSerializer(serializers.Serializer[Any]):
    """An earlier period. Positive variance is over plan."""

    period = serializers.CharField()
    planned_amount = MoneyText(source="plan")
    actual_cost = MoneyText(source="actual")
    variance = MoneyText()
    variance_ratio = RatioNumber()


class BudgetSerializer(BudgetRowSerializer):
    """A budget with plan, steps, causes and earlier periods."""

    amount = MoneyText(help_text="The plan of periods without an amount of their own.")
    starts_on = serializers.DateField()
    planned = PlannedSerializer(many=True)
    thresholds = StepSerializer(many=True)
    causes = CauseSerializer(many=True)
    past = PastSerializer(many=True)


class BudgetDetail(DocumentView):
    """One budget. 404 for one of another team and for none."""

    operation, title, section = "budget", "One budget", "Budgets"
    serializer_class = BudgetSerializer

    def document(self, scope: Scope, parameters: Parameters, **kwargs: Any) -> Any:
        del parameters
        return budget_document(scope, kwargs["budget_key"])


class AlertRowSerializer(BasisSerializer):
    """A step passed, with the figures of that moment."""

    ref = serializers.CharField()
    budget_key = serializers.CharField()
    budget_name = serializers.CharField()
    scope_label = serializers.CharField()
    period = serializers.CharField()
    kind = serializers.CharField(help_text=", ".join(ThresholdKind))
    percent = MoneyText(help_text="Of the plan.")
    severity = serializers.CharField(help_text=", ".join(Severity))
    told_with = serializers.CharField(help_text="The alert whose message tells of this one; empty for its own.")
    planned_amount = MoneyText(source="plan")
    actual_cost = MoneyText(source="actual")
    forecast_cost = MoneyText(source="forecast", allow_null=True)
    overrun = MoneyText(help_text="What passed the step − plan.")
    runs_out_on = serializers.DateField(allow_null=True)
    data_through = serializers.DateField(allow_null=True)
    raised_at = serializers.DateTimeField(source="created_at")
    acknowledged_at = serializers.DateTimeField(allow_null=True)
    acknowledged_by = serializers.CharField()
    note = serializers.CharField()


class AlertPageSerializer(PageSerializer):
    """Alerts you may see."""

    results = AlertRowSerializer(many=True)


class AlertList(ListView):
    """The newest 500 alerts of the budgets you may see. Newest first."""

    operation, title, section = "alerts", "Alerts", "Budgets"
    serializer_class = AlertPageSerializer
    parameters = (choice("state", STATES, "Only those nobody has taken on, or only the others."),)

    def answer(self, scope: Scope, parameters: Parameters, **_: Any) -> Answer:
        state = parameters.chosen("state", STATES, "")
        found = selectors.alerts(scope, open_only=state == "open")
        rows = [alert_cells(row) for row in found if state != "acknowledged" or not row.is_open]
        return Answer({}, rows, lambda row: (-int(row["created_at"].timestamp()), row["ref"]))


def budget_document(scope: Scope, key: str) -> dict[str, Any]:
    """One budget as BudgetSerializer takes it. Raises NotFoundInScopeError, also for another team's."""
    found = selectors.budget(scope, key, today=current_moment().date())
    return {
        **budget_cells(found.row),
        "amount": found.amount,
        "starts_on": found.starts_on,
        "planned": [{"period_start": day, "amount": amount} for day, amount in found.planned],
        "thresholds": found.steps,
        "causes": found.row.now.causes if found.row.now else (),
        "past": found.past,
    }


def budget_cells(row: BudgetRow) -> dict[str, Any]:
    """A budget's row as the API writes it."""
    cells = {**vars(row), "basis": row.metric.value, "state": row.state.value}
    return cells | (_period_cells(row.now) if row.now else dict.fromkeys(PERIOD_FIELDS))


PERIOD_FIELDS = (
    "period",
    "planned_amount",
    "actual_cost",
    "used_ratio",
    "burn_rate",
    "forecast_cost",
    "forecast_low",
    "forecast_high",
    "forecast_method",
    "overrun",
    "runs_out_on",
    "data_through",
    "is_stale",
)


def _period_cells(now: PeriodRow) -> dict[str, Any]:
    values = (
        str(now.period),
        now.plan,
        now.actual,
        now.used,
        now.burn_rate,
        now.forecast,
        now.low,
        now.high,
        now.method.value,
        now.overrun,
        now.runs_out.expected,
        now.data_through,
        now.is_stale,
    )
    return dict(zip(PERIOD_FIELDS, values, strict=True))


def alert_cells(row: AlertRow) -> dict[str, Any]:
    """An alert as the API writes it; addresses stay on the page."""
    return {**vars(row), "basis": row.metric.value, "overrun": row.overrun, "period": str(row.period)}
