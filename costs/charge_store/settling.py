"""What a line alone cannot tell: completed once all files of a delivery have landed."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path

import pyarrow as pa

from costs.billing_formats.base import literal
from costs.charge_store.connection import Connection, quoted, scalar
from costs.charge_store.folders import relation_of
from costs.charge_store.landing import PARQUET, charges_in
from costs.charge_store.partials import forget_partial
from costs.charges import MONEY_TYPE
from costs.money import EXACT, split_units

_DIGITS = 18
# What an allocated line has in common with the line it splits, and what its parts add up to.
_ORIGIN = (
    *("billing_period", "charge_period_start", "sub_account_id", "service_name", "region_id", "usage_type"),
    *("operation", "charge_category", "line_kind", "pricing_category", "commitment_discount_id"),
)
_ORIGIN_RESOURCE = "CASE WHEN parent_resource_id <> '' THEN parent_resource_id ELSE resource_id END"
_SAME = ("billed_cost", "effective_cost", "list_cost")
_HAIR = "0.000001"  # parts are rounded by their provider


@dataclass(frozen=True)
class Settled:
    """What was found; None where there was nothing to settle.

    `unused_plan_cost` is what plans left unused whose fee lines do not tell it, `counted_discounts` the discount
    lines that count as themselves though the files have columns for costs after discounts.
    """

    unused_plan_cost: Decimal | None
    counted_discounts: Decimal | None
    allocated_beside: tuple[int, Decimal] | None = None  # lines that break down one beside them, and their cost


def settle(connection: Connection, folder: Path) -> Settled:
    """Complete the landed charges of a delivery: discount lines, and the unused part of plans.

    Discount lines landed as 0 because other lines could have them inside; in a month where none has, they count
    as themselves. Plan fee lines that do not tell their unused part get the period's fees minus what covered lines
    and the lines that do tell it come to: the difference of each plan is spread over its untold lines in proportion
    to what they commit to, exactly.
    """
    discounts = _count_discounts(connection, folder)
    plans = _settle_plans(connection, folder)
    return Settled(plans, discounts, _settle_allocated(connection, folder))


def currencies_landed(connection: Connection, folder: Path) -> set[str]:
    """The currencies of all landed lines, '' where lines do not tell theirs."""
    return {
        row[0] for row in connection.execute(f"SELECT DISTINCT billing_currency FROM {charges_in(folder)}").fetchall()
    }


def fill_currency(connection: Connection, folder: Path, currency: str) -> None:
    """Lines that do not tell their currency count in this one."""
    told = f"CASE WHEN billing_currency = '' THEN {literal(currency)} ELSE billing_currency END AS billing_currency"
    for path in sorted(folder.glob("charges-*.parquet")):
        source = f"read_parquet({quoted(path)})"
        if scalar(connection, f"SELECT count(*) FROM {source} WHERE billing_currency = ''"):
            _rewrite(connection, path, f"SELECT * REPLACE ({told}) FROM {source}")


def _settle_allocated(connection: Connection, folder: Path) -> tuple[int, Decimal] | None:
    """Allocated lines (FOCUS 1.3) stand in the place of the line they split. Where that line is there too, for the
    same time, use and resource and at the same costs, they are marked as split rows: else each cost counts twice.
    """
    charges = charges_in(folder)
    has_parents = f"FROM {charges} WHERE parent_resource_id <> '' AND NOT is_split_row"
    if not scalar(connection, f"SELECT count(*) {has_parents}"):
        return None
    _find_doubled(connection, charges, has_parents)
    found = connection.execute("SELECT sum(allocated_lines), sum(allocated_billed_cost) FROM doubled").fetchone()
    assert found is not None
    if not found[0]:
        return None
    members = ", ".join((*_ORIGIN, "parent_resource_id"))
    doubled = f"SELECT ({', '.join((*_ORIGIN, 'origin'))}) FROM doubled"
    is_double = f"parent_resource_id <> '' AND ({members}) IN ({doubled})"
    for path in sorted(folder.glob("charges-*.parquet")):
        source = f"read_parquet({quoted(path)})"
        _rewrite(connection, path, f"SELECT * REPLACE (is_split_row OR ({is_double}) AS is_split_row) FROM {source}")
    return int(found[0]), found[1]


def _find_doubled(connection: Connection, charges: str, has_parents: str) -> None:
    """A table of the places where lines and their allocated parts both stand."""
    keys = ", ".join((*_ORIGIN, f"{_ORIGIN_RESOURCE} AS origin"))
    sums = ", ".join(
        f"coalesce(sum({name}) FILTER (parent_resource_id {sign} ''), 0) AS {side}_{name}"
        for name in _SAME
        for side, sign in (("allocated", "<>"), ("whole", "="))
    )
    same = " AND ".join(f"abs(allocated_{name} - whole_{name}) <= {_HAIR}" for name in _SAME)
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE doubled AS SELECT * FROM (SELECT {keys}, {sums},"
        " count(*) FILTER (parent_resource_id <> '') AS allocated_lines, count(*) AS all_lines"
        f" FROM {charges} WHERE NOT is_split_row AND {_ORIGIN_RESOURCE} IN (SELECT parent_resource_id {has_parents})"
        f" GROUP BY ALL) WHERE allocated_lines > 0 AND all_lines > allocated_lines AND {same}"
        " AND (allocated_billed_cost <> 0 OR allocated_effective_cost <> 0)"
    )


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
        f" FROM {relation_of(folder, row_numbers=True)}"
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
    forget_partial(path)
    fresh.replace(path)
