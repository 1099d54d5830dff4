"""Commitments that are new in a month's bill."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from costs import coverage as rates
from costs import selectors as intake
from costs.money import ZERO
from costs.periods import BillingPeriod
from costs.scope import Scope
from costs.selectors import ActiveImport, CommitmentUse

_YEARS = (1, 3)  # the terms there are


@dataclass(frozen=True)
class Bought:
    """Commitments new in a month: how many, of how many pieces, and what they saved in it, all they cost taken off."""

    commitments: int
    pieces: int
    net_savings: Decimal


def bought(scope: Scope, period: BillingPeriod, *, currency: str) -> Bought | None:
    """What stands in the month's bill and not in the same source's bill of the month before.

    A source without a bill of the month before cannot tell and is left out; None where that leaves none.
    """
    scope.require_everything()
    before = {item.source_name: item for item in _bills(scope, period.previous(), currency)}
    pairs = [(item, before[item.source_name]) for item in _bills(scope, period, currency) if item.source_name in before]
    if not pairs:
        return None
    fresh = [use for now, earlier in pairs for use in _new(scope, now, earlier)]
    return Bought(
        commitments=len(fresh),
        pieces=sum(_pieces(use, period) for use in fresh),
        net_savings=sum((rates.net_savings(use.on_demand_value, use.total_cost) for use in fresh), ZERO),
    )


def _bills(scope: Scope, period: BillingPeriod, currency: str) -> Sequence[ActiveImport]:
    """Inventories name no commitments."""
    found = intake.active_imports(scope, (period,))
    return [item for item in found if item.currency == currency and not item.billing_format.is_inventory]


def _new(scope: Scope, now: ActiveImport, earlier: ActiveImport) -> list[CommitmentUse]:
    known = {use.commitment_id for use in intake.commitments_used(scope, [earlier])}
    return [
        use for use in intake.commitments_used(scope, [now]) if use.commitment_id and use.commitment_id not in known
    ]


def _pieces(use: CommitmentUse, period: BillingPeriod) -> int:
    """How many a reservation is of: hours bought ÷ hours from its first day to the month's end; a plan is one.

    The first day follows from the last: terms are one or three years. Where the bill names no end, it counts as bought
    on the month's first day.
    """
    first = period.start
    if use.ends_on and use.ends_on.month == period.start.month and use.ends_on.year - period.start.year in _YEARS:
        first = period.start.replace(day=min(use.ends_on.day, period.day_count))
    hours = (period.end - first).days * 24
    return max(1, round(use.purchased_hours / hours))
