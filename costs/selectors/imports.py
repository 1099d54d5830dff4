"""Which imports are in force, for which months."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.db.models import Q, Sum

from costs.errors import NotFoundInScopeError
from costs.models import Bill, BillImport
from costs.money import ZERO
from costs.periods import BillingPeriod
from costs.reading import read_once
from costs.scope import Scope
from costs.terms import BillingFormat, BillState, CostMetric, ImportState


@dataclass(frozen=True)
class ActiveImport:
    """One import in force. `pk` is for queries and staff pages only: it must not reach a team's bytes."""

    pk: int
    source_name: str
    billing_format: BillingFormat
    period: BillingPeriod
    currency: str
    bill_state: BillState
    snapshot_on: date | None
    finished_at: datetime | None
    version_id: str
    tracked_tags: tuple[str, ...] = ()
    tracked_tags_wanted: tuple[str, ...] = ()  # what it was read for: those tracked and those refused
    tracked_tags_refused: tuple[tuple[str, int], ...] = ()  # key and how many values it had; for staff only
    keeps_key_case: bool = True  # whether its files have tag keys in their own letter case


def active_imports(scope: Scope, periods: Collection[BillingPeriod] | None = None) -> tuple[ActiveImport, ...]:
    """Imports whose costs count, oldest month first; all months where `periods` is None.

    Where a bill covers a month, inventories of that month in its currency give no cost and are left out. The result
    says nothing about amounts, so any scope may ask; what it may *see* of them is the caller's care.
    One query.
    """
    del scope  # every reader follows the same pointer
    everything = read_once("imports in force", lambda: tuple(_active(bill) for bill in bills_in_force()))
    found = [item for item in everything if periods is None or item.period in periods]
    billed = {(item.period, item.currency) for item in found if not item.billing_format.is_inventory}
    return tuple(
        item for item in found if (item.period, item.currency) not in billed or not item.billing_format.is_inventory
    )


def periods_with_costs(scope: Scope) -> tuple[BillingPeriod, ...]:
    """Months that have an import in force, newest first. One query."""
    return tuple(sorted({item.period for item in active_imports(scope)}, reverse=True))


def latest_period(scope: Scope) -> BillingPeriod | None:
    """The newest month with costs, or None before the first import."""
    return next(iter(periods_with_costs(scope)), None)


def currencies(imports: Iterable[ActiveImport]) -> tuple[str, ...]:
    """The currencies of these imports in alphabetical order. They are shown apart, never added."""
    return tuple(sorted({item.currency for item in imports}))


def bill_total(scope: Scope, import_pks: Collection[int], *, metric: CostMetric) -> Decimal:
    """What the files of these imports add up to, as stored when they were loaded."""
    scope.require_everything()
    in_force = {bill.import_in_force_id: bill.import_in_force for bill in bills_in_force()}
    if all(pk in in_force for pk in import_pks):
        return sum((getattr(in_force[pk], metric.column) for pk in import_pks), ZERO)
    found = BillImport.objects.filter(pk__in=import_pks).aggregate(total=Sum(metric.column))
    return found["total"] or ZERO


def import_period(scope: Scope, import_pk: int) -> BillingPeriod:
    """The month of one import, in force or not. Raises NotFoundInScopeError before its files are read."""
    scope.require_everything()
    start = BillImport.objects.filter(pk=import_pk).values_list("billing_period", flat=True).first()
    if start is None:
        raise NotFoundInScopeError(f"Import {import_pk} has no month yet.")
    return BillingPeriod(start)


def imports_to_allocate(scope: Scope, periods: Collection[BillingPeriod] | None = None) -> tuple[int, ...]:
    """Imports in force or about to be, whose owners follow a change of rules.

    A bill the provider has invoiced (`BillState.FINAL`) is among them: the provider's months end there,
    chargeback of them does not.
    """
    scope.require_everything()
    wanted = BillImport.objects.filter(Q(bill_in_force__isnull=False) | Q(state=ImportState.ALLOCATING.value))
    if periods is not None:
        wanted = wanted.filter(billing_period__in=[period.start for period in periods])
    return tuple(wanted.order_by("pk").values_list("pk", flat=True).distinct())


def bills_in_force() -> tuple[Bill, ...]:
    """Bills with their source and import in force, oldest month first; for selectors of the intake."""
    found = (
        Bill.objects.filter(import_in_force__isnull=False)
        .select_related("source", "import_in_force")
        .order_by("billing_period", "source__name")
    )
    return read_once("bills in force", lambda: tuple(found))


def kept_imports(scope: Scope, import_pks: Collection[int]) -> tuple[ActiveImport, ...]:
    """These imports as if they were in force, oldest month first; those whose charges are gone are left out.

    For figures of a version that others have replaced: of a bill's history, of a closed month. One query.
    """
    scope.require_everything()
    states = [ImportState.IN_FORCE.value, ImportState.REPLACED.value]
    rows = BillImport.objects.filter(pk__in=import_pks, state__in=states, charges_removed_at=None)
    rows = rows.filter(bill__isnull=False).select_related("bill__source").order_by("billing_period", "source__name")
    return tuple(_as_active(item.bill, item) for item in rows if item.bill is not None)


def kept_version(scope: Scope, import_pk: int) -> ActiveImport:
    """A version of a bill by its import, read where its charges are now: a re-roll may have taken them over.

    Raises NotFoundInScopeError where there is no such version, or its charges are gone.
    """
    scope.require_everything()
    same = BillImport.objects.filter(Q(pk=import_pk) | Q(rerolled_from=import_pk)).order_by("-pk")
    found = {item.pk: item for item in kept_imports(scope, list(same.values_list("pk", flat=True)))}
    if not found:
        raise NotFoundInScopeError(f"The lines of import {import_pk} are not kept.")
    return found[max(found)]


def import_totals(
    scope: Scope, import_pks: Collection[int], *, metric: CostMetric, categories: Collection[str] = ()
) -> Decimal:
    """What the files of these imports add up to, of some charge categories only where any are named."""
    scope.require_everything()
    if not categories:
        return bill_total(scope, import_pks, metric=metric)
    kept = BillImport.objects.filter(pk__in=import_pks).values_list("totals_by_category", flat=True)
    amounts = (sums.get(name, {}).get(metric.column, "0") for sums in kept for name in set(categories))
    return sum((Decimal(amount) for amount in amounts), ZERO)


def _active(bill: Bill) -> ActiveImport:
    assert bill.import_in_force is not None
    return _as_active(bill, bill.import_in_force)


def _as_active(bill: Bill, item: BillImport) -> ActiveImport:
    return ActiveImport(
        pk=item.pk,
        source_name=bill.source.name,
        billing_format=BillingFormat(bill.source.billing_format),
        period=BillingPeriod(bill.billing_period),
        currency=item.billing_currency,
        bill_state=BillState(bill.state),
        snapshot_on=item.snapshot_on,
        finished_at=item.finished_at,
        version_id=item.version_id,
        tracked_tags=tuple(item.tracked_tags),
        tracked_tags_wanted=tuple(item.columns.get("tracked_tags_wanted", item.tracked_tags)),
        tracked_tags_refused=tuple(sorted(item.columns.get("tracked_tags_refused", {}).items())),
        keeps_key_case=_keeps_key_case(BillingFormat(bill.source.billing_format), item.columns),
    )


def _keeps_key_case(billing_format: BillingFormat, columns: dict[str, Any]) -> bool:
    """AWS's Parquet reports and Data Exports write `user_cost_center` for whatever case a key had.

    Told by the files' form alone, never by the keys there are: those are everybody's.
    """
    if billing_format is BillingFormat.LEGACY_CUR:
        return any("/" in str(column) for column in columns.get("read", {}).values())
    return billing_format is not BillingFormat.CUR_2
