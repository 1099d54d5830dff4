"""How mails that could not be sent are tried again: whatever they are about, they wait the same."""

from datetime import datetime, timedelta

LEASE = timedelta(minutes=15)  # who claims a mail and dies leaves it to the next after this
KEPT = timedelta(days=3)  # a mail is no news after this; mail set up later does not send it
PAUSES = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 30, 120, 480))
BATCH = 100


def next_attempt(now: datetime, attempts: int) -> datetime | None:
    """When to try again after so many attempts; None where there is to be no other."""
    return now + PAUSES[attempts - 1] if attempts <= len(PAUSES) else None
