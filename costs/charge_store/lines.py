"""Lines of imports as a relation: those of some slices, to be summed, sorted, paged and written to files.

A line has some thirty fields, and reading all of them of ten million lines takes longer than anybody waits. So a page
is read in two steps: where its lines stand, which takes the few fields that sort and filter, and then these lines
alone, from the parts of the files that hold them.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pyarrow as pa

from costs.charge_store.connection import Connection, quoted, reading_cursor
from costs.charge_store.folders import ImportFolder, content_of
from costs.charge_store.virtual_tags import OVERRIDES
from costs.charges import CHARGE_COLUMNS
from costs.line_filters import LINE_FIELDS

_CHUNK = 2_000
# More sets of tags than these are not listed: conditions on tags are then asked of each line.
_TAG_SETS_LIMIT = 50_000
_REMEMBERED = 1_000
_remembered: dict[bytes, list[tuple[Any, ...]]] = {}
_PLACE = {"filename": "VARCHAR", "file_row_number": "BIGINT"}


@dataclass(frozen=True)
class LinePart:
    """One import's lines; of these slices only where `slice_keys` is not None."""

    folder: ImportFolder
    slice_keys: Sequence[int] | None = None


@dataclass(frozen=True)
class LineSelect:
    """Which lines: of these parts, with conditions over the fields of lines and the values they bind."""

    parts: tuple[LinePart, ...]
    where: str = "true"
    parameters: tuple[Any, ...] = ()


def query_lines(select: LineSelect, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
    """Run a SELECT over `lines`, the relation of what is selected; nothing where no folder exists."""
    with _reading(select) as (cursor, head):
        return cursor.execute(head + sql, [*select.parameters, *parameters]).fetchall() if head else []


def remembered_lines(select: LineSelect, sql: str) -> list[tuple[Any, ...]]:
    """`query_lines` of a few rows, asked of the files once per process: folders are written once."""
    folders = [part.folder for part in select.parts if part.folder.exists()]
    asked = repr((sql, select, [content_of(folder) for folder in folders]))
    key = hashlib.sha256(asked.encode()).digest()
    if (rows := _remembered.get(key)) is None:
        rows = query_lines(select, sql)
        if len(_remembered) >= _REMEMBERED:
            _remembered.clear()
        _remembered[key] = rows
    return rows


def forget_sums() -> None:
    """Ask the files again: for measuring."""
    _remembered.clear()


def places_of_lines(select: LineSelect, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
    """The same over lines that tell where they stand as well: `filename` and `file_row_number`."""
    with _reading(select, with_places=True) as (cursor, head):
        return cursor.execute(head + sql, [*select.parameters, *parameters]).fetchall() if head else []


def lines_in_places(
    places: Sequence[tuple[str, int]], sql: str, parameters: Sequence[Any] = ()
) -> list[tuple[Any, ...]]:
    """Run a SELECT over `lines`, which are those of these places alone. Values of one page; files are read in parts."""
    by_file: dict[str, list[int]] = {}
    for file, row in places:
        by_file.setdefault(file, []).append(row)
    relations = [
        f"SELECT * FROM read_parquet({quoted(file)}, hive_partitioning=false, file_row_number=true)"
        f" WHERE file_row_number IN ({', '.join(map(str, rows))})"
        for file, rows in by_file.items()
    ]
    with reading_cursor() as cursor:
        return cursor.execute(f"WITH {_named('lines', [*relations, _no_lines()])} {sql}", list(parameters)).fetchall()


def matching_tags(folders: Sequence[ImportFolder], where: str, parameters: Sequence[Any]) -> list[str | None] | None:
    """The sets of tags, as lines keep them, that a condition over `tags` holds of; None where there are too many sets.

    A bill of millions of lines has some thousand sets of tags, and asking each of them once is far less work than
    asking every line.
    """
    present = [folder for folder in folders if folder.exists()]
    if not present:
        return []
    if sum(_tag_sets(folder, content_of(folder)) for folder in present) > _TAG_SETS_LIMIT:
        return None
    sets = " UNION ".join(f"SELECT DISTINCT tags FROM {folder.relation()}" for folder in present)
    with reading_cursor() as cursor:
        # In two steps: in one, the condition would go down to the lines.
        found = [row[0] for row in cursor.execute(f"SELECT tags FROM ({sets})").fetchall()]
        cursor.register("tag_sets", pa.table({"tags": pa.array(found, pa.string())}))
        rows = cursor.execute(f"SELECT tags FROM tag_sets WHERE {where}", list(parameters)).fetchall()
    return [row[0] for row in rows]


@lru_cache(maxsize=1024)
def _tag_sets(folder: ImportFolder, _content: str) -> int:
    with reading_cursor() as cursor:
        row = cursor.execute(f"SELECT approx_count_distinct(tags) FROM {folder.relation()}").fetchone()
    assert row is not None
    return int(row[0])


def stream_lines(select: LineSelect, sql: str, parameters: Sequence[Any] = ()) -> Iterator[list[tuple[Any, ...]]]:
    """The same, some thousand rows at a time: never the whole answer in memory."""
    with _reading(select) as (cursor, head):
        if not head:
            return
        cursor.execute(head + sql, [*select.parameters, *parameters])
        while rows := cursor.fetchmany(_CHUNK):
            yield rows


def copy_lines(select: LineSelect, sql: str, target: Path) -> None:
    """Write the answer of a SELECT over `lines` as Parquet."""
    with _reading(select) as (cursor, head):
        empty = f"WITH {_named('lines', [_no_lines()])} "
        bound = list(select.parameters) if head else []
        cursor.execute(f"COPY ({head or empty}{sql}) TO {quoted(target)} (FORMAT parquet, COMPRESSION zstd)", bound)


def compare_lines(
    before: LinePart, after: LinePart, sql: str, parameters: Sequence[Any] = ()
) -> Iterator[list[tuple[Any, ...]]]:
    """Run a SELECT over `before` and `after`, the lines of two versions of a month, some thousand rows at a time."""
    named = [_named(name, [_lines(0, part), _no_lines()]) for name, part in (("before", before), ("after", after))]
    with reading_cursor() as cursor:
        cursor.execute(f"WITH {', '.join(named)}{sql}", list(parameters))
        while rows := cursor.fetchmany(_CHUNK):
            yield rows


@contextmanager
def _reading(select: LineSelect, *, with_places: bool = False) -> Iterator[tuple[Connection, str]]:
    """A cursor that knows the slices, and the WITH clause that makes `lines`; '' where no folder exists."""
    present = [part for part in select.parts if part.folder.exists()]
    with reading_cursor() as cursor:
        if any(part.slice_keys is not None for part in present):
            cursor.register("wanted_slices", _slices(present))
        more = _PLACE if with_places else {}
        relations = [_lines(place, part, with_places=with_places) for place, part in enumerate(present)]
        chosen = f"SELECT * FROM every_line WHERE {select.where}"
        named = f"WITH {_named('every_line', [*relations, _no_lines(more)], more)}, lines AS ({chosen}) "
        yield cursor, (named if present else "")


def _lines(place: int, part: LinePart, *, with_places: bool = False) -> str:
    conditions = "NOT is_split_row"
    if part.slice_keys is not None:
        wanted = f"WHERE slice_key IN (SELECT slice_key FROM wanted_slices WHERE part = {place})"
        of_groups = f"line_group IN (SELECT line_group FROM {part.folder.relation('groups')} {wanted})"
        conditions += f" AND {of_groups}"
        if part.folder.has(OVERRIDES):  # lines of resources with virtual tags are in slices of their own
            both, others = "(line_group, resource_group)", part.folder.relation(OVERRIDES)
            pairs = f"SELECT {both} FROM {others}"
            conditions = (
                f"NOT is_split_row AND (({of_groups} AND {both} NOT IN ({pairs})) OR {both} IN ({pairs} {wanted}))"
            )
    return f"SELECT * FROM {part.folder.relation(row_numbers=with_places)} WHERE {conditions}"


def _slices(parts: Sequence[LinePart]) -> pa.Table:
    """(place of the part, key of a slice) of all parts."""
    pairs = [(place, key) for place, part in enumerate(parts) for key in sorted(part.slice_keys or ())]
    return pa.table(
        {
            "part": pa.array([place for place, _ in pairs], pa.int32()),
            "slice_key": pa.array([key for _, key in pairs], pa.int64()),
        }
    )


def _named(name: str, relations: Sequence[str], more: Mapping[str, str] = MappingProxyType({})) -> str:
    """Lines of several folders under one name."""
    return f"{name} AS (SELECT {', '.join([*LINE_FIELDS, *more])} FROM ({' UNION ALL BY NAME '.join(relations)}))"


def _no_lines(more: Mapping[str, str] = MappingProxyType({})) -> str:
    kinds = {name: CHARGE_COLUMNS[name] for name in LINE_FIELDS} | dict(more)
    return f"SELECT {', '.join(f'CAST(NULL AS {kind}) AS {name}' for name, kind in kinds.items())} WHERE false"
