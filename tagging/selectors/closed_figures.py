"""Chargeback of months that are closed: read from what was stored, whatever became of bills, rules and teams since."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from django.db.models import Sum

from costs import selectors as intake
from costs.adding import Booked
from costs.money import ZERO
from costs.periods import BillingPeriod, DateRange
from costs.scope import Scope
from costs.terms import COST_COLUMNS, CostMetric
from tagging.chargeback import Parts, split_rest
from tagging.documents.content import content_of, suggested_total
from tagging.models import Close, Team
from tagging.models import Statement as StoredStatement
from tagging.models import StatementLine as StoredLine
from tagging.owners import center_of, kind_of
from tagging.results import (
    Chargeback,
    ChargebackRow,
    CloseInfo,
    Statement,
    StatementList,
    StatementSummary,
)
from tagging.selectors.centers import by_center
from tagging.selectors.closed import closed_months
from tagging.selectors.closed_lines import lines_of, suggested_of
from tagging.selectors.closes import EVERYTHING, close_by_version, close_of, pending_by_month, reopening_of
from tagging.selectors.labels import labels
from tagging.selectors.reach import Reach
from tagging.selectors.sums import Ask, sums
from tagging.terms import CloseState, LineKind, OwnerKind, SplitMethod

# Dimensions that lines of statements tell; by any other, shares and corrections have no value.
_OF_LINES = {"service": "service_name", "account": "sub_account_id", "category": "charge_category"}


@dataclass(frozen=True)
class Before:
    """Costs by value of the month before, whole; `days` is None where it has none.

    `version` is the one it is of, 0 for as it is today; None where that needs no saying.
    """

    costs: Mapping[str, Decimal]
    days: DateRange | None
    booked: Mapping[str, Decimal] = field(default_factory=dict)  # by team and where it is closed: its documents' cents
    version: int | None = None


@dataclass(frozen=True)
class StoredMonth:
    """A closed month as one reader may see it."""

    scope: Scope
    close: Close
    metric: CostMetric
    other_currencies: tuple[str, ...]
    statements: Mapping[str, StoredStatement]  # by owner key; for staff those of pools and of nobody too
    parts: Mapping[str, Parts]
    info: CloseInfo
    bill_total: Decimal | None

    @property
    def period(self) -> BillingPeriod:
        return BillingPeriod(self.close.period)

    @property
    def booked(self) -> dict[str, Decimal]:
        """Every statement's total in cents on the basis that is shown, by owner."""
        return {key: Decimal(row.cents[self.metric.column]) for key, row in self.statements.items()}


def stored_month(
    found: Reach, period: BillingPeriod, metric: CostMetric, version: int | None = None
) -> StoredMonth | None:
    """The month's stored statements within the reader's scope, or None while it is open.

    `version` is one of the month's, one that was reopened too. None where there is none, and where a team has neither
    a statement nor costs of the month (of a version: no statement): that others' month is closed is not told.
    """
    close = _close(found, period, version)
    if close is None:
        return None
    rows = StoredStatement.objects.filter(close=close)
    if not found.scope.everything:
        rows = rows.filter(owner_kind=OwnerKind.TEAM.value, owner_key__in=found.scope.team_keys)
    statements = {row.owner_key: row for row in rows}
    has_costs = version is None and bool(found.within((period,)).imports)
    if not (found.scope.everything or statements or has_costs):
        return None
    parts = _parts(close, statements, metric)
    whole = sum((Decimal(bill["totals"][metric.column]) for bill in close.bills), ZERO)
    staff = found.scope.everything
    counts = close.state != CloseState.REOPENED.value
    waiting = pending_of(found.scope, period, found.currency, metric) if counts else ZERO
    info = _info(close, parts, waiting, staff=staff, is_as_charged=metric.value == close.basis)
    return StoredMonth(
        scope=found.scope,
        close=close,
        metric=metric,
        other_currencies=found.other_currencies,
        statements=statements,
        parts=parts,
        info=info if counts else replace(info, **reopening_of(close, None if staff else list(statements))),
        bill_total=whole if staff else None,
    )


def _close(found: Reach, period: BillingPeriod, version: int | None) -> Close | None:
    if version is not None:
        return close_by_version(period, found.currency, version)
    return close_of(period, found.currency) if (period, found.currency) in closed_months() else None


def pending_of(scope: Scope, period: BillingPeriod, currency: str, metric: CostMetric) -> Decimal:
    """What is still to be carried of the month; of the reader's own lines."""
    at = COST_COLUMNS.index(metric.column)
    lines = pending_by_month(currency, only=period).get(period, {})
    return sum(
        (costs[at] for line, costs in lines.items() if scope.everything or line.owner.key in scope.team_keys), ZERO
    )


def number_of(close: Close) -> str:
    """`2018-0007`: the seventh final close of months of 2018; '' before it is final."""
    return "" if close.number_in_year is None else f"{close.number_year}-{close.number_in_year:04d}"


def bill_version_of(close: Close) -> str:
    """The bill versions a month was closed on, in words."""
    return ", ".join(bill["label"] for bill in close.bills)


def closed_chargeback(stored: StoredMonth, by: str, before: Before, split: SplitMethod | None = None) -> Chargeback:
    """The closed month by any kind of owner; Σ rows + unallocated + difference = bill + carried in.

    `split` shows what nobody owns split over the others; what is stored does not change.
    """
    parts = parts_by(stored, by)
    info = stored.info
    if split is not None:
        stored.scope.require_everything()
        parts, info = _rest_split(parts, split), replace(info, number="", is_as_charged=False)
    for owner, cost in before.costs.items():
        if owner and cost:
            parts.setdefault(owner, Parts(ZERO))
    names = _names(stored, by, parts)
    nobody = parts.pop("", Parts(ZERO))
    missing = nobody.total_cost
    owners = sorted(parts, key=lambda owner: (-parts[owner].total_cost, owner))
    total = sum((part.total_cost for part in parts.values()), ZERO)
    staff = stored.scope.everything
    return Chargeback(
        period=stored.period,
        by=by,
        metric=stored.metric,
        currency=stored.close.currency,
        other_currencies=stored.other_currencies,
        rows=tuple(_owner_row(by, owner, names[owner], parts[owner], before) for owner in owners),
        total_cost=total,
        missing_cost=missing,
        previous_missing_cost=before.costs.get("", ZERO) if by != "team" or staff else ZERO,
        compared=before.days,
        bill_total=stored.bill_total,
        unallocated_cost=missing if staff else None,
        difference=_difference(stored, total + missing),
        pools_cost=_in_pools(parts) if staff and by == "team" else None,
        close=info,
        missing_shared_cost=nobody.shared_cost,
        missing_adjustment_cost=nobody.adjustment_cost,
        booked=stored.booked if by == "team" and split is None else {},
    )


def closed_statements(stored: StoredMonth, before: Before) -> StatementList:
    """Every stored statement the reader may see, largest change first."""
    keys = {key for key in (*stored.statements, *(key for key, cost in before.costs.items() if cost)) if key}
    names = _names(stored, "team", dict.fromkeys(keys, Parts(ZERO)))
    rows = [_summary(stored, key, names[key], before) for key in keys]
    nobody = stored.parts.get("", Parts(ZERO))
    unallocated = nobody.total_cost
    total = sum((row.total_cost for row in rows), ZERO)
    staff = stored.scope.everything
    return StatementList(
        period=stored.period,
        metric=stored.metric,
        currency=stored.close.currency,
        other_currencies=stored.other_currencies,
        rows=tuple(sorted(rows, key=lambda row: (-abs(row.change), row.team_name))),
        total_cost=total,
        bill_total=stored.bill_total,
        unallocated_cost=unallocated if staff else None,
        unallocated_previous_cost=before.costs.get("", ZERO) if staff else None,
        compared=before.days,
        difference=_difference(stored, total + unallocated),
        pools_cost=_in_pools(stored.parts) if staff else None,
        close=stored.info,
        unallocated_shared_cost=nobody.shared_cost,
        unallocated_adjustment_cost=nobody.adjustment_cost,
        booked={key: Booked(total, before=before.booked.get(key)) for key, total in stored.booked.items()},
    )


def closed_statement(stored: StoredMonth, team: Team, before: Before) -> Statement:
    """One team's stored statement with its lines; `stored` is in that team's scope."""
    own = stored.statements.get(team.key)
    as_charged = stored.info.is_as_charged
    number = "" if own is None or not as_charged else own.number
    info = stored.info if own is None else replace(stored.info, number=number, hash=own.data_hash)
    lines = () if own is None else lines_of(own, stored.metric)
    cents = stored.booked.get(team.key)
    booked = cents if as_charged else None
    ours = {} if own is None else suggested_of(own, stored.metric)
    return Statement(
        period=stored.period,
        metric=stored.metric,
        currency=stored.close.currency,
        other_currencies=stored.other_currencies,
        summary=_summary(stored, team.key, team.name, before),
        lines=lines,
        compared=before.days,
        compared_version=before.version,
        close=info,
        booked=booked,
        cents=Booked(cents, before=before.booked.get(team.key)),
        suggested_cost=None if ours is None else sum(ours.values(), ZERO),
        suggested_booked=None if booked is None else suggested_total(content_of(lines, booked)),
    )


def _parts(close: Close, statements: Mapping[str, StoredStatement], metric: CostMetric) -> dict[str, Parts]:
    rows = StoredLine.objects.filter(statement__close=close, statement__owner_key__in=list(statements)).order_by()
    found: dict[str, dict[str, Decimal]] = {key: {} for key in statements}
    for key, kind, cost in rows.values_list("statement__owner_key", "kind").annotate(cost=Sum(metric.column)):
        found[key][kind] = cost
    return {key: _parts_of(costs) for key, costs in found.items()}


def _owner_row(by: str, owner: str, name: str, parts: Parts, before: Before) -> ChargebackRow:
    is_team = by == "team"
    return ChargebackRow(
        key=owner,
        owner=name if is_team else owner,
        label=name,
        direct_cost=parts.direct_cost,
        shared_cost=parts.shared_cost,
        adjustment_cost=parts.adjustment_cost,
        total_cost=parts.total_cost,
        previous_total_cost=before.costs.get(owner, ZERO),
        owner_kind=kind_of(owner) if is_team else None,
    )


def _rest_split(parts: Mapping[str, Parts], method: SplitMethod) -> dict[str, Parts]:
    direct = {owner: part.direct_cost for owner, part in parts.items() if kind_of(owner) is not OwnerKind.POOL}
    moved = split_rest({**direct, "": parts.get("", Parts(ZERO)).total_cost}, method=method)
    found = dict(parts)
    for owner, cost in moved.items():
        part = found.get(owner, Parts(ZERO))
        found[owner] = Parts(part.direct_cost, part.shared_cost + cost, part.adjustment_cost)
    return found


def _in_pools(parts: Mapping[str, Parts]) -> Decimal:
    return sum((part.total_cost for owner, part in parts.items() if kind_of(owner) is OwnerKind.POOL), ZERO)


def _parts_of(costs: Mapping[str, Decimal]) -> Parts:
    return Parts(*(costs.get(kind.value, ZERO) for kind in LineKind))


def parts_by(stored: StoredMonth, by: str) -> dict[str, Parts]:
    """By owner as stored; by anything else direct costs from the imports that are pinned, shares and corrections where
    lines tell the value.
    """
    if by == "team":
        return dict(stored.parts)
    pinned = pinned_reach(stored)
    found: dict[str, dict[str, Decimal]] = defaultdict(lambda: defaultdict(lambda: ZERO))
    for (value, _, _), cost in sums(Ask(pinned, stored.metric), by).items():
        found[value][LineKind.DIRECT.value] += cost
    rows: Any = StoredLine.objects.filter(statement__in=[item.pk for item in stored.statements.values()])
    rows = rows.exclude(kind=LineKind.DIRECT.value).select_related("statement")
    shared: dict[str, Decimal] = defaultdict(lambda: ZERO)
    for row in rows:
        if row.kind == LineKind.SHARED.value and by == "cost_center":
            shared[row.statement.owner_key] += getattr(row, stored.metric.column)
        else:
            found[_value_of(row, by)][row.kind] += getattr(row, stored.metric.column)
    centers = {key: item.cost_center for key, item in stored.statements.items()}
    for center, cost in by_center(Ask(pinned, stored.metric), shared, centers).items():
        found[center][LineKind.SHARED.value] = cost
    return {value: _parts_of(costs) for value, costs in found.items() if value == "" or any(costs.values())}


def pinned_reach(stored: StoredMonth) -> Reach:
    """The bills a month was closed on, in the reader's scope."""
    imports = intake.imports_by_pk(EVERYTHING, stored.close.imports.values_list("pk", flat=True))
    return Reach(stored.scope, imports, stored.close.currency, stored.other_currencies)


def _value_of(row: StoredLine, by: str) -> str:
    if by == "cost_center":
        return center_of(row.statement.owner_key, {row.statement.owner_key: row.statement.cost_center})
    return str(getattr(row, _OF_LINES[by])) if by in _OF_LINES else ""


def _names(stored: StoredMonth, by: str, parts: Mapping[str, Parts]) -> dict[str, str]:
    names = labels(stored.scope, by, list(parts))
    if by == "team":
        names |= {key: row.owner_name for key, row in stored.statements.items()}
    return names


def _difference(stored: StoredMonth, held: Decimal) -> Decimal | None:
    return None if stored.bill_total is None else stored.bill_total + stored.info.carried_in - held


def _info(
    close: Close,
    parts: Mapping[str, Parts],
    waiting: Decimal,
    *,
    staff: bool,
    is_as_charged: bool,
) -> CloseInfo:
    return CloseInfo(
        state=close.state,
        version=close.version,
        number=number_of(close) if staff and is_as_charged else "",
        bill_version=bill_version_of(close) if staff else "",
        carried_in=sum((part.adjustment_cost for part in parts.values()), ZERO),
        pending_adjustment=waiting,
        hash=close.data_hash if staff else "",
        closed_at=close.closed_at,
        basis=close.basis,
        is_as_charged=is_as_charged,
    )


def _summary(stored: StoredMonth, key: str, name: str, before: Before) -> StatementSummary:
    own, parts = stored.statements.get(key), stored.parts.get(key, Parts(ZERO))
    previous = before.costs.get(key, ZERO)
    return StatementSummary(
        team_key=key,
        team_name=name if own is None else own.owner_name,
        cost_center=center_of(key, {} if own is None else {key: own.cost_center}),
        direct_cost=parts.direct_cost,
        shared_cost=parts.shared_cost,
        adjustment_cost=parts.adjustment_cost,
        total_cost=parts.total_cost,
        previous_total_cost=previous,
        change=parts.total_cost - previous,
        state=stored.close.state,
        owner_kind=kind_of(key),
    )
