"""Budgets with their plans and steps, what they were found to be, and the alerts that came of it."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from simple_history.models import HistoricalRecords

from budgets.terms import (
    Cadence,
    DeliveryState,
    ForecastMethod,
    ScopeKind,
    Severity,
    ThresholdKind,
    choices_for,
)
from costs.fields import MoneyField
from costs.terms import CostMetric


class Budget(models.Model):
    """A plan for what a part of the bill may cost in each period. `key` never changes; addresses hold it."""

    key = models.SlugField(max_length=120, unique=True)
    name = models.CharField(max_length=120)
    scope_kind = models.CharField(max_length=16, choices=choices_for(ScopeKind))
    # The team's key, or the service, region, account or environment; empty for all spend.
    scope_key = models.CharField(max_length=200, blank=True)
    cadence = models.CharField(max_length=16, choices=choices_for(Cadence), default=Cadence.MONTHLY.value)
    amount = MoneyField(help_text="For each period without a planned amount of its own.")
    currency = models.CharField(max_length=3, default="USD")
    metric = models.CharField(
        "cost basis", max_length=16, choices=choices_for(CostMetric), default=CostMetric.EFFECTIVE.value
    )
    with_credits = models.BooleanField(default=False)
    with_refunds = models.BooleanField(default=False)
    with_tax = models.BooleanField(default=False)
    starts_on = models.DateField(help_text="First day of the first period that gives alerts.")
    is_active = models.BooleanField(default=True)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="budgets_owned"
    )
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+", editable=False
    )
    created_at = models.DateTimeField(auto_now_add=True)
    history = HistoricalRecords()

    class Meta:
        ordering = ("name", "key")
        constraints = (
            models.CheckConstraint(
                condition=Q(scope_kind=ScopeKind.TOTAL.value, scope_key="")
                | (~Q(scope_kind=ScopeKind.TOTAL.value) & ~Q(scope_key="")),
                name="budget_scope_has_its_key",
            ),
            models.CheckConstraint(condition=Q(amount__gte=0), name="budget_amount_not_negative"),
        )

    def __str__(self) -> str:
        return self.name


class PlannedAmount(models.Model):
    """The plan from the period that starts then, until the next planned amount."""

    budget = models.ForeignKey(Budget, on_delete=models.CASCADE, related_name="planned")
    period_start = models.DateField()
    amount = MoneyField()
    history = HistoricalRecords()

    class Meta:
        ordering = ("period_start",)
        constraints = (
            models.UniqueConstraint(fields=("budget", "period_start"), name="one_plan_per_budget_and_period"),
        )

    def __str__(self) -> str:
        return f"{self.budget} from {self.period_start}"


class Threshold(models.Model):
    """A step of the plan that gives an alert. Without recipients it goes to who answers for the budget."""

    budget = models.ForeignKey(Budget, on_delete=models.CASCADE, related_name="thresholds")
    kind = models.CharField(max_length=16, choices=choices_for(ThresholdKind), default=ThresholdKind.ACTUAL.value)
    percent = models.DecimalField(max_digits=7, decimal_places=2)
    severity = models.CharField(max_length=16, choices=choices_for(Severity), default=Severity.WARNING.value)
    recipients = models.JSONField(default=list, blank=True, help_text='Mail addresses, like ["ann@example.com"].')
    history = HistoricalRecords()

    class Meta:
        ordering = ("kind", "percent")
        constraints = (
            models.UniqueConstraint(fields=("budget", "kind", "percent"), name="one_threshold_per_kind_and_percent"),
            models.CheckConstraint(condition=Q(percent__gt=0), name="threshold_percent_positive"),
        )

    def __str__(self) -> str:
        return f"{self.percent.normalize():f} % {self.kind}"


class BudgetStatus(models.Model):
    """A budget's period as the last evaluation found it. Rebuilt at will; nothing is decided from it."""

    budget = models.ForeignKey(Budget, on_delete=models.CASCADE, related_name="statuses")
    period_start = models.DateField()
    planned_amount = MoneyField()
    actual_cost = MoneyField()
    forecast_cost = MoneyField(null=True)  # type: ignore[misc]  # the field's type knows no None
    forecast_low = MoneyField(null=True)  # type: ignore[misc]  # the field's type knows no None
    forecast_high = MoneyField(null=True)  # type: ignore[misc]  # the field's type knows no None
    method = models.CharField(max_length=32, choices=choices_for(ForecastMethod), blank=True)
    runs_out_on = models.DateField(null=True)
    runs_out_earliest = models.DateField(null=True)
    runs_out_latest = models.DateField(null=True)
    data_through = models.DateField(null=True)
    is_stale = models.BooleanField(default=False)
    has_costs = models.BooleanField(default=False)
    # [{"key", "label", "cost", "previous"}] of the first days against as many days of the period before
    causes = models.JSONField(default=list)
    evaluated_at = models.DateTimeField()

    class Meta:
        ordering = ("-period_start",)
        constraints = (
            models.UniqueConstraint(fields=("budget", "period_start"), name="one_status_per_budget_and_period"),
        )

    def __str__(self) -> str:
        return f"{self.budget} {self.period_start}"


class Alert(models.Model):
    """A step passed in a period, once for ever. Keeps its figures as they were when it was passed.

    Steps are kept by value: changing or making a threshold again does not repeat its alert.
    """

    ref = models.SlugField(max_length=200, unique=True)
    budget = models.ForeignKey(Budget, on_delete=models.CASCADE, related_name="alerts")
    period_start = models.DateField()
    kind = models.CharField(max_length=16, choices=choices_for(ThresholdKind))
    percent = models.DecimalField(max_digits=7, decimal_places=2)
    severity = models.CharField(max_length=16, choices=choices_for(Severity))
    # Empty for the step that is worth the message; else the ref of the alert whose message tells of this one.
    told_with = models.CharField(max_length=200, blank=True)
    evaluation = models.UUIDField(editable=False)  # the evaluation that made it: one of two at once wins
    planned_amount = MoneyField()
    actual_cost = MoneyField()
    forecast_cost = MoneyField(null=True)  # type: ignore[misc]  # the field's type knows no None
    forecast_low = MoneyField(null=True)  # type: ignore[misc]  # the field's type knows no None
    forecast_high = MoneyField(null=True)  # type: ignore[misc]  # the field's type knows no None
    runs_out_on = models.DateField(null=True)
    data_through = models.DateField(null=True)
    causes = models.JSONField(default=list)
    created_at = models.DateTimeField()
    acknowledged_at = models.DateTimeField(null=True, blank=True)
    acknowledged_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    note = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering = ("-created_at", "ref")
        constraints = (
            models.UniqueConstraint(
                fields=("budget", "period_start", "kind", "percent"), name="one_alert_per_budget_period_and_step"
            ),
        )

    def __str__(self) -> str:
        return self.ref


class Delivery(models.Model):
    """One alert to one address."""

    alert = models.ForeignKey(Alert, on_delete=models.CASCADE, related_name="deliveries")
    address = models.EmailField()
    state = models.CharField(max_length=16, choices=choices_for(DeliveryState), default=DeliveryState.WAITING.value)
    attempts = models.PositiveSmallIntegerField(default=0)
    next_attempt_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True)
    error = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering = ("pk",)
        verbose_name_plural = "deliveries"
        constraints = (models.UniqueConstraint(fields=("alert", "address"), name="one_delivery_per_alert_and_address"),)
        indexes = (models.Index(fields=("state", "next_attempt_at"), name="delivery_due"),)

    def __str__(self) -> str:
        return f"{self.alert} to {self.address}"
