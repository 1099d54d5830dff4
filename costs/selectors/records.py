"""What the charge store is told of imports, sources and accounts, so that it is enough to build a database anew."""

import json
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.db import models

from costs.charge_store import ImportFolder, InForce
from costs.models import (
    Bill,
    BillDelivery,
    BillImport,
    BillingAccount,
    BillSource,
    ResourceSnapshot,
    SubAccount,
    VersionTotal,
)
from costs.money import plain
from costs.periods import BillingPeriod
from costs.scope import Scope
from costs.terms import COST_COLUMNS, BillingFormat

IMPORT_FIELDS = (
    "stated_period",
    "snapshot_on",
    "files",
    "files_total",
    "files_done",
    "version_id",
    "tracked_tags",
    "columns",
    "rows",
    "billing_currency",
    "totals_by_category",
    "findings",
    "created_at",
    "started_at",
    "finished_at",
    "seconds",
    "step",
    *COST_COLUMNS,
)
DELIVERY_FIELDS = (
    "asked_name",
    "address",
    "folder",
    "billing_period",
    "version_id",
    "manifest",
    "run",
    "files",
    "missing",
    "state",
    "found_at",
    "ended_at",
)
SNAPSHOT_FIELDS = (
    "resource_id",
    "snapshot_on",
    "state",
    "hourly_rate",
    "monthly_rate",
    "cpu_pct",
    "memory_pct",
    "attributes",
    "tags",
)
# Of a source everything but its key and the claim of whoever looks at it just now.
SOURCE_FIELDS = tuple(
    field.name for field in BillSource._meta.concrete_fields if field.name not in {"id", "looking_until"}
)
# What changes with every look is no reason to write sources anew.
_PASSING = ("last_looked_at", "next_look_at", "last_result", "last_error", "last_error_cure", "failures")


def folder_of(item: BillImport) -> ImportFolder | None:
    """Where the import's charges lie; None before its month is known."""
    if item.billing_period is None:
        return None
    return ImportFolder(item.source.name, BillingPeriod(item.billing_period), item.pk)


def in_force_rows(scope: Scope) -> list[InForce]:
    """What is in force as other tools read it, in order of month and source. One query."""
    scope.require_everything()
    bills = Bill.objects.filter(import_in_force__isnull=False).select_related("source", "import_in_force")
    found = [(bill, bill.import_in_force) for bill in bills.order_by("billing_period", "source__name")]
    covered = {
        (bill.billing_period, item.billing_currency)
        for bill, item in found
        if item is not None and not BillingFormat(bill.source.billing_format).is_inventory
    }
    return [_in_force(bill, item, covered) for bill, item in found if item is not None]


def _in_force(bill: Bill, item: BillImport, covered: set[tuple[date, str]]) -> InForce:
    is_inventory = BillingFormat(bill.source.billing_format).is_inventory
    return InForce(
        source=bill.source.name,
        billing_period=str(BillingPeriod(bill.billing_period)),
        import_pk=item.pk,
        billing_format=bill.source.billing_format,
        provider=bill.source.provider,
        billing_account_id=bill.source.billing_account_id,
        billing_currency=item.billing_currency,
        bill_state=bill.state,
        counts=not is_inventory or (bill.billing_period, item.billing_currency) not in covered,
        rows=item.rows,
        **{name: getattr(item, name) for name in COST_COLUMNS},
    )


def import_record(scope: Scope, item: BillImport) -> dict[str, Any]:
    """One import with the totals of its month by service and account, and the delivery that brought it."""
    scope.require_everything()
    totals = VersionTotal.objects.filter(bill_import=item).order_by("service_name", "sub_account_id")
    names = ("service_name", "sub_account_id", *COST_COLUMNS)
    return {
        "format": 1,
        "import": item.pk,
        "source": item.source.name,
        "billing_period": str(item.billing_period),
        "state": item.state,
        "split_from": item.split_from_id,
        "rerolled_from": item.rerolled_from_id,
        "values": _values(item, IMPORT_FIELDS),
        "delivery": None if item.delivery is None else _delivery(item.delivery),
        "totals": [[_plain(value) for value in row] for row in totals.values_list(*names)],
    }


def import_snapshots(scope: Scope, item: BillImport) -> list[dict[str, Any]]:
    """The states of resources an inventory told, as text where they are no numbers."""
    scope.require_everything()
    rows = ResourceSnapshot.objects.filter(bill_import=item).order_by("resource_id", "pk")
    return [
        {name: _flat(value) for name, value in zip(SNAPSHOT_FIELDS, row, strict=True)}
        for row in rows.values_list(*SNAPSHOT_FIELDS)
    ]


def catalogue(scope: Scope) -> dict[str, Any]:
    """Sources with their settings, and accounts with their names."""
    scope.require_everything()
    return {
        "format": 1,
        "sources": [_source(source) for source in BillSource.objects.order_by("name")],
        "billing_accounts": _rows(BillingAccount.objects.order_by("pk").values()),
        "sub_accounts": _rows(SubAccount.objects.order_by("pk").values()),
    }


def _source(source: BillSource) -> dict[str, Any]:
    names = [name for name in SOURCE_FIELDS if name not in _PASSING]
    return _values(source, names)


def _delivery(delivery: BillDelivery) -> dict[str, Any]:
    return _values(delivery, DELIVERY_FIELDS) | {"source": delivery.source.name if delivery.source else None}


def _rows(rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    return [{name: _plain(value) for name, value in row.items()} for row in rows]


def _values(item: models.Model, names: Iterable[str]) -> dict[str, Any]:
    return {name: _plain(getattr(item, name)) for name in names}


def _plain(value: Any) -> Any:
    """As JSON holds it: amounts as exact text, moments as ISO text."""
    if isinstance(value, Decimal):
        return plain(value)
    return value.isoformat() if isinstance(value, date | datetime) else value


def _flat(value: Any) -> Any:
    """As a column of a table holds it."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True) if isinstance(value, dict | list) else _plain(value)
