"""The programme: its assumptions, scenarios, plan, targets, risks and claimed savings. All kept by FinOps staff."""

from decimal import Decimal

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from simple_history.models import HistoricalRecords

from costs.fields import MoneyField
from costs.terms import choices_for
from finops_site.metrics.terms import Metric
from finops_site.programme.business_case import LONGEST_HORIZON_YEARS, LONGEST_WAIT_MONTHS
from finops_site.programme.terms import Comparator, Phase, RiskState, SavingSource

ONLY_KEY = "programme"


class Programme(models.Model):
    """The one programme of an installation, with the assumptions of its business case."""

    key = models.SlugField(unique=True, default=ONLY_KEY, editable=False)
    name = models.CharField(max_length=120)
    currency = models.CharField(max_length=3, default="USD")
    starts_on = models.DateField()
    investment = MoneyField()
    discount_rate = models.DecimalField(
        max_digits=5,
        decimal_places=4,
        help_text="A year; 0.1 is 10 %.",
        validators=(MinValueValidator(Decimal(0)), MaxValueValidator(Decimal(1))),
    )
    ramp_up_months = models.PositiveSmallIntegerField(default=0, validators=(MaxValueValidator(LONGEST_WAIT_MONTHS),))
    delay_months = models.PositiveSmallIntegerField(default=0, validators=(MaxValueValidator(LONGEST_WAIT_MONTHS),))
    horizon_years = models.PositiveSmallIntegerField(
        default=3, validators=(MinValueValidator(1), MaxValueValidator(LONGEST_HORIZON_YEARS))
    )
    history = HistoricalRecords()

    class Meta:
        constraints = (
            models.CheckConstraint(condition=Q(investment__gte=0), name="programme_investment_not_negative"),
            models.CheckConstraint(
                condition=Q(discount_rate__gte=0, discount_rate__lte=1), name="programme_discount_rate_0_to_1"
            ),
        )

    def __str__(self) -> str:
        return self.name


class Scenario(models.Model):
    """How much the programme may save in a year once it is under way, and on which basis somebody says so."""

    programme = models.ForeignKey(Programme, on_delete=models.CASCADE, related_name="scenarios")
    name = models.CharField(max_length=80)
    annual_saving = MoneyField()
    basis = models.TextField(help_text="Where the amount comes from.")
    history = HistoricalRecords()

    class Meta:
        ordering = ("annual_saving", "pk")
        constraints = (
            models.UniqueConstraint(fields=("programme", "name"), name="one_scenario_of_a_name"),
            models.CheckConstraint(condition=Q(annual_saving__gte=0), name="scenario_saving_not_negative"),
        )

    def __str__(self) -> str:
        return self.name


class PlanStep(models.Model):
    """A step of the plan. Nobody ticks it off: its state follows from its measure."""

    programme = models.ForeignKey(Programme, on_delete=models.CASCADE, related_name="steps")
    phase = models.CharField(max_length=16, choices=choices_for(Phase))
    title = models.CharField(max_length=160)
    owner = models.CharField(max_length=80, blank=True)
    due_offset_days = models.PositiveSmallIntegerField("due after days", help_text="Days after the start.")
    metric = models.CharField("measure", max_length=40, choices=choices_for(Metric), blank=True)
    comparator = models.CharField(
        max_length=16, choices=choices_for(Comparator), default=Comparator.AT_LEAST.value, blank=True
    )
    threshold = models.DecimalField(
        max_digits=18, decimal_places=4, null=True, blank=True, help_text="Of shares, 1 is all: 0.95 is 95 %."
    )
    is_gate = models.BooleanField("go/no-go point", default=False)
    history = HistoricalRecords()

    class Meta:
        ordering = ("due_offset_days", "is_gate", "pk")
        constraints = (
            models.CheckConstraint(
                condition=Q(metric="", threshold__isnull=True) | (~Q(metric="") & Q(threshold__isnull=False)),
                name="step_measure_has_its_threshold",
            ),
        )

    def __str__(self) -> str:
        return self.title


class Target(models.Model):
    """What a metric should come to by a month of the programme; it holds until the next target."""

    programme = models.ForeignKey(Programme, on_delete=models.CASCADE, related_name="targets")
    metric = models.CharField(max_length=40, choices=choices_for(Metric))
    month_number = models.PositiveSmallIntegerField(
        "month of the programme", validators=(MinValueValidator(1), MaxValueValidator(24))
    )
    value = models.DecimalField(max_digits=18, decimal_places=4, help_text="Of shares, 1 is all: 0.7 is 70 %.")
    note = models.CharField(max_length=160, blank=True)
    history = HistoricalRecords()

    class Meta:
        ordering = ("metric", "month_number")
        constraints = (
            models.UniqueConstraint(fields=("programme", "metric", "month_number"), name="one_target_per_month"),
            models.CheckConstraint(condition=Q(month_number__gte=1), name="target_month_from_1"),
        )

    def __str__(self) -> str:
        return f"{self.metric} by month {self.month_number}"


class Risk(models.Model):
    """What could go wrong within a year: how likely, what it would cost, and what is done against it."""

    programme = models.ForeignKey(Programme, on_delete=models.CASCADE, related_name="risks")
    title = models.CharField(max_length=160)
    probability = models.DecimalField(
        max_digits=4, decimal_places=3, validators=(MinValueValidator(Decimal(0)), MaxValueValidator(Decimal(1)))
    )
    impact_amount = MoneyField("impact a year")
    mitigation = models.TextField(blank=True)
    owner = models.CharField(max_length=80, blank=True)
    state = models.CharField(max_length=16, choices=choices_for(RiskState), default=RiskState.OPEN.value)
    history = HistoricalRecords()

    class Meta:
        ordering = ("title", "pk")
        constraints = (
            models.CheckConstraint(condition=Q(probability__gte=0, probability__lte=1), name="risk_probability_0_to_1"),
            models.CheckConstraint(condition=Q(impact_amount__gte=0), name="risk_impact_not_negative"),
        )

    def __str__(self) -> str:
        return self.title


class SavingClaim(models.Model):
    """What somebody promised that a source will save in a year. Without an amount nothing is claimed yet."""

    programme = models.ForeignKey(Programme, on_delete=models.CASCADE, related_name="claims")
    source = models.CharField(max_length=16, choices=choices_for(SavingSource))
    claimed_amount = MoneyField("claimed a year", null=True, blank=True)  # type: ignore[misc]  # the field's type knows no None
    basis = models.TextField(blank=True, help_text="Who says so, from which figures.")
    history = HistoricalRecords()

    class Meta:
        ordering = ("source",)
        constraints = (
            models.UniqueConstraint(fields=("programme", "source"), name="one_claim_per_source"),
            models.CheckConstraint(condition=Q(claimed_amount__isnull=True) | ~Q(basis=""), name="claim_has_its_basis"),
            models.CheckConstraint(
                condition=Q(claimed_amount__isnull=True) | Q(claimed_amount__gte=0), name="claim_not_negative"
            ),
        )

    def __str__(self) -> str:
        return self.source
