"""Resources as the newest inventories have them: state and since when, mean load, rate, attached volumes."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from django.db.models import Max

from costs.detectors import NOT_RUNNING_STATES, RUNNING_STATES, Inventoried
from costs.models import ResourceSnapshot
from costs.scope import Scope
from costs.terms import BillingFormat, ImportState

LOOK_BACK_DAYS = 92  # how far back the start of a state is looked for
# Columns that name an instance's volumes, compared without case and punctuation.
VOLUME_COLUMNS = frozenset({"volumes", "volumeids", "attachedvolumes", "ebsvolumes"})
_TRUSTED = (ImportState.IN_FORCE.value, ImportState.REPLACED.value, ImportState.SUPERSEDED.value)


@dataclass(frozen=True)
class Seen(Inventoried):
    """With the ids that bills know the resource and its volumes by."""

    resource_id: str = ""
    resource_key: int = 0
    import_pk: int = 0
    volumes: tuple[str, ...] = ()

    def tells(self, idle_cpu_pct: float) -> bool:
        """Whether it does not run, or runs idle."""
        return self.is_not_running or (self.runs and self.cpu_pct is not None and self.cpu_pct <= idle_cpu_pct)


def newest_inventories(scope: Scope, *, idle_days: int) -> dict[str, Seen]:
    """Instances of the newest inventory of every source, by resource id; load averaged over so many days to it."""
    scope.require_everything()
    trusted = ResourceSnapshot.objects.filter(
        bill_import__state__in=_TRUSTED, bill_import__source__billing_format=BillingFormat.INVENTORY_COMPUTE.value
    )
    newest = dict(trusted.order_by().values_list("bill_import__source_id").annotate(Max("snapshot_on")))
    found: dict[str, Seen] = {}
    for source_pk, day in sorted(newest.items(), key=lambda pair: pair[1]):
        rows = trusted.filter(
            bill_import__source_id=source_pk, snapshot_on__gt=day - timedelta(days=LOOK_BACK_DAYS)
        ).select_related("resource")
        by_resource: dict[int, dict[date, ResourceSnapshot]] = {}
        for row in rows.order_by("snapshot_on", "bill_import_id"):  # of two on one day the later import counts
            by_resource.setdefault(row.resource_id, {})[row.snapshot_on] = row
        for dated in by_resource.values():
            if day in dated:
                each = _seen(list(dated.values()), day - timedelta(days=idle_days))
                found[each.resource_id] = each
    return found


def _seen(snapshots: Sequence[ResourceSnapshot], load_since: date) -> Seen:
    last = snapshots[-1]
    loads = [
        row.cpu_pct for row in snapshots if row.cpu_pct is not None and row.snapshot_on > load_since and _runs(row)
    ]
    attributes = {re.sub(r"\W|_", "", name).casefold(): str(value) for name, value in last.attributes.items()}
    volumes = next((attributes[name] for name in sorted(VOLUME_COLUMNS) if attributes.get(name)), "")
    return Seen(
        taken_on=last.snapshot_on,
        state=last.state,
        state_since=_since(snapshots),
        cpu_pct=sum(loads) / len(loads) if loads else None,
        cpu_snapshots=len(loads),
        hourly_rate=None if last.hourly_rate is None else Decimal(last.hourly_rate),
        region_id=last.resource.region_id,
        instance_type=last.resource.instance_type,
        platform=attributes.get("platform", ""),
        tenancy=attributes.get("tenancy", ""),
        resource_id=last.resource.resource_id,
        resource_key=last.resource_id,
        import_pk=last.bill_import_id,
        volumes=tuple(part for part in re.split(r"[\s;,|]+", volumes) if part),
    )


def _runs(row: ResourceSnapshot) -> bool:
    return row.state in RUNNING_STATES


def _since(snapshots: Sequence[ResourceSnapshot]) -> date:
    """The first day of the state it has now, as far as inventories tell."""
    last = snapshots[-1]
    since = last.snapshot_on
    for row in reversed(snapshots):
        if (row.state in NOT_RUNNING_STATES) != (last.state in NOT_RUNNING_STATES):
            break
        since = row.snapshot_on
    return since
