"""Faults that may pass: what a later try can find mended, told apart from files that are wrong."""

import errno

import duckdb
import psycopg
from django.db import DatabaseError, InterfaceError, OperationalError

from costs.charge_store.connection import disk_full
from costs.charge_store.stores import StoreError
from costs.errors import FinopsError

_OF_PLACES = frozenset(
    {errno.EIO, errno.ESTALE, errno.EDQUOT, errno.EFBIG, errno.EAGAIN, errno.EBUSY, errno.EMFILE, errno.ENFILE}
    | {errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENOTCONN, errno.EROFS}
)
_NOT_PASSING = (FileNotFoundError, PermissionError, IsADirectoryError, NotADirectoryError, FileExistsError)


def passing_fault(error: BaseException) -> str | None:
    """What is wrong for now, in a sentence for people; None where trying again would change nothing.

    A refusal of a file is no such fault, whatever was raised when it was read.
    """
    for cause in _chain(error):
        if full := disk_full(cause):
            return str(full)
    if isinstance(error, FinopsError):
        return str(error) if isinstance(error, StoreError) and error.is_passing else None
    if isinstance(error, (OperationalError, InterfaceError, psycopg.OperationalError, psycopg.InterfaceError)):
        return "The database could not be reached."
    if isinstance(error, DatabaseError):
        return None
    if isinstance(error, duckdb.IOException) or _is_of_place(error):
        return "The charge store could not be reached."
    return None


def _is_of_place(error: BaseException) -> bool:
    """Whether a disk, mount or object store failed; stores in the network tell no number."""
    if not isinstance(error, OSError) or isinstance(error, _NOT_PASSING):
        return False
    return isinstance(error, (ConnectionError, TimeoutError)) or error.errno is None or error.errno in _OF_PLACES


def _chain(error: BaseException) -> list[BaseException]:
    found: list[BaseException] = []
    cause: BaseException | None = error
    while cause is not None and cause not in found:
        found.append(cause)
        cause = cause.__cause__
    return found
