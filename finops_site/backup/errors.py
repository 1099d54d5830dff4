"""The error of a backup that cannot be made or used."""

from costs.errors import FinopsError


class BackupError(FinopsError):
    """What is wrong, and the cure."""

    code = "backup"
