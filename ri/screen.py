"""Steadiness screen: which instances of an inventory run enough hours to reserve.

See docs/algorithms/steadiness-screen.md.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal

from costs.money import ZERO
from ri.terms import Assumptions, Limits
from ri.usage import Pool

RUNNING = "running"


@dataclass(frozen=True)
class Uptime:
    """Share of hours an instance runs, and whether snapshots measured it. None: its state says nothing."""

    share: Decimal | None
    is_measured: bool


@dataclass(frozen=True)
class Candidate:
    """One instance as the screen sees it."""

    resource_id: str
    pool: Pool
    state: str
    cpu_pct: float | None
    uptime: Uptime
    hourly_rate: Decimal | None = None

    def is_steady(self, limits: Limits) -> bool:
        return self.uptime.share is not None and self.uptime.share >= limits.min_uptime


@dataclass(frozen=True)
class Group:
    """Instances of one pool; `mean_uptime` and `is_measured` speak of the steady ones."""

    pool: Pool
    candidates: tuple[Candidate, ...]
    steady: tuple[Candidate, ...]
    quantity: int

    @property
    def mean_uptime(self) -> Decimal:
        """Of the steady instances; 0 where there is none."""
        shares = [each.uptime.share for each in self.steady if each.uptime.share is not None]
        return sum(shares, ZERO) / len(shares) if shares else ZERO

    @property
    def is_measured(self) -> bool:
        return all(each.uptime.is_measured for each in self.steady)

    @property
    def highest_uptime(self) -> Decimal | None:
        """Of all its instances; None where no state says anything."""
        return max((each.uptime.share for each in self.candidates if each.uptime.share is not None), default=None)


def uptime_of(states: Sequence[tuple[date, str]], *, cpu_pct: float | None, assumptions: Assumptions) -> Uptime:
    """Days seen running ÷ days seen where there are enough snapshots, else what the newest state lets assume."""
    if len(states) >= assumptions.min_snapshots:
        running = sum(1 for _, state in states if state == RUNNING)
        return Uptime(Decimal(running) / len(states), is_measured=True)
    newest = states[-1][1] if states else ""
    assumed = {
        RUNNING: assumptions.busy if cpu_pct is not None and cpu_pct > assumptions.busy_cpu else assumptions.running,
        "stopped": assumptions.stopped,
        "terminated": assumptions.terminated,
    }
    return Uptime(assumed.get(newest), is_measured=False)


def screened(candidates: Iterable[Candidate], limits: Limits) -> tuple[Group, ...]:
    """Groups in order of pool, each with how many to reserve (0 where nothing is steady)."""
    by_pool: dict[Pool, list[Candidate]] = {}
    for each in candidates:
        by_pool.setdefault(each.pool, []).append(each)
    return tuple(_group(pool, tuple(found), limits) for pool, found in sorted(by_pool.items()))


def target_quantity(steady: int, target: Decimal) -> int:
    """The target share of the steady instances, half to even, at least one; 0 where none is steady or wanted."""
    if not steady or target <= 0:
        return 0
    return max(1, int((steady * target).to_integral_value(ROUND_HALF_EVEN)))


def _group(pool: Pool, candidates: tuple[Candidate, ...], limits: Limits) -> Group:
    steady = tuple(each for each in candidates if each.is_steady(limits))
    return Group(pool, candidates, steady, target_quantity(len(steady), limits.coverage_target))
