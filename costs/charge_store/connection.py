"""One bounded DuckDB connection: memory, threads and temporary files from the settings."""

import errno
import os
import re
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

import duckdb
from django.conf import settings
from django.db import DatabaseError

from costs.charge_store.remote_files import RemoteFiles
from costs.charge_store.stores import StoreError, charge_store
from costs.errors import ImportRejectedError

Connection = duckdb.DuckDBPyConnection
Error = duckdb.Error
_UNREADABLE = (duckdb.InvalidInputException, duckdb.IOException, duckdb.SerializationException)
_IMPORT_FOLDER = re.compile(r"source=[^/']+/billing_period=[\d-]+/import=\d+")

# What Python, Django and buffers outside DuckDB's own accounting need of the limit.
_MEMORY_SHARE = 0.6
_NO_SPACE = "No space left on device"
_CURE = "Free space {}, then import again."


@contextmanager
def connect() -> Iterator[Connection]:
    """An in-memory DuckDB that spills into IMPORT_TEMP_DIR and never asks the network for anything."""
    spill = Path(settings.IMPORT_TEMP_DIR) / f"duckdb-{uuid.uuid4().hex}"
    spill.mkdir(parents=True)
    connection = duckdb.connect(config=_config(spill))
    _reach_store(connection)
    try:
        yield connection
    except Error as error:
        _explain(error)
        raise
    finally:
        connection.close()
        shutil.rmtree(spill, ignore_errors=True)


@contextmanager
def reading_cursor() -> Iterator[Connection]:
    """A cursor of this process's one DuckDB for reading: starting one costs more than most questions.

    Safe in threads. Nothing may be left behind in it: no views, no tables.
    """
    cursor = _reader(os.getpid(), str(settings.IMPORT_TEMP_DIR), str(settings.CHARGE_STORE), _endpoint()).cursor()
    try:
        yield cursor
    except Error as error:
        _explain(error)
        if damage := _damage_in(error):
            raise damage from error
        raise
    finally:
        cursor.close()


@lru_cache(maxsize=1)
def _reader(pid: int, temp_dir: str, store: str, endpoint: str) -> Connection:
    """Made anew in a forked process, which cannot use its parent's; DuckDB makes the spill folder when it needs it."""
    del store, endpoint
    config = _config(Path(temp_dir) / f"duckdb-reading-{pid}")
    connection = duckdb.connect(config={**config, "enable_external_file_cache": False})
    _reach_store(connection)
    return connection


def _reach_store(connection: Connection) -> None:
    """Let DuckDB read files of the charge store where that is an object store."""
    store = charge_store()
    if store.is_remote:
        connection.register_filesystem(RemoteFiles(store.filesystem))


def _explain(error: Error) -> None:
    """Raise what a fault of the object store means; DuckDB tells it as a text."""
    if fault := charge_store().fault_in(str(error)):
        raise fault from error


def _damage_in(error: Error) -> StoreError | None:
    """What it means that a file of the store cannot be read as what it is; None for any other error."""
    if not isinstance(error, _UNREADABLE) or not (found := _IMPORT_FOLDER.search(str(error))):
        return None
    text = f"A file of {found[0]} in the charge store is damaged or gone. manage.py verify_charges says which."
    return StoreError(text, is_passing=isinstance(error, duckdb.IOException))  # a mount may be away


def _endpoint() -> str:
    return str(settings.S3_ENDPOINT_URL)


def _config(spill: Path) -> dict[str, Any]:
    return {
        "memory_limit": f"{max(128, int(settings.IMPORT_MEMORY_LIMIT_MB * _MEMORY_SHARE))}MB",
        "threads": settings.IMPORT_THREADS,
        "temp_directory": str(spill),
        "preserve_insertion_order": False,
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
    }


def disk_full(error: BaseException, *, setting: str = "CHARGE_STORE") -> ImportRejectedError | None:
    """The error of a full disk, naming the setting whose folder it is; None for any other error.

    `setting` names the folder being written to; a full IMPORT_TEMP_DIR tells itself.
    """
    text = str(error)
    if isinstance(error, DatabaseError):
        is_full = _NO_SPACE in text or "database or disk is full" in text
        problem = "The database's disk is full."
        return ImportRejectedError(problem, _CURE.format("there"), code="disk_full") if is_full else None
    is_full = isinstance(error, OSError) and error.errno == errno.ENOSPC
    if "max_temp_directory_size" in text or (_NO_SPACE in text and str(settings.IMPORT_TEMP_DIR) in text):
        setting, is_full = "IMPORT_TEMP_DIR", True
    if not is_full and _NO_SPACE not in text:
        return None
    return ImportRejectedError(
        f"The disk of {getattr(settings, setting)} is full.",
        _CURE.format(f"there or set {setting} to a folder with room"),
        code="disk_full",
    )


def too_large(error: BaseException) -> ImportRejectedError | None:
    """The error of amounts that cannot be added up exactly; None for any other error."""
    if not isinstance(error, duckdb.OutOfRangeException):
        return None
    return ImportRejectedError(
        "An amount is too large to be added up exactly.", "Check the amounts in the export; no bill is that large."
    )


def scalar(connection: Connection, sql: str) -> Any:
    """The one value of a query."""
    row = connection.execute(sql).fetchone()
    assert row is not None
    return row[0]


def quoted(text: str | Path) -> str:
    """A path or text as an SQL literal."""
    return "'" + str(text).replace("'", "''") + "'"
