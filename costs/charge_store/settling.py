"""What a line alone cannot tell: completed once all files of a delivery have landed."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path

import pyarrow as pa

from costs.charge_store.connection import Connection, quoted, scalar
from costs.charge_store.landing import PARQUET, charges_in, files_of
from costs.charges import MONEY_TYPE
from costs.money import EXACT, split_units

_DIGITS = 18


@dataclass(frozen=True)
class Settled:
    """What was found; None where there was nothing to settle.

    `unused_plan_cost` is what plans left unused whose fee lines do not tell it, `counted_discounts` the discount
    lines that count as themselves though the files have columns for costs after discounts.
    """

    unused_plan_cost: Decimal | None
    counted_discounts: Decimal | None


def settle(connection: Connection, folder: Path) -> Settled:
    """Complete the landed charges of a delivery: discount lines, and the unused part of plans.

    Discount lines landed as 0 because other lines could have them inside; in a month where none has, they count
    as themselves. Plan fee lines that do not tell their unused part get the period's fees minus what covered lines
    and the lines that do tell it come to: the difference of each plan is spread over its untold lines in proportion
    to what they commit to, exactly.
    """
    discounts = _count_discounts(connection, folder)
    return Settled(unused_plan_cost=_settle_plans(connection, folder), counted_discounts=discounts)


def _count_discounts(connection: Connection, folder: Path) -> Decimal | None:
    gross = connection.execute(
        f"SELECT billing_period, sum(unblended_cost) FROM {charges_in(folder)}"
        " WHERE discounting <> '' AND NOT is_split_row GROUP BY billing_period HAVING bool_and(discounting = 'apart')"
    ).fetchall()
    if not gross:
        return None
    months = ", ".join(f"DATE '{month}'" for month, _ in gross)
    counts = f"discounting = 'apart' AND billing_period IN ({months})"
    changes = ", ".join(
        f"CASE WHEN {counts} THEN {source} ELSE {name} END AS {name}"
        for name, source in (
            ("billed_cost", "unblended_cost"),
            ("effective_cost", "unblended_cost"),
            ("contracted_cost", "list_cost"),
        )
    )
    for path in sorted(folder.glob("charges-*.parquet")):
        if scalar(connection, f"SELECT count(*) FROM read_parquet({quoted(path)}) WHERE {counts}"):
            _rewrite(connection, path, f"SELECT * REPLACE ({changes}) FROM read_parquet({quoted(path)})")
    return sum((amount for _, amount in gross), Decimal(0))


def _settle_plans(connection: Connection, folder: Path) -> Decimal | None:
    open_lines = connection.execute(
        "SELECT filename, file_row_number, billing_period, commitment_discount_id,"
        f" CAST(commitment_cost AS DECIMAL(38,{_DIGITS}))"
        f" FROM read_parquet({files_of(folder)}, filename=true, file_row_number=true)"
        " WHERE effective_cost IS NULL AND NOT is_split_row ORDER BY ALL"
    ).fetchall()
    if not open_lines:
        return None
    told = _told_by_plan(connection, folder)
    plans: dict[tuple[date, str], list[tuple[str, int, Decimal]]] = {}
    for name, row, period, plan, committed in open_lines:
        plans.setdefault((period, plan), []).append((name, row, committed))
    settled: list[tuple[str, int, Decimal]] = []
    for key, lines in plans.items():
        settled += _unused_parts(lines, told.get(key, Decimal(0)))
    _write_settled(connection, settled)
    return sum((amount for _, _, amount in settled), Decimal(0))


def _told_by_plan(connection: Connection, folder: Path) -> dict[tuple[date, str], Decimal]:
    """Per month and plan: what covered lines used, less what told fee lines commit to beyond their own unused part."""
    rows = connection.execute(
        "SELECT billing_period, commitment_discount_id, sum(CASE WHEN commitment_discount_status = 'Used'"
        " THEN effective_cost WHEN effective_cost IS NULL THEN 0 ELSE effective_cost - commitment_cost END)"
        f" FROM {charges_in(folder)} WHERE commitment_discount_category = 'Spend'"
        " AND commitment_discount_status <> '' AND NOT is_split_row GROUP BY ALL"
    ).fetchall()
    return {(period, plan): amount for period, plan, amount in rows}


def _unused_parts(lines: list[tuple[str, int, Decimal]], used: Decimal) -> list[tuple[str, int, Decimal]]:
    committed = [_units(amount) for _, _, amount in lines]
    unused = sum(committed) - _units(used) if sum(committed) else 0
    weights = [max(0, units) for units in committed]
    return [
        (name, row, Decimal(part).scaleb(-_DIGITS, EXACT))
        for (name, row, _), part in zip(lines, split_units(unused, weights), strict=True)
    ]


def _units(amount: Decimal) -> int:
    return int(amount.scaleb(_DIGITS, EXACT))


def _write_settled(connection: Connection, settled: Iterable[tuple[str, int, Decimal]]) -> None:
    by_file: dict[str, list[tuple[int, Decimal]]] = {}
    for name, row, amount in settled:
        by_file.setdefault(name, []).append((row, amount))
    for name, rows in by_file.items():
        table = pa.table(
            {"settled_row": [row for row, _ in rows], "settled_cost": [format(amount, "f") for _, amount in rows]}
        )
        connection.register("settled", table)
        _rewrite(
            connection,
            Path(name),
            "SELECT * EXCLUDE (file_row_number, settled_row, settled_cost) REPLACE (coalesce(effective_cost,"
            f" CAST(settled_cost AS {MONEY_TYPE})) AS effective_cost)"
            f" FROM read_parquet({quoted(name)}, file_row_number=true) LEFT JOIN settled ON file_row_number ="
            " settled_row",
        )
        connection.unregister("settled")


def _rewrite(connection: Connection, path: Path, sql: str) -> None:
    """Put the result of a query over one file of charges in its place."""
    fresh = path.with_suffix(".settled")
    connection.execute(f"COPY ({sql}) TO {quoted(fresh)} {PARQUET}")
    fresh.replace(path)
