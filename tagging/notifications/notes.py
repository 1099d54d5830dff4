"""Mails of notes: sends one as it was written, says how it went."""

import logging
import smtplib
from datetime import datetime
from hashlib import blake2b

from django.conf import settings
from django.contrib.auth.models import User
from django.core.mail import EmailMessage
from django.urls import reverse

from costs.errors import FinopsError
from tagging import services
from tagging.access import is_finops, scope_of
from tagging.models import TeamNote

logger = logging.getLogger(__name__)
NOT_THEIRS = "This person may not see the team any more."


def send_due_notes(*, now: datetime) -> int:
    """Send the notes that are due and return how many went out; nothing happens while mail is not configured."""
    if not settings.MAIL_IS_CONFIGURED:
        return 0
    due = services.claim_due_notes(now=now)
    return sum(_send(TeamNote.objects.select_related("team").get(pk=pk), now) for pk in due)


def message(note: TeamNote) -> EmailMessage:
    """The mail. Its id is the same however often it is tried: readers show it once."""
    named = f"{note.team.key} {note.kind} {note.week} {note.address}"
    identity = blake2b(named.encode(), digest_size=12).hexdigest()
    headers = {
        "Message-ID": f"<{identity}@notes.finops>",
        "Auto-Submitted": "auto-generated",
        "List-Unsubscribe": f"<{settings.SITE_URL}{reverse('tagging:notes')}>",
    }
    return EmailMessage(note.subject, note.body, to=[note.address], headers=headers)


def _send(note: TeamNote, now: datetime) -> int:
    if not _may_read(note):
        services.record_note(note.pk, now=now, error=NOT_THEIRS, is_final=True)
        return 0
    try:
        message(note).send()
    except (OSError, smtplib.SMTPException, FinopsError) as error:
        logger.warning("Note %s failed: %s", note.pk, error)
        services.record_note(note.pk, now=now, error=f"{type(error).__name__}: {error}")
        return 0
    services.record_note(note.pk, now=now)
    return 1


def _may_read(note: TeamNote) -> bool:
    users = User.objects.filter(email__iexact=note.address, is_active=True)
    return any(is_finops(user) or note.team.key in scope_of(user).team_keys for user in users)
