"""What could go wrong, in money: probability × impact, and what it leaves of a scenario."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from costs.errors import InvalidRequestError
from costs.money import ZERO, round_money


@dataclass(frozen=True)
class Exposure:
    """A risk's probability within a year (0 to 1) and what it would cost a year if it happened."""

    probability: Decimal
    impact_amount: Decimal

    def __post_init__(self) -> None:
        if not (self.probability.is_finite() and 0 <= self.probability <= 1):
            raise InvalidRequestError("A probability lies between 0 and 1.")
        if not (self.impact_amount.is_finite() and self.impact_amount >= 0):
            raise InvalidRequestError("An impact cannot be below zero.")

    @property
    def expected_loss(self) -> Decimal:
        """Probability × impact, a year."""
        return round_money(self.probability * self.impact_amount)


def expected_loss(exposures: Iterable[Exposure]) -> Decimal:
    """What the risks cost a year on average, taken together."""
    return sum((exposure.expected_loss for exposure in exposures), ZERO)


def risk_adjusted(annual_saving: Decimal, *, exposures: Iterable[Exposure]) -> Decimal:
    """The saving less the expected loss. Below zero where the risks outweigh it, and never raised to zero."""
    return annual_saving - expected_loss(exposures)
