"""Costs a team says are not its own: what decided them, as it stood when they were doubted."""

from django.conf import settings
from django.db import models

from costs.fields import MoneyField
from costs.terms import CostMetric
from tagging.models.core import OWNER_KEY_LENGTH, AllocationRule
from tagging.terms import DisputeState, choices_for


class OwnershipDoubt(models.Model):
    """A team doubts what a rule gave it in a month; the FinOps lead makes a rule of it, or says why not."""

    team_key = models.CharField(max_length=OWNER_KEY_LENGTH)
    team_name = models.CharField(max_length=200)
    period = models.DateField()
    currency = models.CharField(max_length=8)
    basis = models.CharField(max_length=16, choices=choices_for(CostMetric))
    rule_text = models.CharField(max_length=400, blank=True)
    matched_text = models.CharField(max_length=400, blank=True)
    filters = models.JSONField(default=list)  # [[dimension, value], …] as on the page it was raised from
    places = models.JSONField(default=list)  # [[account, service], …] of the doubted costs
    decided_by = models.ForeignKey(AllocationRule, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    ref = models.CharField(max_length=64)  # names team, decision and filters, so that one thing is doubted once
    cost = MoneyField()
    text = models.TextField()
    belongs_to = models.CharField(max_length=160, blank=True)  # whose it is, in the words of who raised it
    state = models.CharField(max_length=16, choices=choices_for(DisputeState), default=DisputeState.OPEN.value)
    raised_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    raised_at = models.DateTimeField()
    answer = models.TextField(blank=True)
    answered_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    answered_at = models.DateTimeField(null=True, blank=True)
    rule = models.ForeignKey(AllocationRule, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")

    class Meta:
        ordering = ("-pk",)
        constraints = (
            models.UniqueConstraint(fields=("ref",), condition=models.Q(state="open"), name="one_open_doubt_per_cost"),
        )

    def __str__(self) -> str:
        return f"{self.team_name} {self.period:%Y-%m}: {self.rule_text}"
