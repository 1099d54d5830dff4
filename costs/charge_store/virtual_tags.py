"""Tags of ours joined in at roll-up: lines of a resource that has one, and carry none themselves, get its value.

A line group may hold lines of several resources, so the group is split: what such a resource has in it becomes a
group of its own, and a side file (`overrides`) says so to whoever reads lines. Without virtual tags nothing of this is
made. A tag on the line always wins, under any spelling of the key.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from costs.charge_store.connection import Connection, quoted, reading_cursor
from costs.charge_store.folders import ImportFolder, side_file
from costs.tags import canonical_key

OVERRIDES, TAGS = "overrides", "virtual-tags"


@dataclass(frozen=True)
class VirtualTag:
    """A resource (by its stable key) gets a value under a key. `aliases` are other keys that mean the same."""

    resource_key: int
    key: str
    value: str
    aliases: tuple[str, ...] = ()


def digest(tags: Sequence[VirtualTag]) -> str:
    """Something that stands for these tags: it differs when they do. '' for none."""
    if not tags:
        return ""
    listed = sorted([tag.resource_key, tag.key, tag.value, *tag.aliases] for tag in tags)
    return hashlib.sha256(json.dumps(listed).encode()).hexdigest()


def join_in(connection: Connection, tags: Sequence[VirtualTag], places: Mapping[str, int]) -> None:
    """Split the groups of resources with virtual tags. `places` are the tracked keys' places in tracked_values."""
    forget(connection)
    by_canonical = {canonical_key(key): place for key, place in places.items()}
    known = [tag for tag in tags if canonical_key(tag.key) in by_canonical]
    if not known:
        return
    connection.register("given_tags", _as_table(known, by_canonical))
    connection.execute("CREATE OR REPLACE TEMP TABLE virtual_tags AS SELECT * FROM given_tags")
    connection.unregister("given_tags")
    free = " ".join(f"WHEN {place} THEN {condition}" for place, condition in _free(known, by_canonical).items())
    used = sorted({by_canonical[canonical_key(tag.key)] for tag in known})
    values = ", ".join(f"max(value) FILTER (place = {place}) AS v{place}" for place in used)
    connection.execute(
        "CREATE TEMP TABLE overrides AS SELECT line_group AS own_group, resource_group,"
        f" hash(line_group, resource_group, 'virtual') AS line_group, {values}"
        " FROM (SELECT DISTINCT line_group, resource_group FROM facts WHERE resource_group <> 0)"
        " JOIN resource_names USING (resource_group) JOIN virtual_tags USING (resource_key)"
        f" JOIN tracked_values USING (line_group) WHERE CASE place {free} END GROUP BY line_group, resource_group"
    )
    both = "JOIN overrides ON overrides.own_group = whole.line_group"
    filled = "".join(f", coalesce(whole.t{place}, overrides.v{place}) AS t{place}" for place in used)
    for table, more in (("line_groups", ""), ("tracked_values", filled)):
        connection.execute(
            f"INSERT INTO {table} SELECT whole.* REPLACE (overrides.line_group AS line_group{more})"
            f" FROM {table} AS whole {both}"
        )
    connection.execute(
        "UPDATE facts SET line_group = overrides.line_group FROM overrides"
        " WHERE facts.line_group = overrides.own_group AND facts.resource_group = overrides.resource_group"
    )
    connection.execute(
        "DELETE FROM line_groups WHERE line_group IN (SELECT own_group FROM overrides)"
        " AND line_group NOT IN (SELECT line_group FROM facts)"
    )


def charges_by_group(connection: Connection) -> str:
    """The relation of charges with the groups that roll-ups know."""
    if not _has(connection, "overrides"):
        return "charges"
    return (
        "(SELECT lines.* REPLACE (coalesce(overrides.line_group, lines.line_group) AS line_group) FROM charges AS lines"
        " LEFT JOIN overrides ON overrides.own_group = lines.line_group"
        " AND overrides.resource_group = lines.resource_group)"
    )


def write_overrides(connection: Connection, folder: Path) -> None:
    """Write what was joined in beside the charges, where anything was."""
    files = {}
    if _has(connection, "overrides"):
        files[OVERRIDES] = (
            "SELECT own_group AS line_group, resource_group, slice_key FROM overrides JOIN group_slices"
            " USING (line_group) ORDER BY ALL"
        )
    if _has(connection, "virtual_tags"):
        files[TAGS] = "SELECT resource_key, key, value, aliases FROM virtual_tags ORDER BY ALL"
    for name, sql in files.items():
        connection.execute(f"COPY ({sql}) TO {quoted(folder / side_file(name))} (FORMAT parquet, COMPRESSION zstd)")


def forget(connection: Connection) -> None:
    """Nothing is joined in any more."""
    for name in ("virtual_tags", "overrides"):
        connection.execute(f"DROP TABLE IF EXISTS {name}")


def tags_joined_in(folder: ImportFolder) -> tuple[VirtualTag, ...]:
    """The virtual tags an import was rolled up with."""
    if not folder.has(TAGS):
        return ()
    with reading_cursor() as cursor:
        rows = cursor.execute(
            f"SELECT resource_key, key, value, aliases FROM {folder.relation(TAGS)} ORDER BY ALL"
        ).fetchall()
    return tuple(VirtualTag(key, name, value, tuple(aliases)) for key, name, value, aliases in rows)


def _as_table(tags: Sequence[VirtualTag], places: Mapping[str, int]) -> pa.Table:
    return pa.table(
        {
            "resource_key": pa.array([tag.resource_key for tag in tags], pa.int64()),
            "key": pa.array([tag.key for tag in tags], pa.string()),
            "value": pa.array([tag.value for tag in tags], pa.string()),
            "aliases": pa.array([list(tag.aliases) for tag in tags], pa.list_(pa.string())),
            "place": pa.array([places[canonical_key(tag.key)] for tag in tags], pa.int32()),
        }
    )


def _free(tags: Sequence[VirtualTag], places: Mapping[str, int]) -> dict[int, str]:
    """By place of a key: that a group has a value neither under it nor under what means the same."""
    found: dict[int, set[int]] = {}
    for tag in tags:
        same = {places[name] for name in map(canonical_key, (tag.key, *tag.aliases)) if name in places}
        found.setdefault(places[canonical_key(tag.key)], set()).update(same)
    return {place: " AND ".join(f"t{other} IS NULL" for other in sorted(same)) for place, same in found.items()}


def _has(connection: Connection, table: str) -> bool:
    row = connection.execute(
        "SELECT count(*) FROM duckdb_tables() WHERE table_name = ? AND temporary", [table]
    ).fetchone()
    return bool(row and row[0])
