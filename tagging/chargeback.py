"""A month's sums by owner → chargeback rows that close: rows + unallocated + difference = bill."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from costs.money import ZERO, from_units, split_units, to_units
from tagging.terms import SplitMethod


@dataclass(frozen=True)
class Parts:
    """What an owner pays: own costs, a share of shared ones, and corrections of earlier months."""

    direct_cost: Decimal
    shared_cost: Decimal = ZERO
    adjustment_cost: Decimal = ZERO

    @property
    def total_cost(self) -> Decimal:
        return self.direct_cost + self.shared_cost + self.adjustment_cost


@dataclass(frozen=True)
class Closed:
    """Owners largest first, what nobody owns, and what is left over (zero where the month ties out)."""

    owners: tuple[tuple[str, Parts], ...]
    owners_total: Decimal
    unallocated_cost: Decimal
    difference: Decimal


def close(
    direct_costs: Mapping[str, Decimal], bill_total: Decimal, shared_costs: Mapping[str, Decimal] | None = None
) -> Closed:
    """Close a month from direct and shared costs by owner; costs under '' are nobody's and never a row.

    Shared costs sum to zero: pools are owners too and show what left them. What nobody owns gives and takes
    like any other.
    """
    shared = shared_costs or {}
    parts = {
        owner: Parts(direct_costs.get(owner, ZERO), shared.get(owner, ZERO))
        for owner in dict.fromkeys((*direct_costs, *shared))
        if owner
    }
    owners = sorted(parts.items(), key=lambda item: (-item[1].total_cost, item[0]))
    owners_total = sum((part.total_cost for part in parts.values()), ZERO)
    unallocated = direct_costs.get("", ZERO) + shared.get("", ZERO)
    return Closed(tuple(owners), owners_total, unallocated, bill_total - owners_total - unallocated)


def split_rest(direct_costs: Mapping[str, Decimal], *, method: SplitMethod) -> dict[str, Decimal]:
    """What nobody owns, split over all others: evenly or by direct cost. Sums to zero with nobody's own row.

    Negative direct costs weigh nothing; where none is above zero it is split evenly. Without others nothing moves.
    """
    rest, others = direct_costs.get("", ZERO), sorted(owner for owner in direct_costs if owner)
    if not rest or not others:
        return {}
    weights = [max(0, to_units(direct_costs[owner])) if method is SplitMethod.PROPORTIONAL else 1 for owner in others]
    parts = split_units(to_units(rest), weights)
    return {owner: from_units(part) for owner, part in zip(others, parts, strict=True)} | {"": -rest}
