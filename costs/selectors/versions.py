"""A bill's versions as they came in, and what changed between two of them."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db.models import Sum

from costs.errors import NotFoundInScopeError
from costs.models import Bill, BillImport, VersionTotal
from costs.money import ZERO
from costs.periods import BillingPeriod
from costs.scope import Scope
from costs.selectors.import_pages import BillRow, bills
from costs.terms import NOT_INVOICED, BillState, CostMetric, ImportState

_READ = (ImportState.IN_FORCE, ImportState.REPLACED, ImportState.SUPERSEDED)


@dataclass(frozen=True)
class BillVersion:
    """One version of a month with its totals. `number` counts from 1, the oldest."""

    number: int
    import_pk: int
    state: ImportState
    is_in_force: bool
    run: str  # the assembly or execution a manifest named; empty for files alone
    rows: int
    currency: str
    billed_cost: Decimal
    effective_cost: Decimal
    lines_without_invoice: int
    finished_at: datetime | None
    has_lines: bool = True  # whether its charges are kept, by itself or by a re-roll of it


@dataclass(frozen=True)
class BillHistory:
    """A source's month with every version that was read, newest first."""

    source_name: str
    period: BillingPeriod
    state: BillState
    versions: tuple[BillVersion, ...]

    def version(self, number: int) -> BillVersion | None:
        """The version of that number, or None."""
        return next((version for version in self.versions if version.number == number), None)


@dataclass(frozen=True)
class VersionChange:
    """A service of an account in two versions."""

    service_name: str
    account: str
    before: Decimal
    after: Decimal

    @property
    def change(self) -> Decimal:
        return self.after - self.before


def bills_of(scope: Scope, source: str) -> tuple[BillRow, ...]:
    """A source's bills in force, newest month first. Staff only."""
    return tuple(row for row in bills(scope) if row.source_name == source)


def bill_history(scope: Scope, source: str, period: BillingPeriod) -> BillHistory:
    """A source's month with its versions. Staff only. Raises NotFoundInScopeError where nothing of it was read."""
    scope.require_everything()
    bill = Bill.objects.select_related("import_in_force").filter(source__name=source, billing_period=period.start)
    found = bill.first()
    if found is None:
        raise NotFoundInScopeError(f"There is no bill of {source} for {period.label}.")
    in_force = found.import_in_force
    current = (in_force.rerolled_from_id or in_force.pk) if in_force else None
    read = BillImport.objects.filter(bill=found, rerolled_from=None, state__in=[state.value for state in _READ])
    kept = _with_charges(found)
    versions = [
        _version(item, number, is_in_force=item.pk == current, has_lines=item.pk in kept)
        for number, item in enumerate(read.select_related("delivery").order_by("pk"), start=1)
    ]
    return BillHistory(source, period, BillState(found.state), tuple(reversed(versions)))


def version_changes(
    scope: Scope, before: BillVersion, after: BillVersion, *, metric: CostMetric
) -> tuple[VersionChange, ...]:
    """What differs between two versions by service and account, the largest change first; equal lines are left out.

    Versions read before totals were kept by service differ in nothing here, though their totals may. Staff only.
    """
    scope.require_everything()
    old, new = (_by_service(version.import_pk, metric) for version in (before, after))
    changes = [VersionChange(*key, old.get(key, ZERO), new.get(key, ZERO)) for key in {**old, **new}]
    differing = [change for change in changes if change.change]
    return tuple(sorted(differing, key=lambda row: (-abs(row.change), row.service_name, row.account)))


def _by_service(import_pk: int, metric: CostMetric) -> dict[tuple[str, str], Decimal]:
    found = VersionTotal.objects.filter(bill_import=import_pk).values("service_name", "sub_account_id")
    rows = found.annotate(cost=Sum(metric.column)).values_list("service_name", "sub_account_id", "cost")
    return {(service, account): cost for service, account, cost in rows}


def _with_charges(bill: Bill) -> frozenset[int]:
    """Versions of the bill whose charges are kept."""
    states = [ImportState.IN_FORCE.value, ImportState.REPLACED.value]
    rows = BillImport.objects.filter(bill=bill, charges_removed_at=None, state__in=states)
    return frozenset(rerolled or pk for pk, rerolled in rows.values_list("pk", "rerolled_from_id"))


def _version(item: BillImport, number: int, *, is_in_force: bool, has_lines: bool) -> BillVersion:
    missing = [finding.get("lines") for finding in item.findings if finding.get("code") == NOT_INVOICED]
    return BillVersion(
        number=number,
        import_pk=item.pk,
        state=ImportState.IN_FORCE if is_in_force else ImportState(item.state),
        is_in_force=is_in_force,
        run=item.delivery.run if item.delivery else "",
        rows=item.rows,
        currency=item.billing_currency,
        billed_cost=item.billed_cost,
        effective_cost=item.effective_cost,
        lines_without_invoice=int(missing[0] or 0) if missing else 0,
        finished_at=item.finished_at,
        has_lines=has_lines,
    )
