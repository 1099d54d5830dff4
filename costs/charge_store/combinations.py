"""Files that can be read twice for little: what few texts make is made once for each combination of them.

A bill's millions of lines have the same accounts, services, usage types and tags over and over. A first pass over a
Parquet file, which keeps such columns in dictionaries, collects their combinations; fields made from nothing else are
made for these, and joined to the lines in the second pass.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from costs.billing_formats import ChargeMapping, columns_by_field
from costs.billing_formats.base import Column
from costs.charge_store import shaping
from costs.charge_store.connection import Connection, scalar
from costs.charge_store.shaping import GROUPS
from costs.charge_store.sources import BillFile
from costs.charges import CHARGE_COLUMNS, CLOSED_TEXTS, GROUP_DIMENSIONS, RESOURCE_DIMENSIONS

LINES_WORTH_IT = 50_000
_SAMPLE = 100_000  # lines that tell which columns have few texts; how many combinations there are, all lines tell
_TEXTS_LIMITS = (20_000, 500)
# They must fit into little memory, and stand for several lines each.
_COMBINATIONS_LIMIT, _LINES_OF_ONE = 50_000, 4
_CHECKED_TEXTS_LIMIT = 12  # numbers and times have as many texts as a bill has hours, but its months are few
_PLACES_LIMIT = 500  # each row group repeats all texts of a column that is written by place
_KEY = "combination_key"
_DIMENSIONS = {"line_group": GROUP_DIMENSIONS, "resource_group": RESOURCE_DIMENSIONS}


@dataclass(frozen=True)
class _Split:
    """A file's columns with few texts, the fields made from nothing else, and the groups such fields make."""

    columns: tuple[Column, ...] = ()
    once: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        return f"hash({', '.join(column.sql for column in self.columns)})"


@contextmanager
def shaped(connection: Connection, file: BillFile, mapping: ChargeMapping, fields: dict[str, str]) -> Iterator[str]:
    """A SELECT of a Parquet file's charges; made line by line where combinations would save nothing."""
    relation = shaping.lines_of(file.relation, mapping)
    lines = int(scalar(connection, f"SELECT count(*) FROM {file.relation}"))
    try:
        for limit in _TEXTS_LIMITS if lines >= LINES_WORTH_IT else ():
            split = _split(connection, file, mapping, fields, limit=limit)
            if _are_few(connection, relation, split, lines=lines) and _make(connection, file, mapping, fields, split):
                yield _joined(connection, relation, mapping, fields, split)
                return
        yield shaping.line_by_line(relation, mapping, fields)
    finally:
        for table in ("combinations", "made", "placed"):
            connection.execute(f"DROP TABLE IF EXISTS {table}")


def _split(
    connection: Connection, file: BillFile, mapping: ChargeMapping, fields: dict[str, str], *, limit: int
) -> _Split:
    used = columns_by_field(replace(mapping, expressions=fields), file.columns)
    wanted = {name for names in used.values() for name in names}
    texts = [column for column in file.columns.columns if column.name in wanted and column.type == "VARCHAR"]
    if not texts:
        return _Split()
    counted = ", ".join(f"approx_count_distinct({column.sql})" for column in texts)
    counts = connection.execute(f"SELECT {counted} FROM (SELECT * FROM {file.relation} LIMIT {_SAMPLE})").fetchone()
    assert counts is not None
    checked = {check.column.name for check in mapping.checks}
    few = tuple(
        column
        for column, count in zip(texts, counts, strict=True)
        if count <= (_CHECKED_TEXTS_LIMIT if column.name in checked else limit)
    )
    names = {column.name for column in few}
    free = {name for name in CHARGE_COLUMNS if set(used.get(name, ())) <= names}
    groups = tuple(name for name, dimensions in _DIMENSIONS.items() if set(dimensions) <= free)
    wanted_once = {*used, *(name for group in groups for name in _DIMENSIONS[group])}
    return _Split(few, tuple(name for name in CHARGE_COLUMNS if name in free & wanted_once), groups)


def _are_few(connection: Connection, relation: str, split: _Split, *, lines: int) -> bool:
    if not split.once:
        return False
    found = int(scalar(connection, f"SELECT approx_count_distinct({split.key}) FROM {relation}"))
    return found <= min(_COMBINATIONS_LIMIT, lines // _LINES_OF_ONE)


def _make(
    connection: Connection, file: BillFile, mapping: ChargeMapping, fields: dict[str, str], split: _Split
) -> bool:
    """Make the fields of each combination; whether each has a key of its own."""
    columns = ", ".join(column.sql for column in split.columns)
    relation = shaping.lines_of(file.relation, mapping)
    connection.execute(f"CREATE OR REPLACE TEMP TABLE combinations AS SELECT DISTINCT {columns} FROM {relation}")
    keyed = f"(SELECT *, {split.key} AS {_KEY} FROM combinations)"
    parts = shaping.in_parts(keyed, _parts_within(file, mapping, split))
    own = shaping.fields_of(parts, {name: fields[name] for name in split.once}, _KEY)
    groups = "".join(f", {GROUPS[name]} AS {name}" for name in split.groups)
    connection.execute(f"CREATE OR REPLACE TEMP TABLE made AS SELECT *{groups} FROM {own}")
    return bool(scalar(connection, f"SELECT count(*) = count(DISTINCT {_KEY}) FROM made"))


def _joined(
    connection: Connection, relation: str, mapping: ChargeMapping, fields: dict[str, str], split: _Split
) -> str:
    """A SELECT of lines with what was made of their combinations."""
    found = _few_texts(connection, split)
    texts = {f"placed_{name}": sql for name, sql in shaping.placed(found).items()}
    made = {f"made_{name}": name for name in (*split.once, *split.groups)}
    renamed = ", ".join(f"{sql} AS {name}" for name, sql in (made | texts).items())
    connection.execute(f"CREATE OR REPLACE TEMP TABLE placed AS SELECT {_KEY}, {renamed} FROM made")
    keyed = shaping.in_parts(f"(SELECT *, {split.key} AS {_KEY} FROM {relation})", mapping)
    own = {name: f"made_{name}" if name in split.once else fields[name] for name in CHARGE_COLUMNS}
    lines = shaping.fields_of(
        f"{keyed} JOIN placed USING ({_KEY})", own, *texts, *(f"made_{name}" for name in split.groups)
    )
    known = {name: words for name, words in shaping.constant_texts(fields).items() if name not in found}
    told = GROUPS | {name: f"made_{name}" for name in split.groups} | shaping.placed(known)
    return shaping.charges(lines, told | {name: f"placed_{name}" for name in found})


def _few_texts(connection: Connection, split: _Split) -> dict[str, tuple[str, ...]]:
    """The texts of made columns that have few."""
    names = [name for name in split.once if CHARGE_COLUMNS[name] == "VARCHAR" and name not in CLOSED_TEXTS]
    lists = ", ".join(f"list(DISTINCT {name} ORDER BY {name})" for name in names)
    row = connection.execute(f"SELECT {lists} FROM made").fetchone() if names else ()
    assert row is not None
    return {name: tuple(texts) for name, texts in zip(names, row, strict=True) if texts and len(texts) <= _PLACES_LIMIT}


def _parts_within(file: BillFile, mapping: ChargeMapping, split: _Split) -> ChargeMapping:
    """The mapping with those parts only that are made from the columns with few texts."""
    parts = {name: sql for layer in (*mapping.layers, mapping.parts) for name, sql in layer.items()}
    used = columns_by_field(replace(mapping, expressions=parts), file.columns)
    names = {column.name for column in split.columns}

    def within(layer: dict[str, str]) -> dict[str, str]:
        return {name: sql for name, sql in layer.items() if set(used.get(name, ())) <= names}

    return replace(mapping, layers=tuple(map(within, mapping.layers)), parts=within(mapping.parts))
