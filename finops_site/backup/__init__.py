"""Backup and restore of a whole installation: database, charges, uploads, secret key, in one archive."""

from finops_site.backup.errors import BackupError, said_of
from finops_site.backup.making import Made, make_backup
from finops_site.backup.restoring import RestoredBackup, restore_backup

__all__ = ["BackupError", "Made", "RestoredBackup", "make_backup", "restore_backup", "said_of"]
