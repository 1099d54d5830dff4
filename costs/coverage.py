"""Coverage and utilisation of commitments, and what they save. See docs/algorithms/ri-optimizer.md.

Every ratio is None (shown as n/a) where there is nothing to divide by.
"""

from decimal import Decimal

from costs.money import ratio


def quantity(value: float) -> Decimal:
    """A measured quantity as a decimal, without the noise of its last binary digits."""
    return Decimal(str(round(value, 9)))


def coverage(covered: float, on_demand: float) -> Decimal | None:
    """Covered ÷ (covered + on demand), in hours, normalized units or money at list price."""
    return ratio(quantity(covered), quantity(covered + on_demand))


def utilization(used: float, purchased: float) -> Decimal | None:
    """Used ÷ purchased, never above 1: AWS rounds both."""
    found = ratio(quantity(used), quantity(purchased))
    return None if found is None else min(found, Decimal(1))


def utilization_by_cost(unused: Decimal, total: Decimal) -> Decimal | None:
    """1 − unused cost ÷ total cost: used ÷ purchased where each hour of a commitment costs the same."""
    part = ratio(unused, total)
    return None if part is None else Decimal(1) - part


def net_savings(on_demand_value: Decimal, total_cost: Decimal) -> Decimal:
    """What the covered usage would have cost on demand, less all that the commitment cost, used or not."""
    return on_demand_value - total_cost


def effective_savings_rate(list_cost: Decimal, effective_cost: Decimal) -> Decimal | None:
    """(List − effective) ÷ list over the same usage; effective includes what commitments left unused."""
    return ratio(list_cost - effective_cost, list_cost)
