"""Disputes, as their reader may see them: all for FinOps staff, a team's own for it."""

from costs.periods import BillingPeriod
from costs.scope import Scope
from costs.terms import CostMetric
from tagging.models import Dispute
from tagging.results.closes import DisputeRow
from tagging.selectors.closed_figures import line_ref
from tagging.terms import CloseState, DisputeState


def disputes(
    scope: Scope,
    *,
    period: BillingPeriod | None = None,
    currency: str = "",
    team_key: str = "",
    only_open: bool = False,
) -> tuple[DisputeRow, ...]:
    """Disputes of months that count, open ones first, then the newest."""
    rows = Dispute.objects.exclude(line__statement__close__state=CloseState.REOPENED.value)
    if not scope.everything:
        rows = rows.filter(line__statement__owner_key__in=scope.team_keys)
    if period is not None:
        rows = rows.filter(line__statement__close__period=period.start)
    if currency:
        rows = rows.filter(line__statement__close__currency=currency)
    if team_key:
        rows = rows.filter(line__statement__owner_key=team_key)
    if only_open:
        rows = rows.filter(state=DisputeState.OPEN.value)
    related = rows.select_related("line__statement__close", "raised_by", "answered_by")
    found = [_row(item, staff=scope.everything) for item in related]
    return tuple(sorted(found, key=lambda row: (row.state != DisputeState.OPEN.value, -row.raised_at.timestamp())))


def _row(item: Dispute, *, staff: bool) -> DisputeRow:
    line, statement = item.line, item.line.statement
    names = (line.service_name or line.pool_name, line.sub_account_name or line.sub_account_id, line.charge_category)
    return DisputeRow(
        pk=item.pk if staff else 0,
        ref=line_ref(line),
        period=BillingPeriod(statement.close.period),
        currency=statement.close.currency,
        team_key=statement.owner_key,
        team_name=statement.owner_name,
        line=" · ".join(name for name in names if name),
        metric=(basis := CostMetric(statement.close.basis)),
        cost=getattr(line, basis.column),
        state=item.state,
        text=item.text,
        raised_by=str(item.raised_by or "a deleted user"),
        raised_at=item.raised_at,
        answer=item.answer,
        answered_by=str(item.answered_by or "") if staff else "",
        answered_at=item.answered_at,
    )
