"""What the shares of a cost centre are made of: who bears which pool's part, and which pools' costs left it."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from decimal import Decimal

from costs.money import ZERO
from costs.periods import BillingPeriod
from costs.scope import Scope
from costs.terms import CostMetric
from tagging.models import StatementLine as StoredLine
from tagging.owners import center_of, kind_of
from tagging.results.pools import CenterShare
from tagging.selectors.centers import centers_of, taken_from
from tagging.selectors.closed_figures import StoredMonth, pinned_reach, stored_month
from tagging.selectors.labels import labels
from tagging.selectors.reach import reach
from tagging.selectors.shared import shared_lines
from tagging.selectors.sums import Ask
from tagging.terms import LineKind, OwnerKind

_Share = tuple[str, str, str, Decimal]  # owner, pool, the pool's name, cost


def shares_by_center(
    scope: Scope, period: BillingPeriod, *, metric: CostMetric, currency: str
) -> tuple[CenterShare, ...]:
    """Every share of the month under its cost centre, largest first; a team's own only.

    Summed by cost centre they are the column Shared of chargeback. For staff all of them sum to zero.
    """
    found = reach(scope, (period,), currency)
    if stored := stored_month(found, period, metric):
        shares, ask = _stored(stored), Ask(pinned_reach(stored), metric)
        centers: Mapping[str, str] = {key: item.cost_center for key, item in stored.statements.items()}
        names = {key: item.owner_name for key, item in stored.statements.items()}
    else:
        shares, ask = _split_now(scope, period, found.currency, metric), Ask(found, metric)
        centers = centers_of(period, found.currency, {share[0] for share in shares})
        names = labels(scope, "team", {share[0] for share in shares})
    rows = [
        CenterShare(center_of(owner, centers), owner, names[owner], pool, name, cost)
        for owner, pool, name, cost in shares
        if kind_of(owner) is not OwnerKind.POOL and cost
    ]
    rows += _left(ask, shares, names)
    return tuple(sorted(rows, key=lambda row: (-abs(row.cost), row.center, row.owner_key, row.pool_key)))


def _left(ask: Ask, shares: Iterable[_Share], names: Mapping[str, str]) -> list[CenterShare]:
    """What left each pool, from where its costs stand, less what others gave it."""
    pools: dict[str, Decimal] = defaultdict(lambda: ZERO)
    for owner, _, _, cost in shares:
        if kind_of(owner) is OwnerKind.POOL:
            pools[owner] += cost
    taken = taken_from(ask, {pool: cost for pool, cost in pools.items() if cost})
    return [CenterShare(center, pool, names[pool], "", "", cost) for (pool, center), cost in taken.items()]


def _split_now(scope: Scope, period: BillingPeriod, currency: str, metric: CostMetric) -> list[_Share]:
    lines = shared_lines(scope, period, currency)
    return [(line.owner_key, line.pool_key, line.pool_name, line.costs[metric.column]) for line in lines]


def _stored(stored: StoredMonth) -> list[_Share]:
    rows = StoredLine.objects.filter(statement__in=[item.pk for item in stored.statements.values()])
    found = rows.filter(kind=LineKind.SHARED.value).order_by("pk")
    return list(found.values_list("statement__owner_key", "pool_key", "pool_name", stored.metric.column))
