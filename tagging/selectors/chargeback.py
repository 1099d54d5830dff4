"""A month by owner, and each team's statement."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from django.db.models import Sum

from costs import selectors as intake
from costs.errors import NotFoundInScopeError
from costs.money import ZERO
from costs.periods import BillingPeriod, DateRange
from costs.queries import check_dimension
from costs.scope import Scope
from costs.terms import CostMetric
from tagging.chargeback import Parts, close
from tagging.models import Team
from tagging.results import Chargeback, ChargebackRow, Statement, StatementLine, StatementList, StatementSummary
from tagging.selectors.explore import spans_of
from tagging.selectors.labels import labels
from tagging.selectors.reach import Reach, reach
from tagging.selectors.sums import Ask, pre_summed_rows, sums

DRAFT = "draft"
Costs = dict[str, Decimal]  # by value of the dimension, '' for none


@dataclass(frozen=True)
class _Compared:
    """A month and, like for like, the one before. `days` are those of `previous`; None where it has no costs."""

    current: Costs
    previous: Costs
    days: DateRange | None


def chargeback(
    scope: Scope, period: BillingPeriod, *, by: str = "team", metric: CostMetric, currency: str = ""
) -> Chargeback:
    """The month's costs by `by`: team, cost_center, project, owner, environment, account, service or tag:KEY.

    Every charge of the month takes part: usage, taxes, fees, credits. KEY is matched without regard to
    case. Raises InvalidRequestError for another dimension.
    """
    dimension = check_dimension(by)
    found = reach(scope, (period.previous(), period), currency)
    both = _compared(found, period, dimension, metric)
    current = dict.fromkeys((owner for owner, cost in both.previous.items() if cost), ZERO) | both.current
    whole = _bill_total(found.within((period,)), metric)
    closed = close(current, sum(current.values(), ZERO) if whole is None else whole)
    names, is_team = labels(scope, dimension, current), dimension == "team"
    rows = [_row(owner, names[owner], parts, both.previous, is_team=is_team) for owner, parts in closed.owners]
    return Chargeback(
        period=period,
        by=dimension,
        metric=metric,
        currency=found.currency,
        other_currencies=found.other_currencies,
        rows=tuple(rows),
        total_cost=closed.owners_total,
        missing_cost=closed.unallocated_cost,
        previous_missing_cost=both.previous.get("", ZERO),
        compared=both.days,
        bill_total=whole,
        unallocated_cost=None if whole is None else closed.unallocated_cost,
        difference=None if whole is None else closed.difference,
    )


def statements(scope: Scope, period: BillingPeriod, *, metric: CostMetric, currency: str = "") -> StatementList:
    """One summary per team the reader may see, largest change first; teams without costs are left out.

    The change is against the month before, up to the same day while this month is not full.
    """
    found = reach(scope, (period.previous(), period), currency)
    both = _compared(found, period, "team", metric)
    current, previous = both.current, both.previous
    keys = {key for key in (*current, *previous) if key}
    teams = {team.key: team for team in Team.objects.filter(key__in=keys)}
    rows = [_summary(key, teams.get(key), current, previous) for key in keys]
    whole = _bill_total(found.within((period,)), metric)
    closed = close(current, ZERO if whole is None else whole)
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
    )


def statement(
    scope: Scope, period: BillingPeriod, team_key: str, *, metric: CostMetric, currency: str = ""
) -> Statement:
    """One team's month with its lines. Raises NotFoundInScopeError for another's team and for none.

    Only the team's own costs: a sub-team has its own statement.
    """
    scope.require_team(team_key)
    team = Team.objects.filter(key=team_key).first()
    if team is None:
        raise NotFoundInScopeError("Nothing here.")
    own = Scope.teams(frozenset({team_key}))
    found = reach(own, (period.previous(), period), currency)
    both = _compared(found, period, "team", metric)
    return Statement(
        period=period,
        metric=metric,
        currency=found.currency,
        other_currencies=found.other_currencies,
        summary=_summary(team_key, team, both.current, both.previous),
        lines=_lines(Ask(found.within((period,)), metric)),
        compared=both.days,
    )


def _compared(found: Reach, period: BillingPeriod, dimension: str, metric: CostMetric) -> _Compared:
    now, before = found.within((period,)), found.within((period.previous(),))
    days = spans_of(found, period, period).before
    return _Compared(
        current=_by_value(Ask(now, metric), dimension),
        previous=_by_value(Ask(before, metric, days=days), dimension),
        days=days if before.imports else None,
    )


def _by_value(ask: Ask, dimension: str) -> Costs:
    costs: Costs = defaultdict(lambda: ZERO)
    for (value, _, _), cost in sums(ask, dimension).items():
        costs[value] += cost
    return dict(costs)


def _bill_total(found: Reach, metric: CostMetric) -> Decimal | None:
    if not found.scope.everything:
        return None
    return intake.bill_total(found.scope, found.import_pks, metric=metric)


def _row(owner: str, label: str, parts: Parts, previous: Mapping[str, Decimal], *, is_team: bool) -> ChargebackRow:
    return ChargebackRow(
        key=owner,
        owner=label if is_team else owner,
        label=label,
        direct_cost=parts.direct_cost,
        shared_cost=parts.shared_cost,
        adjustment_cost=parts.adjustment_cost,
        total_cost=parts.total_cost,
        previous_total_cost=previous.get(owner, ZERO),
    )


def _summary(
    key: str, team: Team | None, current: Mapping[str, Decimal], previous: Mapping[str, Decimal]
) -> StatementSummary:
    parts, before = Parts(current.get(key, ZERO)), previous.get(key, ZERO)
    return StatementSummary(
        team_key=key,
        team_name=key if team is None else team.name,
        cost_center="" if team is None else team.cost_center,
        direct_cost=parts.direct_cost,
        shared_cost=parts.shared_cost,
        adjustment_cost=parts.adjustment_cost,
        total_cost=parts.total_cost,
        previous_total_cost=before,
        change=parts.total_cost - before,
        state=DRAFT,
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
