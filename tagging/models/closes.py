"""Months that were closed: versions, statements with their lines, disputes, mails.

A statement's names, texts and money are kept as they stood. Nothing here is edited once it is closed, except
states; the services see to that (`tagging.services.closes`).
"""

from django.conf import settings
from django.db import models

from costs.fields import CostColumns, MoneyField
from costs.terms import CostMetric
from tagging.models.core import OWNER_KEY_LENGTH
from tagging.terms import (
    AccountKind,
    CloseState,
    DisputeState,
    LineKind,
    MailState,
    choices_for,
)


class Close(models.Model):
    """Period × currency × version: one closing of a month. At most one version of a month counts.

    `number` is given when it becomes final: without gaps within the month's year, never twice.
    """

    period = models.DateField()
    currency = models.CharField(max_length=8)
    version = models.PositiveSmallIntegerField(default=1)
    state = models.CharField(max_length=16, choices=choices_for(CloseState), default=CloseState.CLOSED.value)
    basis = models.CharField(max_length=16, choices=choices_for(CostMetric))  # what is charged
    number_year = models.PositiveSmallIntegerField(null=True, blank=True)
    number_in_year = models.PositiveIntegerField(null=True, blank=True)
    frozen_rules = models.JSONField(default=list)  # rules of the month in their order, as matching needs them
    texts = models.JSONField(default=dict)  # rules, policy and teams in words, as they stood
    # The books' codes as the version became final with them, [[kind, cost centre, code, name], …]; its reversal meets
    # the same accounts. NULL: not final yet, or final before this was kept.
    account_codes = models.JSONField(null=True)
    bills = models.JSONField(default=list)  # [{"source", "import", "version", "totals": {column: text}}]
    imports = models.ManyToManyField("costs.BillImport", related_name="+")  # kept as long as the close
    data_hash = models.CharField(max_length=64)
    closed_at = models.DateTimeField()

    class Meta:
        ordering = ("-period", "currency", "-version")
        constraints = (
            models.UniqueConstraint(fields=("period", "currency", "version"), name="one_close_per_month_and_version"),
            models.UniqueConstraint(
                fields=("period", "currency"), condition=~models.Q(state="reopened"), name="one_close_counts"
            ),
            models.UniqueConstraint(fields=("number_year", "number_in_year"), name="one_close_per_number"),
        )

    def __str__(self) -> str:
        return f"{self.period:%Y-%m} {self.currency} version {self.version}"


class CloseEvent(models.Model):
    """Who did what with a month, when and why. Never changed."""

    close = models.ForeignKey(Close, on_delete=models.PROTECT, related_name="events")
    what = models.CharField(max_length=16)
    by = models.CharField(max_length=160)  # the name, so that it outlives the account
    reason = models.TextField(blank=True)
    at = models.DateTimeField()

    class Meta:
        ordering = ("pk",)

    def __str__(self) -> str:
        return f"{self.what} by {self.by}"


class Statement(CostColumns):
    """Close × owner: the sums of its lines, and what is booked in cents. Nobody has one too: what has no owner."""

    close = models.ForeignKey(Close, on_delete=models.PROTECT, related_name="statements")
    owner_kind = models.CharField(max_length=16)
    owner_key = models.CharField(max_length=OWNER_KEY_LENGTH, blank=True)  # see `tagging.owners`
    owner_name = models.CharField(max_length=200)
    cost_center = models.TextField(blank=True)
    number = models.CharField(max_length=200, blank=True)  # of its owner and year; empty until final
    number_year = models.PositiveSmallIntegerField(null=True, blank=True)
    number_in_year = models.PositiveIntegerField(null=True, blank=True)
    cents = models.JSONField(default=dict)  # {column: text}: sums over the month to the bill's rounded total
    # What virtual tags of ours put there: [[service, account, charge category, five costs as text], …]; under the
    # hash like the lines. NULL: closed before this was kept.
    suggested = models.JSONField(null=True)
    data_hash = models.CharField(max_length=64)

    class Meta:
        ordering = ("owner_kind", "owner_key")
        constraints = (
            models.UniqueConstraint(fields=("close", "owner_kind", "owner_key"), name="one_statement_per_owner"),
            models.UniqueConstraint(
                fields=("owner_kind", "owner_key", "number_year", "number_in_year"), name="one_statement_per_number"
            ),
        )

    def __str__(self) -> str:
        return f"{self.owner_name} {self.close}"


class StatementLine(CostColumns):
    """Statement × kind × service × account × charge category × pool (× origin of an adjustment)."""

    statement = models.ForeignKey(Statement, on_delete=models.PROTECT, related_name="lines")
    kind = models.CharField(max_length=16, choices=choices_for(LineKind))
    service_name = models.TextField(blank=True)
    sub_account_id = models.TextField(blank=True)
    sub_account_name = models.TextField(blank=True)
    charge_category = models.TextField(blank=True)
    pool_key = models.TextField(blank=True)
    pool_name = models.TextField(blank=True)
    # Of adjustments: the month that is put right, the version it was closed in, and what kind of line that was.
    origin_period = models.DateField(null=True, blank=True)
    origin_version = models.PositiveSmallIntegerField(null=True, blank=True)
    origin_kind = models.CharField(max_length=16, blank=True)

    class Meta:
        ordering = ("pk",)

    def __str__(self) -> str:
        return f"{self.kind} {self.service_name} {self.sub_account_id}"


class RaisedAndAnswered(models.Model):
    """What a team's lead says is wrong, and the FinOps lead's answer."""

    state = models.CharField(max_length=16, choices=choices_for(DisputeState), default=DisputeState.OPEN.value)
    text = models.TextField()
    raised_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    raised_at = models.DateTimeField()
    answer = models.TextField(blank=True)
    answered_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    answered_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        abstract = True


class Dispute(RaisedAndAnswered):
    """A team lead doubts a line of the own statement; the FinOps lead answers."""

    line = models.ForeignKey(StatementLine, on_delete=models.PROTECT, related_name="disputes")

    class Meta:
        ordering = ("-pk",)
        constraints = (
            models.UniqueConstraint(
                fields=("line",), condition=models.Q(state="open"), name="one_open_dispute_per_line"
            ),
        )

    def __str__(self) -> str:
        return f"dispute of {self.line}"


class StatementMail(models.Model):
    """One statement to one address: the note that the month is closed.

    With `gone_in` the note that it counts no more and that this later version has none for its owner.
    """

    statement = models.ForeignKey(Statement, on_delete=models.PROTECT, related_name="mails")
    gone_in = models.ForeignKey(Close, on_delete=models.PROTECT, null=True, blank=True, related_name="withdrawals")
    address = models.EmailField()
    state = models.CharField(max_length=16, choices=choices_for(MailState), default=MailState.WAITING.value)
    attempts = models.PositiveSmallIntegerField(default=0)
    next_attempt_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True, blank=True)
    error = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering = ("pk",)
        constraints = (
            models.UniqueConstraint(
                fields=("statement", "address"),
                condition=models.Q(gone_in__isnull=True),
                name="one_mail_per_statement_and_address",
            ),
            models.UniqueConstraint(fields=("statement", "address", "gone_in"), name="one_withdrawal_per_version"),
        )
        indexes = (models.Index(fields=("state", "next_attempt_at"), name="statement_mail_due"),)

    def __str__(self) -> str:
        return f"{self.statement} to {self.address}"


class AccountCode(models.Model):
    """The books' account for one kind of charge; for one cost centre where one is named, else for all others."""

    kind = models.CharField(max_length=16, choices=choices_for(AccountKind))
    cost_center = models.CharField(max_length=60, blank=True)
    code = models.CharField(max_length=40)
    name = models.CharField(max_length=120, blank=True)

    class Meta:
        ordering = ("kind", "cost_center")
        constraints = (models.UniqueConstraint(fields=("kind", "cost_center"), name="one_code_per_kind_and_center"),)

    def __str__(self) -> str:
        return f"{self.code} {self.name}".strip()


class Invoice(models.Model):
    """An invoice as it came in, entered by FinOps staff to be matched with what the bill says of it."""

    period = models.DateField()
    currency = models.CharField(max_length=8)
    invoice_id = models.CharField(max_length=120)
    issuer = models.CharField(max_length=200, blank=True)  # empty: whoever the bill names
    amount = MoneyField()
    note = models.CharField(max_length=300, blank=True)
    entered_by = models.CharField(max_length=160)
    entered_at = models.DateTimeField()

    class Meta:
        ordering = ("-period", "invoice_id")
        constraints = (
            models.UniqueConstraint(
                fields=("period", "currency", "invoice_id", "issuer"), name="one_amount_per_invoice_and_issuer"
            ),
        )

    def __str__(self) -> str:
        return f"{self.invoice_id} {self.period:%Y-%m}"
