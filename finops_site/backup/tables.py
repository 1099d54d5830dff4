"""Tables as lines of JSON, read and written through the models as they were at one state of the migrations.

So a backup of one database can be loaded into the other kind, and one of an older version into a newer one.
"""

import base64
import gzip
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import IO, Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.core.management.color import no_style
from django.db import connection, models, transaction
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.state import StateApps

from costs import bulk
from costs.fields import MoneyField
from costs.money import to_units
from finops_site.backup.errors import BackupError

Migration = tuple[str, str]
_CHUNK = 5_000


@dataclass(frozen=True)
class TableFile:
    """A table as it was written."""

    table: str
    path: Path
    rows: int


def applied_migrations() -> list[Migration]:
    """The newest migration of each app that is applied. Raises BackupError for what this version does not know."""
    loader = MigrationLoader(connection)
    applied = set(loader.applied_migrations or ())
    labels = {app for app, _ in loader.graph.nodes}
    unknown = sorted(f"{app}.{name}" for app, name in applied - set(loader.graph.nodes) if app in labels)
    if unknown:
        raise BackupError(f"The database is of a newer version (it has {unknown[-1]}). Install that version first.")
    here = [node for node in loader.graph.nodes if node in applied]
    return sorted(node for node in here if not _has_later(loader, node, applied))


def _has_later(loader: MigrationLoader, node: Migration, applied: set[Migration]) -> bool:
    children = loader.graph.node_map[node].children
    return any(child.key[0] == node[0] and child.key in applied for child in children)


def models_at(migrations: Iterable[Migration]) -> StateApps:
    """The models as these migrations leave them."""
    loader = MigrationLoader(connection)
    wanted = list(migrations)
    unknown = [f"{app}.{name}" for app, name in wanted if (app, name) not in loader.graph.nodes]
    if unknown:
        raise BackupError(
            f"The backup is of a newer version (it has {unknown[0]}). Install that version, then restore."
        )
    return loader.project_state(wanted).apps


def tables_of(apps: StateApps) -> list[type[models.Model]]:
    """Every model with a table of its own, those between two others too."""
    found = {
        model._meta.db_table: model
        for model in apps.get_models(include_auto_created=True)
        if model._meta.managed and not model._meta.proxy
    }
    return [found[name] for name in sorted(found)]


def write_table(model: type[models.Model], folder: Path) -> TableFile:
    """Write one table: a line with its columns, then one for each row."""
    fields = model._meta.concrete_fields
    path = folder / f"{model._meta.db_table}.jsonl.gz"
    rows, count = model._base_manager.order_by("pk").values_list(*(field.attname for field in fields)), 0
    with gzip.open(path, "wt", encoding="utf-8", compresslevel=3) as out:
        out.write(json.dumps([field.column for field in fields]) + "\n")
        for row in rows.iterator(chunk_size=_CHUNK):
            out.write(json.dumps(row, ensure_ascii=False, default=_portable) + "\n")
            count += 1
    return TableFile(model._meta.db_table, path, count)


def _portable(value: Any) -> Any:
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, bytes | memoryview):
        return base64.b64encode(bytes(value)).decode()
    if isinstance(value, UUID | ZoneInfo):  # zones stand in the schedule that Celery's beat keeps
        return str(value)
    raise BackupError(f"A value of {type(value).__name__} cannot be kept in a backup.")


def load_table(model: type[models.Model], packed: IO[bytes]) -> int:
    """Load one table into the default database, in the caller's transaction; returns the number of rows."""
    with gzip.open(packed, "rt", encoding="utf-8") as lines:
        columns = json.loads(next(lines))
        by_column = {field.column: field for field in model._meta.concrete_fields}
        strange = [name for name in columns if name not in by_column]
        if strange:
            raise BackupError(f"The backup has a column {model._meta.db_table}.{strange[0]} that is not known.")
        return bulk.copy_rows(model, columns, _rows(lines, [by_column[name] for name in columns]))


def _rows(lines: Iterable[str], fields: list["models.Field[Any, Any]"]) -> Iterator[list[Any]]:
    readers = [(place, field) for place, field in enumerate(fields) if not _is_plain(field)]
    for line in lines:
        row = json.loads(line)
        for place, field in readers:
            if row[place] is not None:
                row[place] = _for_database(field, row[place])
        yield row


def _is_plain(field: "models.Field[Any, Any]") -> bool:
    """Whether JSON holds the value as the database takes it."""
    target = field.target_field if isinstance(field, models.ForeignKey) else field
    plain = (models.CharField, models.TextField, models.IntegerField, models.FloatField, models.BooleanField)
    return isinstance(target, (*plain, models.AutoField))


def _for_database(field: "models.Field[Any, Any]", value: Any) -> Any:
    if isinstance(field, models.JSONField):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(field, MoneyField):
        return to_units(Decimal(value))
    if isinstance(field, models.BinaryField):
        return base64.b64decode(value)
    return field.get_db_prep_save(field.to_python(value), connection)


def drop_tables() -> None:
    """Drop every table of the product's apps, so that migrations start from nothing."""
    labels = {app for app, _ in MigrationLoader(connection).graph.nodes} | {"django"}
    with connection.cursor() as cursor:
        names = [name for name in connection.introspection.table_names(cursor) if name.startswith(_starts(labels))]
    quoted = [connection.ops.quote_name(name) for name in names]
    with connection.constraint_checks_disabled(), transaction.atomic(), connection.cursor() as cursor:
        for name in quoted:
            cursor.execute(f"DROP TABLE {name}" + (" CASCADE" if connection.vendor == "postgresql" else ""))


def _starts(labels: Iterable[str]) -> tuple[str, ...]:
    return tuple(f"{label}_" for label in labels)


def migrate_to(migrations: Iterable[Migration]) -> None:
    """Bring an empty database to this state, without what follows a migration."""
    executor = MigrationExecutor(connection)
    executor.migrate(list(migrations))


def empty_tables(found: Iterable[type[models.Model]]) -> None:
    """Remove what migrations put into tables."""
    names = [model._meta.db_table for model in found]
    connection.ops.execute_sql_flush(
        connection.ops.sql_flush(no_style(), names, reset_sequences=False, allow_cascade=True)
    )


def go_on_counting(found: Iterable[type[models.Model]]) -> None:
    """Let keys of new rows come after those that were loaded."""
    with connection.cursor() as cursor:
        for sql in connection.ops.sequence_reset_sql(no_style(), list(found)):
            cursor.execute(sql)
