"""Hourly usage of a bill, pool by pool, from the charge store into numpy."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

import numpy as np
import numpy.typing as npt
from django.conf import settings

from costs import selectors as intake
from costs.errors import InvalidRequestError
from costs.scope import Scope
from costs.selectors import ActiveImport
from ri.usage import Hours, Pool, pool_of

HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class Window:
    """The hours looked at: [start, end), UTC, all of them billed. Hours without usage count as zeros."""

    items: tuple[ActiveImport, ...]
    as_of: date
    start: datetime
    end: datetime

    @property
    def hours(self) -> int:
        return (self.end - self.start) // HOUR


@dataclass(frozen=True)
class PoolUsage:
    """A pool's usage by hour of the window: in normalized units for a family, else in instances.

    `on_demand_cost` is the list price of all its usage on demand, for the rate it is billed at.
    """

    pool: Pool
    on_demand: Hours
    committed: Hours
    on_demand_cost: float


def usage_window(scope: Scope, source_name: str, *, as_of: date | None) -> Window:
    """The last lookback of a bill before `as_of`, or before its newest hour; cut where a month is missing.

    Raises InvalidRequestError where there is no instance usage before that day.
    """
    billed = [item for item in intake.active_imports(scope) if item.source_name == source_name]
    known = [item for item in billed if as_of is None or item.period.start < as_of]
    covers = intake.usage_covers(scope, known[-1:])
    if covers is None:
        before = f" before {as_of}" if as_of else ""
        raise InvalidRequestError(f"'{source_name}' has no hourly usage of instances{before}. Choose a later day.")
    end = covers[1] + HOUR
    if as_of is not None:
        end = min(end, _start_of(as_of))
    day = as_of or (end - HOUR).date() + timedelta(days=1)
    items = known[-1:]
    for item in reversed(known[:-1]):
        if item.period.next() != items[0].period:
            break
        items.insert(0, item)
    start = max(_start_of(items[0].period.start), _start_of(day) - timedelta(days=settings.RI_LOOKBACK_DAYS))
    kept = tuple(item for item in items if _start_of(item.period.end) > start)
    return Window(kept, day, start, max(end, start))


def pool_usage(scope: Scope, window: Window) -> tuple[PoolUsage, ...]:
    """Every pool with usage on demand or committed in the window, in order."""
    rows = intake.pool_hours(scope, window.items, start=window.start, end=window.end)
    if rows is None:
        return ()
    kinds, places = np.unique(
        np.array([rows.region_id, rows.instance_type, rows.platform, rows.tenancy], dtype=str).T,
        axis=0,
        return_inverse=True,
    )
    places = places.reshape(-1)
    pools: dict[Pool, list[int]] = {}
    for place, (region, instance_type, platform, tenancy) in enumerate(kinds.tolist()):
        pool = pool_of(instance_type, region, platform, tenancy, excluded=settings.RI_SIZE_BOUND_FAMILIES)
        pools.setdefault(pool, []).append(place)
    found = []
    for pool, members in sorted(pools.items()):
        mine = np.isin(places, members)
        unit = "units" if pool.is_family else "hours"
        on_demand, committed = (
            _by_hour(rows.hour[mine], getattr(rows, f"{kind}_{unit}")[mine], window.hours)
            for kind in ("on_demand", "committed")
        )
        found.append(PoolUsage(pool, on_demand, committed, float(rows.on_demand_cost[mine].sum())))
    return tuple(found)


def _by_hour(hours: npt.NDArray[np.int64], quantities: Hours, count: int) -> Hours:
    found: Hours = np.bincount(hours, weights=quantities, minlength=count).astype(np.float64)
    return found


def _start_of(day: date) -> datetime:
    return datetime.combine(day, time())
