"""Money spent on nothing: what is known of a resource → findings. See docs/algorithms/findings.md.

One function for each kind, over what one owner pays for one resource. No prices here: list rates, tolerances and
saving shares are given.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from costs import figures
from costs.money import ZERO, ratio, round_money
from costs.periods import BillingPeriod
from costs.terms import FindingKind

NOT_RUNNING_STATES = frozenset({"stopped", "stopping", "terminated", "shutting-down", "deallocated"})
RUNNING_STATES = frozenset({"running", ""})  # an inventory without states lists what runs
Evidence = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class ListRate:
    """The list price of an hour on demand, from a price book."""

    region_id: str
    instance_type: str
    platform: str
    tenancy: str
    hourly: Decimal
    currency: str = "USD"
    book: str = ""
    is_representative: bool = False  # a stand-in for prices that nobody has given: nothing is saved against it


@dataclass(frozen=True)
class StorageMove:
    """A class of storage, a cheaper one, and the share of the cost that moving saves."""

    storage_class: str
    cheaper: str
    saving: Decimal
    if_seldom_read: bool


@dataclass(frozen=True)
class Limits:
    """From where on something is a finding. Shares: 1 is all."""

    idle_cpu_pct: float
    min_saving: Decimal
    rate_tolerance: Decimal
    seldom_read: Decimal
    moves: tuple[StorageMove, ...]


@dataclass(frozen=True)
class Inventoried:
    """A resource as inventories have it: the newest one, since when it has that state, and its mean load."""

    taken_on: date
    state: str
    state_since: date
    cpu_pct: float | None
    cpu_snapshots: int
    hourly_rate: Decimal | None
    region_id: str
    instance_type: str
    platform: str
    tenancy: str

    @property
    def runs(self) -> bool:
        return self.state in RUNNING_STATES

    @property
    def is_not_running(self) -> bool:
        return self.state in NOT_RUNNING_STATES


@dataclass(frozen=True)
class Commitment:
    """A commitment in a month: what it cost, upfront payment spread, and what of that covered nothing."""

    kind: str  # `reservation of c4.large`
    cost: Decimal
    unused: Decimal
    ends_on: date | None


@dataclass(frozen=True)
class Spend:
    """What one owner pays for one resource in the month measured (effective cost), and what is known of it.

    `cost` is that of the first `covered_days` days. `is_inventory`: it is the inventory's own rate, not a bill.
    `after_stop` is (days, cost) since inventories say that it does not run; bills only.
    `is_attached`: the inventory tells of an instance of another owner that it is attached to, which is not named.
    `storage` is cost by storage class; `reading` what requests and transfer out of it cost, None where not known.
    """

    resource_id: str
    currency: str
    period: BillingPeriod
    covered_days: int
    cost: Decimal
    is_inventory: bool = False
    inventory: Inventoried | None = None
    is_attached: bool = False
    after_stop: tuple[int, Decimal] | None = None
    above_list: tuple[Decimal, Decimal] | None = None  # cost of on-demand lines above list, and their list cost
    commitment: Commitment | None = None
    storage: Mapping[str, Decimal] | None = None
    reading: Decimal | None = None

    def a_month(self, amount: Decimal, days: int | None = None) -> Decimal:
        """An amount of so many days (those covered) as one of the whole month."""
        days = days or self.covered_days
        whole = self.period.day_count
        return round_money(amount if days >= whole else amount * whole / days)

    def measured(self, days: int | None = None) -> tuple[str, str]:
        """Evidence: which days the cost is from."""
        days, whole = days or self.covered_days, self.period.day_count
        if self.is_inventory:
            return ("Measured", f"{self.period.label}, at the rate of the inventory; no bill covers it")
        if days >= whole:
            return ("Measured", f"{self.period.label}, effective cost")
        return ("Measured", f"{self.period.label}, effective cost of {days} of {whole} days, scaled to the month")


@dataclass(frozen=True)
class Detected:
    """One finding: what it costs a month, what of that can be saved, and why.

    `baseline` is the month's cost of all that is looked at again when the saving is verified. `weight` is what decides
    whether it is worth a finding where the saving cannot be counted.
    """

    kind: FindingKind
    monthly_cost: Decimal
    monthly_saving: Decimal
    baseline: Decimal
    reason: str
    evidence: Evidence
    weight: Decimal = ZERO


Rates = Mapping[tuple[str, ...], ListRate]


def rate_table(rates: Iterable[ListRate]) -> Rates:
    """List rates by currency, region, type, platform and tenancy, however these are spelled."""
    return {_place(rate.currency, rate): rate for rate in rates}


def detect(spend: Spend, limits: Limits, rates: Rates) -> Detected | None:
    """The first kind that fits, in the order of FindingKind: so no cost is counted twice. None where none does."""
    for detector in _DETECTORS:
        found = detector(spend, limits, rates)
        if found is not None:
            worth = max(found.monthly_saving, found.weight)
            return found if worth >= limits.min_saving and worth > 0 else None
    return None


def not_running(spend: Spend, limits: Limits, rates: Rates) -> Detected | None:
    """Inventories say it is stopped or terminated, and it still costs. All of that can be saved."""
    del limits, rates
    seen = spend.inventory
    if seen is None or not seen.is_not_running:
        return None
    days, amount = (spend.covered_days, spend.cost) if spend.is_inventory else spend.after_stop or (0, ZERO)
    if days <= 0 or amount <= 0:
        return None
    cost = spend.a_month(amount, days)
    since = f"since {figures.day(seen.state_since)}"
    stopped = f"Attached to an instance that is {seen.state}" if spend.is_attached else seen.state.capitalize()
    return Detected(
        FindingKind.NOT_RUNNING,
        cost,
        cost,
        cost,
        f"{stopped} {since} and still costs {figures.money(cost, spend.currency)} a month.",
        (
            ("State", f"{seen.state}, {since if seen.state_since != seen.taken_on else 'as first seen'}"),
            ("Inventory of", figures.day(seen.taken_on)),
            spend.measured(days),
        ),
    )


def idle(spend: Spend, limits: Limits, rates: Rates) -> Detected | None:
    """It runs with a mean CPU at or below the limit. All of its cost can be saved."""
    del rates
    seen = spend.inventory
    if seen is None or not seen.runs or seen.cpu_pct is None or seen.cpu_pct > limits.idle_cpu_pct or spend.cost <= 0:
        return None
    cost = spend.a_month(spend.cost)
    load = figures.number(seen.cpu_pct, 1)
    counted = f"{seen.cpu_snapshots} inventor{'y' if seen.cpu_snapshots == 1 else 'ies'}"
    return Detected(
        FindingKind.IDLE,
        cost,
        cost,
        cost,
        f"Runs at {load} % CPU and costs {figures.money(cost, spend.currency)} a month.",
        (
            ("CPU", f"{load} % on average of {counted} to {figures.day(seen.taken_on)}"),
            ("Idle is", f"at most {figures.number(limits.idle_cpu_pct, 1)} % CPU"),
            spend.measured(),
        ),
    )


def unused_commitment(spend: Spend, limits: Limits, rates: Rates) -> Detected | None:
    """The part of a commitment that is paid and covers nothing."""
    del limits, rates
    owned = spend.commitment
    if owned is None or owned.unused <= 0:
        return None
    cost = spend.a_month(owned.unused)
    share = ratio(owned.unused, owned.cost)
    ends = [("Ends", figures.day(owned.ends_on))] if owned.ends_on else []
    return Detected(
        FindingKind.UNUSED_COMMITMENT,
        cost,
        cost,
        cost,
        f"{figures.pct(share)} of this {owned.kind} is not used: {figures.money(cost, spend.currency)} a month.",
        (
            ("It costs", f"{figures.money(owned.cost, spend.currency)} a month, upfront payment included"),
            ("Not used", f"{figures.money(owned.unused, spend.currency)}, {figures.pct(share)}"),
            *ends,
            spend.measured(),
        ),
    )


def off_list_rate(spend: Spend, limits: Limits, rates: Rates) -> Detected | None:
    """An inventory's hourly rate, or a bill's on-demand cost, above list by more than the tolerance."""
    if spend.is_inventory:
        return _inventory_rate(spend, limits, rates)
    if spend.above_list is None:
        return None
    paid, listed = spend.above_list
    if not listed > 0 or paid <= listed * (1 + limits.rate_tolerance):
        return None
    cost, saving = spend.a_month(paid), spend.a_month(paid - listed)
    return Detected(
        FindingKind.OFF_LIST_RATE,
        cost,
        saving,
        spend.a_month(spend.cost),
        f"On-demand usage is billed at {_times(paid, listed)} times its list price.",
        (
            ("Paid on demand", figures.money(paid, spend.currency)),
            ("At list price", f"{figures.money(listed, spend.currency)}, by the bill's own list cost"),
            spend.measured(),
        ),
    )


def _inventory_rate(spend: Spend, limits: Limits, rates: Rates) -> Detected | None:
    seen = spend.inventory
    if seen is None or not seen.runs or not seen.hourly_rate or spend.cost <= 0:
        return None
    offered = rates.get(_place(spend.currency, seen))
    listed = offered.hourly if offered else ZERO
    if offered is None or not listed or seen.hourly_rate <= listed * (1 + limits.rate_tolerance):
        return None
    cost = spend.a_month(spend.cost)
    above = round_money(cost * (seen.hourly_rate - listed) / seen.hourly_rate)
    text = f"Costs {_times(seen.hourly_rate, listed)} times the list price of {seen.instance_type} in {seen.region_id}."
    counted = ("Above list", f"{figures.money(above, spend.currency)} a month")
    if offered.is_representative:
        text += " That price is only representative: check the rate, or import your own price book."
        counted = ("Above list", f"{counted[1]}; no saving is counted against a representative price")
    rate = f"{seen.hourly_rate.normalize():f} {spend.currency}, inventory of {figures.day(seen.taken_on)}"
    price = f"{listed.normalize():f} {spend.currency} an hour on demand, price book '{offered.book}'"
    return Detected(
        FindingKind.OFF_LIST_RATE,
        cost,
        ZERO if offered.is_representative else above,
        cost,
        text,
        (("Hourly rate", rate), ("List price", price), counted, spend.measured()),
        weight=above,
    )


def dear_storage(spend: Spend, limits: Limits, rates: Rates) -> Detected | None:
    """Storage in a class from which moving saves; of some classes only where it is seldom read."""
    del rates
    moves = [(move, amount) for move in limits.moves if (amount := (spend.storage or {}).get(move.storage_class, ZERO))]
    moves = [(move, amount) for move, amount in moves if amount > 0 and _may_move(spend, move, limits)]
    if not moves:
        return None
    cost = sum((spend.a_month(amount) for _, amount in moves), ZERO)
    saving = sum((round_money(spend.a_month(amount) * move.saving) for move, amount in moves), ZERO)
    largest = max(moves, key=lambda pair: pair[1])[0]
    is_known = largest.if_seldom_read and spend.reading is not None
    kept = f"Kept in {largest.storage_class}{' and seldom read' if is_known else ''}"
    condition = ", if it is seldom read" if largest.if_seldom_read and not is_known else ""
    return Detected(
        FindingKind.DEAR_STORAGE,
        cost,
        saving,
        spend.a_month(spend.cost),
        f"{kept}; {largest.cheaper} costs {figures.pct(largest.saving, 0)} less{condition}.",
        (
            *((f"In {move.storage_class}", figures.money(amount, spend.currency)) for move, amount in moves),
            *([_reads(spend)] if largest.if_seldom_read else []),
            ("Saving is", f"{figures.pct(largest.saving, 0)} of it, as the settings say of {largest.cheaper}"),
            spend.measured(),
        ),
    )


def _may_move(spend: Spend, move: StorageMove, limits: Limits) -> bool:
    if not move.if_seldom_read or spend.reading is None:
        return True  # an inventory does not say how often it is read: the evidence tells
    stored = sum((spend.storage or {}).values(), ZERO)
    return spend.reading <= stored * limits.seldom_read


def _reads(spend: Spend) -> tuple[str, str]:
    if spend.reading is None:
        return ("Reads", "not in the inventory; check before moving")
    share = ratio(spend.reading, sum((spend.storage or {}).values(), ZERO))
    return ("Reads", f"requests and transfer cost {figures.pct(share)} of the storage")


def _times(paid: Decimal, listed: Decimal) -> str:
    factor = paid / listed
    return figures.number(factor, 2 if factor < 10 else 0)


def _place(currency: str, kind: ListRate | Inventoried) -> tuple[str, ...]:
    """One spelling of what names a rate: no platform and Linux are the same, so are shared and default."""
    system = "linux" if kind.platform.casefold() in {"", "linux", "linux/unix"} else kind.platform.casefold()
    host = "default" if kind.tenancy.casefold() in {"", "shared", "default"} else kind.tenancy.casefold()
    return (currency, kind.region_id.casefold(), kind.instance_type.casefold(), system, host)


_Detector = Callable[[Spend, Limits, Rates], Detected | None]
_DETECTORS: tuple[_Detector, ...] = (not_running, idle, unused_commitment, off_list_rate, dear_storage)
