"""Questions about single charges, answered from the Parquet folders of imports in force."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pyarrow as pa

from costs import rollup
from costs.charge_store.connection import Connection, connect, quoted
from costs.charge_store.folders import ImportFolder
from costs.charges import CHARGE_COLUMNS


def query_charges(folders: Sequence[ImportFolder], sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
    """Run a query over the charges of these imports; nothing where no folder exists.

    The query may read the views `charges` (every canonical column, plus `slice_key` and `resource_key`;
    `resource_key` is NULL where a line has no resource) and `usage` (instance usage by hour). Values are
    bound: never put them into the text.
    """
    with _opened(folders) as connection:
        return connection.execute(sql, list(parameters)).fetchall() if connection else []


def query_columns(folders: Sequence[ImportFolder], sql: str, parameters: Sequence[Any] = ()) -> dict[str, Any]:
    """The same, with the result as one numpy array for each column; empty where no folder exists."""
    with _opened(folders) as connection:
        return dict(connection.execute(sql, list(parameters)).fetchnumpy()) if connection else {}


@contextmanager
def _opened(folders: Sequence[ImportFolder]) -> Iterator[Connection | None]:
    """A connection with the views; None where none of the folders exists."""
    present = [folder.path for folder in folders if folder.exists()]
    if not present:
        yield None
        return
    # Folders are written once: one from before a column was added reads as having it empty.
    empty = ", ".join(f"CAST(NULL AS {kind}) AS {name}" for name, kind in CHARGE_COLUMNS.items())
    with connect() as connection:
        for name in ("charges-*", "groups", "resources", "usage"):
            files = ", ".join(quoted(path / f"{name}.parquet") for path in present)
            view = name.removesuffix("-*") if name != "charges-*" else "lines"
            beside = f" UNION ALL BY NAME SELECT {empty} WHERE false" if view == "lines" else ""
            connection.execute(
                f"CREATE TEMP VIEW {view} AS SELECT * FROM read_parquet([{files}], filename='file',"
                f" hive_partitioning=false, union_by_name=true){beside}"
            )
        folder = "regexp_replace({}.file, '/[^/]*$', '')"
        connection.execute(
            "CREATE TEMP VIEW charges AS SELECT lines.* EXCLUDE (file, line_group, resource_group),"
            " groups.slice_key, resources.resource_key FROM lines"
            " LEFT JOIN groups ON groups.line_group = lines.line_group"
            f" AND {folder.format('groups')} = {folder.format('lines')}"
            " LEFT JOIN resources ON resources.resource_group = lines.resource_group"
            f" AND {folder.format('resources')} = {folder.format('lines')}"
        )
        yield connection


def resources_seen(folder: ImportFolder) -> list[tuple[Any, ...]]:
    """Key, first and last day, service, region, type, instance type and tags of an import's resources."""
    file = folder.path / "resources.parquet"
    if not file.exists():
        return []
    texts = ", ".join(
        f"coalesce({name}, '')" for name in ("service_name", "region_id", "resource_type", "instance_type")
    )
    with connect() as connection:
        return connection.execute(
            "SELECT resource_key, CAST(first_seen_on AS VARCHAR), CAST(last_seen_on AS VARCHAR),"
            f" {texts}, tags FROM read_parquet({quoted(file)}, hive_partitioning=false)"
            " ORDER BY resource_key"
        ).fetchall()


def resource_keys(resources: Sequence[tuple[str, str]]) -> list[int]:
    """The stable key of each (account, resource id)."""
    with connect() as connection:
        pairs = pa.table(
            {
                "place": pa.array(range(len(resources)), pa.int64()),
                "sub_account_id": pa.array([pair[0] for pair in resources], pa.string()),
                "resource_id": pa.array([pair[1] for pair in resources], pa.string()),
            }
        )
        connection.register("pairs", pairs)
        key = rollup.STABLE_KEY.format(parts="sub_account_id, resource_id")
        return [row[0] for row in connection.execute(f"SELECT {key} FROM pairs ORDER BY place").fetchall()]
