"""Shared pools and what they are split by; the month costs of owners they are split from."""

from django.db import models
from simple_history.models import HistoricalRecords

from costs.fields import CostColumns
from tagging.models.core import OWNER_KEY_LENGTH
from tagging.terms import BenefitPolicy, ChargeKind, CommitmentUse, OwnerKind, SplitMethod, Weighing, choices_for


class PoolDriver(models.Model):
    """What pools may be split by beside costs: headcount, requests …, a number for each owner and month."""

    key = models.SlugField(max_length=60, unique=True)
    name = models.CharField(max_length=120, unique=True)
    history = HistoricalRecords()

    class Meta:
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name


class DriverValue(models.Model):
    """One owner's number of a driver in a month."""

    driver = models.ForeignKey(PoolDriver, on_delete=models.CASCADE, related_name="values")
    period = models.DateField()
    owner_key = models.CharField(max_length=OWNER_KEY_LENGTH)
    value = models.DecimalField(max_digits=20, decimal_places=6)

    class Meta:
        ordering = ("period", "owner_key")
        constraints = (
            models.UniqueConstraint(fields=("driver", "period", "owner_key"), name="one_value_per_driver_month_owner"),
        )

    def __str__(self) -> str:
        return f"{self.owner_key} {self.period:%Y-%m}"


class SharedPool(models.Model):
    """How the costs that rules put into a pool are split, from one month to another.

    Rows with the same `key` are one pool as it changed over time; their months do not overlap. A change ends
    the row at the last closed month and starts another, so what is closed stays explained.
    """

    key = models.SlugField(max_length=60)
    name = models.CharField(max_length=120)
    position = models.PositiveIntegerField(default=0)
    method = models.CharField(max_length=16, choices=choices_for(SplitMethod))
    weighing = models.CharField(max_length=16, choices=choices_for(Weighing), default=Weighing.DIRECT.value)
    services = models.JSONField(default=list, blank=True)
    driver = models.ForeignKey(PoolDriver, on_delete=models.PROTECT, null=True, blank=True, related_name="pools")
    # [{"owner": "payments", "pct": "33.3", "cap": "100"}]; empty: all who have direct costs in the month.
    targets = models.JSONField(default=list, blank=True)
    # Where the rest goes once caps are reached: '' stays in the pool, 'others' those below their caps, or an owner.
    rest_to = models.CharField(max_length=OWNER_KEY_LENGTH, blank=True)
    is_open = models.BooleanField(default=False)  # teams with a part of it see its total, weights and lines
    charge_kind = models.CharField(max_length=24, choices=choices_for(ChargeKind), blank=True)
    from_period = models.DateField(null=True, blank=True)  # first month, inclusive
    to_period = models.DateField(null=True, blank=True)  # first month it no longer holds
    is_active = models.BooleanField(default=True)
    reason = models.CharField(max_length=300, blank=True)
    history = HistoricalRecords()

    class Meta:
        ordering = ("position", "key", "from_period", "pk")
        constraints = (
            models.CheckConstraint(
                condition=models.Q(from_period__isnull=True)
                | models.Q(to_period__isnull=True)
                | models.Q(from_period__lt=models.F("to_period")),
                name="pool_starts_before_it_ends",
            ),
        )

    def __str__(self) -> str:
        return self.name


class CommitmentBenefit(models.Model):
    """From which month on teams are charged at which price for what commitments cover."""

    from_period = models.DateField(unique=True)
    policy = models.CharField(max_length=16, choices=choices_for(BenefitPolicy))
    reason = models.CharField(max_length=300, blank=True)
    history = HistoricalRecords()

    class Meta:
        ordering = ("from_period",)

    def __str__(self) -> str:
        return f"{self.policy} from {self.from_period:%Y-%m}"


class OwnerCost(CostColumns):
    """Direct costs per import × owner × service × use of commitments: a month, made with `AllocatedCost`."""

    bill_import = models.ForeignKey("costs.BillImport", on_delete=models.PROTECT, db_index=False)
    owner_kind = models.CharField(max_length=16, choices=choices_for(OwnerKind))
    owner_key = models.CharField(max_length=OWNER_KEY_LENGTH, blank=True)
    service_name = models.TextField(blank=True)
    commitment_use = models.CharField(max_length=16, choices=choices_for(CommitmentUse), blank=True)

    class Meta:
        indexes = (models.Index(fields=("bill_import", "owner_key"), name="owner_cost_import_owner"),)

    def __str__(self) -> str:
        return f"{self.owner_key or 'nobody'} {self.service_name}"
