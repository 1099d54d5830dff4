"""What people decide of a finding. Whoever calls has made sure of the user's rights."""

from datetime import date, datetime

from django.contrib.auth.models import AbstractUser
from django.db import transaction

from costs.errors import InvalidRequestError, NotFoundInScopeError
from costs.periods import BillingPeriod
from tagging.models import Finding, FindingMonth
from tagging.services.findings import save_event, set_state
from tagging.services.verifying import verify_savings
from tagging.terms import FindingState

NOTE_LIMIT = 500


def accept_finding(ref: str, *, user: AbstractUser, now: datetime, note: str = "") -> None:
    """Somebody takes it on. Raises NotFoundInScopeError where there is none."""
    change_finding(ref, FindingState.ACCEPTED, user=user, now=now, note=note)


def dismiss_finding(ref: str, *, user: AbstractUser, now: datetime, until: date | None, note: str) -> None:
    """It is meant to be so until a day; then it opens again if it is still there.

    Raises InvalidRequestError without a reason or without a day to come.
    """
    change_finding(ref, FindingState.DISMISSED, user=user, now=now, note=note, until=until)


def finish_finding(ref: str, *, user: AbstractUser, now: datetime, note: str = "") -> None:
    """It is mended; from the next month on its saving is measured."""
    change_finding(ref, FindingState.DONE, user=user, now=now, note=note)


def reopen_finding(ref: str, *, user: AbstractUser, now: datetime, note: str = "") -> None:
    """Undo: it is open as if nobody had decided; what was measured of it goes."""
    change_finding(ref, FindingState.OPEN, user=user, now=now, note=note)


def change_finding(
    ref: str,
    state: FindingState,
    *,
    user: AbstractUser,
    now: datetime,
    note: str = "",
    until: date | None = None,
    version: str = "",
) -> None:
    """Put a finding into a state, whatever state it was in. One that is done stays as it is but for the note.

    With the `version` that the user looked at: raises InvalidRequestError where somebody has decided since.
    """
    note = note.strip()[:NOTE_LIMIT]
    if state is FindingState.DISMISSED:
        _check_dismissal(until, note, now.date())
    elif until is not None:
        raise InvalidRequestError("Only a dismissal has a last day. Leave it empty, or dismiss the finding.")
    with transaction.atomic():
        item = Finding.objects.select_for_update().filter(ref=ref).first()
        if item is None:
            raise NotFoundInScopeError("Nothing here.")
        if version and version != item.changed_at.isoformat():
            raise InvalidRequestError(f"It has become {item.state} since you looked. Read why, then decide again.")
        if state is FindingState.DONE and item.state == state.value:
            item.note, item.changed_at, item.changed_by_id = note, now, user.pk
            save_event(item, now)
            return
        _decide(item, state, user=user, now=now, note=note, until=until)
        FindingMonth.objects.filter(finding=item).delete()
        verify_savings(refs=[ref])


def _decide(
    item: Finding, state: FindingState, *, user: AbstractUser, now: datetime, note: str, until: date | None
) -> None:
    set_state(item, state, now=now, note=note)
    item.changed_by_id = user.pk
    item.dismissed_until = until
    if state is FindingState.DONE:
        item.done_on = now.date()
        item.is_done_by_hand = True
        item.verified_from = BillingPeriod.of(now.date()).end
    save_event(item, now)


def _check_dismissal(until: date | None, note: str, today: date) -> None:
    if until is None or until <= today:
        raise InvalidRequestError("Say until when it is dismissed: a day after today, like 2026-12-31.")
    if not note:
        raise InvalidRequestError("Say why it is dismissed, so that others need not look again.")
