"""The queue of mails: claimed, sent, tried again, given up."""

from datetime import datetime

from django.db import transaction
from django.db.models import F

from budgets.models import Delivery
from budgets.terms import DeliveryState
from costs.mail_pauses import BATCH, KEPT, LEASE, next_attempt

OPEN_STATES = (DeliveryState.WAITING.value, DeliveryState.SENDING.value)


def claim_due_deliveries(*, now: datetime) -> list[int]:
    """Mails to send now, theirs alone who called; those too old to be news are given up. Returns their keys."""
    with transaction.atomic():
        due = Delivery.objects.filter(state__in=OPEN_STATES, next_attempt_at__lte=now)
        due.filter(alert__created_at__lt=now - KEPT).update(state=DeliveryState.EXPIRED.value)
        pks = [item.pk for item in due.select_for_update(skip_locked=True, of=("self",)).order_by("pk")[:BATCH]]
        Delivery.objects.filter(pk__in=pks).update(
            state=DeliveryState.SENDING.value, attempts=F("attempts") + 1, next_attempt_at=now + LEASE
        )
    return pks


def record_sent(pk: int, *, now: datetime) -> None:
    """It is out."""
    Delivery.objects.filter(pk=pk).update(state=DeliveryState.SENT.value, sent_at=now, error="")


def record_failure(pk: int, *, now: datetime, error: str) -> None:
    """The mail server refused it: again after 1, 5, 30, 120 and 480 minutes, then no more."""
    delivery = Delivery.objects.get(pk=pk)
    again_at = next_attempt(now, delivery.attempts)
    if again_at is None:
        delivery.state = DeliveryState.FAILED.value
    else:
        delivery.state, delivery.next_attempt_at = DeliveryState.WAITING.value, again_at
    delivery.error = error[:300]
    delivery.save()


def record_refusal(pk: int) -> None:
    """Its reader may not see the budget any more."""
    error = "This person may not see the budget any more."
    Delivery.objects.filter(pk=pk).update(state=DeliveryState.FAILED.value, error=error)
