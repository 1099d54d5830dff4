"""Making a backup while the installation runs: everything of one moment of the database."""

from collections.abc import Callable, Iterable
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from django.conf import settings
from django.db import connection

from costs import charge_store
from costs.charge_store import ImportFolder
from costs.periods import BillingPeriod
from finops_site.backup.archive import FIRST, FORMAT, ArchiveWriter, require_file, writing
from finops_site.backup.errors import BackupError
from finops_site.backup.snapshot import snapshot
from finops_site.backup.tables import TableFile, applied_migrations, models_at, tables_of, write_table

Clock = Callable[[], datetime]
Report = Callable[[str], None]
# Folders of imports in these states may hold charges, or at least the record of what they were.
_ENDED = ("in_force", "replaced", "superseded")


@dataclass(frozen=True)
class Made:
    """What went into a backup."""

    address: str
    tables: int
    rows: int
    charge_files: int
    upload_files: int
    bytes: int


@dataclass(frozen=True)
class _Contents:
    tables: list[TableFile]
    migrations: list[tuple[str, str]]
    folders: list[tuple[ImportFolder, bool]]  # and whether it is in force
    uploads: list[Path]


def make_backup(
    address: str, *, clock: Clock, report: Report, with_charges: bool = True, with_uploads: bool = True
) -> Made:
    """Write database, charges, uploads and the generated secret key into one archive.

    An import that is switched meanwhile is in it or not, with its rows and its charges alike: what is copied is what
    the database said at one moment, and the store keeps it until the copy is done. Raises BackupError or StoreError.
    """
    require_file(address)
    started = clock()
    Path(settings.IMPORT_TEMP_DIR).mkdir(parents=True, exist_ok=True)
    with (
        TemporaryDirectory(prefix="backup-", dir=settings.IMPORT_TEMP_DIR) as folder,
        charge_store.held(now=started) as sign,
    ):
        contents = _tables(Path(folder), report)
        with writing(address) as archive:
            archive.add_json(FIRST, _about(contents, started, with_charges=with_charges, with_uploads=with_uploads))
            for table in contents.tables:
                archive.add_file(f"tables/{table.path.name}", table.path)
            sign(clock())
            charges = _add_charges(archive, contents, report, lambda: sign(clock())) if with_charges else 0
            uploads = _add_uploads(archive, contents.uploads, report) if with_uploads else 0
            _add_secret_key(archive)
        rows = sum(table.rows for table in contents.tables)
        return Made(address, len(contents.tables), rows, charges, uploads, archive.size)


def _about(contents: _Contents, started: datetime, *, with_charges: bool, with_uploads: bool) -> dict[str, object]:
    return {
        "format": FORMAT,
        "made_at": started.isoformat(),
        "database": connection.vendor,
        "migrations": contents.migrations,
        "tables": {table.table: table.rows for table in contents.tables},
        "charges": with_charges,
        "uploads": with_uploads,
        "upload_dir": str(settings.UPLOAD_DIR),
    }


def _tables(folder: Path, report: Report) -> _Contents:
    with snapshot(folder):
        migrations = applied_migrations()
        if not migrations:
            raise BackupError("The database is empty. Nothing to back up.")
        apps = models_at(migrations)
        tables = []
        for model in tables_of(apps):
            tables.append(write_table(model, folder))
            if tables[-1].rows > 100_000:
                report(f"{model._meta.db_table}: {tables[-1].rows:,} rows")
        imports = apps.get_model("costs", "BillImport")._base_manager
        in_force = apps.get_model("costs", "Bill")._base_manager
        current = set(in_force.exclude(import_in_force=None).values_list("import_in_force", flat=True))
        known = imports.filter(state__in=_ENDED).exclude(billing_period=None).order_by("pk")
        folders = [
            (ImportFolder(name, BillingPeriod(month), pk), pk in current)
            for pk, name, month in known.values_list("pk", "source__name", "billing_period")
        ]
        uploads = apps.get_model("costs", "BillUpload")._base_manager.values_list("folder", flat=True)
        return _Contents(tables, migrations, folders, [Path(path) for path in uploads])


def _add_charges(archive: ArchiveWriter, contents: _Contents, report: Report, sign: Callable[[], None]) -> int:
    """Every file of the folders as they are; a folder in force must be whole."""
    store, count = charge_store.charge_store(), 0
    for folder, is_in_force in contents.folders:
        if is_in_force and not folder.exists():
            raise BackupError(
                f"The charges of {folder.name} are gone, though they are in force. See manage.py verify_charges."
            )
        for file in store.files(folder.name):
            # What was being removed when the backup began may go on going.
            with suppress(FileNotFoundError) if not is_in_force else nullcontext():
                with store.explained(), store.open(f"{folder.name}/{file.name}") as content:
                    archive.add(f"charges/{folder.name}/{file.name}", content, file.size)
                count += 1
        sign()
    report(f"charges: {count:,} files of {len(contents.folders):,} imports")
    return count


def _add_uploads(archive: ArchiveWriter, folders: Iterable[Path], report: Report) -> int:
    count = 0
    for folder in folders:
        for path in sorted(path for path in folder.glob("*") if path.is_file()):
            with suppress(FileNotFoundError):  # what became no import is tidied up meanwhile
                archive.add_file(f"uploads/{folder.name}/{path.name}", path)
                count += 1
    report(f"uploads: {count:,} files")
    return count


def _add_secret_key(archive: ArchiveWriter) -> None:
    """The key that was generated; one of the environment is kept with the environment."""
    path = Path(settings.DATA_DIR) / "secret_key"
    if path.is_file() and path.read_text().strip() == settings.SECRET_KEY:
        archive.add_file("secret_key", path)
