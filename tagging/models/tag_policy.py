"""Around the tag policy: who is excused, what cannot be tagged, compliance day by day, fixes, notes to teams."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from simple_history.models import HistoricalRecords

from costs.fields import MoneyField
from tagging.models.core import Team
from tagging.terms import NoteKind, choices_for


class Exemption(models.Model):
    """Resources excused from keys of the policy until a day. Empty places take everything. Ended, not deleted."""

    resource = models.CharField(max_length=512, blank=True)  # an id, or a wildcard of ids
    sub_account_id = models.CharField(max_length=255, blank=True)
    service_name = models.CharField(max_length=200, blank=True)
    team = models.ForeignKey(Team, on_delete=models.PROTECT, null=True, blank=True, related_name="exemptions")
    keys = models.JSONField(default=list, blank=True)  # empty means all of them
    reason = models.CharField(max_length=300)
    since = models.DateField()
    until = models.DateField()  # the last day it holds
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField()
    history = HistoricalRecords()

    class Meta:
        ordering = ("-until", "pk")
        constraints = (
            models.CheckConstraint(condition=Q(until__gte=F("since")), name="exemption_ends_after_it_begins"),
            models.CheckConstraint(
                condition=~Q(resource="", sub_account_id="", service_name="", team__isnull=True),
                name="exemption_names_something",
            ),
        )

    def __str__(self) -> str:
        return f"{self.resource or self.sub_account_id or self.service_name or self.team} until {self.until}"


class UntaggableCharge(models.Model):
    """Charges of a service and usage type that nobody can tag, although they name a resource."""

    service_name = models.CharField(max_length=200)  # or a wildcard
    usage_type = models.CharField(max_length=200, default="*")  # or a wildcard
    reason = models.CharField(max_length=300)
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    history = HistoricalRecords()

    class Meta:
        ordering = ("service_name", "usage_type")
        constraints = (
            models.UniqueConstraint(fields=("service_name", "usage_type"), name="one_untaggable_row_per_charge"),
        )

    def __str__(self) -> str:
        return f"{self.service_name} {self.usage_type}"


class ComplianceSnapshot(models.Model):
    """Day × month × currency × value of a dimension: how far it followed the policy, seen on that day.

    A team's rows are of its own slices; a resource of two teams is in the rows of both. Ratios are never stored.
    """

    taken_on = models.DateField()
    period = models.DateField()
    currency = models.CharField(max_length=8)
    dimension = models.CharField(max_length=16)  # total, key, team, service, region, account, environment
    value = models.CharField(max_length=255, blank=True)
    resources = models.PositiveIntegerField()
    compliant_resources = models.PositiveIntegerField()
    taggable_cost = MoneyField()
    compliant_cost = MoneyField()
    exempt_cost = MoneyField()
    untaggable_cost = MoneyField(default=0)  # of the total and of teams only

    class Meta:
        ordering = ("taken_on", "period")
        constraints = (
            models.UniqueConstraint(
                fields=("taken_on", "period", "currency", "dimension", "value"), name="one_snapshot_per_day_and_value"
            ),
        )
        indexes = (models.Index(fields=("dimension", "period", "taken_on"), name="snapshot_dimension_period"),)

    def __str__(self) -> str:
        return f"{self.dimension} {self.value} {self.period:%Y-%m} on {self.taken_on}"


class AnnouncedFix(models.Model):
    """Resource × owner × key somebody was told to mend or exported to mend it; looked at again after every import."""

    resource_key = models.BigIntegerField()  # the intake's
    resource_id = models.TextField()
    owner_key = models.CharField(max_length=128, blank=True)  # team key; empty for nobody
    tag_key = models.CharField(max_length=128)
    wanted = models.TextField(blank=True)  # the value, where it was known
    announced_on = models.DateField()
    announced_in = models.DateField()  # the month whose bill showed it
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    fixed_in = models.DateField(null=True, blank=True)  # the month whose bill shows it mended
    is_gone = models.BooleanField(default=False)  # the resource costs its owner nothing any more
    is_excused = models.BooleanField(default=False)  # nobody asks for the key there any more
    escalated_on = models.DateField(null=True, blank=True)

    class Meta:
        ordering = ("announced_on", "pk")
        constraints = (
            models.UniqueConstraint(
                fields=("resource_key", "owner_key", "tag_key"), name="one_announced_fix_per_resource_owner_and_key"
            ),
        )
        indexes = (models.Index(fields=("owner_key", "fixed_in"), name="announced_fix_owner"),)

    def __str__(self) -> str:
        return f"{self.tag_key} of {self.resource_id}"


class NoteChoice(models.Model):
    """Somebody who does not want the Monday note. Escalations to a lead still come."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="note_choice")
    stopped_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.user} wants no note"


class TeamNote(models.Model):
    """A mail about one team's tags to one address in one week, as it was written. Sent once."""

    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="notes")
    kind = models.CharField(max_length=16, choices=choices_for(NoteKind))
    week = models.DateField()  # its Monday
    address = models.EmailField()
    subject = models.CharField(max_length=300)
    body = models.TextField()
    state = models.CharField(max_length=16, default="waiting")
    attempts = models.PositiveSmallIntegerField(default=0)
    created_at = models.DateTimeField()
    next_attempt_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True, blank=True)
    error = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering = ("pk",)
        constraints = (
            models.UniqueConstraint(
                fields=("team", "kind", "week", "address"), name="one_note_per_team_kind_week_and_address"
            ),
        )
        indexes = (models.Index(fields=("state", "next_attempt_at"), name="team_note_due"),)

    def __str__(self) -> str:
        return f"{self.kind} of {self.team} to {self.address}, {self.week}"
