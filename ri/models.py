"""Price books, and what was recommended when, with which limits and prices."""

from django.db import models

from costs.fields import MoneyField
from ri.terms import Confidence, OfferingClass, PaymentOption, RunKind, choices_for


class PriceBook(models.Model):
    """A list of reservation prices. A company's own books go before the built-in one."""

    name = models.SlugField(max_length=80, unique=True)
    note = models.CharField(max_length=300, blank=True)
    is_built_in = models.BooleanField(default=False)
    currency = models.CharField(max_length=8, default="USD")
    sha256 = models.CharField(max_length=64, blank=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name


class Offering(models.Model):
    """One offer of a book. Rates are per instance-hour."""

    price_book = models.ForeignKey(PriceBook, on_delete=models.CASCADE, related_name="offerings")
    region_id = models.CharField(max_length=64)
    instance_type = models.CharField(max_length=64)
    platform = models.CharField(max_length=64)
    tenancy = models.CharField(max_length=32)
    on_demand_hourly = MoneyField()
    offering_class = models.CharField(max_length=16, choices=choices_for(OfferingClass))
    term_years = models.PositiveSmallIntegerField()
    payment_option = models.CharField(max_length=20, choices=choices_for(PaymentOption))
    upfront = MoneyField()
    hourly = MoneyField()

    class Meta:
        ordering = ("region_id", "instance_type", "platform", "tenancy", "offering_class", "term_years", "hourly")
        constraints = (
            models.UniqueConstraint(
                fields=(
                    "price_book",
                    "region_id",
                    "instance_type",
                    "platform",
                    "tenancy",
                    "offering_class",
                    "term_years",
                    "payment_option",
                ),
                name="one_offering_per_book_and_terms",
            ),
        )

    def __str__(self) -> str:
        return f"{self.instance_type} {self.region_id} {self.term_years}y {self.payment_option}"


class RecommendationRun(models.Model):
    """One answer to "what should we commit to?": of one source, as of a day, within these limits."""

    source_name = models.CharField(max_length=80)
    kind = models.CharField(max_length=16, choices=choices_for(RunKind))
    as_of = models.DateField()
    lookback_days = models.PositiveIntegerField()
    # Text, so that an answer stays readable when the book is gone.
    price_book_name = models.CharField(max_length=80)
    price_book_note = models.CharField(max_length=300, blank=True)
    currency = models.CharField(max_length=8, default="USD")
    limits = models.JSONField(default=dict)  # {"min_uptime", "coverage_target", "max_payback_months"} as text
    steady_instances = models.PositiveIntegerField(default=0)
    warnings = models.JSONField(default=list)  # [text]
    made_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("-pk",)
        indexes = (models.Index(fields=("source_name", "as_of"), name="run_source_day"),)

    def __str__(self) -> str:
        return f"{self.source_name} as of {self.as_of}"


class Recommendation(models.Model):
    """One recommended purchase. Savings are for a year of 8,760 hours; ratios: 1 is all."""

    run = models.ForeignKey(RecommendationRun, on_delete=models.CASCADE, related_name="recommendations")
    pool_type = models.CharField(max_length=64)  # the type, or the family as `c5.*`
    region_id = models.CharField(max_length=64)
    instance_type = models.CharField(max_length=64)
    platform = models.CharField(max_length=64)
    tenancy = models.CharField(max_length=32)
    offering_class = models.CharField(max_length=16, choices=choices_for(OfferingClass))
    term_years = models.PositiveSmallIntegerField()
    payment_option = models.CharField(max_length=20, choices=choices_for(PaymentOption))
    quantity = models.PositiveIntegerField()
    on_demand_rate = MoneyField()
    effective_rate = MoneyField()
    upfront_cost = MoneyField()
    gross_savings_annual = MoneyField()
    unused_cost_annual = MoneyField()
    net_savings_annual = MoneyField()
    break_even_utilization = models.DecimalField(max_digits=20, decimal_places=10)
    payback_months = models.DecimalField(max_digits=20, decimal_places=10)
    expected_utilization = models.DecimalField(max_digits=20, decimal_places=10)
    coverage_ratio = models.DecimalField(max_digits=20, decimal_places=10)
    steadiness = models.DecimalField(max_digits=20, decimal_places=10)
    confidence = models.CharField(max_length=8, choices=choices_for(Confidence))
    regrets = models.JSONField(default=list)  # [[fall, net saving left]] as text
    reason = models.TextField()

    class Meta:
        ordering = ("run_id", "-net_savings_annual", "region_id", "instance_type", "platform", "tenancy")

    def __str__(self) -> str:
        return f"{self.quantity} × {self.instance_type} in {self.region_id}"


class RejectedPool(models.Model):
    """A pool without advice, and why."""

    run = models.ForeignKey(RecommendationRun, on_delete=models.CASCADE, related_name="rejected")
    region_id = models.CharField(max_length=64)
    pool_type = models.CharField(max_length=64)
    platform = models.CharField(max_length=64)
    tenancy = models.CharField(max_length=32)
    reason = models.TextField()

    class Meta:
        ordering = ("run_id", "region_id", "pool_type", "platform", "tenancy")

    def __str__(self) -> str:
        return f"{self.pool_type} in {self.region_id}"
