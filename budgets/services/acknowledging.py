"""Alerts that somebody has taken on."""

from datetime import datetime

from django.contrib.auth.models import User
from django.db.models import Q

from budgets.models import Alert


def acknowledge(ref: str, *, user: User, now: datetime, note: str = "") -> bool:
    """Mark the alert, with those told with it, as taken on; the first to do so stays. Returns whether it was open.

    The caller has read the alert within the user's scope.
    """
    note = note.replace("\0", "").strip()  # no database takes that character
    fresh = Alert.objects.filter(Q(ref=ref) | Q(told_with=ref), acknowledged_at__isnull=True)
    return bool(fresh.update(acknowledged_at=now, acknowledged_by=user, note=note[:300]))
