"""Disputes of lines of closed months: a team lead raises one, FinOps staff answer it."""

from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction

from costs.errors import InvalidRequestError, NotFoundInScopeError
from costs.periods import BillingPeriod
from costs.scope import Scope
from tagging.models import Dispute, StatementLine
from tagging.selectors.closed_lines import line_ref
from tagging.selectors.closes import close_of
from tagging.selectors.disputes import is_in_dispute
from tagging.terms import CloseState, DisputeState

MOST_TEXT = 1000


@dataclass(frozen=True)
class Doubt:
    """Which line of which team's month, and what is wrong with it."""

    team_key: str
    period: BillingPeriod
    currency: str
    line_ref: str
    text: str


def raise_dispute(scope: Scope, doubt: Doubt, *, by: AbstractBaseUser, now: datetime) -> int:
    """Doubt one line of a team's closed statement. Raises NotFoundInScopeError, InvalidRequestError."""
    scope.require_team(doubt.team_key)
    said = said_text(doubt.text, "Say what is wrong with the line.")
    with transaction.atomic():
        close = close_of(doubt.period, doubt.currency)
        if close is None:
            raise NotFoundInScopeError("Nothing here.")
        if close.state != CloseState.CLOSED.value:
            raise InvalidRequestError(
                f"{doubt.period} is final: its lines cannot be disputed any more. Ask your FinOps lead to reopen it."
            )
        lines = StatementLine.objects.filter(statement__close=close, statement__owner_key=doubt.team_key)
        line = next((row for row in lines.select_related("statement__close") if line_ref(row) == doubt.line_ref), None)
        if line is None:
            raise NotFoundInScopeError("Nothing here.")
        if is_in_dispute(line):
            raise InvalidRequestError("This line is in dispute already.")
        return Dispute.objects.create(line=line, text=said, raised_by_id=by.pk, raised_at=now).pk


def answer_dispute(pk: int, *, accept: bool, answer: str, by: AbstractBaseUser, now: datetime) -> None:
    """Accept it (what is wrong is put right and the month reopened or corrected) or not. For FinOps staff.

    Raises NotFoundInScopeError for an unknown one, InvalidRequestError for one that is answered.
    """
    said = said_text(answer, "An answer needs a text: the team reads it.")
    with transaction.atomic():
        found = Dispute.objects.select_for_update().filter(pk=pk).first()
        if found is None:
            raise NotFoundInScopeError("Nothing here.")
        if found.state != DisputeState.OPEN.value:
            raise InvalidRequestError("This dispute is answered already.")
        found.state = (DisputeState.ACCEPTED if accept else DisputeState.REJECTED).value
        found.answer, found.answered_by_id, found.answered_at = said, by.pk, now
        found.save()


def said_text(text: str, missing: str) -> str:
    """A text that somebody else reads, cut to its longest. Raises InvalidRequestError with `missing` for none."""
    said = text.strip()
    if not said:
        raise InvalidRequestError(missing)
    return said[:MOST_TEXT]
