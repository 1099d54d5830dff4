"""One moment of the database, read while others go on writing."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from django.db import connection, connections, transaction


@contextmanager
def snapshot(folder: Path) -> Iterator[None]:
    """Inside, this thread's database stands still: a copy of a SQLite file, a transaction on PostgreSQL."""
    if connection.vendor == "sqlite":
        with _copy_of_file(folder / "database.sqlite3"):
            yield
        return
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        yield


@contextmanager
def _copy_of_file(path: Path) -> Iterator[None]:
    """SQLite's own online backup, in one step, so that nobody's write comes between."""
    real = connections["default"]
    real.ensure_connection()
    with closing(sqlite3.connect(path)) as target:
        real.connection.backup(target, pages=-1)
    copy = real.copy()
    copy.settings_dict["NAME"] = str(path)
    connections["default"] = copy
    try:
        yield
    finally:
        connections["default"] = real
        copy.close()
        path.unlink(missing_ok=True)
