"""Shared pools of a month, split from owners' direct costs when asked for: they follow whatever is in force."""

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from django.db.models import Sum

from costs import selectors as intake
from costs.periods import BillingPeriod
from costs.reading import read_once
from costs.scope import Scope
from costs.terms import COST_COLUMNS
from tagging.benefit import POT, POT_NAME, Use, both_prices, shifts
from tagging.models import DriverValue, OwnerCost
from tagging.owners import kind_of
from tagging.pools import NOTHING, Amounts, Pool, Split, Units, money_of, split_pools, units_of
from tagging.results.pools import SharedLine
from tagging.selectors.pools import benefit_policy, pools_of
from tagging.selectors.reach import ordered_currencies
from tagging.terms import BenefitPolicy, CommitmentUse, OwnerKind, SplitMethod, Weighing

_EFFECTIVE = COST_COLUMNS.index("effective_cost")
_LIST = COST_COLUMNS.index("list_cost")
BENEFIT_KEY = "commitment-benefit"
BENEFIT_NAME = "Commitment benefit"
BENEFIT_METHODS = {
    BenefitPolicy.LIST: "commitments at list price, savings to the central pot",
    BenefitPolicy.AVERAGE: "commitments at the average rate of all",
}
_METHODS = {
    SplitMethod.EVEN: "even",
    SplitMethod.FIXED: "fixed percentages",
    SplitMethod.KEEP: "kept centrally",
}
_WEIGHINGS = {
    Weighing.DIRECT: "in proportion to direct cost",
    Weighing.COMMITMENTS: "in proportion to use of commitments",
}
_DIVIDED = (OwnerKind.TEAM, OwnerKind.COST_CENTER)
OwnUse = tuple[str, str, CommitmentUse]


@dataclass(frozen=True)
class SharedMonth:
    """All pools of a month in one currency as they are split, and what the benefit policy shifts."""

    splits: tuple[Split, ...]
    benefit: BenefitPolicy
    shifts: Mapping[str, int]
    prices: Mapping[str, tuple[int, int]]

    @property
    def shared(self) -> dict[str, Units]:
        """By owner, what pools give it and take from it; sums to zero on every basis."""
        found: dict[str, Units] = defaultdict(lambda: NOTHING)
        for split in self.splits:
            for owner, amounts in _rows(split):
                found[owner] = tuple(a + b for a, b in zip(found[owner], amounts, strict=True))
        for owner, shift in self.shifts.items():
            found[owner] = tuple(a + b for a, b in zip(found[owner], _effective(shift), strict=True))
        return dict(found)


def shared_lines(scope: Scope, period: BillingPeriod, currency: str) -> tuple[SharedLine, ...]:
    """Every owner's part of every pool in the month; a team's own only. Lines of nothing are left out.

    For staff the lines of one pool sum to zero on every basis: the pool's own line shows what left it.
    """
    month = shared_month(period, currency)
    lines = [
        SharedLine(split.pool.key, split.pool.name, method_text(split.pool), kind_of(owner), owner, money_of(amounts))
        for split in month.splits
        for owner, amounts in _rows(split)
        if amounts != NOTHING and _may_see(scope, owner)
    ]
    lines += [
        SharedLine(
            BENEFIT_KEY,
            BENEFIT_NAME,
            BENEFIT_METHODS[month.benefit],
            kind_of(owner),
            owner,
            money_of(_effective(shift)),
        )
        for owner, shift in sorted(month.shifts.items())
        if _may_see(scope, owner)
    ]
    return tuple(lines)


def shared_month(period: BillingPeriod, currency: str, pools: Sequence[Pool] | None = None) -> SharedMonth:
    """The month as everybody's costs make it, with these pools or those that hold. Not for a team's eyes as it is."""
    if pools is not None:
        return _shared_month(period, currency, pools)
    key = ("shared month", period, currency)
    return read_once(key, lambda: _shared_month(period, currency, pools_of(period)))


def method_text(pool: Pool) -> str:
    """The method in words, without weights, names or percentages of anybody."""
    capped = ", capped" if any(target.cap is not None for target in pool.targets) else ""
    if pool.method is not SplitMethod.PROPORTIONAL:
        return _METHODS[pool.method] + capped
    if pool.weighing is Weighing.SERVICES:
        return f"in proportion to cost of {', '.join(pool.services)}{capped}"
    if pool.weighing is Weighing.DRIVER:
        return f"in proportion to {pool.driver}{capped}"
    return _WEIGHINGS[pool.weighing] + capped


def imports_of(period: BillingPeriod, currency: str) -> tuple[int, ...]:
    """The imports in force of the month in the currency, or in the main one where none is named."""
    found = intake.active_imports(Scope.all(), (period,))
    chosen = currency or next(iter(ordered_currencies(found)), "")
    return tuple(item.pk for item in found if item.currency == chosen)


def _shared_month(period: BillingPeriod, currency: str, pools: Sequence[Pool]) -> SharedMonth:
    benefit = benefit_policy(period)
    pks = imports_of(period, currency)
    if not pks or not (pools or benefit is not BenefitPolicy.EFFECTIVE):
        return SharedMonth((), benefit, {}, {})
    cells = _cells(pks)
    direct = _sums(cells, lambda _: True)
    weights = {pool.key: _weights(pool, period, cells, direct) for pool in pools}
    uses = [Use(*key, amounts[_EFFECTIVE], amounts[_LIST]) for key, amounts in cells.items()]
    return SharedMonth(split_pools(pools, direct, weights), benefit, shifts(benefit, uses), both_prices(uses))


def commitment_prices(period: BillingPeriod, currency: str) -> Mapping[str, tuple[int, int]]:
    """By owner, usage under commitments at effective and at list price. Not for a team's eyes as it is."""
    found = OwnerCost.objects.filter(
        bill_import_id__in=imports_of(period, currency), commitment_use=CommitmentUse.COVERED.value
    )
    rows = found.order_by().values_list("owner_key").annotate(Sum("effective_cost"), Sum("list_cost"))
    return {owner: units_of((effective, at_list)) for owner, effective, at_list in rows}  # type: ignore[misc]


def _cells(pks: Collection[int]) -> dict[OwnUse, Units]:
    found = OwnerCost.objects.filter(bill_import_id__in=pks).order_by()
    rows = found.values_list("owner_key", "service_name", "commitment_use").annotate(*map(Sum, COST_COLUMNS))
    return {(row[0], row[1], CommitmentUse(row[2])): units_of(row[3:]) for row in rows}


def _sums(cells: Mapping[OwnUse, Units], wanted: Callable[[OwnUse], bool]) -> dict[str, Units]:
    found: dict[str, Units] = defaultdict(lambda: NOTHING)
    for key, amounts in cells.items():
        if wanted(key):
            found[key[0]] = tuple(a + b for a, b in zip(found[key[0]], amounts, strict=True))
    return dict(found)


def _weights(pool: Pool, period: BillingPeriod, cells: Mapping[OwnUse, Units], direct: Amounts) -> Amounts:
    """What owners weigh for this pool: only teams and cost centres, and pools it names itself."""
    if pool.weighing is Weighing.DRIVER and pool.method is SplitMethod.PROPORTIONAL:
        return _driver_weights(pool.driver, period)
    named = {target.owner_key for target in pool.targets}
    weighed = direct
    if pool.method is SplitMethod.PROPORTIONAL and pool.weighing is Weighing.SERVICES:
        services = {name.casefold() for name in pool.services}
        weighed = _sums(cells, lambda key: key[1].casefold() in services)
    elif pool.method is SplitMethod.PROPORTIONAL and pool.weighing is Weighing.COMMITMENTS:
        used = _sums(cells, lambda key: key[2] is CommitmentUse.COVERED)
        weighed = {owner: (amounts[_EFFECTIVE],) * len(COST_COLUMNS) for owner, amounts in used.items()}
    return {owner: units for owner, units in weighed.items() if owner in named or kind_of(owner) in _DIVIDED}


def _driver_weights(driver_name: str, period: BillingPeriod) -> Amounts:
    rows = DriverValue.objects.filter(driver__name=driver_name, period=period.start)
    return {
        owner: (int(value.scaleb(6)),) * len(COST_COLUMNS) for owner, value in rows.values_list("owner_key", "value")
    }


def _rows(split: Split) -> list[tuple[str, Units]]:
    """The zero-sum rows of a split: every share, and what left the pool."""
    return [*((share.owner_key, share.amounts) for share in split.shares), (split.pool.owner_key, split.left)]


def _effective(shift: int) -> Units:
    return tuple(shift if at == _EFFECTIVE else 0 for at in range(len(COST_COLUMNS)))


def _may_see(scope: Scope, owner: str) -> bool:
    return scope.everything or owner in scope.team_keys


def pool_names(period: BillingPeriod) -> dict[str, str]:
    """Names of pools by owner key, the pot's too."""
    return {pool.owner_key: pool.name for pool in pools_of(period)} | {POT: POT_NAME}


__all__ = [
    "SharedMonth",
    "commitment_prices",
    "imports_of",
    "method_text",
    "pool_names",
    "shared_lines",
    "shared_month",
]
