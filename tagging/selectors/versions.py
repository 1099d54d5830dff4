"""Every version of a month: what it was closed on, when it was reopened and why, and what came after it."""

from dataclasses import replace
from datetime import datetime
from typing import Any

from django.db.models import OuterRef, Subquery

from costs.errors import InvalidRequestError, NotFoundInScopeError
from costs.periods import BillingPeriod
from costs.scope import Scope
from tagging.models import Close, CloseEvent, Statement
from tagging.results.closes import VersionRow
from tagging.selectors.closed_figures import number_of
from tagging.terms import CloseState

MOST_DIGITS = 4  # of a version; more is none that is stored


def parse_version(text: str) -> int:
    """A version of a month, counted from 1. Raises InvalidRequestError; NotFoundInScopeError for one too large."""
    if not (text.isascii() and text.isdecimal()):
        raise InvalidRequestError(f"'{text}' is not a version. Use a whole number from 1.")
    if len(text) > MOST_DIGITS:
        raise NotFoundInScopeError("Nothing here.")
    return int(text)


def month_versions(scope: Scope, period: BillingPeriod, currency: str) -> tuple[VersionRow, ...]:
    """All versions of a month, newest first. For FinOps staff."""
    scope.require_everything()
    closes = _with_reopening(Close.objects.filter(period=period.start, currency=currency), "pk")
    return tuple(_row(close, close.data_hash, number_of(close), close) for close in closes.order_by("-version"))


def statement_versions(scope: Scope, period: BillingPeriod, currency: str, owner_key: str) -> tuple[VersionRow, ...]:
    """All versions of one owner's statement, newest first; versions without one are left out.

    Why one was reopened is told to FinOps staff alone, as their text may name anybody.
    """
    scope.require_team(owner_key)
    rows = Statement.objects.filter(owner_key=owner_key, close__period=period.start, close__currency=currency)
    found = _with_reopening(rows, "close_id").select_related("close").order_by("-close__version")
    versions = tuple(_row(item.close, item.data_hash, item.number, item) for item in found)
    return versions if scope.everything else tuple(replace(row, reopened_why="") for row in versions)


def _with_reopening(rows: Any, close: str) -> Any:
    events = CloseEvent.objects.filter(close=OuterRef(close), what=CloseState.REOPENED.value).order_by("-pk")
    return rows.annotate(
        reopened_at=Subquery(events.values("at")[:1]), reopened_why=Subquery(events.values("reason")[:1])
    )


def _row(close: Close, data_hash: str, number: str, noted: Any) -> VersionRow:
    at: datetime | None = noted.reopened_at
    return VersionRow(
        version=close.version,
        state=close.state,
        number=number,
        basis=close.basis,
        closed_at=close.closed_at,
        reopened_at=at,
        reopened_why=noted.reopened_why or "",
        hash=data_hash,
    )
