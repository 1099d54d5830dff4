"""Upkeep of shared pools. Whoever calls has made sure the user is FinOps staff.

Shares are worked out when they are read, so a change of a pool reaches every open month at once. Closed months
are told by the rows that held in them, which a change only ends.
"""

from collections.abc import Collection
from dataclasses import replace
from datetime import date
from textwrap import shorten

from django.db import transaction
from django.utils.text import slugify

from costs.errors import InvalidRequestError, NotFoundInScopeError
from costs.money import plain
from costs.periods import BillingPeriod
from costs.scope import Scope
from costs.terms import CostMetric
from tagging.benefit import POT_KEY, POT_NAME
from tagging.hooks import tell_that_rules_changed
from tagging.inputs import PoolInput
from tagging.models import PoolDriver, SharedPool, Team
from tagging.owners import bare_key, kind_of, pool_owner
from tagging.pools import TO_OTHERS, Pool, Target, check_pool, in_order
from tagging.results import PoolMonth
from tagging.selectors.closed import first_open_period, refusal_text
from tagging.selectors.pool_pages import months_of
from tagging.selectors.pools import pool_of
from tagging.selectors.shared import BENEFIT_KEY, shared_month
from tagging.services.allocate import one_allocation_at_a_time
from tagging.terms import OwnerKind, SplitMethod, Weighing

MAX_HISTORY_REASON = 100  # what the history of a row keeps
RESERVED = (POT_KEY, BENEFIT_KEY)
MAX_POOL_REASON = 300


def save_pool(pool: PoolInput, *, instead_of: BillingPeriod | None = None, keeps_planned: bool = True) -> str:
    """Make a pool, or change how one is split from `from_period` on; returns its key.

    The row of that key which would hold in the same months ends where this one begins. One that was planned from a
    later month on stays, and this one ends there; but for the one that begins at `instead_of`, which is what is
    changed, and without `keeps_planned`. Raises InvalidRequestError for what cannot be split, for a circle of pools
    and for closed months.
    """
    with transaction.atomic():
        one_allocation_at_a_time()
        checked = _checked(pool)
        planned = [item for item in _planned(checked) if BillingPeriod(item) != instead_of] if keeps_planned else []
        if planned and (checked.to_period is None or planned[0] < checked.to_period.start):
            checked = replace(checked, to_period=BillingPeriod(planned[0]))
        row = _make_room(checked, planned)
        _write(row, checked)
        check_circles()
        tell_that_rules_changed()
    return checked.key


def switch_off_pool(key: str, *, reason: str, from_period: BillingPeriod | None = None) -> None:
    """Stop splitting the pool from that month on (None: all open months); what rules give it stays in it.

    Raises NotFoundInScopeError for a pool that is not there, InvalidRequestError without a reason.
    """
    why = reason.strip()
    if not why or len(why) > MAX_POOL_REASON:
        raise InvalidRequestError(f"Say in up to {MAX_POOL_REASON} letters why it is stopped; it stays in the history.")
    with transaction.atomic():
        one_allocation_at_a_time()
        rows = list(SharedPool.objects.filter(key=key, is_active=True))
        if not rows:
            raise NotFoundInScopeError("Nothing here.")
        _end(rows, _open_from(from_period), reason=why)
        tell_that_rules_changed()


def drop_planned_pool(key: str, start: BillingPeriod, *, reason: str) -> None:
    """Drop a setting that was planned from that month on. One that ended where it begins holds in its months, too.

    Raises NotFoundInScopeError where none begins then; InvalidRequestError without a reason, for one of a policy on
    charges, and once a month that it rules is closed.
    """
    why = reason.strip()
    if not why or len(why) > MAX_POOL_REASON:
        raise InvalidRequestError(f"Say in up to {MAX_POOL_REASON} letters why it is dropped; it stays in the history.")
    with transaction.atomic():
        one_allocation_at_a_time()
        row = SharedPool.objects.filter(key=key, is_active=True, from_period=start.start).first()
        if row is None:
            raise NotFoundInScopeError("Nothing here.")
        if row.charge_kind:
            raise InvalidRequestError(
                f"{row.name} is of a policy on charges: choose another policy from that month on."
            )
        if refusal := refusal_text(start):
            raise InvalidRequestError(refusal)
        row.is_active, row.reason = False, why
        row.save()
        for before in SharedPool.objects.filter(key=key, is_active=True, to_period=row.from_period):
            before.to_period = row.to_period
            # Its own reason stays with it; this one is kept in the history, in up to 100 letters.
            before._change_reason = shorten(why, MAX_HISTORY_REASON, placeholder="…")  # type: ignore[attr-defined]
            before.save()
        check_circles()
        tell_that_rules_changed()


def preview_pool(
    scope: Scope,
    pool: PoolInput,
    period: BillingPeriod,
    *,
    metric: CostMetric,
    currency: str,
    instead_of: BillingPeriod | None = None,
) -> PoolMonth | None:
    """The pool as it would be split in a month, with nothing kept; None where it would not hold then.

    Raises InvalidRequestError as `save_pool`.
    """
    with transaction.atomic():
        key = save_pool(pool, instead_of=instead_of)
        month = shared_month(period, currency)
        transaction.set_rollback(True)
    found = [item for item in months_of(scope, month, metric) if item.key == key]
    return found[0] if found else None


def check_circles() -> None:
    """Raise InvalidRequestError where pools of any month would give to one another in a circle."""
    rows = list(SharedPool.objects.filter(is_active=True).select_related("driver"))
    starts = {row.from_period for row in rows}
    for start in starts:
        held = [row for row in rows if _holds_on(row, start)]
        in_order([pool_of(row) for row in held])


def check_overlap(row: SharedPool) -> None:
    """Raise InvalidRequestError where another row of the same pool holds in one of the row's months."""
    for other in SharedPool.objects.filter(key=row.key, is_active=True).exclude(pk=row.pk):
        first = max((start for start in (row.from_period, other.from_period) if start), default=None)
        last = min((end for end in (row.to_period, other.to_period) if end), default=None)
        if first is None or last is None or first < last:
            since = f"from {first:%Y-%m}" if first else "from the beginning"
            raise InvalidRequestError(
                f"Another setting of the pool {row.name} holds in the same months ({since}). End it first."
            )


def _checked(pool: PoolInput) -> PoolInput:
    name = " ".join(pool.name.split())
    if not name:
        raise InvalidRequestError("A pool needs a name.")
    key = pool.key or slugify(name)[:60]
    if key in RESERVED or name.casefold() == POT_NAME.casefold():
        raise InvalidRequestError(f"'{name}' is taken by the policy on commitments. Choose another name.")
    if not key:
        raise InvalidRequestError("A pool's name needs at least one letter or digit of the Latin alphabet.")
    if not pool.key and SharedPool.objects.filter(key=key).exists():
        raise InvalidRequestError(f"There is a pool '{name}' already. Change that one, or choose another name.")
    services = tuple(dict.fromkeys(text.strip() for text in pool.services if text.strip()))
    by_services = pool.method is SplitMethod.PROPORTIONAL and pool.weighing is Weighing.SERVICES
    checked = replace(
        pool,
        name=name,
        key=key,
        services=services if by_services else (),
        driver_key=pool.driver_key if pool.weighing is Weighing.DRIVER else "",
        from_period=_open_from(pool.from_period),
        reason=pool.reason.strip(),
    )
    if checked.from_period and pool.to_period and checked.from_period >= pool.to_period:
        raise InvalidRequestError(f"It would end ({pool.to_period}) before it starts ({checked.from_period}).")
    check_pool(_as_pool(checked))
    _check_owners([*(target.owner_key for target in pool.targets), pool.rest_to])
    return checked


def _as_pool(pool: PoolInput) -> Pool:
    driver = PoolDriver.objects.filter(key=pool.driver_key).first() if pool.driver_key else None
    if pool.driver_key and driver is None:
        raise InvalidRequestError(f"There is no driver '{pool.driver_key}'. Upload it first.")
    return Pool(
        key=pool.key,
        name=pool.name,
        method=pool.method,
        weighing=pool.weighing,
        services=pool.services,
        driver="" if driver is None else driver.name,
        targets=pool.targets,
        rest_to=pool.rest_to,
    )


def _check_owners(keys: Collection[str]) -> None:
    """Every owner named must be there: teams (inactive ones too, their past goes on) and pools."""
    named = {key for key in keys if key and key != TO_OTHERS}
    teams = set(Team.objects.values_list("key", flat=True))
    pools = {pool_owner(key) for key in SharedPool.objects.filter(is_active=True).values_list("key", flat=True)}
    for key in sorted(named):
        kind = kind_of(key)
        if kind is OwnerKind.TEAM and key not in teams:
            raise InvalidRequestError(f"There is no team '{key}'.")
        if kind is OwnerKind.POOL and key not in pools:
            raise InvalidRequestError(f"There is no pool '{bare_key(key)}'.")


def _open_from(wanted: BillingPeriod | None) -> BillingPeriod | None:
    if wanted is not None and (refusal := refusal_text(wanted)):
        raise InvalidRequestError(refusal)
    return first_open_period() if wanted is None else wanted


def _planned(pool: PoolInput) -> list[date]:
    """First months of the pool's rows in use that begin after this one, in order."""
    rows = SharedPool.objects.filter(key=pool.key, is_active=True, from_period__isnull=False)
    if pool.from_period is not None:
        rows = rows.filter(from_period__gt=pool.from_period.start)
    return [start for start in rows.order_by("from_period").values_list("from_period", flat=True) if start]


def _make_room(pool: PoolInput, kept: Collection[date]) -> SharedPool:
    """The row to write: the one that began in the same month, or a new one after ending those it takes over from."""
    rows = [row for row in SharedPool.objects.filter(key=pool.key, is_active=True) if row.from_period not in kept]
    start = None if pool.from_period is None else pool.from_period.start
    same = next((row for row in rows if row.from_period == start), None)
    _end([row for row in rows if row is not same], pool.from_period)
    if same is not None:
        return same
    known = SharedPool.objects.filter(key=pool.key).order_by("-pk").first()
    position = known.position if known is not None else SharedPool.objects.count() + 1
    return SharedPool(key=pool.key, position=position, charge_kind=pool.charge_kind)


def _end(rows: Collection[SharedPool], at: BillingPeriod | None, *, reason: str = "") -> None:
    """Rows hold no longer from that month on; those that would begin then or later are out of use."""
    for row in rows:
        if at is None or (row.from_period is not None and row.from_period >= at.start):
            row.is_active = False
        elif row.to_period is None or row.to_period > at.start:
            row.to_period = at.start
        else:
            continue
        row.reason = reason or row.reason
        row.save()


def _write(row: SharedPool, pool: PoolInput) -> None:
    row.name = pool.name
    row.method = pool.method.value
    row.weighing = pool.weighing.value
    row.services = list(pool.services)
    row.driver = PoolDriver.objects.get(key=pool.driver_key) if pool.driver_key else None
    row.targets = [_stored(target) for target in pool.targets]
    row.rest_to = pool.rest_to
    row.is_open = pool.is_open
    row.charge_kind = pool.charge_kind
    row.from_period = None if pool.from_period is None else pool.from_period.start
    row.to_period = None if pool.to_period is None else pool.to_period.start
    row.reason = pool.reason
    row.save()


def _stored(target: Target) -> dict[str, str]:
    numbers = {"pct": target.pct, "cap": target.cap}
    return {"owner": target.owner_key} | {name: plain(n) for name, n in numbers.items() if n is not None}


def _holds_on(row: SharedPool, start: object) -> bool:
    if start is None:
        return row.from_period is None
    return (row.from_period is None or row.from_period <= start) and (row.to_period is None or start < row.to_period)  # type: ignore[operator]
