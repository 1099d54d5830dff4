"""A month by owner, and each team's statement."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal

from django.db.models import Sum

from costs import selectors as intake
from costs.errors import NotFoundInScopeError
from costs.money import ZERO
from costs.periods import BillingPeriod, DateRange
from costs.queries import check_dimension
from costs.scope import Scope
from costs.terms import CostMetric
from tagging.chargeback import Closed, Parts, close, split_rest
from tagging.models import Team
from tagging.owners import center_of, kind_of
from tagging.results import (
    Chargeback,
    ChargebackRow,
    CloseInfo,
    Statement,
    StatementLine,
    StatementList,
    StatementSummary,
)
from tagging.selectors.centers import by_dimension
from tagging.selectors.closed import closed_months
from tagging.selectors.closed_figures import (
    Before,
    StoredMonth,
    closed_chargeback,
    closed_statement,
    closed_statements,
    parts_by,
    pending_of,
    stored_month,
)
from tagging.selectors.closes import closed_at
from tagging.selectors.explore import spans_of
from tagging.selectors.labels import labels
from tagging.selectors.reach import Reach, reach
from tagging.selectors.shared import own_shares, prices_of, shared_costs
from tagging.selectors.sums import Ask, pre_summed_rows, sums
from tagging.terms import OwnerKind, SplitMethod

DRAFT = "draft"
Costs = dict[str, Decimal]  # by value of the dimension, '' for none


@dataclass(frozen=True)
class _Compared:
    """A month and, like for like, the one before. `days` are those of `previous`; None where it has no costs.

    `shared` and `previous_shared` are what pools give and take. Only teams and cost centres have them; by anything
    else they are under ''.
    """

    current: Costs
    previous: Costs
    days: DateRange | None
    shared: Costs = field(default_factory=dict)
    previous_shared: Costs = field(default_factory=dict)

    def before(self) -> Costs:
        """Total costs of the month before."""
        both = (self.previous, self.previous_shared)
        return {key: sum((costs.get(key, ZERO) for costs in both), ZERO) for key in {*both[0], *both[1]}}


def chargeback(
    scope: Scope,
    period: BillingPeriod,
    *,
    by: str = "team",
    metric: CostMetric,
    currency: str = "",
    split_unallocated: SplitMethod | None = None,
) -> Chargeback:
    """The month's costs by `by`: team, cost_center, project, owner, environment, account, service or tag:KEY.

    Every charge of the month takes part: usage, taxes, fees, credits. KEY is matched without regard to
    case. By team, pools are rows too; by cost centre shares stand where whoever bears them does, and what left a pool
    is taken from where its costs stand. `split_unallocated` (staff only) splits what nobody owns over the others.
    Raises InvalidRequestError for another dimension.
    """
    dimension = check_dimension(by)
    found = reach(scope, (period.previous(), period), currency)
    if stored := stored_month(found, period, metric):
        return closed_chargeback(stored, dimension, _before(found, period, dimension, metric), split_unallocated)
    both = _rest_split(scope, _compared(found, period, dimension, metric), split_unallocated)
    return _open_chargeback(found, period, dimension, metric, both)


def _open_chargeback(
    found: Reach, period: BillingPeriod, dimension: str, metric: CostMetric, both: _Compared
) -> Chargeback:
    before = both.before()
    current = dict.fromkeys((owner for owner, cost in before.items() if cost), ZERO) | both.current
    whole = _bill_total(found.within((period,)), metric)
    closed = close(current, sum(current.values(), ZERO) if whole is None else whole, both.shared)
    names, is_team = labels(found.scope, dimension, {*current, *both.shared}), dimension == "team"
    rows = [_row(owner, names[owner], parts, before, is_team=is_team) for owner, parts in closed.owners]
    return Chargeback(
        period=period,
        by=dimension,
        metric=metric,
        currency=found.currency,
        other_currencies=found.other_currencies,
        rows=tuple(rows),
        total_cost=closed.owners_total,
        missing_cost=closed.unallocated_cost,
        previous_missing_cost=before.get("", ZERO),
        compared=both.days,
        bill_total=whole,
        unallocated_cost=None if whole is None else closed.unallocated_cost,
        difference=None if whole is None else closed.difference,
        pools_cost=None if whole is None or not is_team else in_pools(closed),
        missing_shared_cost=both.shared.get("", ZERO),
        close=_open_info(found, period, metric),
    )


def _open_info(found: Reach, period: BillingPeriod, metric: CostMetric) -> CloseInfo:
    """Of an open month nothing waits, unless a later one was closed: that one may have carried a correction of it."""
    if not any(closed > period and currency == found.currency for closed, currency in closed_months()):
        return CloseInfo()
    return CloseInfo(pending_adjustment=pending_of(found.scope, period, found.currency, metric))


def statements(scope: Scope, period: BillingPeriod, *, metric: CostMetric, currency: str = "") -> StatementList:
    """One summary per team the reader may see, largest change first; teams without costs are left out.

    The change is against the month before, up to the same day while this month is not full.
    """
    found = reach(scope, (period.previous(), period), currency)
    if stored := stored_month(found, period, metric):
        return closed_statements(stored, _before(found, period, "team", metric))
    both = _compared(found, period, "team", metric)
    previous = both.before()
    keys = {key for key in (*both.current, *both.shared, *previous) if key}
    teams = {team.key: team for team in Team.objects.filter(key__in=keys)}
    names = labels(scope, "team", keys - teams.keys())
    rows = [_summary(key, teams.get(key), both, previous, names.get(key, key)) for key in keys]
    whole = _bill_total(found.within((period,)), metric)
    closed = close(both.current, ZERO if whole is None else whole, both.shared)
    return StatementList(
        period=period,
        metric=metric,
        currency=found.currency,
        other_currencies=found.other_currencies,
        rows=tuple(sorted(rows, key=lambda row: (-abs(row.change), row.team_name))),
        total_cost=closed.owners_total,
        bill_total=whole,
        unallocated_cost=None if whole is None else closed.unallocated_cost,
        unallocated_previous_cost=None if whole is None else previous.get("", ZERO),
        compared=both.days,
        difference=None if whole is None else closed.difference,
        pools_cost=None if whole is None else in_pools(closed),
        unallocated_shared_cost=both.shared.get("", ZERO),
        close=_open_info(found, period, metric),
    )


def in_pools(closed: Closed) -> Decimal:
    """What stays in pools: their direct costs less what left them."""
    return sum((parts.total_cost for owner, parts in closed.owners if kind_of(owner) is OwnerKind.POOL), ZERO)


def statement(
    scope: Scope,
    period: BillingPeriod,
    team_key: str,
    *,
    metric: CostMetric,
    currency: str = "",
    version: int | None = None,
) -> Statement:
    """One team's month with its lines. Raises NotFoundInScopeError for another's team and for none.

    Only the team's own costs: a sub-team has its own statement. `version` is one that the month was closed in, as it
    was stored; without a statement of the team in it: NotFoundInScopeError.
    """
    scope.require_team(team_key)
    team = Team.objects.filter(key=team_key).first()
    if team is None:
        raise NotFoundInScopeError("Nothing here.")
    own = Scope.teams(frozenset({team_key}))
    found = reach(own, (period.previous(), period), currency)
    if stored := stored_month(found, period, metric, version):
        if stored.info.is_superseded:
            return closed_statement(stored, team, _before_version(found, stored, metric))
        return closed_statement(stored, team, _before(found, period, "team", metric))
    if version is not None:
        raise NotFoundInScopeError("Nothing here.")
    both = _compared(found, period, "team", metric)
    return Statement(
        period=period,
        metric=metric,
        currency=found.currency,
        other_currencies=found.other_currencies,
        summary=_summary(team_key, team, both, both.before(), team_key),
        lines=_lines(Ask(found.within((period,)), metric)),
        compared=both.days,
        close=_open_info(found, period, metric),
        shares=own_shares(own, period, found.currency, metric),
        prices=prices_of(own, period, found.currency, team_key),
    )


def _compared(found: Reach, period: BillingPeriod, dimension: str, metric: CostMetric) -> _Compared:
    now, before = found.within((period,)), found.within((period.previous(),))
    days = spans_of(found, period, period).before
    both = _Compared(
        current=_by_value(Ask(now, metric), dimension),
        previous=_by_value(Ask(before, metric, days=days), dimension),
        days=days if before.imports else None,
    )
    shared = shared_costs(found.scope, period, found.currency, metric)
    previous = shared_costs(found.scope, period.previous(), found.currency, metric, days=days)
    return replace(
        both,
        shared=by_dimension(Ask(now, metric), dimension, period, shared),
        previous_shared=by_dimension(Ask(before, metric, days=days), dimension, period.previous(), previous),
    )


def _rest_split(scope: Scope, both: _Compared, method: SplitMethod | None) -> _Compared:
    if method is None:
        return both
    scope.require_everything()
    direct = {owner: cost for owner, cost in both.current.items() if kind_of(owner) is not OwnerKind.POOL}
    nobody = direct.get("", ZERO) + both.shared.get("", ZERO)
    moved = split_rest({**direct, "": nobody}, method=method)
    keys = {*both.shared, *moved}
    return replace(both, shared={key: both.shared.get(key, ZERO) + moved.get(key, ZERO) for key in keys})


def _before(found: Reach, period: BillingPeriod, dimension: str, metric: CostMetric) -> Before:
    """The whole month before a closed one: as it was closed, where it is, by whatever dimension."""
    previous = period.previous()
    if stored := stored_month(found, previous, metric):
        parts = parts_by(stored, dimension)
        booked = stored.booked if dimension == "team" else {}
        return Before({value: part.total_cost for value, part in parts.items()}, previous.range, booked)
    both = _compared(found, period, dimension, metric)
    return Before(both.before(), both.days)


def _by_value(ask: Ask, dimension: str) -> Costs:
    costs: Costs = defaultdict(lambda: ZERO)
    for (value, _, _), cost in sums(ask, dimension).items():
        costs[value] += cost
    return dict(costs)


def _bill_total(found: Reach, metric: CostMetric) -> Decimal | None:
    if not found.scope.everything:
        return None
    return intake.bill_total(found.scope, found.import_pks, metric=metric)


def _before_version(found: Reach, stored: StoredMonth, metric: CostMetric) -> Before:
    """The month before as it had been closed when a version that counts no more was; today's where it had not."""
    previous = stored.period.previous()
    then = closed_at(previous, found.currency, stored.close.closed_at)
    if then is None:
        return replace(_before(found, stored.period, "team", metric), version=0)
    known = stored_month(found, previous, metric, then.version)
    if known is None:
        return Before({}, None)
    costs = {owner: part.total_cost for owner, part in parts_by(known, "team").items()}
    return Before(costs, previous.range, known.booked, then.version)


def _row(owner: str, label: str, parts: Parts, previous: Mapping[str, Decimal], *, is_team: bool) -> ChargebackRow:
    return ChargebackRow(
        owner_kind=kind_of(owner) if is_team else None,
        key=owner,
        owner=label if is_team else owner,
        label=label,
        direct_cost=parts.direct_cost,
        shared_cost=parts.shared_cost,
        adjustment_cost=parts.adjustment_cost,
        total_cost=parts.total_cost,
        previous_total_cost=previous.get(owner, ZERO),
    )


def _summary(key: str, team: Team | None, both: _Compared, previous: Costs, label: str) -> StatementSummary:
    parts, before = Parts(both.current.get(key, ZERO), both.shared.get(key, ZERO)), previous.get(key, ZERO)
    return StatementSummary(
        team_key=key,
        team_name=label if team is None else team.name,
        cost_center=center_of(key, {}) if team is None else team.cost_center,
        direct_cost=parts.direct_cost,
        shared_cost=parts.shared_cost,
        adjustment_cost=parts.adjustment_cost,
        total_cost=parts.total_cost,
        previous_total_cost=before,
        change=parts.total_cost - before,
        state=DRAFT,
        owner_kind=kind_of(key),
    )


def _lines(ask: Ask) -> tuple[StatementLine, ...]:
    found = (
        pre_summed_rows(ask)
        .order_by()
        .values_list("service_name", "sub_account_id", "charge_category")
        .annotate(cost=Sum(ask.metric.column))
    )
    rows = list(found)
    names = intake.account_names(ask.reach.scope, {account for _, account, _, _ in rows})
    lines = [
        StatementLine(service, account, names.get(account, ""), kind, cost) for service, account, kind, cost in rows
    ]
    return tuple(
        sorted(lines, key=lambda line: (-line.cost, line.service_name, line.sub_account_id, line.charge_category))
    )
