"""Shared pools of a month, split from owners' direct costs when asked for: they follow whatever is in force."""

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from django.db.models import Sum

from costs import selectors as intake
from costs.money import from_units
from costs.periods import BillingPeriod, DateRange
from costs.reading import read_once
from costs.scope import Scope
from costs.terms import COST_COLUMNS, CostMetric
from tagging.benefit import Use, shifts
from tagging.models import AllocatedCost, DriverValue, OwnerCost
from tagging.owners import kind_of
from tagging.pools import NOTHING, Amounts, Pool, Split, Units, money_of, split_pools, units_of
from tagging.results.pools import BothPrices, OwnShare, SharedLine
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


def is_open_to(scope: Scope, split: Split) -> bool:
    """Whether the reader may see a pool's total, weights and source lines: a team those of open pools it has a part
    of."""
    own = (share for share in split.shares if share.owner_key in scope.team_keys and any(share.amounts))
    return scope.everything or (split.pool.is_open and any(own))


def shared_costs(
    scope: Scope, period: BillingPeriod, currency: str, metric: CostMetric, *, days: DateRange | None = None
) -> dict[str, Decimal]:
    """By owner, what pools give it and take from it on one basis; a team's own only.

    With `days` short of the month, pools are split as they stood after those days; what commitments save is not
    cut by days and left out.
    """
    pools = pools_of(period)
    if not pools and benefit_policy(period) is BenefitPolicy.EFFECTIVE:
        return {}
    if days is None or days == period.range:
        found = shared_month(period, currency)
    else:
        found = _part_of_month(period, currency, pools, days)
    at = COST_COLUMNS.index(metric.column)
    return {
        owner: from_units(amounts[at])
        for owner, amounts in found.shared.items()
        if amounts[at] and _may_see(scope, owner)
    }


def own_shares(scope: Scope, period: BillingPeriod, currency: str, metric: CostMetric) -> tuple[OwnShare, ...]:
    """The reader's parts of pools on one basis, largest first, with what a team may know of each."""
    is_open = {pool.key: pool.is_open for pool in pools_of(period)}
    shares = [
        OwnShare(
            line.pool_key,
            line.pool_name,
            line.method,
            line.owner_key,
            line.costs[metric.column],
            is_open.get(line.pool_key, False),
        )
        for line in shared_lines(scope, period, currency)
        if line.costs[metric.column]
    ]
    return tuple(sorted(shares, key=lambda share: (-share.cost, share.pool_name)))


def prices_of(scope: Scope, period: BillingPeriod, currency: str, owner_key: str) -> BothPrices | None:
    """What commitments cover of an owner's usage, at effective and at list price; None where nothing is covered."""
    scope.require_team(owner_key)
    found = OwnerCost.objects.filter(
        bill_import_id__in=imports_of(period, currency),
        commitment_use=CommitmentUse.COVERED.value,
        owner_key=owner_key,
    ).aggregate(Sum("effective_cost"), Sum("list_cost"))
    if found["effective_cost__sum"] is None:
        return None
    return BothPrices(found["effective_cost__sum"], found["list_cost__sum"])


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


def held_by_kind(period: BillingPeriod, currency: str, pks: Collection[int], metric: CostMetric) -> dict[str, Decimal]:
    """By kind of owner, what all of them hold of these imports of a month, whoever asks.

    Where pools are split the month's sums are read for that as well, so both come from one read.
    """
    if not pools_of(period) and benefit_policy(period) is BenefitPolicy.EFFECTIVE:
        rows = OwnerCost.objects.filter(bill_import_id__in=pks).order_by().values_list("owner_kind")
        return dict(rows.annotate(cost=Sum(metric.column)))
    at = COST_COLUMNS.index(metric.column)
    found: dict[str, int] = defaultdict(int)
    for pk, cells in owner_cells(imports_of(period, currency)).items():
        for (owner, _, _), amounts in cells.items():
            found[kind_of(owner).value] += amounts[at] if pk in pks else 0
    return {kind: from_units(units) for kind, units in found.items()}


def owner_cells(pks: tuple[int, ...]) -> Mapping[int, Mapping[OwnUse, Units]]:
    """By import and (owner, service, use of commitments) the month's direct costs; read once within a page."""
    return read_once(("costs of owners", pks), lambda: _owner_cells(pks))


def imports_of(period: BillingPeriod, currency: str) -> tuple[int, ...]:
    """The imports in force of the month in the currency, or in the main one where none is named."""
    found = intake.active_imports(Scope.all(), (period,))
    chosen = currency or next(iter(ordered_currencies(found)), "")
    return tuple(item.pk for item in found if item.currency == chosen)


def _owner_cells(pks: tuple[int, ...]) -> Mapping[int, Mapping[OwnUse, Units]]:
    columns = ("bill_import_id", "owner_key", "service_name", "commitment_use")
    rows = OwnerCost.objects.filter(bill_import_id__in=pks).order_by().values_list(*columns)
    found: dict[int, dict[OwnUse, Units]] = {pk: {} for pk in pks}
    for pk, owner, service, use, *costs in rows.annotate(*map(Sum, COST_COLUMNS)):
        found[pk][owner, service, CommitmentUse(use)] = units_of(costs)
    return found


def _shared_month(period: BillingPeriod, currency: str, pools: Sequence[Pool]) -> SharedMonth:
    benefit = benefit_policy(period)
    pks = imports_of(period, currency)
    if not pks or not (pools or benefit is not BenefitPolicy.EFFECTIVE):
        return SharedMonth((), benefit, {})
    cells = _merged(owner_cells(pks))
    direct = _sums(cells, lambda _: True)
    weights = {pool.key: _weights(pool, period, cells, direct) for pool in pools}
    uses = [Use(*key, amounts[_EFFECTIVE], amounts[_LIST]) for key, amounts in cells.items()]
    return SharedMonth(split_pools(pools, direct, weights), benefit, shifts(benefit, uses))


def _part_of_month(period: BillingPeriod, currency: str, pools: Sequence[Pool], days: DateRange) -> SharedMonth:
    pks = imports_of(period, currency)
    rows = AllocatedCost.objects.filter(
        bill_import_id__in=pks, charge_date__gte=days.start, charge_date__lt=days.end
    ).order_by()
    summed = rows.values_list("owner_key", "service_name").annotate(*map(Sum, COST_COLUMNS))
    cells = {(row[0], row[1], CommitmentUse.NONE): units_of(row[2:]) for row in summed}
    direct = _sums(cells, lambda _: True)
    # Who uses commitments is asked of the whole month; the amounts are those of the days.
    by_use = any(pool.weighing is Weighing.COMMITMENTS for pool in pools)
    whole = _merged(owner_cells(pks)) if by_use else {}
    weights = {
        pool.key: _weights(pool, period, whole if pool.weighing is Weighing.COMMITMENTS else cells, direct)
        for pool in pools
    }
    return SharedMonth(split_pools(pools, direct, weights), BenefitPolicy.EFFECTIVE, {})


def _merged(by_import: Mapping[int, Mapping[OwnUse, Units]]) -> dict[OwnUse, Units]:
    """All imports together."""
    merged: dict[OwnUse, Units] = {}
    for cells in by_import.values():
        for key, amounts in cells.items():
            before = merged.get(key)
            merged[key] = amounts if before is None else _plus(before, amounts)
    return merged


def _plus(one: Units, other: Units) -> Units:
    return tuple(a + b for a, b in zip(one, other, strict=True))


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


__all__ = [
    "SharedMonth",
    "imports_of",
    "method_text",
    "own_shares",
    "prices_of",
    "shared_costs",
    "shared_lines",
    "shared_month",
]
