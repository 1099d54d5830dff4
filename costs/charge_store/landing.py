"""Files → canonical charges in Parquet: every row is checked by the cast that reads it."""

from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
from django.conf import settings

from costs.billing_formats import ChargeMapping
from costs.charge_store import combinations, shaping
from costs.charge_store.connection import Connection, Error, quoted, scalar
from costs.charge_store.folders import ImportFolder, relation_of
from costs.charge_store.sources import BillFile, explain
from costs.charges import CHARGE_DEFAULTS
from costs.errors import ImportRejectedError
from costs.inventory import Inventory
from costs.terms import COST_COLUMNS

Beat = Callable[[float], None]  # told now and then how far the running step is, 0 to 1
# Larger row groups do not fit into memory twice (one per thread) and spill, which costs more than anything else.
PARQUET = "(FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1, ROW_GROUP_SIZE 40960)"


@dataclass(frozen=True)
class Month:
    """What landed for one month and currency."""

    billing_period: date
    billing_currency: str
    rows: int


@dataclass(frozen=True)
class LineKind:
    """Lines of one provider's line type, with their unblended cost."""

    line_kind: str
    rows: int
    unblended_cost: Decimal


def land_file(connection: Connection, file: BillFile, mapping: ChargeMapping, target: Path, *, beat: Beat) -> None:
    """Write one bill file as canonical charges. Raises ImportRejectedError naming line and column."""
    fields = CHARGE_DEFAULTS | mapping.expressions
    try:
        if file.is_parquet:
            with combinations.shaped(connection, file, mapping, fields) as charges:
                _write(connection, charges, target, beat=beat)
        else:
            relation = shaping.lines_of(file.relation, mapping)
            _write(connection, shaping.line_by_line(relation, mapping, fields), target, beat=beat)
        if scalar(connection, _not_finite(target)):
            raise Error("Conversion Error: a quantity is not finite")
    except Error as error:
        raise explain(connection, file, mapping.checks, error) from error


def land_inventory(
    connection: Connection, inventory: Inventory, mapping: ChargeMapping, days: str, target: Path
) -> None:
    """Write an inventory's rows as charges of every one of `days` (an SQL relation)."""
    table = pa.table({name: pa.array(inventory.rows[name].tolist(), pa.string()) for name in inventory.rows.columns})
    connection.register("inventory_rows", table)
    try:
        relation = f"inventory_rows CROSS JOIN {days} AS days"
        charges = shaping.line_by_line(relation, mapping, CHARGE_DEFAULTS | mapping.expressions)
        _write(connection, charges, target, beat=lambda _: None)
    finally:
        connection.unregister("inventory_rows")


def months_landed(connection: Connection, folder: Path) -> list[Month]:
    """Months and currencies of all landed charges with their rows, oldest first."""
    rows = connection.execute(
        f"SELECT billing_period, billing_currency, count(*) FROM {charges_in(folder)} GROUP BY ALL ORDER BY ALL"
    ).fetchall()
    return [Month(*row) for row in rows]


def line_kinds(connection: Connection, folder: Path) -> list[LineKind]:
    """Line types of the landed charges."""
    rows = connection.execute(
        f"SELECT line_kind, count(*), sum(unblended_cost) FROM {charges_in(folder)} GROUP BY ALL ORDER BY ALL"
    ).fetchall()
    return [LineKind(*row) for row in rows]


def split_month(connection: Connection, folder: Path, month: date, target: Path) -> None:
    """Copy one month's charges out of a landing of several."""
    target.mkdir(parents=True)
    connection.execute(
        f"COPY (SELECT * FROM {charges_in(folder)} WHERE billing_period = DATE '{month}')"
        f" TO {quoted(target / 'charges-00001.parquet')} {PARQUET}"
    )


def charges_in(folder: Path | ImportFolder) -> str:
    """SQL relation of all charges of a folder: of this machine, or an import's in the store."""
    return folder.relation() if isinstance(folder, ImportFolder) else relation_of(folder)


def _write(connection: Connection, charges: str, target: Path, *, beat: Beat) -> None:
    run_beating(connection, f"COPY ({charges}) TO {quoted(target)} {PARQUET}", beat=beat)


def run_beating(connection: Connection, sql: str, *, beat: Beat) -> None:
    """Run a long statement in a thread while the caller's own thread reports progress."""
    every = min(2, settings.IMPORT_HEARTBEAT_SECONDS)
    with ThreadPoolExecutor(max_workers=1) as pool:
        running = pool.submit(connection.execute, sql)
        try:
            while not wait([running], timeout=every, return_when=FIRST_COMPLETED).done:
                beat(max(0.0, min(1.0, connection.query_progress() / 100)))
        except BaseException:
            connection.interrupt()
            raise
        running.result()


def _not_finite(target: Path) -> str:
    return (
        f"SELECT count(*) FROM read_parquet({quoted(target)})"
        " WHERE NOT isfinite(consumed_quantity) OR NOT isfinite(normalized_quantity)"
    )


def reject_mixed_currencies(months: Iterable[Month]) -> None:
    """Refuse a delivery that adds up two currencies, naming both."""
    found = sorted({month.billing_currency for month in months})
    if "" in found:
        raise ImportRejectedError("Some lines have no currency.", "Export again with the currency column filled.")
    if len(found) > 1:
        raise ImportRejectedError(
            f"The files hold {' and '.join(found)}.", "Give bills of different currencies as separate sources."
        )


__all__ = [
    "COST_COLUMNS",
    "Beat",
    "LineKind",
    "Month",
    "charges_in",
    "land_file",
    "land_inventory",
    "line_kinds",
    "months_landed",
    "reject_mixed_currencies",
    "run_beating",
    "split_month",
]
