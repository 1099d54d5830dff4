"""A month's sums by owner → chargeback rows that close: rows + unallocated + difference = bill."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from costs.money import ZERO


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


def close(direct_costs: Mapping[str, Decimal], bill_total: Decimal) -> Closed:
    """Close a month from direct costs by owner; costs under '' are nobody's and never a row."""
    parts = {owner: Parts(cost) for owner, cost in direct_costs.items() if owner}
    owners = sorted(parts.items(), key=lambda item: (-item[1].total_cost, item[0]))
    owners_total = sum((part.total_cost for part in parts.values()), ZERO)
    unallocated = direct_costs.get("", ZERO)
    return Closed(tuple(owners), owners_total, unallocated, bill_total - owners_total - unallocated)
