"""Shared pools → shares that sum to what left the pool, in whole 1e-10 on every basis. See docs/algorithms/pools.md."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from enum import StrEnum

from costs.errors import InvalidRequestError
from costs.money import from_units, plain, split_units, to_units
from costs.terms import COST_COLUMNS
from tagging.owners import POOL_PREFIX, bare_key, pool_owner
from tagging.terms import SplitMethod, Weighing

Units = tuple[int, ...]  # one amount per basis, in the order of COST_COLUMNS, in whole 1e-10
Amounts = Mapping[str, Units]  # by owner key
NOTHING: Units = (0,) * len(COST_COLUMNS)
PCT_DIGITS = 6
WHOLE_PCT = Decimal(100)
# Where the rest of a capped pool goes, beside the key of an owner.
STAYS, TO_OTHERS = "", "others"


class Remark(StrEnum):
    """What a reader of a split should know. The money is accounted for in every case."""

    EVEN_INSTEAD = "even_instead"
    NOBODY = "nobody"
    REST_STAYS = "rest_stays"
    NEGATIVE_WEIGHT = "negative_weight"

    @property
    def text(self) -> str:
        """The same in words."""
        return _REMARKS[self]


_REMARKS = {
    Remark.EVEN_INSTEAD: "No weight is above zero on some basis, so it was split evenly there.",
    Remark.NOBODY: "There is nobody to split it over, so it stays in the pool.",
    Remark.REST_STAYS: "Caps left a rest that nobody takes; it stays in the pool.",
    Remark.NEGATIVE_WEIGHT: "A weight below zero (credits larger than costs) counted as zero.",
}


@dataclass(frozen=True)
class Target:
    """Who takes part: `pct` of fixed splits, `cap` the most it takes in a month on any basis."""

    owner_key: str
    pct: Decimal | None = None
    cap: Decimal | None = None


@dataclass(frozen=True)
class Pool:
    """How a pool is split. Without targets: over all teams and cost centres that have direct costs in the month."""

    key: str
    name: str
    method: SplitMethod
    weighing: Weighing = Weighing.DIRECT
    services: tuple[str, ...] = ()
    driver: str = ""
    targets: tuple[Target, ...] = ()
    rest_to: str = STAYS
    position: int = 0
    is_open: bool = False

    @property
    def owner_key(self) -> str:
        return pool_owner(self.key)


@dataclass(frozen=True)
class Share:
    """What one owner gets of a pool; `weights` are what it was weighed by on each basis (fixed: millionths of 1 %)."""

    owner_key: str
    amounts: Units
    weights: Units = NOTHING


@dataclass(frozen=True)
class Split:
    """A pool's month. direct + received = Σ shares + stays, on every basis."""

    pool: Pool
    direct: Units
    received: Units
    shares: tuple[Share, ...]
    stays: Units
    remarks: frozenset[Remark] = frozenset()

    @property
    def left(self) -> Units:
        """What left the pool, below zero; with the shares it sums to zero."""
        return _times(_sum(share.amounts for share in self.shares), -1)


@dataclass
class _Basis:
    """One basis of one pool while it is split."""

    shares: dict[str, int] = field(default_factory=dict)
    remarks: set[Remark] = field(default_factory=set)


def split_pools(pools: Sequence[Pool], direct: Amounts, weights: Mapping[str, Amounts]) -> tuple[Split, ...]:
    """Split every pool once, givers before takers. `weights` by pool key hold the owners with their weight.

    Even and fixed splits need no weights but for who takes part where a pool names no targets.
    """
    received: dict[str, Units] = defaultdict(lambda: NOTHING)
    splits = []
    for pool in in_order(pools):
        own, got = direct.get(pool.owner_key, NOTHING), received[pool.owner_key]
        split = _split(pool, own, got, weights.get(pool.key, {}))
        for share in split.shares:
            received[share.owner_key] = _plus(received[share.owner_key], share.amounts)
        splits.append(split)
    return tuple(splits)


def in_order(pools: Sequence[Pool]) -> tuple[Pool, ...]:
    """Pools with every giver before those it gives to, else by position. Raises InvalidRequestError for a circle."""
    waiting = {pool.owner_key: pool for pool in sorted(pools, key=lambda pool: (pool.position, pool.key))}
    done: list[Pool] = []
    while waiting:
        taken = {key for pool in waiting.values() for key in gives_to(pool)}
        free = next((key for key in waiting if key not in taken), None)
        if free is None:
            raise InvalidRequestError(_circle(waiting))
        done.append(waiting.pop(free))
    return tuple(done)


def gives_to(pool: Pool) -> frozenset[str]:
    """The owner keys of other pools (and of itself) that a pool gives to."""
    if pool.method is SplitMethod.KEEP:
        return frozenset()
    keys = {target.owner_key for target in pool.targets} | {pool.rest_to}
    return frozenset(key for key in keys if key.startswith(POOL_PREFIX))


def check_pool(pool: Pool) -> None:
    """Raise InvalidRequestError, naming the cure, for what cannot be split so."""
    owners = [target.owner_key for target in pool.targets]
    if twice := {key for key in owners if owners.count(key) > 1}:
        raise InvalidRequestError(f"{bare_key(min(twice))} stands twice among those who share the pool. Keep one.")
    if pool.owner_key in {*owners, pool.rest_to}:
        raise InvalidRequestError(f"The pool {pool.name} cannot give to itself. Take it off the list.")
    if pool.method is SplitMethod.FIXED:
        _check_fixed(pool)
    elif any(target.pct is not None for target in pool.targets):
        raise InvalidRequestError("Percentages belong to a fixed split only. Choose fixed, or leave them empty.")
    if any(target.cap is not None and target.cap < 0 for target in pool.targets):
        raise InvalidRequestError("A cap cannot be below zero.")
    if pool.method is SplitMethod.PROPORTIONAL:
        _check_weighing(pool)


def _check_fixed(pool: Pool) -> None:
    if not pool.targets:
        raise InvalidRequestError("A fixed split needs those who share it, each with a percentage.")
    missing = [bare_key(target.owner_key) for target in pool.targets if target.pct is None]
    if missing:
        raise InvalidRequestError(f"Give {missing[0]} a percentage; 0 is one.")
    pcts = [target.pct for target in pool.targets if target.pct is not None]
    if min(pcts) < 0:
        raise InvalidRequestError("A percentage cannot be below zero.")
    if any(pct != round(pct, PCT_DIGITS) for pct in pcts):
        raise InvalidRequestError(f"A percentage has at most {PCT_DIGITS} decimals.")
    if (total := sum(pcts)) != WHOLE_PCT:
        off = f"{plain(abs(WHOLE_PCT - total))} too {'little' if total < WHOLE_PCT else 'much'}"
        raise InvalidRequestError(f"The percentages add up to {plain(Decimal(total))}, not to 100: {off}.")


def _check_weighing(pool: Pool) -> None:
    if pool.weighing is Weighing.SERVICES and not pool.services:
        raise InvalidRequestError("Name at least one service whose cost the pool is split by.")
    if pool.weighing is Weighing.DRIVER and not pool.driver:
        raise InvalidRequestError("Choose the driver the pool is split by.")


def _circle(waiting: Mapping[str, Pool]) -> str:
    """One ring among pools of which each gives to another one that waits."""
    givers = {key: name for name, pool in waiting.items() for key in gives_to(pool)}
    at, seen = next(iter(waiting)), list[str]()
    while at not in seen:
        seen.append(at)
        at = givers[at]
    ring = [at, *reversed(seen[seen.index(at) :])]
    names = " → ".join(waiting[key].name for key in ring)
    return f"Pools would give to one another in a circle: {names}. Take one of these steps out."


def _split(pool: Pool, direct: Units, received: Units, weights: Amounts) -> Split:
    whole = _plus(direct, received)
    empty = Split(pool, direct, received, (), whole)
    if pool.method is SplitMethod.KEEP or whole == NOTHING:
        return empty
    owners = [target.owner_key for target in pool.targets] or sorted(weights)
    if not owners:
        return replace(empty, remarks=frozenset({Remark.NOBODY}))
    weighed = {owner: _weights_of(pool, owner, weights) for owner in owners}
    bases = [_split_basis(pool, amount, weighed, at) for at, amount in enumerate(whole)]
    takers = dict.fromkeys([*owners, *(owner for basis in bases for owner in basis.shares)])
    shares = [
        Share(owner, tuple(basis.shares.get(owner, 0) for basis in bases), weighed.get(owner, NOTHING))
        for owner in takers
    ]
    stays = _plus(whole, _times(_sum(share.amounts for share in shares), -1))
    remarks = frozenset(remark for basis in bases for remark in basis.remarks)
    return Split(pool, direct, received, tuple(shares), stays, remarks)


def _weights_of(pool: Pool, owner: str, weights: Amounts) -> Units:
    if pool.method is SplitMethod.EVEN:
        return (1,) * len(COST_COLUMNS)
    if pool.method is SplitMethod.FIXED:
        pct = next(target.pct for target in pool.targets if target.owner_key == owner)
        return (int((pct or Decimal(0)).scaleb(PCT_DIGITS)),) * len(COST_COLUMNS)
    return weights.get(owner, NOTHING)


def _split_basis(pool: Pool, amount: int, weighed: Amounts, at: int) -> _Basis:
    found = _Basis()
    if not amount:
        return found
    given = {owner: weight[at] for owner, weight in weighed.items()}
    if any(weight < 0 for weight in given.values()):
        found.remarks.add(Remark.NEGATIVE_WEIGHT)
    used = {owner: max(0, weight) for owner, weight in given.items()}
    if not any(used.values()):
        found.remarks.add(Remark.EVEN_INSTEAD)
        used = dict.fromkeys(used, 1)
    rest = _within_caps(pool, amount, used, found)
    if rest and pool.rest_to not in (STAYS, TO_OTHERS):
        found.shares[pool.rest_to] = found.shares.get(pool.rest_to, 0) + rest
    elif rest:
        found.remarks.add(Remark.REST_STAYS)
    return found


def _within_caps(pool: Pool, amount: int, weights: Mapping[str, int], found: _Basis) -> int:
    """Split; who would get more than its cap gets just that. Returns what is left over.

    With `TO_OTHERS` the rest is split again over those below their caps, until it is gone or all are full.
    """
    caps = {target.owner_key: to_units(target.cap) for target in pool.targets if target.cap is not None}
    sign, left = (1, amount) if amount > 0 else (-1, -amount)
    open_for = [owner for owner, weight in weights.items() if weight]
    while left and open_for:
        parts = dict(zip(open_for, split_units(left, [weights[owner] for owner in open_for]), strict=True))
        full = [owner for owner in open_for if owner in caps and parts[owner] > caps[owner]]
        if not full:
            _give(found, parts, sign)
            return 0
        if pool.rest_to != TO_OTHERS:
            parts |= {owner: caps[owner] for owner in full}
            _give(found, parts, sign)
            return sign * (left - sum(parts.values()))
        # Who is full gets its cap; the others are asked again, for all that is left then.
        _give(found, {owner: caps[owner] for owner in full}, sign)
        left -= sum(caps[owner] for owner in full)
        open_for = [owner for owner in open_for if owner not in full]
    return sign * left


def _give(found: _Basis, parts: Mapping[str, int], sign: int) -> None:
    for owner, part in parts.items():
        found.shares[owner] = found.shares.get(owner, 0) + sign * part


def money_of(units: Units) -> dict[str, Decimal]:
    """The amounts by the name of their basis."""
    return {name: from_units(amount) for name, amount in zip(COST_COLUMNS, units, strict=True)}


def units_of(costs: Sequence[Decimal | None]) -> Units:
    """The five costs, in the order of COST_COLUMNS, in whole 1e-10; None counts as zero."""
    return tuple(to_units(cost) if cost else 0 for cost in costs)


def _plus(one: Units, other: Units) -> Units:
    return tuple(a + b for a, b in zip(one, other, strict=True))


def _times(units: Units, factor: int) -> Units:
    return tuple(amount * factor for amount in units)


def _sum(amounts: Iterable[Units]) -> Units:
    total = NOTHING
    for units in amounts:
        total = _plus(total, units)
    return total
