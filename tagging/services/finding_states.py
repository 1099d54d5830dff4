"""What people decide of a finding. Whoever calls has made sure of the user's rights."""

from dataclasses import dataclass
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


@dataclass(frozen=True)
class Decision:
    """The state a finding is put into, why, and until when (of a dismissal).

    `version` is what the user looked at, where that is known.
    """

    state: FindingState
    note: str = ""
    until: date | None = None
    version: str = ""


def accept_finding(ref: str, *, user: AbstractUser, now: datetime, note: str = "") -> None:
    """Somebody takes it on. Raises NotFoundInScopeError where there is none."""
    change_finding(ref, Decision(FindingState.ACCEPTED, note), user=user, now=now)


def dismiss_finding(ref: str, *, user: AbstractUser, now: datetime, until: date | None, note: str) -> None:
    """It is meant to be so until a day; then it opens again if it is still there.

    Raises InvalidRequestError without a reason or without a day to come.
    """
    change_finding(ref, Decision(FindingState.DISMISSED, note, until), user=user, now=now)


def finish_finding(ref: str, *, user: AbstractUser, now: datetime, note: str = "") -> None:
    """It is mended; from the next month on its saving is measured."""
    change_finding(ref, Decision(FindingState.DONE, note), user=user, now=now)


def reopen_finding(ref: str, *, user: AbstractUser, now: datetime, note: str = "") -> None:
    """Undo: it is open as if nobody had decided; what was measured of it goes."""
    change_finding(ref, Decision(FindingState.OPEN, note), user=user, now=now)


def change_finding(ref: str, decision: Decision, *, user: AbstractUser, now: datetime) -> None:
    """Put a finding into a state, whatever state it was in. One that is done stays as it is but for the note.

    Raises InvalidRequestError where somebody has decided since the version that the user looked at.
    """
    _check(decision, now.date())
    with transaction.atomic():
        item = Finding.objects.select_for_update().filter(ref=ref).first()
        if item is None:
            raise NotFoundInScopeError("Nothing here.")
        if decision.version and decision.version != item.changed_at.isoformat():
            raise InvalidRequestError(f"It has become {item.state} since you looked. Read why, then decide again.")
        if FindingState.DONE.value == item.state == decision.state.value:
            item.note, item.changed_at, item.changed_by_id = _note(decision), now, user.pk
            save_event(item, now)
            return
        _decide(item, decision, user=user, now=now)
        FindingMonth.objects.filter(finding=item).delete()
        verify_savings(refs=[ref])


def _decide(item: Finding, decision: Decision, *, user: AbstractUser, now: datetime) -> None:
    set_state(item, decision.state, now=now, note=_note(decision))
    item.changed_by_id = user.pk
    item.dismissed_until = decision.until
    if decision.state is FindingState.DONE:
        item.done_on = now.date()
        item.is_done_by_hand = True
        item.verified_from = BillingPeriod.of(now.date()).end
    save_event(item, now)


def _note(decision: Decision) -> str:
    return decision.note.strip()[:NOTE_LIMIT]


def _check(decision: Decision, today: date) -> None:
    if decision.state is not FindingState.DISMISSED:
        if decision.until is not None:
            raise InvalidRequestError("Only a dismissal has a last day. Leave it empty, or dismiss the finding.")
        return
    if decision.until is None or decision.until <= today:
        raise InvalidRequestError("Say until when it is dismissed: a day after today, like 2026-12-31.")
    if not _note(decision):
        raise InvalidRequestError("Say why it is dismissed, so that others need not look again.")
