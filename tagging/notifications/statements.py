"""Mails of statements: tells a team's leads that their month is closed. What is sent to whom was decided before."""

import logging
import smtplib
from datetime import datetime
from decimal import Decimal
from hashlib import blake2b
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.contrib.auth.models import User
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string
from django.urls import reverse

from costs import figures
from costs.errors import FinopsError
from costs.money import ZERO
from costs.periods import BillingPeriod
from costs.terms import CostMetric
from tagging.access import scope_of
from tagging.documents.content import GROUP_NAMES, content_of
from tagging.models import Close, Statement
from tagging.selectors.closed_lines import lines_of
from tagging.services import statement_mails

logger = logging.getLogger(__name__)
TEMPLATES = "emails/statement"
GONE_TEMPLATES = "emails/statement_gone"
LINES_TOLD = 5


def send_due_statements(*, now: datetime) -> int:
    """Send the statement mails that are due; returns how many went out. Nothing happens without a mail server."""
    if not settings.MAIL_IS_CONFIGURED:
        return 0
    return sum(_send(pk, now) for pk in statement_mails.claim_due_mails(now=now))


def message(statement: Statement, address: str, gone_in: Close | None = None) -> EmailMultiAlternatives:
    """The mail as text and HTML, of what stands on this statement alone; with `gone_in` that it counts no more and
    that this later version of the month charges its owner nothing.

    Its id is the same however often it is tried.
    """
    context = _context(statement) if gone_in is None else _gone_context(statement, gone_in)
    templates = TEMPLATES if gone_in is None else GONE_TEMPLATES
    subject = " ".join(render_to_string(f"{templates}/subject.txt", context).split())
    version = (
        f"{statement.close.version}" if gone_in is None else f"{statement.close.version} gone in {gone_in.version}"
    )
    named = f"{context['period']} {statement.close.currency} {version} {statement.owner_key} {address}"
    identity = blake2b(named.encode(), digest_size=12).hexdigest()
    mail = EmailMultiAlternatives(
        subject,
        render_to_string(f"{templates}/body.txt", context),
        to=[address],
        headers={"Message-ID": f"<{identity}@statements.finops>", "Auto-Submitted": "auto-generated"},
    )
    mail.attach_alternative(render_to_string(f"{templates}/body.html", context), "text/html")
    return mail


def _send(pk: int, now: datetime) -> int:
    queued = statement_mails.mail_by_pk(pk)
    statement, address = queued.statement, queued.address
    if not _may_read(address, statement.owner_key):
        statement_mails.record_refusal(pk)
        return 0
    try:
        message(statement, address, queued.gone_in).send()
    except (OSError, smtplib.SMTPException, FinopsError) as error:
        logger.warning("Mail of a statement failed: %s", error)
        statement_mails.record_failure(pk, now=now, error=f"{type(error).__name__}: {error}")
        return 0
    statement_mails.record_sent(pk, now=now)
    return 1


def _may_read(address: str, team_key: str) -> bool:
    """Whether somebody with this address may still open the statement."""
    users = User.objects.filter(email__iexact=address, is_active=True)
    return any(scope_of(user).everything or team_key in scope_of(user).team_keys for user in users)


def _context(statement: Statement) -> dict[str, Any]:
    close = statement.close
    metric, period = CostMetric(close.basis), BillingPeriod(close.period)
    lines, total = lines_of(statement, metric), Decimal(statement.cents[metric.column])
    amounts = {group.kind: group.amount for group in content_of(lines, total)}
    query = urlencode({"period": str(period), "currency": close.currency})  # it opens on the basis charged
    return {
        "statement": statement,
        "period": period,
        "currency": close.currency,
        "basis": metric.value,
        "total": total,
        "parts": [(name, amounts.get(kind, ZERO)) for kind, name in GROUP_NAMES.items()],
        "lines": lines[:LINES_TOLD],
        "replaces": _replaces(statement, total),
        "url": f"{settings.SITE_URL}{reverse('tagging:statement', args=[statement.owner_key])}?{query}",
    }


def _gone_context(statement: Statement, gone_in: Close) -> dict[str, Any]:
    close = statement.close
    metric, period = CostMetric(close.basis), BillingPeriod(close.period)
    query = urlencode({"period": str(period), "currency": close.currency, "version": close.version})
    return {
        "statement": statement,
        "period": period,
        "currency": close.currency,
        "basis": metric.value,
        "was": Decimal(statement.cents[metric.column]),
        "version": gone_in.version,
        "url": f"{settings.SITE_URL}{reverse('tagging:statement', args=[statement.owner_key])}?{query}",
    }


def _replaces(statement: Statement, total: Decimal) -> str:
    """What a later version says of the one it replaces; empty for the first."""
    close = statement.close
    if close.version == 1:
        return ""
    opening = f"This is version {close.version}. It replaces version {close.version - 1}"
    before = statement_mails.replaced_statement(statement)
    if before is None:
        return f"{opening}, which had no statement for you."
    metric = CostMetric(before.close.basis)
    was = Decimal(before.cents[metric.column])
    basis = "" if metric.value == close.basis else f" ({metric.value} cost)"
    told = f"{opening}, which charged {figures.money(was, close.currency)}{basis}"
    if total == was:
        return f"{told}: the amount is the same."
    more = "more" if total > was else "less"
    return f"{told}: now it is {figures.money(abs(total - was), close.currency)} {more}."
