"""Questions about single charges, answered from the Parquet folders of imports in force."""

from collections.abc import Collection, Iterator, Sequence
from datetime import date
from functools import lru_cache
from typing import Any

import pyarrow as pa

from costs import rollup
from costs.charge_store.connection import connect, reading_cursor
from costs.charge_store.folders import ImportFolder, content_of
from costs.charge_store.rollups import ROLLUP_COLUMNS
from costs.charge_store.virtual_tags import OVERRIDES
from costs.charges import CHARGE_COLUMNS

_CHUNK = 2_000


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


def remembered_charges(folders: Sequence[ImportFolder], sql: str) -> tuple[tuple[Any, ...], ...]:
    """`query_charges` of a few rows, asked of the files once per process: folders are written once."""
    present = tuple((folder, content_of(folder)) for folder in folders if folder.exists())
    return _remembered(present, sql)


@lru_cache(maxsize=256)
def _remembered(folders: tuple[tuple[ImportFolder, str], ...], sql: str) -> tuple[tuple[Any, ...], ...]:
    return tuple(query_charges([folder for folder, _ in folders], sql))


def query_columns(folders: Sequence[ImportFolder], sql: str, parameters: Sequence[Any] = ()) -> dict[str, Any]:
    """The same, with the result as one numpy array for each column; empty where no folder exists."""
    if not (asked := _over_charges(folders, sql)):
        return {}
    with reading_cursor() as cursor:
        return dict(cursor.execute(asked, list(parameters)).fetchnumpy())


def _over_charges(folders: Sequence[ImportFolder], sql: str) -> str:
    """The query with the relations it may read; '' where no folder exists."""
    present = [folder for folder in folders if folder.exists()]
    if not present:
        return ""
    relations = {
        # A join is left out where nothing asks for what it adds.
        "charges": [_charges(one, slices="slice_key" in sql, resources="resource_key" in sql) for one in present],
    }
    if "usage" in sql:
        relations["usage"] = [f"SELECT * FROM {folder.relation('usage')}" for folder in present]
    if any(name in sql for name in ("commitment_", "parent_", "invoice_issuer")):
        # Folders are written once: one from before a column was added reads as having it empty.
        empty = ", ".join(f"CAST(NULL AS {kind}) AS {name}" for name, kind in CHARGE_COLUMNS.items())
        relations["charges"].append(f"SELECT {empty} WHERE false")
    named = ", ".join(f"{name} AS ({' UNION ALL BY NAME '.join(parts)})" for name, parts in relations.items())
    return f"WITH {named} {sql}"


def tag_keys_of(folders: Sequence[ImportFolder]) -> list[str]:
    """Every tag key on the lines of these imports, sorted. Asked of the files once per process."""
    present = [folder for folder in folders if folder.exists()]
    return sorted({key for folder in present for key in _tag_keys(folder, content_of(folder))})


@lru_cache(maxsize=256)
def _tag_keys(folder: ImportFolder, _content: str) -> tuple[str, ...]:
    with reading_cursor() as cursor:
        rows = cursor.execute(
            "SELECT DISTINCT unnest(json_keys(tags)) FROM"
            f" (SELECT DISTINCT tags FROM {folder.relation()} WHERE tags IS NOT NULL)"
        ).fetchall()
    return tuple(row[0] for row in rows)


def carried_on_resources(folder: ImportFolder, spellings: tuple[str, ...]) -> tuple[tuple[int, int, str, str], ...]:
    """(resource key, slice key, spelling, last value) of taggable lines that have a value under these keys.

    Asked of the files once per process.
    """
    if not folder.exists() or not spellings:
        return ()
    return _carried(folder, content_of(folder), spellings)


@lru_cache(maxsize=8)
def _carried(folder: ImportFolder, _content: str, spellings: tuple[str, ...]) -> tuple[tuple[int, int, str, str], ...]:
    pointers = ["/" + spelling.replace("~", "~0").replace("/", "~1") for spelling in spellings]
    values = ", ".join("json_extract_string(tags, ?)" for _ in pointers)
    sql = (
        f"WITH charges AS ({_charges(folder, slices=True, resources=True)}), carried AS (SELECT resource_key,"
        " slice_key, tags, max(charge_date) AS day FROM charges WHERE NOT is_split_row AND is_taggable"
        " AND resource_key IS NOT NULL AND tags IS NOT NULL GROUP BY ALL), spelled AS (SELECT resource_key, slice_key,"
        f" day, unnest(?::VARCHAR[]) AS spelling, unnest([{values}]) AS value FROM carried)"
        " SELECT resource_key, slice_key, spelling, max(struct_pack(day := day, value := value)).value FROM spelled"
        " WHERE trim(value) <> '' GROUP BY ALL ORDER BY ALL"
    )
    with reading_cursor() as cursor:
        return tuple(cursor.execute(sql, [list(spellings), *pointers]).fetchall())


def tag_texts_of(
    folder: ImportFolder, pairs: Collection[tuple[int, int]]
) -> Iterator[tuple[int, int, list[tuple[date, str]]]]:
    """(resource key, slice key, its sets of tags as JSON, each with its last day) of these pairs, on taggable lines."""
    if not folder.exists() or not pairs:
        return
    wanted = pa.table(
        {
            "resource_key": pa.array([pair[0] for pair in pairs], pa.int64()),
            "slice_key": pa.array([pair[1] for pair in pairs], pa.int64()),
        }
    )
    sql = (
        f"SELECT resource_key, slice_key, list((day, tags)) FROM (SELECT resource_key, slice_key, tags,"
        f" max(charge_date) AS day FROM ({_charges(folder, slices=True, resources=True)})"
        " WHERE NOT is_split_row AND is_taggable AND tags IS NOT NULL GROUP BY ALL)"
        " SEMI JOIN wanted_pairs USING (resource_key, slice_key) GROUP BY ALL"
    )
    with reading_cursor() as cursor:
        cursor.register("wanted_pairs", wanted)
        cursor.execute(sql)
        while rows := cursor.fetchmany(_CHUNK):
            yield from rows


def _charges(folder: ImportFolder, *, slices: bool, resources: bool) -> str:
    """One import's lines with the keys asked for."""
    fields, joins = "lines.* EXCLUDE (line_group, resource_group)", ""
    if slices:
        slice_key = "groups.slice_key"
        joins += f" LEFT JOIN {folder.relation('groups')} AS groups ON groups.line_group = lines.line_group"
        if folder.has(OVERRIDES):  # lines of resources with virtual tags
            slice_key = "coalesce(overrides.slice_key, groups.slice_key) AS slice_key"
            joins += (
                f" LEFT JOIN {folder.relation(OVERRIDES)} AS overrides ON overrides.line_group = lines.line_group"
                " AND overrides.resource_group = lines.resource_group"
            )
        fields += f", {slice_key}"
    if resources:
        fields += ", resources.resource_key"
        joins += (
            f" LEFT JOIN {folder.relation('resources')} AS resources ON resources.resource_group = lines.resource_group"
        )
    return f"SELECT {fields} FROM {folder.relation()} AS lines{joins}"


def resources_seen(folder: ImportFolder) -> list[tuple[Any, ...]]:
    """Key, first and last day, service, region, type, instance type, name and tags of an import's resources."""
    if not folder.has("resources"):
        return []
    seen = folder.relation("resources")
    with reading_cursor() as cursor:
        present = {row[0] for row in cursor.execute(f"DESCRIBE SELECT * FROM {seen}").fetchall()}
        texts = ", ".join(  # folders from before names were kept have none
            f"coalesce({name}, '')" if name in present else "''"
            for name in ("service_name", "region_id", "resource_type", "instance_type", "name")
        )
        return cursor.execute(
            "SELECT resource_key, CAST(first_seen_on AS VARCHAR), CAST(last_seen_on AS VARCHAR),"
            f" {texts}, tags FROM {seen} ORDER BY resource_key"
        ).fetchall()


def resource_rows(folder: ImportFolder) -> list[tuple[Any, ...]]:
    """An import's resources as bulk loading takes them, in the order of `ROLLUP_COLUMNS["resources"]`."""
    if not folder.has("resources"):
        return []
    texts = {"service_name", "region_id", "resource_type", "instance_type", "name"}
    days = {"first_seen_on", "last_seen_on"}

    def as_told(name: str) -> str:
        return f"coalesce({name}, '')" if name in texts else f"CAST({name} AS VARCHAR)" if name in days else name

    with reading_cursor() as cursor:
        described = cursor.execute(f"DESCRIBE SELECT * FROM {folder.relation('resources')}").fetchall()
    present = {row[0] for row in described}
    columns = ", ".join("''" if name not in present else as_told(name) for name in ROLLUP_COLUMNS["resources"])
    with reading_cursor() as cursor:
        return cursor.execute(f"SELECT {columns} FROM {folder.relation('resources')} ORDER BY resource_key").fetchall()


def tags_seen(folders: Sequence[ImportFolder], resource_key: int) -> list[tuple[str, date, date]]:
    """Each set of tags (JSON) that these imports' lines of one resource carried, with its first and last day.

    Folders from before such sets were kept give the last one of their month.
    """
    found: list[tuple[str, date, date]] = []
    with reading_cursor() as cursor:
        for folder in folders:
            kept = (name for name in ("resource-tags", "resources") if folder.has(name))
            if name := next(kept, ""):
                found += cursor.execute(
                    "SELECT DISTINCT tags, CAST(first_seen_on AS DATE), CAST(last_seen_on AS DATE)"
                    f" FROM {folder.relation(name)} WHERE resource_key = ? ORDER BY ALL",
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
