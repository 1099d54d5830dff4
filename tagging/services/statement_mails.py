"""The queue of mails that tell a team its month is closed: claimed, sent, tried again, given up."""

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, Q

from costs.scope import Scope
from tagging.models import Close, Statement, StatementMail
from tagging.selectors.teams import leads_addresses
from tagging.terms import CloseState, MailState, OwnerKind

LEASE = timedelta(minutes=15)  # who claims a mail and dies leaves it to the next after this
KEPT = timedelta(days=7)  # mail set up later does not send what is older
PAUSES = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 30, 120, 480))
BATCH = 100
OPEN_STATES = (MailState.WAITING.value, MailState.SENDING.value)


def queue_mails(close: Close, *, now: datetime) -> int:
    """One mail to each active lead of every team that has a statement, or had one in an earlier version of the month
    and has none now; in the transaction of the close.
    """
    addresses = leads_addresses(Scope.all())
    own = [(statement, None) for statement in close.statements.filter(owner_kind=OwnerKind.TEAM.value)]
    gone = [(statement, close) for statement in _without_statement_now(close)]
    mails = [
        StatementMail(statement=statement, address=address, next_attempt_at=now, gone_in=gone_in)
        for statement, gone_in in (*own, *gone)
        for address in addresses.get(statement.owner_key, ())
    ]
    StatementMail.objects.bulk_create(mails)
    return len(mails)


def _without_statement_now(close: Close) -> list[Statement]:
    """The last statements of teams that dropped out of the month and were not told of it yet."""
    earlier = Statement.objects.filter(
        close__period=close.period, close__currency=close.currency, close__version__lt=close.version,
        owner_kind=OwnerKind.TEAM.value,
    )  # fmt: skip
    earlier = earlier.exclude(owner_key__in=close.statements.values("owner_key"))
    last = {statement.owner_key: statement for statement in earlier.order_by("close__version")}
    told = StatementMail.objects.filter(gone_in__isnull=False, state=MailState.SENT.value)
    known = set(told.filter(statement__in=last.values()).values_list("statement_id", flat=True))
    return [statement for _, statement in sorted(last.items()) if statement.pk not in known]


def replaced_statement(statement: Statement) -> Statement | None:
    """The same owner's statement of the version before this one; None for a first version or an owner new to it."""
    close = statement.close
    before = Statement.objects.filter(
        close__period=close.period,
        close__currency=close.currency,
        close__version=close.version - 1,
        owner_kind=statement.owner_kind,
        owner_key=statement.owner_key,
    )
    return before.select_related("close").first()


def claim_due_mails(*, now: datetime) -> list[int]:
    """Mails to send now, theirs alone who called; those of reopened months or too old are given up."""
    with transaction.atomic():
        due = StatementMail.objects.filter(state__in=OPEN_STATES, next_attempt_at__lte=now)
        own, gone = Q(gone_in__isnull=True), Q(gone_in__isnull=False)
        day = now - KEPT
        old = due.filter(own & Q(statement__close__closed_at__lt=day) | gone & Q(gone_in__closed_at__lt=day))
        reopened = CloseState.REOPENED.value
        stale = due.filter(own & Q(statement__close__state=reopened) | gone & Q(gone_in__state=reopened))
        for late, error in ((old, "Too old to be news."), (stale, "The month was reopened.")):
            late.update(state=MailState.FAILED.value, error=error)
        pks = [item.pk for item in due.select_for_update(skip_locked=True, of=("self",)).order_by("pk")[:BATCH]]
        StatementMail.objects.filter(pk__in=pks).update(
            state=MailState.SENDING.value, attempts=F("attempts") + 1, next_attempt_at=now + LEASE
        )
    return pks


def record_sent(pk: int, *, now: datetime) -> None:
    """It is out."""
    StatementMail.objects.filter(pk=pk).update(state=MailState.SENT.value, sent_at=now, error="")


def record_failure(pk: int, *, now: datetime, error: str) -> None:
    """The mail server refused it: again after 1, 5, 30, 120 and 480 minutes, then no more."""
    mail = StatementMail.objects.get(pk=pk)
    if mail.attempts > len(PAUSES):
        mail.state = MailState.FAILED.value
    else:
        mail.state = MailState.WAITING.value
        mail.next_attempt_at = now + PAUSES[mail.attempts - 1]
    mail.error = error[:300]
    mail.save()


def record_refusal(pk: int) -> None:
    """Its reader may not see the statement any more."""
    StatementMail.objects.filter(pk=pk).update(
        state=MailState.FAILED.value, error="This person may not see the statement any more."
    )


def mail_by_pk(pk: int) -> StatementMail:
    """One mail with its statement, and the version that has none any more where it tells that."""
    return StatementMail.objects.select_related("statement__close", "gone_in").get(pk=pk)
