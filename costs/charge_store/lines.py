"""Lines of imports as a relation: those of some slices, to be summed, sorted, paged and written to files."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from costs.charge_store.connection import Connection, quoted, reading_cursor
from costs.charge_store.folders import ImportFolder
from costs.charge_store.virtual_tags import OVERRIDES
from costs.charges import CHARGE_COLUMNS
from costs.line_filters import LINE_FIELDS

_CHUNK = 2_000


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
def _reading(select: LineSelect) -> Iterator[tuple[Connection, str]]:
    """A cursor that knows the slices, and the WITH clause that makes `lines`; '' where no folder exists."""
    present = [part for part in select.parts if part.folder.exists()]
    with reading_cursor() as cursor:
        if any(part.slice_keys is not None for part in present):
            cursor.register("wanted_slices", _slices(present))
        relations = [_lines(place, part) for place, part in enumerate(present)]
        chosen = f"SELECT * FROM every_line WHERE {select.where}"
        named = f"WITH {_named('every_line', [*relations, _no_lines()])}, lines AS ({chosen}) "
        yield cursor, (named if present else "")


def _lines(place: int, part: LinePart) -> str:
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
    return f"SELECT * FROM {part.folder.relation()} WHERE {conditions}"


def _slices(parts: Sequence[LinePart]) -> pa.Table:
    """(place of the part, key of a slice) of all parts."""
    pairs = [(place, key) for place, part in enumerate(parts) for key in sorted(part.slice_keys or ())]
    return pa.table(
        {
            "part": pa.array([place for place, _ in pairs], pa.int32()),
            "slice_key": pa.array([key for _, key in pairs], pa.int64()),
        }
    )


def _named(name: str, relations: Sequence[str]) -> str:
    """Lines of several folders under one name."""
    return f"{name} AS (SELECT {', '.join(LINE_FIELDS)} FROM ({' UNION ALL BY NAME '.join(relations)}))"


def _no_lines() -> str:
    columns = ", ".join(f"CAST(NULL AS {CHARGE_COLUMNS[name]}) AS {name}" for name in LINE_FIELDS)
    return f"SELECT {columns} WHERE false"
