"""One bounded DuckDB connection: memory, threads and temporary files from the settings."""

import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
from django.conf import settings

Connection = duckdb.DuckDBPyConnection
Error = duckdb.Error

# What Python, Django and buffers outside DuckDB's own accounting need of the limit.
_MEMORY_SHARE = 0.6


@contextmanager
def connect() -> Iterator[Connection]:
    """An in-memory DuckDB that spills into IMPORT_TEMP_DIR and never asks the network for anything."""
    spill = Path(settings.IMPORT_TEMP_DIR) / f"duckdb-{uuid.uuid4().hex}"
    spill.mkdir(parents=True)
    config: dict[str, Any] = {
        "memory_limit": f"{max(128, int(settings.IMPORT_MEMORY_LIMIT_MB * _MEMORY_SHARE))}MB",
        "threads": settings.IMPORT_THREADS,
        "temp_directory": str(spill),
        "preserve_insertion_order": False,
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
    }
    connection = duckdb.connect(config=config)
    try:
        yield connection
    finally:
        connection.close()
        shutil.rmtree(spill, ignore_errors=True)


def scalar(connection: Connection, sql: str) -> Any:
    """The one value of a query."""
    row = connection.execute(sql).fetchone()
    assert row is not None
    return row[0]


def quoted(text: str | Path) -> str:
    """A path or text as an SQL literal."""
    return "'" + str(text).replace("'", "''") + "'"
