"""Questions about single charges, answered from the Parquet folders of imports in force."""

from collections.abc import Sequence
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any

import pyarrow as pa

from costs import rollup
from costs.charge_store.connection import connect, quoted, reading_cursor
from costs.charge_store.folders import ImportFolder
from costs.charges import CHARGE_COLUMNS


def query_charges(folders: Sequence[ImportFolder], sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
    """Run a SELECT over the charges of these imports; nothing where no folder exists.

    The query may read `charges` (every canonical column, plus `slice_key` and `resource_key`; `resource_key`
    is NULL where a line has no resource) and `usage` (instance usage by hour). Values are bound: never put
    them into the text.
    """
    if not (asked := _over_charges(folders, sql)):
        return []
    with reading_cursor() as cursor:
        return cursor.execute(asked, list(parameters)).fetchall()


def query_columns(folders: Sequence[ImportFolder], sql: str, parameters: Sequence[Any] = ()) -> dict[str, Any]:
    """The same, with the result as one numpy array for each column; empty where no folder exists."""
    if not (asked := _over_charges(folders, sql)):
        return {}
    with reading_cursor() as cursor:
        return dict(cursor.execute(asked, list(parameters)).fetchnumpy())


def _over_charges(folders: Sequence[ImportFolder], sql: str) -> str:
    """The query with the relations it may read; '' where no folder exists."""
    present = [folder.path for folder in folders if folder.exists()]
    if not present:
        return ""
    relations = {
        # A join is left out where nothing asks for what it adds.
        "charges": [_charges(path, slices="slice_key" in sql, resources="resource_key" in sql) for path in present],
        "usage": [f"SELECT * FROM {_table(path, 'usage')}" for path in present],
    }
    if any(name in sql for name in ("commitment_", "parent_", "invoice_issuer")):
        # Folders are written once: one from before a column was added reads as having it empty.
        empty = ", ".join(f"CAST(NULL AS {kind}) AS {name}" for name, kind in CHARGE_COLUMNS.items())
        relations["charges"].append(f"SELECT {empty} WHERE false")
    named = ", ".join(f"{name} AS ({' UNION ALL BY NAME '.join(parts)})" for name, parts in relations.items())
    return f"WITH {named} {sql}"


def tag_keys_of(folders: Sequence[ImportFolder]) -> list[str]:
    """Every tag key on the lines of these imports, sorted. Asked of the files once per process."""
    present = [folder.path for folder in folders if folder.exists()]
    # The time stands for the folder's content, which is written once and moved into place.
    return sorted({key for path in present for key in _tag_keys(path, path.stat().st_mtime_ns)})


@lru_cache(maxsize=256)
def _tag_keys(path: Path, _changed_at: int) -> tuple[str, ...]:
    with reading_cursor() as cursor:
        rows = cursor.execute(
            "SELECT DISTINCT unnest(json_keys(tags)) FROM"
            f" (SELECT DISTINCT tags FROM {_table(path, 'charges-*')} WHERE tags IS NOT NULL)"
        ).fetchall()
    return tuple(row[0] for row in rows)


def _charges(path: Path, *, slices: bool, resources: bool) -> str:
    """One import's lines with the keys asked for."""
    fields, joins = "lines.* EXCLUDE (line_group, resource_group)", ""
    if slices:
        fields += ", groups.slice_key"
        joins += f" LEFT JOIN {_table(path, 'groups')} AS groups ON groups.line_group = lines.line_group"
    if resources:
        fields += ", resources.resource_key"
        joins += (
            f" LEFT JOIN {_table(path, 'resources')} AS resources ON resources.resource_group = lines.resource_group"
        )
    return f"SELECT {fields} FROM {_table(path, 'charges-*')} AS lines{joins}"


def _table(path: Path, name: str) -> str:
    return f"read_parquet({quoted(path / f'{name}.parquet')}, hive_partitioning=false)"


def resources_seen(folder: ImportFolder) -> list[tuple[Any, ...]]:
    """Key, first and last day, service, region, type, instance type, name and tags of an import's resources."""
    if not (folder.path / "resources.parquet").exists():
        return []
    seen = _table(folder.path, "resources")
    with connect() as connection:
        present = {row[0] for row in connection.execute(f"DESCRIBE SELECT * FROM {seen}").fetchall()}
        texts = ", ".join(  # folders from before names were kept have none
            f"coalesce({name}, '')" if name in present else "''"
            for name in ("service_name", "region_id", "resource_type", "instance_type", "name")
        )
        return connection.execute(
            "SELECT resource_key, CAST(first_seen_on AS VARCHAR), CAST(last_seen_on AS VARCHAR),"
            f" {texts}, tags FROM {seen} ORDER BY resource_key"
        ).fetchall()


def tags_seen(folders: Sequence[ImportFolder], resource_key: int) -> list[tuple[str, date, date]]:
    """Each set of tags (JSON) that these imports' lines of one resource carried, with its first and last day.

    Folders from before such sets were kept give the last one of their month.
    """
    found: list[tuple[str, date, date]] = []
    with reading_cursor() as cursor:
        for folder in folders:
            kept = (name for name in ("resource-tags", "resources") if (folder.path / f"{name}.parquet").exists())
            if name := next(kept, ""):
                found += cursor.execute(
                    "SELECT DISTINCT tags, CAST(first_seen_on AS DATE), CAST(last_seen_on AS DATE)"
                    f" FROM {_table(folder.path, name)} WHERE resource_key = ? ORDER BY ALL",
                    [resource_key],
                ).fetchall()
    return found


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
