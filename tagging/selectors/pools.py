"""Pools as they are set up: those that hold in a month, and all rows for FinOps staff."""

from collections.abc import Collection
from decimal import Decimal
from typing import Any

from costs.periods import BillingPeriod
from costs.reading import read_once
from tagging.models import SharedPool
from tagging.pools import Pool, Target
from tagging.selectors.arrangements import arrangements
from tagging.terms import BenefitPolicy, SplitMethod, Weighing


def pools_of(period: BillingPeriod) -> tuple[Pool, ...]:
    """The pools that hold in a month, by position; read once within a page."""
    return read_once(
        ("pools of", period), lambda: tuple(pool_of(row) for row in arrangements().pools if holds_in(row, period))
    )


def pools_naming(owner_keys: Collection[str], period: BillingPeriod) -> frozenset[str]:
    """Owner keys of the pools whose costs may reach these owners by name in a month, through other pools too.

    Pools that name nobody are split over who has direct costs, so they reach nobody else.
    """
    named = [
        (pool.owner_key, {*(target.owner_key for target in pool.targets), pool.rest_to})
        for pool in pools_of(period)
        if pool.method is not SplitMethod.KEEP
    ]
    reached, known = set(owner_keys), -1
    found: set[str] = set()
    while known != len(found):
        known = len(found)
        found |= {owner_key for owner_key, names in named if reached & names}
        reached |= found
    return frozenset(found)


def holds_in(row: SharedPool, period: BillingPeriod) -> bool:
    """Whether the row is in force in that month (`to_period` is exclusive)."""
    return (row.from_period is None or row.from_period <= period.start) and (
        row.to_period is None or period.start < row.to_period
    )


def benefit_policy(period: BillingPeriod) -> BenefitPolicy:
    """At which price commitments are charged in that month; effective cost before any choice."""
    held = [row["policy"] for row in arrangements().benefits if row["from_period"] <= period.start]
    return BenefitPolicy(held[-1]) if held else BenefitPolicy.EFFECTIVE


def pool_of(row: SharedPool) -> Pool:
    """The core's view of a stored row."""
    return Pool(
        key=row.key,
        name=row.name,
        method=SplitMethod(row.method),
        weighing=Weighing(row.weighing),
        services=tuple(row.services),
        driver=row.driver.name if row.driver else "",
        targets=tuple(target_of(target) for target in row.targets),
        rest_to=row.rest_to,
        position=row.position,
        is_open=row.is_open,
    )


def target_of(stored: dict[str, Any]) -> Target:
    """A target as it is stored: {"owner", "pct", "cap"}, numbers as text."""
    pct, cap = stored.get("pct"), stored.get("cap")
    return Target(
        owner_key=stored["owner"],
        pct=None if pct in (None, "") else Decimal(str(pct)),
        cap=None if cap in (None, "") else Decimal(str(cap)),
    )
