"""Disputes, as their reader may see them: all for FinOps staff, a team's own for it.

A dispute is of a month, an owner and a line. It outlives the version of the close it was raised on: after a
reopening it is still there, waits for its answer and says what became of its line.
"""

from collections import defaultdict
from datetime import date

from costs.periods import BillingPeriod
from costs.scope import Scope
from costs.terms import CostMetric
from tagging.models import Close, Dispute, StatementLine
from tagging.results.closes import DisputeRow
from tagging.selectors.closed_lines import line_ref
from tagging.selectors.closes import counting
from tagging.terms import CloseState, DisputeState

Place = tuple[object, ...]
# What makes a line the same in every version of its month.
_SAME = (
    "statement__owner_kind", "statement__owner_key", "kind", "service_name", "sub_account_id", "charge_category",
    "pool_key", "origin_period", "origin_kind",
)  # fmt: skip


def disputes(
    scope: Scope,
    *,
    period: BillingPeriod | None = None,
    currency: str = "",
    team_key: str = "",
    only_open: bool = False,
) -> tuple[DisputeRow, ...]:
    """Disputes of every version of a month, open ones first, then the newest."""
    rows = Dispute.objects.all()
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
    related = list(rows.select_related("line__statement__close", "raised_by", "answered_by"))
    standing = _standing([item.line for item in related])
    found = [_row(item, standing.get(item.line_id, ""), staff=scope.everything) for item in related]
    return tuple(sorted(found, key=lambda row: (row.state != DisputeState.OPEN.value, -row.raised_at.timestamp())))


def open_disputes(period: BillingPeriod, currency: str) -> int:
    """How many lines of the month's statements are in dispute, whichever version they were raised on."""
    rows = Dispute.objects.filter(line__statement__close__period=period.start, state=DisputeState.OPEN.value)
    return rows.filter(line__statement__close__currency=currency).count()


def is_in_dispute(line: StatementLine) -> bool:
    """Whether somebody waits for an answer to this line, raised on this version of its month or on one before."""
    close = line.statement.close
    rows = Dispute.objects.filter(state=DisputeState.OPEN.value)
    rows = rows.filter(line__statement__close__period=close.period, line__statement__close__currency=close.currency)
    return rows.filter(**{f"line__{name}": _value(line, name) for name in _SAME}).exists()


def _standing(lines: list[StatementLine]) -> dict[int, str]:
    """By line of a version that counts no more: what has become of it."""
    gone = [line for line in lines if line.statement.close.state == CloseState.REOPENED.value]
    if not gone:
        return {}
    months = {(line.statement.close.period, line.statement.close.currency) for line in gone}
    owners = {line.statement.owner_key for line in gone}
    closes = counting().filter(period__in={period for period, _ in months})
    versions = {(close.period, close.currency): close for close in closes}
    kept: dict[int, set[Place]] = defaultdict(set)
    rows = StatementLine.objects.filter(statement__close__in=list(versions.values()), statement__owner_key__in=owners)
    for close_pk, *place in rows.order_by().values_list("statement__close_id", *_SAME):
        kept[close_pk].add(tuple(place))
    return {line.pk: _became(line, versions, kept) for line in gone}


def _became(line: StatementLine, versions: dict[tuple[date, str], Close], kept: dict[int, set[Place]]) -> str:
    close = line.statement.close
    said = f"Raised on version {close.version}, which was reopened."
    now = versions.get((close.period, close.currency))
    if now is None:
        return f"{said} The month is open."
    if tuple(_value(line, name) for name in _SAME) in kept[now.pk]:
        return f"{said} Version {now.version} has this line, too."
    return f"{said} Version {now.version} has no such line any more."


def _value(line: StatementLine, name: str) -> object:
    return getattr(line.statement, name.removeprefix("statement__")) if "__" in name else getattr(line, name)


def _row(item: Dispute, standing: str, *, staff: bool) -> DisputeRow:
    line, statement = item.line, item.line.statement
    names = (line.service_name or line.pool_name, line.sub_account_name or line.sub_account_id, line.charge_category)
    return DisputeRow(
        pk=item.pk if staff else 0,
        ref=line_ref(line),
        period=BillingPeriod(statement.close.period),
        currency=statement.close.currency,
        version=statement.close.version,
        is_reopened=statement.close.state == CloseState.REOPENED.value,
        standing=standing,
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
