"""Success figures by month as they were last measured, and who signed in when."""

from django.conf import settings
from django.db import models

from costs.fields import MoneyField
from costs.terms import choices_for
from finops_site.metrics.terms import Metric


class MonthMetric(models.Model):
    """One figure of a month. Empty `value`: measured, and there is nothing to divide by. Rebuilt at will.

    The three numbers are shares, counts or money as the metric says; the money field keeps all of them exact on
    every database. `currency` is empty for what has none.
    """

    period = models.DateField()
    name = models.CharField(max_length=40, choices=choices_for(Metric))
    currency = models.CharField(max_length=8, blank=True)
    value = MoneyField(null=True)  # type: ignore[misc]  # the field's type knows no None
    numerator = MoneyField(null=True)  # type: ignore[misc]  # the field's type knows no None
    denominator = MoneyField(null=True)  # type: ignore[misc]  # the field's type knows no None
    measured_at = models.DateTimeField()

    class Meta:
        ordering = ("period", "name", "currency")
        constraints = (
            models.UniqueConstraint(fields=("period", "name", "currency"), name="one_metric_per_month_and_currency"),
        )

    def __str__(self) -> str:
        return f"{self.name} {self.period:%Y-%m}"


class SignIn(models.Model):
    """A user signed in at least once in that month."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    month = models.DateField()

    class Meta:
        ordering = ("month", "user_id")
        constraints = (models.UniqueConstraint(fields=("user", "month"), name="one_sign_in_per_user_and_month"),)

    def __str__(self) -> str:
        return f"{self.user} in {self.month:%Y-%m}"
