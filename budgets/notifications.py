"""Mails of alerts: writes and sends one, says how it went. What is sent to whom was decided before."""

import logging
import smtplib
from datetime import datetime
from hashlib import blake2b
from typing import Any

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string
from django.urls import reverse

from budgets import selectors, services
from budgets.models import Alert, Delivery
from budgets.results import AlertRow
from budgets.selectors.measuring import scope_of_budget
from costs.errors import FinopsError

logger = logging.getLogger(__name__)
TEMPLATES = "emails/budget_alert"


def send_due(*, now: datetime) -> int:
    """Send the mails that are due and return how many went out; nothing happens while mail is not configured."""
    if not settings.MAIL_IS_CONFIGURED:
        return 0
    sent = 0
    for pk in services.claim_due_deliveries(now=now):
        sent += _send(Delivery.objects.select_related("alert__budget").get(pk=pk), now)
    return sent


def message(alert: Alert, address: str) -> EmailMultiAlternatives:
    """The mail as text and HTML. Its id is the same however often it is tried: readers show it once."""
    context = _context(alert)
    subject = " ".join(render_to_string(f"{TEMPLATES}/subject.txt", context).split())
    identity = blake2b(f"{alert.ref} {address}".encode(), digest_size=12).hexdigest()
    mail = EmailMultiAlternatives(
        subject,
        render_to_string(f"{TEMPLATES}/body.txt", context),
        to=[address],
        headers={"Message-ID": f"<{identity}@alerts.finops>", "Auto-Submitted": "auto-generated"},
    )
    mail.attach_alternative(render_to_string(f"{TEMPLATES}/body.html", context), "text/html")
    return mail


def _send(delivery: Delivery, now: datetime) -> int:
    if not selectors.may_read(delivery.address, delivery.alert.budget):
        services.record_refusal(delivery.pk)
        return 0
    try:
        message(delivery.alert, delivery.address).send()
    except (OSError, smtplib.SMTPException, FinopsError) as error:
        logger.warning("Mail of alert %s failed: %s", delivery.alert.ref, error)
        services.record_failure(delivery.pk, now=now, error=f"{type(error).__name__}: {error}")
        return 0
    services.record_sent(delivery.pk, now=now)
    return 1


def _context(alert: Alert) -> dict[str, Any]:
    """Read with the eyes of the budget: of a team's budget, nothing beyond that team."""
    scope, _ = scope_of_budget(alert.budget)
    row = selectors.alert(scope, alert.ref)
    with_it = Alert.objects.filter(told_with=alert.ref).order_by("kind", "-percent")
    return {
        "alert": row,
        "causes": rises_of(row),
        "also": [(item.kind, item.percent.normalize()) for item in with_it],
        "url": settings.SITE_URL + reverse("budgets:budget", args=[row.budget_key]),
        "inbox_url": settings.SITE_URL + reverse("budgets:inbox"),
    }


def rises_of(row: AlertRow) -> list[Any]:
    """The three largest rises among the causes."""
    return [cause for cause in row.causes if cause.change > 0][:3]
