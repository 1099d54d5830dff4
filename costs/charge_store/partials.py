"""What one landed file adds up to, kept beside it, so that finishing a bill of many files only adds up sums.

A partial rollup is made where its file lands, on whichever worker that is. It is right only for the charges as they
are: who rewrites a file of charges forgets its partial, and it is made again.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

from costs import rollup
from costs.charge_store.connection import Connection, quoted, scalar
from costs.charge_store.landing import Beat, run_beating
from costs.charge_store.rollups import GROUPED, grouped
from costs.charges import GROUP_DIMENSIONS
from costs.terms import COST_COLUMNS

_TABLES = ("month_sums", *GROUPED)
_PARQUET = "(FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1)"
_SUMMED = (*COST_COLUMNS, "consumed_quantity", "normalized_quantity")


def count_rows(connection: Connection, path: Path) -> int:
    """Lines of one file of charges, from its footer."""
    return int(scalar(connection, f"SELECT count(*) FROM read_parquet({quoted(path)})"))


def write_partial(connection: Connection, charges: Path, *, beat: Beat) -> list[Path]:
    """Group one file of charges and keep the sums beside it; returns the files they are in."""
    _drop(connection)
    connection.execute(f"CREATE OR REPLACE TEMP VIEW charges AS SELECT * FROM read_parquet({quoted(charges)})")
    for sql in (rollup.month_sums(), *grouped()):
        run_beating(connection, sql, beat=lambda _: beat(1.0))
    for table in _TABLES:
        connection.execute(f"COPY {table} TO {quoted(_partial(charges, table))} {_PARQUET}")
    _drop(connection)
    connection.execute("DROP VIEW charges")
    return [_partial(charges, table) for table in _TABLES]


def forget_partial(charges: Path) -> None:
    """A file of charges is not what it was."""
    for table in _TABLES:
        _partial(charges, table).unlink(missing_ok=True)


def complete_partials(connection: Connection, folder: Path, *, beat: Beat) -> None:
    """Make the partials that are missing, where the files of a folder have any."""
    files = sorted(folder.glob("charges-*.parquet"))
    missing = [path for path in files if not _has_partial(path)]
    if len(missing) < len(files):
        for path in missing:
            write_partial(connection, path, beat=beat)


def remove_partials(folder: Path) -> None:
    """Once they are added up: they are no charges, and do not go to the store."""
    for path in folder.glob("partial-*"):
        path.unlink()


def merged(folder: Path) -> Mapping[str, str] | None:
    """Per table SQL that makes it from the partials of a folder; None where some file has none."""
    files = sorted(folder.glob("charges-*.parquet"))
    if not files or not all(map(_has_partial, files)):
        return None
    dimensions = ", ".join(f"any_value({name}) AS {name}" for name in GROUP_DIMENSIONS)
    return {
        "month_sums": f"CREATE TEMP TABLE month_sums AS SELECT {', '.join(rollup.SUMMED_BY)},"
        f" {_sums(rollup.SUMMED)}, max(billing_currency) AS billing_currency FROM {_of(files, 'month_sums')} GROUP BY"
        f" {', '.join(rollup.SUMMED_BY)}",
        "line_groups": f"CREATE TEMP TABLE line_groups AS SELECT line_group, {dimensions}"
        f" FROM {_of(files, 'line_groups')} GROUP BY line_group",
        "facts": "CREATE TEMP TABLE facts AS SELECT line_group, resource_group, charge_date, CAST(sum(lines) AS BIGINT)"
        f" AS lines, {_sums(_SUMMED)} FROM {_of(files, 'facts')} GROUP BY line_group, resource_group, charge_date",
        "resource_names": "CREATE TEMP TABLE resource_names AS SELECT any_value(resource_key) AS resource_key,"
        " resource_group, any_value(sub_account_id) AS sub_account_id, any_value(resource_id) AS resource_id"
        f" FROM {_of(files, 'resource_names')} GROUP BY resource_group",
    }


def _sums(columns: Sequence[str]) -> str:
    return ", ".join(f"sum({name}) AS {name}" for name in columns)


def _of(files: Sequence[Path], table: str) -> str:
    listed = ", ".join(quoted(_partial(path, table)) for path in files)
    return f"read_parquet([{listed}], hive_partitioning=false)"


def _partial(charges: Path, table: str) -> Path:
    return charges.with_name(f"partial-{charges.stem.removeprefix('charges-')}-{table}.parquet")


def _has_partial(charges: Path) -> bool:
    return all(_partial(charges, table).is_file() for table in _TABLES)


def _drop(connection: Connection) -> None:
    for table in _TABLES:
        connection.execute(f"DROP TABLE IF EXISTS {table}")
