"""Imports asked for by their number, in force or not: what a closed month rests on."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db.models import Q

from costs.errors import NotFoundInScopeError
from costs.models import BillImport
from costs.periods import BillingPeriod
from costs.scope import Scope
from costs.selectors.imports import ActiveImport
from costs.terms import COST_COLUMNS, RUNNING_STATES, BillingFormat, BillState, ImportState


@dataclass(frozen=True)
class ImportVersion:
    """One version of a source's month, with what its files add up to on every basis (in the order of COST_COLUMNS)."""

    pk: int
    source_name: str
    version_id: str
    is_in_force: bool
    bill_state: BillState
    finished_at: datetime | None
    totals: tuple[Decimal, ...]

    @property
    def label(self) -> str:
        """Source, import and the start of the version's own id: enough to find it again."""
        return f"{self.source_name} import {self.pk}" + (f" ({self.version_id[:12]})" if self.version_id else "")


def import_versions(scope: Scope, import_pks: Collection[int]) -> tuple[ImportVersion, ...]:
    """These imports by source. For FinOps staff."""
    scope.require_everything()
    found = BillImport.objects.filter(pk__in=import_pks).select_related("source", "bill").order_by("source__name", "pk")
    return tuple(
        ImportVersion(
            pk=item.pk,
            source_name=item.source.name,
            version_id=item.version_id,
            is_in_force=item.state == ImportState.IN_FORCE.value,
            bill_state=BillState.OPEN if item.bill is None else BillState(item.bill.state),
            finished_at=item.finished_at,
            totals=tuple(getattr(item, column) for column in COST_COLUMNS),
        )
        for item in found
    )


def imports_by_pk(scope: Scope, import_pks: Collection[int]) -> tuple[ActiveImport, ...]:
    """These imports as readers of costs take them, whether they are in force or were. Their rows must be kept."""
    scope.require_everything()
    found = BillImport.objects.filter(pk__in=import_pks).select_related("source", "bill").order_by("pk")
    return tuple(
        ActiveImport(
            pk=item.pk,
            source_name=item.source.name,
            billing_format=BillingFormat(item.source.billing_format),
            period=BillingPeriod(item.billing_period),
            currency=item.billing_currency,
            bill_state=BillState.OPEN if item.bill is None else BillState(item.bill.state),
            snapshot_on=item.snapshot_on,
            finished_at=item.finished_at,
            version_id=item.version_id,
            tracked_tags=tuple(item.tracked_tags),
            tracked_tags_wanted=tuple(item.columns.get("tracked_tags_wanted", item.tracked_tags)),
            tracked_tags_refused=tuple(sorted(item.columns.get("tracked_tags_refused", {}).items())),
        )
        for item in found
        if item.billing_period is not None
    )


def import_month(scope: Scope, import_pk: int) -> tuple[BillingPeriod, str]:
    """Month and currency of one import. Raises NotFoundInScopeError before its files are read."""
    scope.require_everything()
    row = BillImport.objects.filter(pk=import_pk).values_list("billing_period", "billing_currency").first()
    if row is None or row[0] is None:
        raise NotFoundInScopeError(f"Import {import_pk} has no month yet.")
    return BillingPeriod(row[0]), row[1]


def months_of(scope: Scope, import_pks: Collection[int]) -> dict[int, tuple[BillingPeriod, str]]:
    """Month and currency of each of these imports whose files are read."""
    scope.require_everything()
    rows = BillImport.objects.filter(pk__in=import_pks, billing_period__isnull=False)
    return {
        pk: (BillingPeriod(start), name)
        for pk, start, name in rows.values_list("pk", "billing_period", "billing_currency")
        if start is not None
    }


def imports_on_their_way(scope: Scope, period: BillingPeriod) -> int:
    """How many imports wait or run that are, or may turn out to be, of that month."""
    scope.require_everything()
    states = [state.value for state in (ImportState.QUEUED, *RUNNING_STATES)]
    of_month = Q(billing_period=period.start) | Q(billing_period=None)
    return BillImport.objects.filter(of_month, state__in=states).count()
