"""The number of reservations that saves most over known hourly usage: exact, in closed form.

Usage of an hour is in instances of the size bought and may be fractional. Hours without usage count as zeros.
The n-th unit is worth buying while its share of used hours, Σ clamp(u − (n − 1), 0, 1) ÷ H, is above r ÷ p. That share
never rises with n, so the first unit that fails ends the search. See docs/algorithms/ri-optimizer.md.
"""

from decimal import Decimal

import numpy as np
import numpy.typing as npt

from costs.coverage import quantity as exact
from ri.offerings import HOURS_IN_YEAR, Offer
from ri.usage import Hours

# Hours of a bill carry noise in their last binary digits; a tie must stay a tie.
TIE = 1e-9


def covered(usage: Hours, quantities: npt.NDArray[np.int64]) -> Hours:
    """Σ min(u, n) for every n asked for."""
    ordered = np.sort(usage)
    below = np.concatenate(([0.0], np.cumsum(ordered)))
    places = np.searchsorted(ordered, quantities, side="left")
    found: Hours = below[places] + quantities * (len(ordered) - places)
    return found


def unit_shares(usage: Hours) -> Hours:
    """Share of all hours that the 1st, 2nd, … unit is used. Never rises; empty without usage."""
    highest = int(np.ceil(usage.max(initial=0.0) - TIE))
    if not len(usage) or highest <= 0:
        return np.zeros(0)
    totals = covered(usage, np.arange(highest + 1, dtype=np.int64))
    shares: Hours = np.diff(totals) / len(usage)
    return shares


def best_quantity(usage: Hours, break_even: Decimal) -> int:
    """The quantity that saves most at this r ÷ p; a unit that only breaks even is not bought."""
    return int(np.count_nonzero(unit_shares(usage) > float(break_even) + TIE))


def used_share(usage: Hours, quantity: int, *, fall: Decimal = Decimal(0)) -> Decimal:
    """Expected utilisation of `quantity` units after usage fell by this share for good."""
    kept = usage * float(1 - fall)
    total = covered(kept, np.array([quantity], dtype=np.int64))[0]
    return exact(float(total)) / (quantity * len(usage))


def saving(usage: Hours, quantity: int, offer: Offer) -> Decimal:
    """What `quantity` units save over these hours; negative where they cost more than they save."""
    total = covered(usage, np.array([quantity], dtype=np.int64))[0]
    return offer.on_demand_hourly * exact(float(total)) - offer.effective_rate * quantity * len(usage)


def savings_curve(usage: Hours, offer: Offer, *, points: int) -> tuple[tuple[int, Decimal], ...]:
    """Quantity → net saving a year, from none to all usage and a little beyond, in about `points` of them.

    The best quantity is always among them.
    """
    if not len(usage):
        return ()
    highest = int(np.ceil(usage.max(initial=0.0) - TIE)) + 1
    step = max(1, -(-highest // max(1, points - 1)))
    quantities = sorted({*range(0, highest, step), highest, best_quantity(usage, offer.break_even_utilization)})
    years = Decimal(HOURS_IN_YEAR) / len(usage)
    return tuple((n, saving(usage, n, offer) * years) for n in quantities)
