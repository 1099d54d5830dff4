"""Instance usage by hour and what commitments covered of it, from the charges of imports in force.

Only instances of EC2 count (types of two parts, `c5.large`): databases and caches have reservations of their own.
Pools hold Azure's machines too (`Standard_D4s_v3`); coverage does not, since their sizes have no normalized units.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import numpy as np
import numpy.typing as npt

from costs.charge_store import ImportFolder, query_columns, remembered_charges
from costs.money import ZERO
from costs.reading import read_once
from costs.rollup import size_factor
from costs.scope import Scope
from costs.selectors.imports import ActiveImport

_POOLED = r"regexp_matches(instance_type, '^([^.]+[.][^.]+|(Standard|Basic)_.+)$')"
_EC2 = r"regexp_matches(instance_type, '^[^.]+[.][^.]+$')"


@dataclass(frozen=True)
class CommitmentUse:
    """One commitment in one month. `category` is Usage for a reservation, Spend for a plan.

    Hours and normalized units are those of the reservation's fee line (0 where the bill does not say);
    `on_demand_value` is what the covered usage would have cost on demand.
    """

    commitment_id: str
    category: str
    commitment_type: str
    sub_account_id: str
    region_id: str
    instance_type: str
    platform: str
    purchased_hours: float
    purchased_units: float
    used_hours: float
    used_units: float
    total_cost: Decimal
    used_cost: Decimal
    unused_cost: Decimal
    on_demand_value: Decimal
    ends_on: date | None


@dataclass(frozen=True)
class InstanceUsage:
    """A month's instance usage in one way of pricing: on_demand, reserved, plan_covered or spot."""

    kind: str
    hours: float
    units: float
    list_cost: Decimal
    effective_cost: Decimal


@dataclass(frozen=True)
class PoolHours:
    """Pool × hour rows of a window as arrays of one length. `hour` counts from the window's start."""

    region_id: npt.NDArray[np.object_]
    instance_type: npt.NDArray[np.object_]
    platform: npt.NDArray[np.object_]
    tenancy: npt.NDArray[np.object_]
    hour: npt.NDArray[np.int64]
    on_demand_hours: npt.NDArray[np.float64]
    on_demand_units: npt.NDArray[np.float64]
    on_demand_cost: npt.NDArray[np.float64]  # at list price; for rates, never for totals
    committed_hours: npt.NDArray[np.float64]
    committed_units: npt.NDArray[np.float64]


def commitments_used(scope: Scope, items: Sequence[ActiveImport]) -> tuple[CommitmentUse, ...]:
    """Every commitment with a fee or covered usage in these imports, by id. Needs the full scope."""
    scope.require_everything()
    unused, used = "commitment_discount_status = 'Unused'", "commitment_discount_status = 'Used'"
    named = ", ".join(
        f"coalesce(max({name}) FILTER ({unused}), max({name}), '')"
        for name in ("commitment_discount_type", "sub_account_id", "region_id", "instance_type", "platform")
    )
    sql = (
        f"SELECT commitment_discount_id, commitment_discount_category, {named},"
        " coalesce(sum(commitment_hours), 0), coalesce(sum(commitment_normalized_units), 0),"
        f" coalesce(sum(consumed_quantity) FILTER ({used}), 0), coalesce(sum(normalized_quantity) FILTER ({used}), 0),"
        f" sum(commitment_cost), coalesce(sum(effective_cost) FILTER ({used}), 0),"
        f" coalesce(sum(effective_cost) FILTER ({unused}), 0), coalesce(sum(list_cost) FILTER ({used}), 0),"
        " CAST(max(commitment_ends_at) AS DATE)"
        " FROM charges WHERE NOT is_split_row AND commitment_discount_status <> '' GROUP BY 1, 2 ORDER BY 1, 2"
    )
    return tuple(CommitmentUse(*row) for row in remembered_charges([_folder(item) for item in items], sql))


def instance_usage(scope: Scope, items: Sequence[ActiveImport]) -> tuple[InstanceUsage, ...]:
    """What instances used in these imports, by how it was priced. Needs the full scope."""
    scope.require_everything()
    kind = (
        "CASE WHEN pricing_category = 'Dynamic' THEN 'spot'"
        " WHEN commitment_discount_category = 'Spend' THEN 'plan_covered'"
        " WHEN pricing_category = 'Committed' THEN 'reserved' ELSE 'on_demand' END"
    )
    units = f"CASE WHEN normalized_quantity = 0 THEN consumed_quantity * {size_factor()} ELSE normalized_quantity END"
    sql = (
        f"SELECT {kind} AS kind, sum(consumed_quantity), sum({units}), sum(list_cost), sum(effective_cost)"
        f" FROM charges WHERE is_instance_usage AND NOT is_split_row AND {_EC2} GROUP BY kind ORDER BY kind"
    )
    return tuple(InstanceUsage(*row) for row in remembered_charges([_folder(item) for item in items], sql))


def usage_covers(scope: Scope, items: Sequence[ActiveImport]) -> tuple[datetime, datetime] | None:
    """The first and last hour with instance usage; None where there is none. Needs the full scope."""
    scope.require_everything()
    folders = [_folder(item) for item in items]

    def read() -> tuple[datetime, datetime] | None:
        rows = remembered_charges(folders, f"SELECT min(charge_hour), max(charge_hour) FROM usage WHERE {_POOLED}")
        return (rows[0][0], rows[0][1]) if rows and rows[0][0] else None

    return read_once(("usage covers", tuple(item.pk for item in items)), read)


def pool_hours(scope: Scope, items: Sequence[ActiveImport], *, start: datetime, end: datetime) -> PoolHours | None:
    """Usage by pool and hour within [start, end), UTC; None where there is none. Needs the full scope."""
    scope.require_everything()
    committed, standard = "pricing_category = 'Committed'", "pricing_category = 'Standard'"
    sql = (
        "SELECT region_id, instance_type, platform, tenancy, date_diff('hour', CAST(? AS TIMESTAMP), charge_hour)"
        f" AS hour, coalesce(sum(consumed_quantity) FILTER ({standard}), 0) AS on_demand_hours,"
        f" coalesce(sum(normalized_quantity) FILTER ({standard}), 0) AS on_demand_units,"
        f" CAST(coalesce(sum(list_cost) FILTER ({standard}), 0) AS DOUBLE) AS on_demand_cost,"
        f" coalesce(sum(consumed_quantity) FILTER ({committed}), 0) AS committed_hours,"
        f" coalesce(sum(normalized_quantity) FILTER ({committed}), 0) AS committed_units"
        f" FROM usage WHERE charge_hour >= ? AND charge_hour < ? AND {_POOLED}"
        " GROUP BY region_id, instance_type, platform, tenancy, hour ORDER BY ALL"
    )
    columns: dict[str, Any] = query_columns([_folder(item) for item in items], sql, [start, start, end])
    if not columns or not len(columns["hour"]):
        return None
    return PoolHours(**{name: np.ma.getdata(values) for name, values in columns.items()})


def total_of(usage: Sequence[InstanceUsage], *kinds: str, cost: str) -> Decimal:
    """The sum of one cost over these ways of pricing."""
    return sum((getattr(row, cost) for row in usage if row.kind in kinds), ZERO)


def _folder(item: ActiveImport) -> ImportFolder:
    return ImportFolder(source_name=item.source_name, period=item.period, import_pk=item.pk)
