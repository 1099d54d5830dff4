"""Pools as pages and the API show them: a month's split for staff and, of open pools, for who has a part of it."""

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db.models import F

from costs.errors import NotFoundInScopeError
from costs.money import SCALE, ZERO, from_units, plain, ratio
from costs.periods import BillingPeriod
from costs.scope import Scope
from costs.terms import COST_COLUMNS, CostMetric
from tagging.models import AllocationRule, CommitmentBenefit, PoolDriver, SharedPool, Team
from tagging.owners import bare_key
from tagging.pools import PCT_DIGITS, TO_OTHERS, Pool, Share, Split, Target
from tagging.results.pools import PoolMonth, PoolRow, ShareView
from tagging.selectors.labels import labels
from tagging.selectors.pools import holds_in, pool_of
from tagging.selectors.shared import SharedMonth, is_open_to, method_text, shared_month
from tagging.terms import BenefitPolicy, ChargeKind, ChargePolicy, SplitMethod, Weighing

OTHERS = "All others"


@dataclass(frozen=True)
class PolicyRow:
    """How one kind of charges is borne in a month."""

    kind: ChargeKind
    policy: ChargePolicy
    reason: str

    @property
    def name(self) -> str:
        """The charges for people."""
        return self.kind.value.replace("-", " ").capitalize()


@dataclass(frozen=True)
class PoolSetting:
    """How a pool is split, for its form."""

    pool: Pool
    driver_key: str
    charge_kind: str
    from_period: BillingPeriod | None
    to_period: BillingPeriod | None
    is_used: bool


@dataclass(frozen=True)
class DriverRow:
    """A driver with the newest month it has values for."""

    key: str
    name: str
    values: int
    newest: BillingPeriod | None


@dataclass(frozen=True)
class Change:
    """Who changed a rule or pool when, to what, and why."""

    at: datetime
    by: str
    text: str
    reason: str


def pool_rows(scope: Scope) -> tuple[PoolRow, ...]:
    """Every row of every pool in use, by position, then month. Staff only."""
    scope.require_everything()
    found = SharedPool.objects.filter(is_active=True).select_related("driver")
    rows = list(found.order_by("position", "key", F("from_period").asc(nulls_first=True), "pk"))
    pools = [pool_of(row) for row in rows]
    keys = {key for pool in pools for key in (*(target.owner_key for target in pool.targets), pool.rest_to)}
    names = labels(scope, "team", keys - {TO_OTHERS})
    return tuple(_row(row, pool, names) for row, pool in zip(rows, pools, strict=True))


def planned_setting(scope: Scope, key: str, start: BillingPeriod | None) -> PoolRow | None:
    """The pool's next setting that begins after that month (None: after its first setting). Staff only."""
    later = [row for row in pool_rows(scope) if row.key == key and row.from_period]
    found = [row for row in later if start is None or row.is_planned_at(start)]
    return min(found, key=lambda row: row.some_month, default=None)


def setting_before(scope: Scope, row: PoolRow) -> PoolRow | None:
    """The pool's setting that ends where this one begins, and holds on where this one is dropped. Staff only."""
    found = (other for other in pool_rows(scope) if other.key == row.key and other.pk != row.pk)
    return next((other for other in found if row.from_period and other.to_period == row.from_period), None)


def pool_setting(scope: Scope, key: str, period: BillingPeriod | None = None) -> PoolSetting:
    """How a pool is split in a month; not given or none then: its newest row in use, else its newest. Staff only.

    Raises NotFoundInScopeError.
    """
    scope.require_everything()
    found = SharedPool.objects.filter(key=key).select_related("driver")
    rows = list(found.order_by("is_active", F("from_period").asc(nulls_first=True), "pk"))
    held = [row for row in rows if row.is_active and period is not None and holds_in(row, period)]
    if not rows:
        raise NotFoundInScopeError("Nothing here.")
    row = (held or rows)[-1]
    return PoolSetting(
        pool=pool_of(row),
        driver_key=row.driver.key if row.driver else "",
        charge_kind=row.charge_kind,
        from_period=None if row.from_period is None else BillingPeriod(row.from_period),
        to_period=None if row.to_period is None else BillingPeriod(row.to_period),
        is_used=row.is_active,
    )


def pool_months(scope: Scope, period: BillingPeriod, *, metric: CostMetric, currency: str) -> tuple[PoolMonth, ...]:
    """Every pool of the month as it is split. Staff only."""
    scope.require_everything()
    return months_of(scope, shared_month(period, currency), metric)


def pool_month(scope: Scope, period: BillingPeriod, key: str, *, metric: CostMetric, currency: str) -> PoolMonth:
    """One pool of the month. A team sees an open pool that it has a part of: total, weights, no other's name.

    Raises NotFoundInScopeError for any other pool, alike whether there is one.
    """
    month = shared_month(period, currency)
    split = next((split for split in month.splits if split.pool.key == key), None)
    if split is None:
        raise NotFoundInScopeError("Nothing here.")
    if not is_open_to(scope, split):
        raise NotFoundInScopeError("Nothing here.")
    own = [share for share in split.shares if share.owner_key in scope.team_keys and any(share.amounts)]
    shown = split.shares if scope.everything else own
    names = labels(scope, "team", {share.owner_key for share in shown})
    return _month(split, metric, names, shown)


def months_of(scope: Scope, month: SharedMonth, metric: CostMetric) -> tuple[PoolMonth, ...]:
    """The splits of a month on one basis, with the names of all who have a part. Staff only."""
    scope.require_everything()
    names = labels(scope, "team", {share.owner_key for split in month.splits for share in split.shares})
    inactive = set(Team.objects.filter(is_active=False).values_list("key", flat=True))
    return tuple(_month(split, metric, names, split.shares, inactive) for split in month.splits)


def charge_policies(scope: Scope, period: BillingPeriod) -> tuple[PolicyRow, ...]:
    """How taxes, credits, discounts, unused commitments and support are borne in the month. Staff only."""
    scope.require_everything()
    pools = {row.charge_kind: row for row in SharedPool.objects.filter(is_active=True) if holds_in(row, period)}
    rules = AllocationRule.objects.filter(is_active=True).exclude(charge_kind="")
    ruled = {rule.charge_kind for rule in rules if _holds(rule, period)}
    return tuple(_policy(kind, pools.get(kind.value), is_ruled=kind.value in ruled) for kind in ChargeKind)


def benefit_rows(scope: Scope) -> tuple[tuple[BillingPeriod, BenefitPolicy, str], ...]:
    """From which month on commitments are charged at which price, and why. Staff only."""
    scope.require_everything()
    rows = CommitmentBenefit.objects.all()
    return tuple((BillingPeriod(row.from_period), BenefitPolicy(row.policy), row.reason) for row in rows)


def driver_rows(scope: Scope) -> tuple[DriverRow, ...]:
    """All drivers by name. Staff only."""
    scope.require_everything()
    found = []
    for driver in PoolDriver.objects.prefetch_related("values"):
        periods = [value.period for value in driver.values.all()]
        newest = BillingPeriod(max(periods)) if periods else None
        found.append(DriverRow(driver.key, driver.name, len(periods), newest))
    return tuple(found)


def pool_changes(scope: Scope, key: str) -> tuple[Change, ...]:
    """What was changed about a pool, newest first. Staff only."""
    scope.require_everything()
    rows = SharedPool.history.filter(key=key).select_related("history_user").order_by("-history_date", "-history_id")
    return tuple(
        Change(
            at=row.history_date,
            by=_who(row),
            text=f"{row.get_method_display()}, {_span(row)}",
            reason=row.history_change_reason or row.reason,  # holds on because a planned one was dropped
        )
        for row in rows[:50]
    )


def rule_changes(scope: Scope, pk: int) -> tuple[Change, ...]:
    """What was changed about a rule and the rows it replaced, newest first. Staff only."""
    scope.require_everything()
    pks, at = [pk], AllocationRule.objects.filter(pk=pk).values_list("replaces_id", flat=True).first()
    while at is not None and at not in pks:
        pks.append(at)
        at = AllocationRule.objects.filter(pk=at).values_list("replaces_id", flat=True).first()
    rows = AllocationRule.history.filter(id__in=pks).select_related("history_user")
    ordered = rows.order_by("-history_date", "-history_id")[:50]
    return tuple(
        Change(
            at=row.history_date,
            by=_who(row),
            text=f"{row.name}, place {row.position}, {_span(row)}",
            reason=row.history_change_reason or row.reason,  # moved and switched without a change of the rule itself
        )
        for row in ordered
    )


def _who(row: object) -> str:
    user = getattr(row, "history_user", None)
    return str(user.get_username()) if user is not None else "the product or a command"


def _span(row: object) -> str:
    if not getattr(row, "is_active", True):
        return "out of use"
    first, end = getattr(row, "from_period", None), getattr(row, "to_period", None)
    since = f"from {BillingPeriod(first).label}" if first else "from the beginning"
    return since + (f" until before {BillingPeriod(end).label}" if end else "")


def _holds(rule: AllocationRule, period: BillingPeriod) -> bool:
    return (rule.from_period is None or rule.from_period <= period.start) and (
        rule.to_period is None or period.start < rule.to_period
    )


def _policy(kind: ChargeKind, pool: SharedPool | None, *, is_ruled: bool) -> PolicyRow:
    if pool is None or not is_ruled:
        return PolicyRow(kind, ChargePolicy.BUYER, "")
    kept = SplitMethod(pool.method) is SplitMethod.KEEP
    return PolicyRow(kind, ChargePolicy.CENTRAL if kept else ChargePolicy.USERS, pool.reason)


def _row(row: SharedPool, pool: Pool, names: Mapping[str, str]) -> PoolRow:
    return PoolRow(
        pk=row.pk,
        key=row.key,
        name=row.name,
        method=pool.method,
        method_text=method_text(pool),
        summary=_summary(pool, names),
        charge_kind=ChargeKind(row.charge_kind) if row.charge_kind else None,
        is_open=row.is_open,
        is_active=row.is_active,
        from_period=None if row.from_period is None else BillingPeriod(row.from_period),
        to_period=None if row.to_period is None else BillingPeriod(row.to_period),
        reason=row.reason,
    )


def _summary(pool: Pool, names: Mapping[str, str]) -> str:
    if pool.method is SplitMethod.KEEP:
        return "Nobody is charged"
    if not pool.targets:
        return "All who have direct costs in the month"
    return ", ".join(
        f"{names.get(target.owner_key, bare_key(target.owner_key))}{_terms(target)}" for target in pool.targets
    )


def _terms(target: Target) -> str:
    parts = [f"{plain(target.pct)} %"] if target.pct is not None else []
    parts += [f"at most {plain(target.cap)}"] if target.cap is not None else []
    return f" ({', '.join(parts)})" if parts else ""


def _month(
    split: Split,
    metric: CostMetric,
    names: Mapping[str, str],
    shown: Sequence[Share],
    inactive: Set[str] = frozenset(),
) -> PoolMonth:
    at = COST_COLUMNS.index(metric.column)
    return PoolMonth(
        key=split.pool.key,
        name=split.pool.name,
        method=method_text(split.pool),
        weight_name=weight_name(split.pool),
        direct=from_units(split.direct[at]),
        received=from_units(split.received[at]),
        shared=from_units(-split.left[at]),
        stays=from_units(split.stays[at]),
        shares=tuple(_views(split, at, names, shown, inactive)),
        remarks=tuple(sorted(split.remarks)),
        is_open=split.pool.is_open,
    )


def _views(
    split: Split, at: int, names: Mapping[str, str], shown: Sequence[Share], inactive: Set[str]
) -> Iterator[ShareView]:
    """The shares to be shown, largest first, then one line for all others together."""
    whole = -split.left[at]

    def view(key: str, name: str, units: int, weight: int) -> ShareView:
        part = ratio(units, whole) if whole else None
        return ShareView(key, name, from_units(units), _weight(split.pool, weight), part, key in inactive)

    for share in sorted(shown, key=lambda share: (-share.amounts[at], share.owner_key)):
        name = names.get(share.owner_key, bare_key(share.owner_key))
        yield view(share.owner_key, name, share.amounts[at], share.weights[at])
    hidden = [share for share in split.shares if share not in shown]
    if hidden:
        weight = sum(max(0, share.weights[at]) for share in hidden)
        yield view("", OTHERS, sum(share.amounts[at] for share in hidden), weight)


def weight_name(pool: Pool) -> str:
    """What the weights of a pool are."""
    if pool.method is SplitMethod.FIXED:
        return "Percent"
    if pool.method is not SplitMethod.PROPORTIONAL:
        return ""
    names = {
        Weighing.DIRECT: "Direct cost",
        Weighing.SERVICES: "Cost of the services",
        Weighing.COMMITMENTS: "Effective cost under commitments",
    }
    return names.get(pool.weighing) or pool.driver.capitalize()


def _weight(pool: Pool, units: int) -> Decimal | None:
    if not weight_name(pool):
        return None
    by_count = pool.method is SplitMethod.FIXED or pool.weighing is Weighing.DRIVER
    return Decimal(units).scaleb(-PCT_DIGITS if by_count else -SCALE) if units else ZERO
