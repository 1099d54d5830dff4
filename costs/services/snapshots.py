"""Dated states of resources, from inventories. Kept for ever: measured uptime comes from here."""

from decimal import Decimal
from typing import Any

from django.db import connection, transaction

from costs import bulk, charge_store
from costs.inventory import Inventory
from costs.models import BillImport, Resource, ResourceSnapshot
from costs.money import round_money, to_units
from costs.selectors.records import SNAPSHOT_FIELDS
from costs.terms import BillingFormat

SNAPSHOT_COLUMNS = ("bill_import_id", *SNAPSHOT_FIELDS)


def store_snapshots(item: BillImport, inventory: Inventory) -> None:
    """Keep the inventory's rows under its import, instead of what an earlier attempt left."""
    is_hourly = item.source.billing_format == BillingFormat.INVENTORY_COMPUTE
    rows = inventory.rows
    keys = charge_store.resource_keys(list(zip(rows["sub_account_id"], rows["resource_id"], strict=True)))
    snapshots = [
        _snapshot(item, key, row, is_hourly=is_hourly) for key, row in zip(keys, rows.to_dict("records"), strict=True)
    ]
    with transaction.atomic():
        remove_snapshots(item.pk)
        bulk.copy_rows(ResourceSnapshot, SNAPSHOT_COLUMNS, snapshots)


def remove_snapshots(import_pk: int) -> None:
    """Delete an import's snapshots: only of imports that failed."""
    with connection.cursor() as cursor:
        table = connection.ops.quote_name(ResourceSnapshot._meta.db_table)
        cursor.execute(f"DELETE FROM {table} WHERE bill_import_id = %s", [import_pk])


def refresh_states(item: BillImport) -> None:
    """Every resource's state as its newest inventory has it; an older inventory never overwrites a newer one."""
    if item.snapshot_on is None:
        return
    resources, snapshots = (connection.ops.quote_name(model._meta.db_table) for model in (Resource, ResourceSnapshot))
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {resources} SET state = taken.state, state_on = %s FROM (SELECT resource_id, MAX(state) AS state"
            f" FROM {snapshots} WHERE bill_import_id = %s GROUP BY resource_id) AS taken"
            f" WHERE taken.resource_id = {resources}.key"
            f" AND ({resources}.state_on IS NULL OR {resources}.state_on <= %s)",
            [item.snapshot_on, item.pk, item.snapshot_on],
        )


def _snapshot(item: BillImport, key: int, row: dict[Any, Any], *, is_hourly: bool) -> tuple[Any, ...]:
    rate = to_units(round_money(Decimal(row["cost"])))
    return (
        item.pk,
        key,
        str(item.snapshot_on),
        row["state"].lower()[:32],
        rate if is_hourly else None,
        None if is_hourly else rate,
        float(row["cpu_pct"]) if row["cpu_pct"] else None,
        float(row["memory_pct"]) if row["memory_pct"] else None,
        row["attributes"],
        row["tags"],
    )
