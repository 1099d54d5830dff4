"""Teams out of use that costs still go to: how much, by which rules and pools, who can read it. Staff only."""

from collections.abc import Iterable, Mapping
from decimal import Decimal

from costs.money import ZERO
from costs.periods import BillingPeriod
from costs.scope import Scope
from costs.terms import CostMetric
from tagging.models import SharedPool, Team, TeamRow
from tagging.results import TeamView
from tagging.results.closes import MonthEndRow, OwnerOutOfUse
from tagging.selectors.chargeback import statements
from tagging.selectors.pools import holds_in, pool_of
from tagging.selectors.teams import rules_in_use
from tagging.selectors.trust import latest_period


def owners_out_of_use(
    scope: Scope, period: BillingPeriod, currency: str, rows: Iterable[MonthEndRow]
) -> tuple[OwnerOutOfUse, ...]:
    """Of a month's documents those of teams out of use, dearest first, with the rules of the month that name them."""
    scope.require_everything()
    teams = Team.objects.outline()
    inactive = {row.key for row in teams if not row.is_active}
    rows = [row for row in rows if row.owner_key in inactive and (row.booked or row.total_cost)]
    costs = {row.owner_key: row.total_cost if row.booked is None else row.booked for row in rows}
    if not costs:
        return ()
    found = _told(teams, costs, period, currency)
    return tuple(sorted(found, key=lambda item: (-item.cost, item.key)))


def still_given(scope: Scope, team: TeamView) -> OwnerOutOfUse:
    """What a team has in the newest month, and what gives it costs there: it goes on when the team is out of use."""
    scope.require_everything()
    period = latest_period(scope)
    if period is None:
        return OwnerOutOfUse(team.key, team.name, ZERO, None, "", (), (), is_read=True)
    own = statements(Scope.teams(frozenset({team.key})), period, metric=CostMetric.BILLED)
    cost = sum((row.total_cost for row in own.rows if row.team_key == team.key), ZERO)
    (found,) = _told(Team.objects.outline(), {team.key: cost}, period, own.currency)
    return found


def _told(
    teams: Iterable[TeamRow], costs: Mapping[str, Decimal], period: BillingPeriod, currency: str
) -> list[OwnerOutOfUse]:
    by_pk = {row.pk: row for row in teams}
    by_key = {row.key: row for row in by_pk.values()}
    rules = [rule for rule in rules_in_use() if rule.holds_in(period)]
    pools = [(row, pool_of(row)) for row in SharedPool.objects.filter(is_active=True) if holds_in(row, period)]
    return [
        OwnerOutOfUse(
            key=key,
            owner=by_key[key].name,
            cost=cost,
            period=period,
            currency=currency,
            rules=tuple((rule.pk, rule.text) for rule in rules if rule.owner_key == key),
            pools=tuple(
                {
                    row.key: row.name
                    for row, pool in pools
                    if key in {pool.rest_to, *(target.owner_key for target in pool.targets)}
                }.items()
            ),
            is_read=_is_below_one_in_use(by_key[key], by_pk),
        )
        for key, cost in costs.items()
    ]


def _is_below_one_in_use(team: TeamRow, by_pk: Mapping[int, TeamRow]) -> bool:
    """Members of a team in use read all that stands below it."""
    above = by_pk.get(team.parent_pk or 0)
    while above is not None:
        if above.is_active:
            return True
        above = by_pk.get(above.parent_pk or 0)
    return False
