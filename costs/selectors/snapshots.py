"""States of instances from inventories, and the sources they come from."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from django.db.models import Max, QuerySet

from costs.errors import InvalidRequestError
from costs.models import Bill, BillImport, BillSource, ResourceSnapshot
from costs.scope import Scope
from costs.terms import BillingFormat, ImportState

# Snapshots of an import that came into force at some time; of two on one day the later import counts.
_TRUSTED = (ImportState.IN_FORCE, ImportState.REPLACED, ImportState.SUPERSEDED)


@dataclass(frozen=True)
class InstanceStates:
    """An instance as its newest inventory has it, with its state on every day looked at, oldest first."""

    resource_id: str
    sub_account_id: str
    region_id: str
    instance_type: str
    platform: str
    tenancy: str
    hourly_rate: Decimal | None
    cpu_pct: float | None
    states: tuple[tuple[date, str], ...]

    @property
    def state(self) -> str:
        return self.states[-1][1]


def source_format(scope: Scope, name: str) -> BillingFormat:
    """What a source delivers. Raises InvalidRequestError naming the sources there are."""
    scope.require_everything()
    formats = dict(BillSource.objects.exclude(billing_format="").order_by("name").values_list("name", "billing_format"))
    if name not in formats:
        known = ", ".join(formats) or "none; import a bill or an inventory first"
        raise InvalidRequestError(f"There is no source '{name}'. Sources: {known}.")
    return BillingFormat(formats[name])


def advisable_sources(scope: Scope) -> tuple[str, ...]:
    """Names of sources with instances: bills and inventories of instances."""
    scope.require_everything()
    formats = [item.value for item in BillingFormat if item is not BillingFormat.INVENTORY_STORAGE]
    found = BillSource.objects.filter(billing_format__in=formats, bills__import_in_force__isnull=False)
    return tuple(found.order_by("name").values_list("name", flat=True).distinct())


def source_of_import(scope: Scope, import_pk: int) -> str:
    """The name of the source an import belongs to; empty where there is no such import."""
    scope.require_everything()
    return BillImport.objects.filter(pk=import_pk).values_list("source__name", flat=True).first() or ""


def brought_in_at(scope: Scope, source_name: str) -> datetime | None:
    """When the newest of a source's imports in force came in; None before the first."""
    scope.require_everything()
    bills = Bill.objects.filter(source__name=source_name)
    newest: datetime | None = bills.aggregate(at=Max("import_in_force__finished_at"))["at"]
    return newest


def latest_snapshot_day(scope: Scope, source_name: str) -> date | None:
    """The newest day this inventory was taken."""
    scope.require_everything()
    rows = _snapshots(source_name).order_by("-snapshot_on").values_list("snapshot_on", flat=True)
    return rows.first()


def instance_states(scope: Scope, source_name: str, *, since: date, as_of: date) -> tuple[InstanceStates, ...]:
    """Instances of the newest inventory up to `as_of`, with their states from `since` on. Needs the full scope."""
    scope.require_everything()
    rows = _snapshots(source_name).filter(snapshot_on__gt=since, snapshot_on__lte=as_of).select_related("resource")
    by_resource: dict[int, dict[date, ResourceSnapshot]] = {}
    for row in rows.order_by("snapshot_on", "bill_import_id"):
        by_resource.setdefault(row.resource_id, {})[row.snapshot_on] = row
    days = [day for states in by_resource.values() for day in states]
    newest = max(days, default=None)
    return tuple(
        sorted(
            (_states(list(found.values())) for found in by_resource.values() if newest in found),
            key=lambda each: (each.resource_id, each.sub_account_id),
        )
    )


def _snapshots(source_name: str) -> QuerySet[ResourceSnapshot]:
    return ResourceSnapshot.objects.filter(
        bill_import__source__name=source_name, bill_import__state__in=[state.value for state in _TRUSTED]
    )


def _states(snapshots: list[ResourceSnapshot]) -> InstanceStates:
    last = snapshots[-1]
    attributes = {name.casefold(): str(value) for name, value in last.attributes.items()}
    return InstanceStates(
        resource_id=last.resource.resource_id,
        sub_account_id=last.resource.sub_account_id,
        region_id=last.resource.region_id,
        instance_type=last.resource.instance_type,
        platform=attributes.get("platform", ""),
        tenancy=attributes.get("tenancy", ""),
        hourly_rate=last.hourly_rate,
        cpu_pct=last.cpu_pct,
        states=tuple((row.snapshot_on, row.state) for row in snapshots),
    )
