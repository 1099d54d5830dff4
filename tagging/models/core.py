"""Teams, tag policy, allocation rules, and who owns every slice of an import."""

from hashlib import blake2b
from typing import NamedTuple

from django.conf import settings
from django.contrib.auth.models import Group
from django.db import models
from django.db.models import Exists, FilteredRelation, Q
from simple_history.models import HistoricalRecords

from costs.fields import CostColumns, MoneyField
from costs.reading import keep, read_once
from costs.terms import FindingKind
from tagging.terms import ChargeKind, FindingState, MemberRole, OwnerKind, RuleKind, ValueKind, choices_for

OUTLINE = "outline of teams"
_OUTLINE = ("pk", "parent_id", "key", "name", "cost_center", "is_active")
OWNER_KEY_LENGTH = 160  # a team's key, or a pool's or a cost centre's with its prefix


class TeamRow(NamedTuple):
    """A team in the outline of all teams."""

    pk: int
    parent_pk: int | None
    key: str
    name: str
    cost_center: str
    is_active: bool


class TeamManager(models.Manager["Team"]):
    def outline(self) -> tuple[TeamRow, ...]:
        """Every team by name; read once within a page."""
        rows = self.order_by("name").values_list(*_OUTLINE)
        return read_once(OUTLINE, lambda: tuple(TeamRow(*row) for row in rows))

    def outline_for(self, user_pk: int, group: str) -> tuple[tuple[TeamRow, str, bool], ...]:
        """The outline with the user's role in each team ('' for none), and whether the user is in the group.

        Within a page it serves as the outline, too.
        """
        own = FilteredRelation("memberships", condition=Q(memberships__user=user_pk))
        in_group = Exists(Group.objects.filter(user=user_pk, name=group))
        rows = self.annotate(own=own, in_group=in_group).order_by("name")
        found = tuple(
            (TeamRow(*row[:-2]), row[-2] or "", row[-1]) for row in rows.values_list(*_OUTLINE, "own__role", "in_group")
        )
        keep(OUTLINE, tuple(row for row, _, _ in found))
        return found

    def with_sub_teams(self, team_pks: set[int]) -> frozenset[str]:
        """Keys of these teams and of everything below them."""
        if not team_pks:
            return frozenset()
        rows = self.outline()
        seen = set(team_pks)
        grew = True
        while grew:
            below = {row.pk for row in rows if row.parent_pk in seen and row.pk not in seen}
            seen |= below
            grew = bool(below)
        return frozenset(row.key for row in rows if row.pk in seen)


class Team(models.Model):
    """A group that answers for spend. `key` never changes and is what a Scope holds."""

    key = models.SlugField(max_length=60, unique=True)
    name = models.CharField(max_length=120, unique=True)
    cost_center = models.CharField(max_length=60, blank=True)
    parent = models.ForeignKey("self", on_delete=models.PROTECT, null=True, blank=True, related_name="children")
    is_active = models.BooleanField(default=True)
    objects = TeamManager()
    history = HistoricalRecords()

    class Meta:
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name


class Membership(models.Model):
    """A user's role in a team; sub-teams follow."""

    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=16, choices=choices_for(MemberRole), default=MemberRole.VIEWER.value)
    history = HistoricalRecords()

    class Meta:
        ordering = ("team_id", "user_id")
        constraints = (models.UniqueConstraint(fields=("team", "user"), name="one_role_per_team_and_user"),)

    def __str__(self) -> str:
        return f"{self.user} in {self.team}"


class TagKey(models.Model):
    """A key of the tag policy, with what its values may be. Tracked keys are kept on every slice."""

    key = models.CharField(max_length=128, unique=True)
    position = models.PositiveSmallIntegerField(default=0)
    is_required = models.BooleanField(default=True)
    is_tracked = models.BooleanField(default=True)
    key_aliases = models.JSONField(default=list, blank=True)
    # [{"value": "Prod", "aliases": ["production", …], "match": "exact"}]; empty means any text that is not empty.
    allowed_values = models.JSONField(default=list, blank=True)
    value_kind = models.CharField(max_length=16, choices=choices_for(ValueKind), default=ValueKind.TEXT.value)
    is_key_exact = models.BooleanField(default=False, help_text="Another letter case of the key breaks the policy.")
    is_value_exact = models.BooleanField(default=False, help_text="Another letter case of a value breaks the policy.")
    resource_types = models.JSONField(default=list, blank=True)  # ["ec2:instance", "s3:*"]; empty means all
    team_keys = models.JSONField(default=list, blank=True)  # empty means all
    from_period = models.DateField(null=True, blank=True)  # first month, inclusive
    to_period = models.DateField(null=True, blank=True)  # first month it no longer holds
    enforced_for = models.JSONField(default=list, blank=True)  # as AWS has it; kept for the way back only
    history = HistoricalRecords()

    class Meta:
        ordering = ("position", "key")

    def __str__(self) -> str:
        return self.key


class AllocationRule(models.Model):
    """One ordered rule: slices it matches first belong to its team, cost centre or pool, or to nobody.

    A change ends the row at the last closed month and starts another, which it `replaces`.
    """

    name = models.CharField(max_length=160)
    position = models.PositiveIntegerField()
    kind = models.CharField(max_length=16, choices=choices_for(RuleKind))
    tag_key = models.CharField(max_length=128, blank=True)
    tag_values = models.JSONField(default=list, blank=True)  # the value and its aliases
    sub_account_id = models.CharField(max_length=255, blank=True)
    condition = models.JSONField(default=dict, blank=True)  # of kind condition, see `tagging.conditions`
    team = models.ForeignKey(Team, on_delete=models.PROTECT, null=True, blank=True, related_name="rules")
    target = models.CharField(max_length=OWNER_KEY_LENGTH, blank=True)  # a pool or cost centre, where no team
    charge_kind = models.CharField(max_length=24, choices=choices_for(ChargeKind), blank=True)
    replaces = models.ForeignKey("self", on_delete=models.PROTECT, null=True, blank=True, related_name="later")
    from_period = models.DateField(null=True, blank=True)  # first month, inclusive
    to_period = models.DateField(null=True, blank=True)  # first month it no longer holds
    is_active = models.BooleanField(default=True)
    reason = models.CharField(max_length=300, blank=True)
    history = HistoricalRecords()

    class Meta:
        ordering = ("position", "pk")

    def __str__(self) -> str:
        return self.name

    @property
    def version(self) -> str:
        """What the rule says, in short: another as soon as anything of it is changed but its place."""
        apart = {"id", "position", "replaces"}
        said = [getattr(self, field.attname) for field in self._meta.concrete_fields if field.name not in apart]
        return blake2b(repr(said).encode(), digest_size=8).hexdigest()


class Allocation(models.Model):
    """Import × slice → who owns it and which rule decided, with the owner's names as of that day."""

    bill_import = models.ForeignKey("costs.BillImport", on_delete=models.PROTECT, db_index=False)
    slice = models.ForeignKey("costs.CostSlice", on_delete=models.PROTECT, db_index=False, db_constraint=False)
    owner_kind = models.CharField(max_length=16, choices=choices_for(OwnerKind))
    owner_key = models.CharField(max_length=OWNER_KEY_LENGTH, blank=True)  # see `tagging.owners`
    rule = models.ForeignKey(AllocationRule, on_delete=models.PROTECT, null=True, db_constraint=False)
    rule_text = models.CharField(max_length=400, blank=True)  # the rule in words, as it stood
    matched_text = models.CharField(max_length=400, blank=True)  # what in the slice it matched
    environment = models.TextField(blank=True)  # normalised by the policy's aliases
    cost_center = models.TextField(blank=True)  # the CostCenter tag, else the owning team's
    project = models.TextField(blank=True)
    tag_owner = models.TextField(blank=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("bill_import", "slice"), name="one_owner_per_import_and_slice"),)
        indexes = (models.Index(fields=("bill_import", "owner_key"), name="allocation_import_owner"),)

    def __str__(self) -> str:
        return f"{self.slice_id} → {self.owner_key or 'nobody'}"


class AllocatedCost(CostColumns):
    """Direct costs per import × day × owner × service × account × region × category × environment."""

    bill_import = models.ForeignKey("costs.BillImport", on_delete=models.PROTECT, db_index=False)
    charge_date = models.DateField()
    owner_kind = models.CharField(max_length=16)
    owner_key = models.CharField(max_length=OWNER_KEY_LENGTH, blank=True)
    service_name = models.TextField(blank=True)
    sub_account_id = models.TextField(blank=True)
    region_id = models.TextField(blank=True)
    charge_category = models.TextField()
    environment = models.TextField(blank=True)

    class Meta:
        indexes = (models.Index(fields=("bill_import", "owner_key", "charge_date"), name="allocated_import_owner_day"),)

    def __str__(self) -> str:
        return f"{self.owner_key or 'nobody'} {self.service_name} on {self.charge_date}"


class Finding(models.Model):
    """Kind × resource × owner: money spent on nothing, as the owner pays for it, and what became of it.

    `ref` is made of the kind, the resource and the owner alone: it stays the same whatever others do.
    """

    ref = models.SlugField(max_length=40, unique=True)
    kind = models.CharField(max_length=32, choices=choices_for(FindingKind))
    subject_key = models.CharField(max_length=64)  # a hash of the resource id
    resource_id = models.TextField()
    resource_ids = models.JSONField(default=list)  # with what is attached; looked at again to verify
    resource_name = models.TextField(blank=True)
    service_name = models.TextField(blank=True)
    region_id = models.TextField(blank=True)
    sub_account_id = models.TextField(blank=True)
    source_name = models.CharField(max_length=80)
    owner_kind = models.CharField(max_length=16, choices=choices_for(OwnerKind))
    owner_key = models.CharField(max_length=OWNER_KEY_LENGTH, blank=True)  # see `tagging.owners`
    currency = models.CharField(max_length=8)
    period = models.DateField()  # the month it was measured in
    monthly_cost = MoneyField()
    monthly_saving = MoneyField()
    baseline_cost = MoneyField()  # a month of everything that is looked at again
    reason = models.TextField()
    evidence = models.JSONField(default=list)  # [[label, text], …]
    first_seen_on = models.DateField()
    last_seen_on = models.DateField()
    state = models.CharField(max_length=16, choices=choices_for(FindingState), default=FindingState.OPEN.value)
    dismissed_until = models.DateField(null=True, blank=True)
    note = models.TextField(blank=True)
    changed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    changed_at = models.DateTimeField()
    done_on = models.DateField(null=True, blank=True)
    is_done_by_hand = models.BooleanField(default=False)
    verified_from = models.DateField(null=True, blank=True)  # first month its saving is measured in
    verified_saving = MoneyField(default=0)
    # For staff nothing was saved then. Its owner is never told: its own costs did fall, wherever they went.
    went_to_another = models.BooleanField(default=False)
    history = HistoricalRecords()

    class Meta:
        ordering = ("ref",)
        constraints = (
            models.UniqueConstraint(fields=("kind", "subject_key", "owner_key"), name="one_finding_per_kind_and_owner"),
        )
        indexes = (models.Index(fields=("owner_key", "state"), name="finding_owner_state"),)

    def __str__(self) -> str:
        return f"{self.kind} {self.resource_id}"


class FindingMonth(models.Model):
    """Finding × later month: what it would have cost, what it costs, and the saving between. Rebuilt at will."""

    finding = models.ForeignKey(Finding, on_delete=models.CASCADE, related_name="months")
    period = models.DateField()
    covered_days = models.PositiveSmallIntegerField()
    baseline_cost = MoneyField()  # of the days covered
    actual_cost = MoneyField()
    saving = MoneyField()

    class Meta:
        ordering = ("period",)
        constraints = (models.UniqueConstraint(fields=("finding", "period"), name="one_row_per_finding_and_month"),)

    def __str__(self) -> str:
        return f"{self.finding_id} {self.period:%Y-%m}"


class ViewAs(models.Model):
    """The log of FinOps staff looking at pages with another user's eyes."""

    staff = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="view_as_started")
    viewed = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="view_as_seen")
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-started_at",)
        verbose_name_plural = "view as log"

    def __str__(self) -> str:
        return f"{self.staff} as {self.viewed}"
