"""The rollups of one month: made in DuckDB, handed out as rows ready for the database."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from costs import rollup
from costs.charge_store.connection import Connection, quoted
from costs.charge_store.folders import ImportFolder, side_file
from costs.charge_store.landing import charges_in, run_beating
from costs.charge_store.virtual_tags import VirtualTag, charges_by_group, forget, join_in, write_overrides
from costs.charges import POOL_DIMENSIONS, SLICE_DIMENSIONS
from costs.money import plain, round_money
from costs.tags import canonical_key
from costs.terms import COST_COLUMNS

GROUPED = ("line_groups", "facts", "resource_names")  # made of the charges, or of the partials of their files
_CHUNK = 20_000
_HOURS = tuple(f"{kind}_hours" for kind in rollup.HOUR_KINDS)
_UNITS = tuple(f"{kind}_normalized_units" for kind in rollup.HOUR_KINDS)
_USAGE_COSTS = ("billed_cost", "effective_cost", "list_cost")

# Rollup → its columns in the order rows are handed out. Money comes as whole 1e-10 units.
ROLLUP_COLUMNS: dict[str, tuple[str, ...]] = {
    "slices": ("slice_key", *SLICE_DIMENSIONS, "tags"),
    "daily_costs": ("slice_key", "charge_date", *COST_COLUMNS, "consumed_quantity"),
    "resource_costs": (
        "resource_key",
        "slice_key",
        *COST_COLUMNS,
        "usage_hours",
        "consumed_quantity",
        "first_charged_on",
        "last_charged_on",
        "name",
        "resource_type",
    ),
    "usage_days": ("slice_key", "charge_date", *POOL_DIMENSIONS, *_HOURS, *_UNITS, *_USAGE_COSTS),
    "resources": (
        "resource_key",
        "sub_account_id",
        "resource_id",
        "service_name",
        "region_id",
        "resource_type",
        "instance_type",
        "name",
        "tags",
        "first_seen_on",
        "last_seen_on",
    ),
}


@dataclass(frozen=True)
class MonthTotals:
    """The file's own sums for one month, split rows left out, rounded to ten decimals."""

    rows: int
    split_rows: int
    currency: str
    costs: dict[str, Decimal]
    by_category: dict[str, dict[str, str]]
    lines_without_invoice: int
    unread_price_lines: int
    unread_map_lines: int


@dataclass(frozen=True)
class RefusedKey:
    """A tag key with too many values to be tracked."""

    key: str
    values: int


@dataclass(frozen=True)
class OtherCurrency:
    """Lines priced in another currency than they are billed in, with their effective cost in it."""

    currency: str
    cost: Decimal
    lines: int


def priced_in_other_currencies(connection: Connection) -> list[OtherCurrency]:
    """What the month's charges cost in currencies they were only priced in; such costs are part of no total."""
    columns = {row[0] for row in connection.execute("DESCRIBE charges").fetchall()}
    if "pricing_currency" not in columns:  # charges from before the column was kept
        return []
    rows = connection.execute(
        "SELECT pricing_currency, sum(pricing_currency_cost), count(*) FROM charges"
        " WHERE pricing_currency <> '' AND NOT is_split_row GROUP BY ALL ORDER BY ALL"
    ).fetchall()
    return [OtherCurrency(*row) for row in rows]


def payers(connection: Connection) -> list[str]:
    """The accounts that pay for the month's charges, once they are rolled up."""
    rows = connection.execute("SELECT DISTINCT billing_account_id FROM slices ORDER BY 1").fetchall()
    return [row[0] for row in rows if row[0]]


def without_list_cost(connection: Connection) -> tuple[int, Decimal]:
    """Lines of use that cost something and nothing at list price, and their effective cost."""
    return _lines_and_cost(
        connection,
        "effective_cost",
        "facts JOIN line_groups USING (line_group) WHERE charge_category = 'Usage'"
        " AND commitment_discount_status <> 'Unused' AND list_cost = 0 AND effective_cost <> 0",
    )


def numbered_resources(connection: Connection) -> tuple[int, Decimal]:
    """Lines of resources whose ids a spreadsheet turned into numbers (`1.23E+11`), and their billed cost."""
    return _lines_and_cost(
        connection,
        "billed_cost",
        "facts JOIN resource_names USING (resource_group)"
        " WHERE regexp_full_match(resource_id, '[0-9]([.,][0-9]+)?[Ee][+][0-9]+')",
    )


def _lines_and_cost(connection: Connection, cost: str, source: str) -> tuple[int, Decimal]:
    """How many lines a part of the facts has, and what they cost."""
    sums = f"coalesce(CAST(sum(lines) AS BIGINT), 0), coalesce(sum({cost}), 0)"
    row = connection.execute(f"SELECT {sums} FROM {source}").fetchone()
    assert row is not None
    return row[0], round_money(row[1])


def month_totals(connection: Connection, partials: Mapping[str, str] | None = None) -> MonthTotals:
    """Sum the month's charges: by what was added up file by file (`partials.merged`), where it was."""
    connection.execute((partials or {}).get("month_sums") or rollup.month_sums())
    sums = ", ".join(f"coalesce(sum({name}), 0)" for name in COST_COLUMNS)
    counts = ", ".join(f"CAST(sum({name}) AS BIGINT)" for name in ("unread_numbers", "unread_maps", "not_invoiced"))
    rows = connection.execute(
        f"SELECT charge_category, is_split_row, CAST(sum(lines) AS BIGINT), {sums}, max(billing_currency), {counts}"
        " FROM month_sums GROUP BY charge_category, is_split_row ORDER BY 1, 2"
    ).fetchall()
    counted = [row for row in rows if not row[1]]
    costs = {
        name: round_money(sum((row[3 + place] for row in counted), Decimal(0)))
        for place, name in enumerate(COST_COLUMNS)
    }
    return MonthTotals(
        rows=sum(row[2] for row in rows),
        split_rows=sum(row[2] for row in rows if row[1]),
        currency=max((row[-4] for row in rows), default=""),
        costs=costs,
        by_category={
            row[0]: {name: plain(row[3 + place]) for place, name in enumerate(COST_COLUMNS)} | {"rows": str(row[2])}
            for row in counted
        },
        unread_price_lines=sum(row[-3] for row in rows),
        unread_map_lines=sum(row[-2] for row in rows),
        lines_without_invoice=sum(row[-1] for row in rows),
    )


def use_charges(connection: Connection, folder: Path | ImportFolder) -> None:
    """Make `charges` the charges of one folder and forget the rollups of another."""
    for name in ("line_groups", "facts", "tracked_values", "group_slices", "slices", "resource_names", "resources"):
        connection.execute(f"DROP TABLE IF EXISTS {name}")
    for name in ("month_sums", "daily_costs", "resource_costs", "usage_days"):
        connection.execute(f"DROP TABLE IF EXISTS {name}")
    forget(connection)
    connection.execute(f"CREATE OR REPLACE TEMP VIEW charges AS SELECT * FROM {charges_in(folder)}")


def grouped() -> Sequence[str]:
    """SQL that makes the tables of `GROUPED` from `charges`."""
    return rollup.line_groups(), rollup.facts(), rollup.resource_names()


def roll_up(
    connection: Connection,
    tracked_keys: Sequence[str],
    *,
    values_limit: int,
    step: Callable[[str], None],
    partials: Mapping[str, str] | None = None,
    virtual_tags: Sequence[VirtualTag] = (),
) -> list[RefusedKey]:
    """Make every rollup of `charges`, with these tags of ours joined in. Returns the keys that had too many values
    to be tracked.

    `partials` is SQL that adds up what was grouped file by file (`partials.merged`): then no charge is grouped again.
    """
    step("Grouping charges")
    grouping = [partials[name] for name in GROUPED] if partials else grouped()
    for sql in grouping:
        run_beating(connection, sql, beat=lambda _: step("Grouping charges"))
    refused, kept = _track(connection, tracked_keys, values_limit)
    if virtual_tags:
        join_in(connection, virtual_tags, dict(kept))
    step("Rolling up")
    for sql in (
        rollup.group_slices(kept),
        rollup.slices(),
        rollup.resources(),
        rollup.daily_costs(),
        rollup.resource_costs(),
        rollup.usage_days(),
    ):
        run_beating(connection, sql, beat=lambda _: step("Rolling up"))
    _place_digits(connection)
    return refused


def write_side_files(connection: Connection, folder: Path) -> None:
    """Write what belongs beside the charges: usage by hour, and which slice and resource each line has."""
    for name, sql in (
        ("usage", rollup.usage(charges_by_group(connection))),
        ("groups", "SELECT line_group, slice_key FROM group_slices"),
        (
            "resources",
            "SELECT resource_group, resources.* FROM resource_names JOIN resources USING (resource_key)",
        ),
        ("resource-tags", rollup.resource_tags()),
    ):
        target = quoted(folder / side_file(name))
        connection.execute(f"COPY ({sql}) TO {target} (FORMAT parquet, COMPRESSION zstd)")
    write_overrides(connection, folder)


def rollup_rows(connection: Connection, name: str, *, prefix: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Rows of one rollup for bulk loading, each after `prefix`. Streams; one at a time per connection."""
    fields = ", ".join(_outgoing(column) for column in ROLLUP_COLUMNS[name])
    relation = "resource_costs JOIN resource_names USING (resource_group)" if name == "resource_costs" else name
    # What imports share is inserted in one order everywhere, so that two at once cannot lock each other out.
    order = f" ORDER BY {ROLLUP_COLUMNS[name][0]}" if name in {"slices", "resources"} else ""
    cursor = connection.execute(f"SELECT {fields} FROM {relation}{order}")
    while rows := cursor.fetchmany(_CHUNK):
        if not prefix:
            yield from rows
        else:
            for row in rows:
                yield prefix + row


def accounts(connection: Connection) -> list[tuple[str, str, str, str, str]]:
    """Payer, account, its name where the bill gives one, and the first and last day it stood so. Oldest first."""
    return connection.execute(
        "SELECT billing_account_id, sub_account_id, trim(sub_account_name) AS name,"
        " CAST(min(charge_date) AS VARCHAR) AS first, CAST(max(charge_date) AS VARCHAR) AS last"
        " FROM charges WHERE sub_account_id <> '' GROUP BY ALL ORDER BY last, first, name, billing_account_id"
    ).fetchall()


def resource_totals(connection: Connection) -> tuple[Decimal, ...]:
    """Sums of the five cost bases over charges that have a resource, after placing digits."""
    sums = ", ".join(f"coalesce(sum({name}), 0)" for name in COST_COLUMNS)
    row = connection.execute(f"SELECT {sums} FROM resource_costs WHERE resource_group <> 0").fetchone()
    assert row is not None
    return tuple(round_money(amount) for amount in row)


def row_counts(connection: Connection) -> dict[str, int]:
    """How many rows each rollup hands out, and how many charges stand behind them (`lines`)."""
    row = connection.execute(
        "SELECT (SELECT count(*) FROM daily_costs), (SELECT count(*) FROM resource_costs WHERE resource_group <> 0),"
        " (SELECT count(*) FROM usage_days), (SELECT coalesce(sum(lines), 0) FROM facts)"
    ).fetchone()
    assert row is not None
    return dict(zip(("daily_costs", "resource_costs", "usage_days", "lines"), map(int, row), strict=True))


def _track(
    connection: Connection, tracked_keys: Sequence[str], values_limit: int
) -> tuple[list[RefusedKey], list[tuple[str, int]]]:
    present = [row[0] for row in connection.execute(rollup.tag_keys()).fetchall()]
    spellings = {key: _spellings(key, present) for key in sorted(set(tracked_keys))}
    connection.execute(rollup.tracked_values(spellings, names=_spellings("Name", present)))
    if not spellings:
        return [], []
    counts = connection.execute(rollup.distinct_values(len(spellings))).fetchone()
    assert counts is not None
    refused = [RefusedKey(key, counts[place]) for place, key in enumerate(spellings) if counts[place] > values_limit]
    names = {key.key for key in refused}
    return refused, [(key, place) for place, key in enumerate(spellings) if key not in names]


def _spellings(key: str, present: Sequence[str]) -> list[str]:
    """The keys of the bill that mean `key`, the exact spelling first; sources may have lost case and punctuation."""
    wanted = canonical_key(key)
    same = [name for name in present if canonical_key(name) == wanted]
    return sorted(same, key=lambda name: (name != key, name))


def _place_digits(connection: Connection) -> None:
    flags = connection.execute(rollup.needs_rounding()).fetchone()
    assert flags is not None
    for name, needed in zip(COST_COLUMNS, flags, strict=True):
        if needed:
            connection.execute(rollup.slice_targets(name))
            connection.execute(rollup.place_digits("daily_costs", "charge_date", name))
            connection.execute(rollup.place_digits("resource_costs", "resource_group", name))


def _outgoing(column: str) -> str:
    if column.endswith("_cost"):
        # By now it has ten decimals; with eighteen, amounts over ten thousand million would not fit.
        return f"CAST(CAST({column} AS DECIMAL(38,10)) * 10000000000 AS HUGEINT)"
    if column.endswith(("_date", "_on")):
        return f"CAST({column} AS VARCHAR)"
    if column in {"service_name", "region_id", "resource_type", "instance_type", "name"}:
        return f"coalesce({column}, '')"
    return column
