"""Statements of closed months as documents, and the month's whole set for the books."""

from dataclasses import replace
from datetime import UTC
from decimal import Decimal

from django.conf import settings

from costs.errors import NotFoundInScopeError
from costs.money import ZERO, round_to_cents
from costs.periods import BillingPeriod
from costs.scope import Scope
from costs.terms import CostMetric
from tagging.documents import StatementDocument, TieOut, content_of
from tagging.documents.content import suggested_total
from tagging.models import Statement
from tagging.selectors.closed_figures import StoredMonth, bill_version_of, stored_month
from tagging.selectors.closed_lines import lines_of
from tagging.selectors.reach import reach
from tagging.terms import OwnerKind


def statement_document(
    scope: Scope,
    period: BillingPeriod,
    owner_key: str,
    *,
    metric: CostMetric | None = None,
    currency: str = "",
    version: int | None = None,
) -> StatementDocument:
    """One owner's document on the basis charged, or on another. Raises NotFoundInScopeError while the month is open.

    `version` is one that the month was closed in, whether it still counts or not.

    With the figures of the whole month for FinOps staff only.
    """
    scope.require_team(owner_key)
    stored = _stored(scope, period, metric, currency, version)
    own = stored.statements.get(owner_key)
    if own is None:
        raise NotFoundInScopeError("Nothing here.")
    return _document(stored, own)


def _stored(
    scope: Scope, period: BillingPeriod, metric: CostMetric | None, currency: str, version: int | None = None
) -> StoredMonth:
    found = reach(scope, (period,), currency)
    stored = stored_month(found, period, metric or CostMetric.BILLED, version)
    if stored is not None and metric is None and stored.close.basis != CostMetric.BILLED.value:
        stored = stored_month(found, period, CostMetric(stored.close.basis), version)
    if stored is None:
        raise NotFoundInScopeError(f"{period.label} is not closed: it has no documents yet.")
    return stored


def _document(stored: StoredMonth, own: Statement) -> StatementDocument:
    lines, close, metric = lines_of(own, stored.metric), stored.close, stored.metric
    booked = Decimal(own.cents[metric.column])
    groups = content_of(lines, booked)
    staff = stored.scope.everything
    return StatementDocument(
        company=settings.COMPANY_NAME,
        number=own.number if stored.info.is_as_charged else "",
        charged_on="" if stored.info.is_as_charged else close.basis,
        version=close.version,
        state=close.state,
        superseded=replace(stored.info, reopened_why="").superseded,  # it goes to the team
        owner=own.owner_name,
        owner_key=own.owner_key,
        cost_center=own.cost_center,
        period=stored.period,
        currency=close.currency,
        metric=metric,
        groups=groups,
        total=booked,
        list_total=sum((group.list_amount for group in groups), ZERO),
        shows_list=metric is not CostMetric.LIST and any(line.list_cost for line in lines),
        hash=own.data_hash,
        closed_on=close.closed_at.astimezone(UTC).date(),
        tie_out=_tie_out(stored) if staff else None,
        bill_version=bill_version_of(close) if staff else "",
        suggested=None if own.suggested is None else suggested_total(groups),
    )


def _tie_out(stored: StoredMonth) -> TieOut:
    booked = stored.booked
    nobody = sum(
        (booked[key] for key, item in stored.statements.items() if item.owner_kind == OwnerKind.NOBODY.value), ZERO
    )
    owners = sum(booked.values(), ZERO) - nobody
    exact = (stored.bill_total or ZERO) + stored.info.carried_in
    bill = round_to_cents(stored.bill_total or ZERO)
    carried = round_to_cents(exact) - bill  # the sum of both is what all documents add up to
    return TieOut(bill, carried, owners, nobody, bill + carried - owners - nobody)
