"""What is arranged: tag policy, exemptions, pools, benefits, virtual tags, closes. Small tables, read together."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any, NamedTuple

from django.db import connection
from django.db.models import JSONField, Model, QuerySet, Value

from costs.periods import BillingPeriod
from costs.reading import read_once
from tagging.models import (
    Close,
    CommitmentBenefit,
    Exemption,
    PoolDriver,
    SharedPool,
    TagKey,
    UntaggableCharge,
    VirtualTag,
)
from tagging.selectors.json_rows import AsJson, parsed
from tagging.terms import CloseState

Row = dict[str, Any]


class _Table(NamedTuple):
    rows: QuerySet[Any]
    columns: Sequence[str]


class _Question(NamedTuple):
    """The query of all tables, and how the columns of each come back out of JSON."""

    sql: str
    parameters: tuple[Any, ...]
    readers: tuple[tuple[tuple[str, Callable[[Any], Any]], ...], ...]


@dataclass(frozen=True)
class Arrangements:
    """The rows of each table, as columns by name or as models without history or author."""

    tag_keys: tuple[TagKey, ...]
    exemptions: tuple[Row, ...]
    untaggable: tuple[Row, ...]
    pools: tuple[SharedPool, ...]
    benefits: tuple[Row, ...]
    virtual_tags: tuple[Row, ...]
    closed_months: frozenset[tuple[BillingPeriod, str]]  # month and currency


def arrangements() -> Arrangements:
    """All of it, read once within a page. One query."""
    return read_once("arrangements", _read)


def _tables() -> tuple[_Table, ...]:
    """In the order `_read` takes them; the same whoever asks and whenever."""
    return (
        _Table(TagKey.objects.all(), [field.attname for field in TagKey._meta.concrete_fields]),
        _Table(
            Exemption.objects.all(),
            ("id", "since", "until", "keys", "resource", "sub_account_id", "service_name", "team_id", "reason"),
        ),
        _Table(UntaggableCharge.objects.all(), ("service_name", "usage_type")),
        _Table(
            SharedPool.objects.filter(is_active=True), [field.attname for field in SharedPool._meta.concrete_fields]
        ),
        _Table(PoolDriver.objects.all(), ("id", "key", "name")),
        _Table(CommitmentBenefit.objects.all(), ("from_period", "policy")),
        _Table(VirtualTag.objects.all(), ("id", "resource_key", "tag_key", "value", "from_period", "to_period")),
        _Table(Close.objects.exclude(state=CloseState.REOPENED.value), ("period", "currency")),
    )


def _read() -> Arrangements:
    keys, excused, aside, pools, drivers, benefits, virtual, closes = _rows_together()
    driver_of = {row["id"]: PoolDriver(**row) for row in drivers}
    return Arrangements(
        tag_keys=tuple(sorted((TagKey(**row) for row in keys), key=lambda key: (key.position, key.key))),
        exemptions=tuple(sorted(excused, key=lambda row: row["id"])),
        untaggable=tuple(sorted(aside, key=lambda row: (row["service_name"], row["usage_type"]))),
        pools=tuple(sorted((_pool(row, driver_of) for row in pools), key=_place)),
        benefits=tuple(sorted(benefits, key=lambda row: row["from_period"])),
        virtual_tags=tuple(sorted(virtual, key=lambda row: (row["resource_key"], row["tag_key"], row["id"]))),
        closed_months=frozenset((BillingPeriod(row["period"]), row["currency"]) for row in closes),
    )


def _pool(row: Row, driver_of: dict[int, PoolDriver]) -> SharedPool:
    pool = SharedPool(**row)
    pool.driver = driver_of.get(row["driver_id"])
    return pool


def _place(pool: SharedPool) -> tuple[Any, ...]:
    """The order of `SharedPool.Meta`; a row from the beginning of time comes first."""
    return (pool.position, pool.key, pool.from_period is not None, pool.from_period, pool.pk)


def _rows_together() -> list[list[Row]]:
    """The columns of the tables in one query, table by table, in no order. For tables of some hundreds of rows."""
    question = _question(connection.alias)
    found: list[list[Row]] = [[] for _ in question.readers]
    with connection.cursor() as cursor:
        cursor.execute(question.sql, question.parameters)
        for at, text in cursor.fetchall():
            row = parsed(text)
            found[at].append({name: read(row[name]) for name, read in question.readers[at]})
    return found


@lru_cache(maxsize=4)
def _question(alias: str) -> _Question:
    """Made once in a process: putting it together takes longer than answering it."""
    tables = _tables()
    first, *others = (
        table.rows.order_by().values_list(Value(at), AsJson(table.columns)) for at, table in enumerate(tables)
    )
    sql, parameters = first.union(*others, all=True).query.get_compiler(alias).as_sql()
    readers = tuple(tuple(_readers(table.rows.model, table.columns)) for table in tables)
    return _Question(sql, tuple(parameters), readers)


def _readers(model: type[Model], columns: Sequence[str]) -> list[tuple[str, Callable[[Any], Any]]]:
    """How each column comes back out of JSON."""
    fields = {field.attname: field for field in model._meta.concrete_fields}
    return [
        (name, parsed if isinstance(fields[name], JSONField) else partial(_value, fields[name])) for name in columns
    ]


def _value(field: Any, value: Any) -> Any:
    return field.to_python(value)
