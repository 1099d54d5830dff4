"""Costs a team says are not its own: what decided them, as it stood when they were doubted."""

from django.db import models

from costs.fields import MoneyField
from costs.terms import CostMetric
from tagging.models.closes import RaisedAndAnswered
from tagging.models.core import OWNER_KEY_LENGTH, AllocationRule
from tagging.terms import choices_for


class OwnershipDoubt(RaisedAndAnswered):
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
    belongs_to = models.CharField(max_length=160, blank=True)  # whose it is, in the words of who raised it
    rule = models.ForeignKey(AllocationRule, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")

    class Meta:
        ordering = ("-pk",)
        constraints = (
            models.UniqueConstraint(fields=("ref",), condition=models.Q(state="open"), name="one_open_doubt_per_cost"),
        )

    def __str__(self) -> str:
        return f"{self.team_name} {self.period:%Y-%m}: {self.rule_text}"
