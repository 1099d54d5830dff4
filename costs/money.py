"""Exact money: rounding at named points, splitting that sums to the whole, ratios that refuse zero."""

from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Context, Decimal

SCALE = 10
QUANTUM = Decimal(1).scaleb(-SCALE)
CENT = Decimal("0.01")
ZERO = Decimal(0)
EXACT = Context(prec=60)


def to_units(amount: Decimal) -> int:
    """Money as whole 1e-10 units. Raises ValueError where that would lose a digit."""
    scaled = amount.scaleb(SCALE, EXACT)
    units = int(scaled)
    if scaled != units:
        raise ValueError(f"{amount} has more than {SCALE} decimals")
    return units


def from_units(units: int) -> Decimal:
    """The exact inverse of `to_units`."""
    return Decimal(units).scaleb(-SCALE, EXACT)


def round_money(amount: Decimal) -> Decimal:
    """Round to the ten decimals the database keeps, half up."""
    return amount.quantize(QUANTUM, rounding=ROUND_HALF_UP, context=EXACT)


def round_to_cents(amount: Decimal) -> Decimal:
    """Round to cents, half up (away from zero). Only for display and finished documents."""
    return amount.quantize(CENT, rounding=ROUND_HALF_UP, context=EXACT)


def split_units(total: int, weights: Sequence[int]) -> list[int]:
    """Split whole units in proportion to weights by largest remainder; the parts sum to `total`.

    Ties go to the larger weight, then to the earlier place. Weights are not negative; when they sum
    to zero the split is even. The sign of `total` is put back at the end.
    """
    if not weights:
        raise ValueError("nothing to split over")
    if min(weights) < 0:
        raise ValueError("weights must not be negative")
    shares = list(weights) if sum(weights) else [1] * len(weights)
    whole, size = sum(shares), abs(total)
    parts = [size * share // whole for share in shares]
    by_remainder = sorted(range(len(shares)), key=lambda i: (-(size * shares[i] % whole), -shares[i], i))
    for index in by_remainder[: size - sum(parts)]:
        parts[index] += 1
    return parts if total >= 0 else [-part for part in parts]


def cents_that_sum(amounts: Sequence[Decimal]) -> list[Decimal]:
    """Round each amount to cents so that the cents sum to the rounded total (for documents).

    Each is first cut down to whole cents; the missing cents go to the largest remainders, ties to
    the larger amount, then to the earlier place.
    """
    total_cents = int(round_to_cents(sum(amounts, ZERO)).scaleb(2, EXACT))
    exact = [amount.scaleb(2, EXACT) for amount in amounts]
    floors = [int(value // 1) - (1 if value < 0 and value % 1 else 0) for value in exact]
    order = sorted(range(len(exact)), key=lambda i: (-(exact[i] - floors[i]), -exact[i], i))
    for index in order[: total_cents - sum(floors)]:
        floors[index] += 1
    return [Decimal(cents).scaleb(-2, EXACT) for cents in floors]


def cents_to_total(amounts: Sequence[Decimal], total: Decimal) -> list[Decimal]:
    """Round each amount to cents so that the cents sum to `total`, itself whole cents (parts of a rounded document).

    Largest remainder as in `cents_that_sum`; where the total asks for more than one cent each, round after round.
    """
    if not amounts:
        return []
    exact = [amount.scaleb(2, EXACT) for amount in amounts]
    floors = [int(value // 1) - (1 if value < 0 and value % 1 else 0) for value in exact]
    left = int(total.scaleb(2, EXACT)) - sum(floors)
    each, left = divmod(left, len(floors))
    order = sorted(range(len(exact)), key=lambda i: (-(exact[i] - floors[i]), -exact[i], i))
    extra = set(order[:left])
    cents = [floor + each + (1 if place in extra else 0) for place, floor in enumerate(floors)]
    return [Decimal(value).scaleb(-2, EXACT) for value in cents]


def ratio(part: Decimal | int, whole: Decimal | int) -> Decimal | None:
    """Part ÷ whole, or None (shown as n/a) where the whole is zero; never 0 or 1 by default."""
    return Decimal(part) / Decimal(whole) if whole else None


def plain(amount: Decimal) -> str:
    """The exact amount as text without exponent or trailing zeros: `0.1`, `64852.11`, `0`."""
    text = format(amount, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in {"", "-0"} else text
