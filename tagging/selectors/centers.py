"""Shares of pools by cost centre: open months and closed ones place them by the same rule.

A share stands with the cost centre of whoever bears it. What left a pool is taken from where the costs of the pool
stand, so lines tagged with a cost centre are not charged there and to those who bear them as well.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal

from django.db.models import Sum

from costs.money import ZERO, from_units, to_units
from costs.periods import BillingPeriod
from tagging.models import Statement, Team
from tagging.owners import center_of, kind_of
from tagging.selectors.closed import closed_months
from tagging.selectors.closes import counting
from tagging.selectors.sums import Ask, slice_rows
from tagging.terms import OwnerKind

Costs = dict[str, Decimal]


def by_dimension(ask: Ask, dimension: str, period: BillingPeriod, shared: Mapping[str, Decimal]) -> Costs:
    """What pools give and take, by value of the dimension: `shared` has it by owner, `ask` reaches the same costs.

    By anything but team and cost centre a share has no value: it stands under ''. Values of nothing are left out.
    """
    if dimension == "team":
        return dict(shared)
    if dimension != "cost_center":
        rest = sum(shared.values(), ZERO)
        return {"": rest} if rest else {}
    return by_center(ask, shared, centers_of(period, ask.reach.currency, shared))


def by_center(ask: Ask, shared: Mapping[str, Decimal], centers: Mapping[str, str]) -> Costs:
    """Shares by cost centre, '' for none; `centers` are those of the teams that bear them. Sums to what it is given."""
    found: Costs = defaultdict(lambda: ZERO)
    pools = {owner: cost for owner, cost in shared.items() if kind_of(owner) is OwnerKind.POOL and cost}
    for owner, cost in shared.items():
        if owner not in pools:
            found[center_of(owner, centers)] += cost
    for (_, center), cost in taken_from(ask, pools).items():
        found[center] += cost
    return {center: cost for center, cost in found.items() if cost}


def taken_from(ask: Ask, pools: Mapping[str, Decimal]) -> dict[tuple[str, str], Decimal]:
    """By pool and cost centre where what left the pool is taken from; `pools` has what each gives and takes in all."""
    held = _held_by_pools(ask, pools) if pools else {}
    return {
        (pool, center): part
        for pool, cost in pools.items()
        for center, part in _taken(cost, held.get(pool, {})).items()
        if part
    }


def centers_of(period: BillingPeriod, currency: str, owners: Collection[str]) -> dict[str, str]:
    """Cost centres of teams, as a closed month has kept them and direct costs stand there; else as they are."""
    teams = {owner for owner in owners if kind_of(owner) is OwnerKind.TEAM}
    if not teams:
        return {}
    found = dict(Team.objects.filter(key__in=teams).values_list("key", "cost_center"))
    if (period, currency) in closed_months():
        close = counting().filter(period=period.start, currency=currency)
        kept = Statement.objects.filter(close__in=close, owner_key__in=teams)
        found |= dict(kept.values_list("owner_key", "cost_center"))
    return found


def _held_by_pools(ask: Ask, pools: Collection[str]) -> dict[str, Costs]:
    """By pool, its direct costs by cost centre."""
    rows = slice_rows(ask).filter(owned__owner_key__in=sorted(pools)).order_by()
    cells = rows.values_list("owned__owner_key", "owned__cost_center").annotate(cost=Sum(ask.metric.column))
    found: dict[str, Costs] = defaultdict(dict)
    for pool, center, cost in cells:
        found[pool][center] = cost
    return found


def _taken(cost: Decimal, held: Mapping[str, Decimal]) -> Costs:
    """What left a pool, in proportion to its direct costs. What those cannot explain has no cost centre: a pool that
    gives on what others gave it, or keeps more than its own.
    """
    whole = to_units(sum(held.values(), ZERO))
    units = to_units(cost)
    if not 0 <= -units * (1 if whole > 0 else -1) <= abs(whole):
        return {"": cost}
    centers = sorted(held)
    return dict(zip(centers, _in_proportion(units, [to_units(held[center]) for center in centers]), strict=True))


def _in_proportion(units: int, weights: Sequence[int]) -> list[Decimal]:
    """Parts that sum to the whole, each within one unit of its exact one; weights may be of either sign."""
    whole, reached, before, parts = sum(weights), 0, 0, []
    for weight in weights:
        reached += weight
        now = units * reached // whole
        parts.append(from_units(now - before))
        before = now
    return parts
