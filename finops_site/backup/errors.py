"""Errors of a backup that cannot be made or used."""

import errno

from costs.errors import FinopsError


class BackupError(FinopsError):
    """What is wrong, and the cure."""

    code = "backup"


def said_of(error: OSError, address: str, *, places: str) -> str:
    """An error of a disk as one line with its cure; `places` names the settings whose disks may be full."""
    if error.errno == errno.ENOSPC or "No space left" in str(error):
        return f"No room is left at {address} or at {places}. Make room there, then run this again."
    return f"{error.filename or address}: {error.strerror or error}."
