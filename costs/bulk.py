"""Bulk loading of rollup rows: COPY on PostgreSQL, inserts of several rows on SQLite, on Django's own connection."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain, count, islice
from operator import itemgetter
from typing import Any

from django.db import connection, models

from costs.fields import SQLITE_LIMIT, MoneyField
from costs.money import to_units

_SQLITE_LIMIT_UNITS = to_units(SQLITE_LIMIT)
_CHECKED_AT_ONCE = 1_000
_VALUES_OF_ONE_STATEMENT, _STATEMENTS_AT_ONCE, _ROWS_WORTH_IT = 100, 200, 500


def copy_rows(
    model: type[models.Model],
    columns: Sequence[str],
    rows: Iterable[Sequence[Any]],
    *,
    skip_existing: bool = False,
) -> int:
    """Insert rows without building model objects; returns how many rows were read.

    `columns` are database column names (`bill_import_id`). Money comes as whole 1e-10 units (int, see
    `costs.money.to_units`), JSON as Python values or as JSON text, everything else as Python values.
    With `skip_existing` rows whose primary or unique key is there already are left as they are. Runs in
    the caller's transaction and streams: memory does not grow with the number of rows. `rows` must not ask the
    database while they are taken: on PostgreSQL the connection is in a COPY then. Raises OverflowError where SQLite
    could not hold an amount exactly.
    """
    counter = count()
    counted = map(itemgetter(0), zip(_adapted(model, columns, rows), counter, strict=False))
    load = _load_postgresql if connection.vendor == "postgresql" else _load_sqlite
    load(model, columns, counted, skip_existing=skip_existing)
    return next(counter)


def copy_temporary(name: str, columns: Mapping[str, str], rows: Iterable[Sequence[Any]]) -> None:
    """Make a temporary table (column → SQL type; the first is its primary key) and fill it; drops one of that name.

    For joins with many values that only Python knows. Lives as long as the connection, or until the name is used again.
    """
    table = _quoted(name)
    typed = [f"{_quoted(column)} {kind}" for column, kind in columns.items()]
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TABLE IF EXISTS {table}")
        cursor.execute(f"CREATE TEMPORARY TABLE {table} ({typed[0]} PRIMARY KEY, {', '.join(typed[1:])})")
        if connection.vendor == "postgresql":
            with cursor.cursor.copy(f"COPY {table} ({_names(list(columns))}) FROM STDIN") as copy:
                for row in rows:
                    copy.write_row(row)
            cursor.execute(f"ANALYZE {table}")
        else:
            marks = ", ".join(["%s"] * len(columns))
            cursor.executemany(f"INSERT INTO {table} VALUES ({marks})", rows)  # type: ignore[arg-type]


def _load_sqlite(
    model: type[models.Model], columns: Sequence[str], rows: Iterable[Sequence[Any]], *, skip_existing: bool
) -> None:
    """Several rows with each statement: starting one costs SQLite as much as a row does."""
    verb = "INSERT OR IGNORE" if skip_existing else "INSERT"
    start = f"{verb} INTO {_quoted(model._meta.db_table)} ({_names(columns)}) VALUES "
    marks = f"({', '.join(['%s'] * len(columns))})"
    together = max(1, _VALUES_OF_ONE_STATEMENT // len(columns))
    remaining = iter(rows)
    with connection.cursor() as cursor:
        while chunk := list(islice(remaining, together * _STATEMENTS_AT_ONCE)):
            whole = len(chunk) - len(chunk) % together if len(chunk) >= _ROWS_WORTH_IT else 0
            joined = [tuple(chain.from_iterable(chunk[at : at + together])) for at in range(0, whole, together)]
            for several, given in ((together, joined), (1, chunk[whole:])):
                if given:
                    cursor.executemany(start + ", ".join([marks] * several), given)


def _load_postgresql(
    model: type[models.Model], columns: Sequence[str], rows: Iterable[Sequence[Any]], *, skip_existing: bool
) -> None:
    table = _quoted(model._meta.db_table)
    target = _quoted(f"incoming_{model._meta.db_table}") if skip_existing else table
    with connection.cursor() as cursor:
        if skip_existing:
            cursor.execute(f"DROP TABLE IF EXISTS pg_temp.{target}")
            cursor.execute(f"CREATE TEMPORARY TABLE {target} AS SELECT {_names(columns)} FROM {table} WITH NO DATA")
        with cursor.cursor.copy(f"COPY {target} ({_names(columns)}) FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)
        if skip_existing:
            cursor.execute(
                f"INSERT INTO {table} ({_names(columns)}) SELECT {_names(columns)} FROM {target} ON CONFLICT DO NOTHING"
            )
            cursor.execute(f"DROP TABLE {target}")


def _adapted(
    model: type[models.Model], columns: Sequence[str], rows: Iterable[Sequence[Any]]
) -> Iterable[Sequence[Any]]:
    """The rows with every value as the database takes it. Millions pass here, so none is copied without need."""
    fields = {field.column: field for field in model._meta.concrete_fields}
    money = [place for place, name in enumerate(columns) if isinstance(fields[name], MoneyField)]
    adapters: dict[int, Callable[[Any], Any]] = {
        place: _json_text for place, name in enumerate(columns) if isinstance(fields[name], models.JSONField)
    }
    moments = (place for place, name in enumerate(columns) if isinstance(fields[name], models.DateTimeField))
    adapters |= dict.fromkeys(moments, _moment)
    if connection.vendor == "postgresql":
        adapters |= dict.fromkeys(money, _numeric_text)
    elif money:
        rows = _within_limit(rows, money)
    return _with(rows, tuple(adapters.items())) if adapters else rows


def _with(
    rows: Iterable[Sequence[Any]], adapters: Sequence[tuple[int, Callable[[Any], Any]]]
) -> Iterator[Sequence[Any]]:
    for row in rows:
        values = list(row)
        for place, adapt in adapters:
            values[place] = adapt(values[place])
        yield values


def _moment(value: Any) -> Any:
    """A moment as the database takes it; a text is one that has been made so already, as restoring does."""
    return value if isinstance(value, str) else connection.ops.adapt_datetimefield_value(value)


def _numeric_text(units: int | None) -> str | None:
    return None if units is None else f"{units}e-10"


def _within_limit(rows: Iterable[Sequence[Any]], places: Sequence[int]) -> Iterator[Sequence[Any]]:
    """The rows, once a chunk of them is known to fit: one look at thousands of amounts, not one at each."""
    amounts_of = itemgetter(*places, places[0])  # of two places at least, so that a row gives a tuple
    remaining = iter(rows)
    while chunk := list(islice(remaining, _CHECKED_AT_ONCE)):
        amounts = [units for units in chain.from_iterable(map(amounts_of, chunk)) if units is not None]
        if amounts and not (min(amounts) >= -_SQLITE_LIMIT_UNITS and max(amounts) <= _SQLITE_LIMIT_UNITS):
            raise OverflowError("An amount is more than SQLite can hold exactly. Set DATABASE_URL to PostgreSQL.")
        yield from chunk


def _json_text(value: Any) -> str | None:
    return value if value is None or isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _names(columns: Sequence[str]) -> str:
    return ", ".join(_quoted(name) for name in columns)


def _quoted(name: str) -> str:
    return connection.ops.quote_name(name)
