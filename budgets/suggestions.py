"""Amounts that a new budget could start with."""

from decimal import ROUND_CEILING, Decimal

from costs.money import ZERO


def round_up(amount: Decimal) -> Decimal:
    """To three leading digits, upwards: 45,329.99 → 45,400; zero and below stay zero."""
    if amount <= ZERO:
        return ZERO
    step = Decimal(1).scaleb(max(amount.adjusted() - 2, 0))
    return (amount / step).to_integral_value(ROUND_CEILING) * step
