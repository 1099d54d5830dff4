"""Bulk loading of rollup rows: COPY on PostgreSQL, executemany on SQLite, on Django's own connection."""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from django.db import connection, models

from costs.fields import SQLITE_LIMIT, MoneyField
from costs.money import to_units

_SQLITE_LIMIT_UNITS = to_units(SQLITE_LIMIT)


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
    the caller's transaction and streams: memory does not grow with the number of rows. Raises
    OverflowError where SQLite could not hold an amount exactly.
    """
    count = 0

    def counted() -> Iterator[Sequence[Any]]:
        nonlocal count
        for row in _adapted(model, columns, rows):
            count += 1
            yield row

    load = _load_postgresql if connection.vendor == "postgresql" else _load_sqlite
    load(model, columns, counted(), skip_existing=skip_existing)
    return count


def _load_sqlite(
    model: type[models.Model], columns: Sequence[str], rows: Iterable[Sequence[Any]], *, skip_existing: bool
) -> None:
    verb = "INSERT OR IGNORE" if skip_existing else "INSERT"
    marks = ", ".join(["%s"] * len(columns))
    sql = f"{verb} INTO {_quoted(model._meta.db_table)} ({_names(columns)}) VALUES ({marks})"
    with connection.cursor() as cursor:
        cursor.executemany(sql, rows)  # type: ignore[arg-type]  # any iterable of rows will do


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
) -> Iterator[Sequence[Any]]:
    by_column = {field.column: field for field in model._meta.concrete_fields}
    adapters = {place: adapt for place, name in enumerate(columns) if (adapt := _adapter(by_column[name]))}
    if not adapters:
        yield from rows
        return
    places = tuple(adapters.items())
    for row in rows:
        values = list(row)
        for place, adapt in places:
            values[place] = adapt(values[place])
        yield values


def _adapter(field: "models.Field[Any, Any]") -> Callable[[Any], Any] | None:
    if isinstance(field, MoneyField):
        return _numeric_text if connection.vendor == "postgresql" else _within_limit
    if isinstance(field, models.JSONField):
        return _json_text
    return None


def _numeric_text(units: int | None) -> str | None:
    return None if units is None else f"{units}e-10"


def _within_limit(units: int | None) -> int | None:
    if units is not None and abs(units) > _SQLITE_LIMIT_UNITS:
        raise OverflowError("An amount is more than SQLite can hold exactly. Set DATABASE_URL to PostgreSQL.")
    return units


def _json_text(value: Any) -> str | None:
    return value if value is None or isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _names(columns: Sequence[str]) -> str:
    return ", ".join(_quoted(name) for name in columns)


def _quoted(name: str) -> str:
    return connection.ops.quote_name(name)
