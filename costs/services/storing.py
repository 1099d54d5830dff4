"""Rollups of one landed month into the database, tied out against the file."""

from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from itertools import chain, islice
from typing import Any

from django.db import connection, models, transaction
from django.db.models import Sum

from costs import bulk, charge_store
from costs.charge_store import ROLLUP_COLUMNS, Connection, MonthTotals
from costs.errors import ImportRejectedError
from costs.models import (
    AccountName,
    CostSlice,
    DailyCost,
    Resource,
    ResourceCost,
    UsageDay,
    VersionTotal,
)
from costs.money import plain
from costs.services.accounts import store_accounts
from costs.services.claims import Claim
from costs.terms import COST_COLUMNS

# SQLite has one writer: others get their turn between chunks.
_SQLITE_CHUNK = 50_000
_IMPORT_ROLLUPS: tuple[tuple[str, type[models.Model]], ...] = (
    ("daily_costs", DailyCost),
    ("resource_costs", ResourceCost),
    ("usage_days", UsageDay),
)


def store_rollups(duck: Connection, import_pk: int, totals: MonthTotals, *, claim: Claim) -> None:
    """Load the month's rollups under the import, instead of what an earlier attempt left, and tie them out."""
    remove_rollups(import_pk)
    store_accounts(duck, import_pk)
    _load(CostSlice, _renamed("slices", slice_key="key"), charge_store.rollup_rows(duck, "slices"), claim, shared=True)
    _load(
        Resource,
        _renamed("resources", resource_key="key"),
        charge_store.rollup_rows(duck, "resources"),
        claim,
        shared=True,
    )
    for name, model in _IMPORT_ROLLUPS:
        columns = ("bill_import_id", *_renamed(name, slice_key="slice_id", resource_key="resource_id"))
        _load(model, columns, charge_store.rollup_rows(duck, name, prefix=(import_pk,)), claim)
    tie_out(duck, import_pk, totals)
    _keep_totals(import_pk)


def _keep_totals(import_pk: int) -> None:
    """The month by service and account, which stays when its rollups go: versions are compared by it."""
    names = [connection.ops.quote_name(model._meta.db_table) for model in (VersionTotal, DailyCost, CostSlice)]
    into, days, slices = names
    sums = ", ".join(f"SUM(d.{column})" for column in COST_COLUMNS)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"DELETE FROM {into} WHERE bill_import_id = %s", [import_pk])
        cursor.execute(
            f"INSERT INTO {into} (bill_import_id, service_name, sub_account_id, {', '.join(COST_COLUMNS)})"
            f" SELECT d.bill_import_id, s.service_name, s.sub_account_id, {sums}"
            f" FROM {days} d JOIN {slices} s ON s.key = d.slice_id WHERE d.bill_import_id = %s"
            " GROUP BY d.bill_import_id, s.service_name, s.sub_account_id",
            [import_pk],
        )


def remove_rollups(import_pk: int) -> None:
    """Delete the rollup rows of an import."""
    with connection.cursor() as cursor:
        models_of_import: list[type[models.Model]] = [*(model for _, model in _IMPORT_ROLLUPS), AccountName]
        for model in models_of_import:
            table = connection.ops.quote_name(model._meta.db_table)
            cursor.execute(f"DELETE FROM {table} WHERE bill_import_id = %s", [import_pk])


def tie_out(duck: Connection, import_pk: int, totals: MonthTotals) -> None:
    """Refuse an import whose stored rows do not add up to its file, to the tenth decimal."""
    counts = charge_store.row_counts(duck)
    expected_lines = totals.rows - totals.split_rows
    if counts["lines"] != expected_lines:
        raise _does_not_tie("lines", str(expected_lines), str(counts["lines"]))
    for name, model in _IMPORT_ROLLUPS:
        stored = model._default_manager.filter(bill_import_id=import_pk).count()
        if stored != counts[name]:
            raise _does_not_tie(f"rows of {name}", str(counts[name]), str(stored))
    _compare(DailyCost, import_pk, totals.costs)
    with_resource = dict(zip(COST_COLUMNS, charge_store.resource_totals(duck), strict=True))
    _compare(ResourceCost, import_pk, with_resource)


def _compare(model: type[models.Model], import_pk: int, expected: dict[str, Decimal]) -> None:
    rows = model._default_manager.filter(bill_import_id=import_pk)
    stored = rows.aggregate(**{f"sum_{name}": Sum(name) for name in COST_COLUMNS})
    for name in COST_COLUMNS:
        amount = stored[f"sum_{name}"] or Decimal(0)
        if amount != expected[name]:
            raise _does_not_tie(f"{name} of {model._meta.model_name}", plain(expected[name]), plain(amount))


def _does_not_tie(what: str, expected: str, stored: str) -> ImportRejectedError:
    return ImportRejectedError(
        f"The stored {what} do not add up to the file: {stored} instead of {expected}.",
        "Import it again; if this comes back, report it. Nothing was changed.",
    )


def _renamed(rollup_name: str, **names: str) -> tuple[str, ...]:
    return tuple(names.get(column, column) for column in ROLLUP_COLUMNS[rollup_name])


def _load(
    model: type[models.Model],
    columns: Sequence[str],
    rows: Iterator[tuple[Any, ...]],
    claim: Claim,
    *,
    shared: bool = False,
) -> None:
    try:
        for chunk in _chunks(rows):
            with transaction.atomic():
                claim.report(percent=claim.percent)
                bulk.copy_rows(model, columns, chunk, skip_existing=shared)
    except OverflowError as error:
        raise ImportRejectedError("An amount is too large for this database.", str(error)) from error


def _chunks(rows: Iterator[tuple[Any, ...]]) -> Iterator[Iterable[tuple[Any, ...]]]:
    """All rows at once for PostgreSQL's COPY, some at a time for SQLite."""
    if connection.vendor != "sqlite":
        yield rows
        return
    for first in rows:
        yield chain([first], islice(rows, _SQLITE_CHUNK - 1))
