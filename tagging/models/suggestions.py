"""Tags suggested for resources that lack them, what was decided of them, and the virtual tags that came of it."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from simple_history.models import HistoricalRecords

from costs.fields import MoneyField
from tagging.terms import ChoiceState, VirtualOrigin, choices_for


class TagSuggestion(models.Model):
    """Audience × resource × key: a value learned from what that audience may see. Made anew after every import.

    `audience` is '' for FinOps staff, else the key of a team, whose rows are learned from its own resources alone.
    """

    # Of its content alone: a number in a row would tell a team how much others were suggested.
    ref = models.CharField(max_length=40, unique=True)
    audience = models.CharField(max_length=60, blank=True)
    period = models.DateField()  # the month it was learned from
    currency = models.CharField(max_length=8)
    resource_key = models.BigIntegerField()  # the intake's
    resource_id = models.TextField()
    name = models.TextField(blank=True)
    service_name = models.TextField(blank=True)
    sub_account_id = models.TextField(blank=True)
    region_id = models.TextField(blank=True)
    owner_key = models.CharField(max_length=128, blank=True)  # team key; empty for nobody
    tag_key = models.CharField(max_length=128)
    value = models.TextField()
    confidence = models.FloatField()
    evidence = models.JSONField(default=list)  # sentences
    monthly_cost = MoneyField()  # effective
    made_at = models.DateTimeField()

    class Meta:
        ordering = ("audience", "resource_key", "tag_key")
        constraints = (
            models.UniqueConstraint(
                fields=("audience", "currency", "resource_key", "tag_key"), name="one_suggestion_per_audience_and_key"
            ),
        )

    def __str__(self) -> str:
        return f"{self.tag_key}={self.value} for {self.resource_id}"


class SuggestionCount(models.Model):
    """Audience × key: how many resources were learned from, how many lack it, how many got a suggestion."""

    audience = models.CharField(max_length=60, blank=True)
    period = models.DateField()
    currency = models.CharField(max_length=8)
    tag_key = models.CharField(max_length=128)
    known = models.PositiveIntegerField()
    lacking = models.PositiveIntegerField()
    suggested = models.PositiveIntegerField()
    made_at = models.DateTimeField()

    class Meta:
        ordering = ("audience", "pk")
        constraints = (
            models.UniqueConstraint(
                fields=("audience", "currency", "tag_key"), name="one_suggestion_count_per_audience_and_key"
            ),
        )

    def __str__(self) -> str:
        return f"{self.tag_key}: {self.suggested} of {self.lacking}"


class SuggestionChoice(models.Model):
    """What an audience decided of one value for one resource: dismissed, or proposed to FinOps. As it read then."""

    audience = models.CharField(max_length=60, blank=True)
    resource_key = models.BigIntegerField()
    resource_id = models.TextField()
    tag_key = models.CharField(max_length=128)
    value = models.TextField()
    state = models.CharField(max_length=16, choices=choices_for(ChoiceState))
    period = models.DateField()
    currency = models.CharField(max_length=8)
    monthly_cost = MoneyField()
    confidence = models.FloatField()
    evidence = models.JSONField(default=list)
    reason = models.CharField(max_length=300, blank=True)
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    decided_at = models.DateTimeField()
    history = HistoricalRecords()

    class Meta:
        ordering = ("pk",)
        constraints = (
            models.UniqueConstraint(
                fields=("audience", "resource_key", "tag_key", "value"), name="one_choice_per_audience_and_value"
            ),
        )

    def __str__(self) -> str:
        return f"{self.state} {self.tag_key}={self.value} for {self.resource_id}"


class VirtualTag(models.Model):
    """A tag of ours on a resource the provider has none on, from a month to a month. Ended, never deleted."""

    resource_key = models.BigIntegerField()
    resource_id = models.TextField()
    tag_key = models.CharField(max_length=128)
    value = models.TextField()
    from_period = models.DateField()  # first month, inclusive
    to_period = models.DateField(null=True, blank=True)  # first month it no longer holds
    origin = models.CharField(max_length=16, choices=choices_for(VirtualOrigin))
    proposed_by = models.CharField(max_length=60, blank=True)  # key of the team that asked for it
    confidence = models.FloatField()
    evidence = models.JSONField(default=list)
    reason = models.CharField(max_length=300, blank=True)
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField()
    ended_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    ended_at = models.DateTimeField(null=True, blank=True)
    end_reason = models.CharField(max_length=300, blank=True)
    history = HistoricalRecords()

    class Meta:
        ordering = ("-pk",)
        constraints = (
            models.UniqueConstraint(
                fields=("resource_key", "tag_key"),
                condition=Q(to_period__isnull=True),
                name="one_open_virtual_tag_per_resource_and_key",
            ),
            models.CheckConstraint(
                condition=Q(to_period__isnull=True) | Q(to_period__gte=F("from_period")),
                name="virtual_tag_ends_after_it_begins",
            ),
        )
        indexes = (models.Index(fields=("from_period",), name="virtual_tag_from"),)

    def __str__(self) -> str:
        return f"{self.tag_key}={self.value} on {self.resource_id}"
