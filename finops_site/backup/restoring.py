"""Restoring a backup into an empty installation: the state of the migrations it was made at, then the newest."""

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.contrib.contenttypes.models import ContentType
from django.core.management import call_command
from django.db import connection, transaction

from costs import charge_store
from costs import services as intake
from finops_site.backup.archive import ArchiveReader, reading
from finops_site.backup.errors import BackupError, said_of
from finops_site.backup.tables import (
    drop_tables,
    empty_tables,
    go_on_counting,
    load_table,
    migrate_to,
    models_at,
    tables_of,
)

Report = Callable[[str], None]
_BLOCK = _MEGABYTE = 1024 * 1024
# An installation is in use once one of these has rows.
_TELLING = ("auth_user", "costs_billsource", "costs_billimport", "tagging_team")


@dataclass(frozen=True)
class RestoredBackup:
    """What came back."""

    made_at: str
    rows: int
    charge_files: int
    upload_files: int
    new_secret_key: bool


def restore_backup(address: str, *, report: Report, force: bool = False, with_charges: bool = True) -> RestoredBackup:
    """Load a backup into this installation, and bring it to the newest migrations.

    Everything is read and checked before anything is changed. Raises BackupError where it is damaged or of a newer
    version, where there is no room for its files, or where the installation is in use and not `force`d: then all of it
    is replaced. Without `with_charges` the charge store is left as it is.
    """
    with reading(address) as archive:
        migrations = [(str(app), str(name)) for app, name in archive.about["migrations"]]
        models_at(migrations)
        replaces_charges = with_charges and bool(archive.about["charges"])
        if not force:
            _refuse_in_use(with_charges=replaces_charges)
        report("checking the archive")
        archive.check()
        _require_room(archive, with_charges=replaces_charges)
        rows = _load_database(archive, migrations, report)
        try:
            charges = _restore_charges(archive, report) if replaces_charges else 0
            uploads = _restore_uploads(archive)
        except (OSError, charge_store.StoreError) as error:
            told = said_of(error, address, places="CHARGE_STORE or UPLOAD_DIR") if isinstance(error, OSError) else error
            raise BackupError(f"The database is restored, but not all files are. {told} Give --force then.") from error
        intake.move_uploads(Path(archive.about["upload_dir"]), Path(settings.UPLOAD_DIR))
        intake.settle_restored()
        intake.publish_in_force(takes_over=True)
        return RestoredBackup(archive.about["made_at"], rows, charges, uploads, _restore_secret_key(archive))


def _refuse_in_use(*, with_charges: bool) -> None:
    with connection.cursor() as cursor:
        there = set(connection.introspection.table_names(cursor)) & set(_TELLING)
        for name in sorted(there):
            cursor.execute(f"SELECT 1 FROM {connection.ops.quote_name(name)} LIMIT 1")
            if cursor.fetchone():
                raise BackupError(
                    f"This installation is in use ({name} has rows). --force replaces all of it by the backup."
                )
    store = charge_store.charge_store()
    store.check()
    if with_charges and any(name.startswith("source=") for name in store.folders()):
        raise BackupError(
            f"The charge store {store.address} is not empty. --force replaces it by the backup's, --without-charges"
            " leaves it as it is."
        )


def _require_room(archive: ArchiveReader, *, with_charges: bool) -> None:
    """Refuse before anything is changed where the files will not fit; what they replace makes room for them."""
    store, wanted = charge_store.charge_store(), {"uploads": Path(settings.UPLOAD_DIR)}
    if with_charges and not store.is_remote:
        wanted["charges"] = Path(store.root)
    sizes: dict[int, int] = {}
    for kind, folder in wanted.items():
        there = next(path for path in (folder, *folder.absolute().parents) if path.exists())
        size = sum(archive.size(name) for name in archive.below(kind))
        if kind == "charges":
            size -= sum(file.size for file in store.files(deep=True) if file.name.startswith("source="))
        else:
            size -= sum(path.stat().st_size for path in _there_already(archive))
        disk = there.stat().st_dev
        sizes[disk] = sizes.get(disk, 0) + size
        if sizes[disk] > shutil.disk_usage(there).free:
            raise BackupError(
                f"The files of the backup need {sizes[disk] // _MEGABYTE + 1:,} MB more than lie at {folder} now, and"
                " its disk has less. Nothing was changed. Make room there."
            )


def _there_already(archive: ArchiveReader) -> list[Path]:
    paths = [Path(settings.UPLOAD_DIR) / name.removeprefix("uploads/") for name in archive.below("uploads")]
    return [path for path in paths if path.is_file()]


def _load_database(archive: ArchiveReader, migrations: list[tuple[str, str]], report: Report) -> int:
    report("making tables")
    drop_tables()
    migrate_to(migrations)
    found = tables_of(models_at(migrations))
    told, count = archive.about["tables"], 0
    with connection.constraint_checks_disabled(), transaction.atomic():
        empty_tables(found)
        for model in found:
            table = model._meta.db_table
            rows = _load(archive, model) if table in told else 0
            if rows != told.get(table, 0):
                raise BackupError(f"{table} came with {rows:,} of {told[table]:,} rows.")
            count += rows
        go_on_counting(found)
        connection.check_constraints()
    report(f"database: {count:,} rows; bringing it to this version")
    call_command("migrate", verbosity=0, interactive=False)
    ContentType.objects.clear_cache()
    return count


def _load(archive: ArchiveReader, model: type) -> int:
    name = f"tables/{model._meta.db_table}.jsonl.gz"  # type: ignore[attr-defined]
    try:
        with archive.open(name) as packed:
            return load_table(model, packed)
    except OverflowError as error:
        raise BackupError(f"{name}: {error}") from error


def _restore_charges(archive: ArchiveReader, report: Report) -> int:
    """Markers last, as imports put them there."""
    store = charge_store.charge_store()
    for name in store.folders():
        if name.startswith("source="):
            store.delete_folder(name)
    store.delete(charge_store.IN_FORCE)
    names = sorted(archive.below("charges"), key=lambda name: (name.endswith(charge_store.MARKER), name))
    for number, name in enumerate(names, start=1):
        with archive.open(name) as source, store.create(name.removeprefix("charges/")) as target:
            while block := source.read(_BLOCK):
                target.write(block)
        if number % 500 == 0:
            report(f"charges: {number:,} of {len(names):,} files")
    return len(names)


def _restore_uploads(archive: ArchiveReader) -> int:
    names = archive.below("uploads")
    root = Path(settings.UPLOAD_DIR)
    for name in names:
        target = root / name.removeprefix("uploads/")
        target.parent.mkdir(parents=True, exist_ok=True)
        with archive.open(name) as source, target.open("wb") as out:
            while block := source.read(_BLOCK):
                out.write(block)
    return len(names)


def _restore_secret_key(archive: ArchiveReader) -> bool:
    """Put the generated key back; where the environment gives one, that one stays."""
    if "secret_key" not in archive.names or os.environ.get("SECRET_KEY", "").strip():
        return False
    path, content = Path(settings.DATA_DIR) / "secret_key", archive.read("secret_key")
    if path.is_file() and path.read_bytes() == content:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
        out.write(content)
    return True
