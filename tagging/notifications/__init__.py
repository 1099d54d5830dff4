"""Mails of ownership, to teams: notes about their tags, and statements of closed months."""

from tagging.notifications.notes import send_due_notes
from tagging.notifications.statements import send_due_statements

__all__ = ["send_due_notes", "send_due_statements"]
