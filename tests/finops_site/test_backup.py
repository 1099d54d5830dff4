"""Backup and restore: everything back, on either database, with an upgrade in between, or nothing changed."""

import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps as current_apps
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone
from pytest_django.fixtures import Settings

from costs import services as intake
from costs.models import Bill, BillImport, BillSource, BillUpload, DailyCost
from costs.scope import Scope
from costs.selectors.verifying import verify_charges
from finops_site import pipeline
from finops_site.backup import make_backup
from finops_site.backup.tables import applied_migrations, drop_tables, migrate_to, models_at
from tagging.models import Team
from tests.costs.bills import TODAY, bring_in_lines, csv_text, line
from tests.real_parts.object_store import BUCKET, ObjectStore

pytestmark = [pytest.mark.real_parts, pytest.mark.django_db(transaction=True)]

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def own_places(settings: Settings, tmp_path: Path) -> Iterator[None]:
    """A data folder of the test's own."""
    shared = Path(settings.CHARGE_STORE)
    settings.CHARGE_STORE = str(tmp_path / "charges")
    settings.UPLOAD_DIR = tmp_path / "uploads"
    settings.DATA_DIR = tmp_path / "data"
    yield
    # Tables that were made anew count imports from the start: those of other tests must not be in their way.
    shutil.rmtree(shared, ignore_errors=True)


def everything() -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table that restoring does not fill itself."""
    left_out = {"django_session"}
    return {
        model._meta.db_table: sorted(model._base_manager.values_list(), key=str)
        for model in current_apps.get_models(include_auto_created=True)
        if model._meta.managed and not model._meta.proxy and model._meta.db_table not in left_out
    }


def an_installation(tmp_path: Path) -> None:
    """Users, a team with its history, two versions of a bill, an upload, amounts of every size."""
    User.objects.create_user("fiona", "fiona@example.com", "pass-for-tests", last_login=timezone.now())
    team = Team.objects.create(key="payments", name="Payments “Ä” \n line", cost_center="CC-100")
    team.name = "Payments"
    team.save()
    bring_in_lines(tmp_path, line(cost="1"), name="old.csv")
    bring_in_lines(tmp_path, line(cost="-0.0000000001"), line(cost="12345678.9", team="web"), name="new.csv")
    other = line({"bill/PayerAccountId": "77"}, cost="3", account="7")
    file = SimpleUploadedFile("may.csv", csv_text([other]).encode())
    upload = intake.store_upload([file], user=None)
    (queued,) = intake.prepare_imports(intake.uploaded_files(upload), source_name="other", upload=upload, today=TODAY)
    pipeline.run_import(queued)


def backup(address: Path | str, **options: Any) -> dict[str, Any]:
    out = StringIO()
    call_command("backup", str(address), json=True, stdout=out, stderr=StringIO(), **options)
    found: dict[str, Any] = json.loads(out.getvalue())
    return found


def restore(address: Path | str, **options: Any) -> dict[str, Any]:
    out = StringIO()
    call_command("restore", str(address), json=True, stdout=out, stderr=StringIO(), **options)
    found: dict[str, Any] = json.loads(out.getvalue())
    return found


def run_on_sqlite(data: Path, *command: str) -> str:
    """Run a command of another installation, which is on SQLite; what it prints."""
    environment = {
        **os.environ,
        "DATA_DIR": str(data),
        "DATABASE_URL": f"sqlite:///{data / 'finops.sqlite3'}",
        "CHARGE_STORE": str(data / "charges"),
        "UPLOAD_DIR": str(data / "uploads"),
        "IMPORT_TEMP_DIR": str(data / "tmp"),
        "DJANGO_SETTINGS_MODULE": "finops_site.settings",
    }
    whole = [sys.executable, "manage.py", *command]
    ran = subprocess.run(whole, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


@pytest.mark.parametrize("place", ["folder", "s3"])
def test_everything_comes_back_into_an_empty_installation(
    tmp_path: Path, settings: Settings, store: ObjectStore, place: str
) -> None:
    address = str(tmp_path / "backup.tar")
    if place == "s3":  # charges and archive both
        settings.CHARGE_STORE, address = f"s3://{BUCKET}/charges", f"s3://{BUCKET}/backups/monday.tar"
    an_installation(tmp_path)
    before = everything()
    made = backup(address)
    # Seven files of each: charges, four beside them, marker and record; of two in force and one that was replaced.
    assert (made["charge_files"], made["upload_files"]) == (21, 1)
    drop_tables()
    settings.CHARGE_STORE = f"s3://{BUCKET}/new" if place == "s3" else str(tmp_path / "new charges")
    settings.UPLOAD_DIR = tmp_path / "new uploads"
    restored = restore(address)
    assert (restored["charge_files"], restored["upload_files"]) == (21, 1)
    upload = BillUpload.objects.get()
    assert intake.uploaded_files(upload.pk)[0].read_bytes().startswith(b"bill/InvoiceId")
    assert Path(upload.imports.get().files[0]["path"]) == Path(upload.folder) / "may.csv"
    after = everything()
    for table in set(before) - {"costs_billupload", "costs_billimport"}:
        assert after[table] == before[table], table
    assert DailyCost.objects.filter(bill_import__bill_in_force__source__name="other").get().billed_cost == Decimal(3)
    assert verify_charges(Scope.all()).differences == []
    # What is new gets keys of its own.
    assert bring_in_lines(tmp_path, line(cost="9"), name="newest.csv").billed_cost == Decimal(9)


def test_restore_brings_an_older_backup_to_this_version(tmp_path: Path) -> None:
    newest = applied_migrations()
    older = [("costs", "0011_import_files") if app == "costs" else (app, name) for app, name in newest]
    drop_tables()
    migrate_to(older)
    old = models_at(older)
    source = old.get_model("costs", "BillSource").objects.create(name="old")
    gone = datetime(2026, 1, 2, 3, 4, 5, 678_901, tzinfo=UTC)
    columns = {field.name for field in old.get_model("costs", "BillImport")._meta.fields}
    assert "charges_removed_at" not in columns
    old.get_model("costs", "BillImport").objects.create(
        source=source, state="replaced", billed_cost=Decimal("1.5000000001"), rollups_removed_at=gone
    )
    backup(tmp_path / "old.tar")
    restore(tmp_path / "old.tar", force=True)
    assert applied_migrations() == newest
    item = BillImport.objects.get()
    # The migration that came in between has filled its column from the rows that were loaded.
    assert (item.source.name, item.billed_cost, item.charges_removed_at) == ("old", Decimal("1.5000000001"), gone)


def test_backup_of_sqlite_is_restored_into_this_database(tmp_path: Path, settings: Settings) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "bill.csv").write_text(csv_text([line(cost="7.25"), line(cost="0.5", team="web")]))
    for command in (["migrate"], ["import_bill", str(elsewhere / "bill.csv")], ["backup", str(tmp_path / "moved.tar")]):
        run_on_sqlite(elsewhere, *command)
    restore(tmp_path / "moved.tar", force=True)
    item = Bill.objects.get().import_in_force
    assert item is not None
    # 7.25 + 0.5 = 7.75
    assert item.billed_cost == sum(DailyCost.objects.values_list("billed_cost", flat=True)) == Decimal("7.75")
    assert verify_charges(Scope.all()).differences == []
    assert connection.vendor in {"sqlite", "postgresql"}


def test_backup_of_this_database_is_restored_into_sqlite(tmp_path: Path) -> None:
    an_installation(tmp_path)
    rows = sum(len(table) for table in everything().values())
    backup(tmp_path / "moved.tar")
    (tmp_path / "elsewhere").mkdir()
    told = json.loads(run_on_sqlite(tmp_path / "elsewhere", "restore", str(tmp_path / "moved.tar"), "--json"))
    assert (told["charge_files"], told["upload_files"]) == (21, 1)
    assert told["rows"] == rows
    found = json.loads(run_on_sqlite(tmp_path / "elsewhere", "verify_charges", "--kept", "--json"))
    assert (found["sound"], found["imports"], found["strays"]) == (True, 3, [])


def test_installation_in_use_is_not_replaced_unless_forced(tmp_path: Path) -> None:
    an_installation(tmp_path)
    backup(tmp_path / "backup.tar")
    Team.objects.create(key="later", name="Later")
    with pytest.raises(CommandError, match=r"in use \(auth_user has rows\)\. --force replaces all of it"):
        restore(tmp_path / "backup.tar")
    assert Team.objects.filter(key="later").exists()
    restore(tmp_path / "backup.tar", force=True)
    assert not Team.objects.filter(key="later").exists()
    assert verify_charges(Scope.all(), kept=True).differences == []


def test_charge_store_in_use_is_not_replaced_unless_forced(tmp_path: Path) -> None:
    an_installation(tmp_path)
    backup(tmp_path / "backup.tar")
    drop_tables()
    with pytest.raises(CommandError, match="--without-charges leaves it as it is"):
        restore(tmp_path / "backup.tar")
    restored = restore(tmp_path / "backup.tar", without_charges=True)
    assert restored["charge_files"] == 0
    assert verify_charges(Scope.all()).differences == []


@pytest.mark.parametrize("harm", ["cut", "changed", "no archive", "missing"])
def test_damaged_backup_changes_nothing(tmp_path: Path, harm: str) -> None:
    an_installation(tmp_path)
    path = tmp_path / "backup.tar"
    backup(path)
    content = path.read_bytes()
    told = {
        "cut": r"ends early|damaged",
        "changed": r"charges-00001\.parquet of the backup is damaged\. Nothing was changed",
        "no archive": "is no backup of this product",
        "missing": "There is no file",
    }[harm]
    if harm == "cut":
        path.write_bytes(content[: len(content) // 2])
    elif harm == "changed":
        with tarfile.open(path) as tar:
            start = next(member.offset_data for member in tar if member.name.endswith("charges-00001.parquet"))
        path.write_bytes(content[: start + 9] + b"X" + content[start + 10 :])
    elif harm == "no archive":
        path.write_bytes(b"a bill, perhaps" * 100)
    else:
        path.unlink()
    before = everything()
    with pytest.raises(CommandError, match=told):
        restore(path, force=True)
    assert everything() == before


def test_archive_cannot_write_outside_its_places(tmp_path: Path) -> None:
    content = b"{}"
    with tarfile.open(tmp_path / "evil.tar", "w") as tar:
        for name in ("backup.json", "charges/../../evil", "end.json"):
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    with pytest.raises(CommandError, match=r"charges/\.\./\.\./evil leads out of its place"):
        restore(tmp_path / "evil.tar", force=True)


def test_import_that_is_switched_meanwhile_is_wholly_out(tmp_path: Path) -> None:
    first = bring_in_lines(tmp_path, line(cost="1"), name="first.csv")
    switched: list[int] = []
    calls: list[int] = []

    def clock() -> datetime:
        # Called first at the start and then between tables and charges: there another worker switches the month.
        calls.append(1)
        if len(calls) == 2:
            second = bring_in_lines(tmp_path, line(cost="2"), name="second.csv")
            BillImport.objects.filter(pk=first.pk).update(finished_at=datetime(2026, 1, 1, tzinfo=UTC))
            pipeline.remove_replaced_imports(now=timezone.now())
            switched.append(second.pk)
        return timezone.now()

    make_backup(str(tmp_path / "backup.tar"), clock=clock, report=lambda _: None)
    with tarfile.open(tmp_path / "backup.tar") as tar:
        folders = {name.split("import=")[1].split("/")[0] for name in tar.getnames() if "import=" in name}
    assert (folders, len(switched)) == ({str(first.pk)}, 1)
    restore(tmp_path / "backup.tar", force=True)
    assert Bill.objects.get().import_in_force == first
    assert verify_charges(Scope.all()).is_sound
    # Once the backup is done, nothing holds the store any more.
    assert pipeline.remove_replaced_imports(now=timezone.now()) == 0


def test_month_without_charges_stops_the_backup_and_leaves_no_file(tmp_path: Path) -> None:
    bring_in_lines(tmp_path, line(cost="1"))
    for path in (tmp_path / "charges").rglob("charges-*.parquet"):
        path.unlink()
    with pytest.raises(CommandError, match=r"are gone, though they are in force\. See manage\.py verify_charges"):
        backup(tmp_path / "backup.tar")
    assert [path.name for path in tmp_path.iterdir() if "backup" in path.name] == []
    assert BillSource.objects.count() == 1


def test_generated_secret_key_comes_back(tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    bring_in_lines(tmp_path, line(cost="1"))
    monkeypatch.delenv("SECRET_KEY")
    settings.SECRET_KEY = "made on the first start"
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "secret_key").write_text("made on the first start")
    backup(tmp_path / "backup.tar")
    (tmp_path / "data" / "secret_key").write_text("another")
    assert restore(tmp_path / "backup.tar", force=True)["new_secret_key"]
    key = tmp_path / "data" / "secret_key"
    assert (key.read_text(), key.stat().st_mode & 0o777) == ("made on the first start", 0o600)
    assert (tmp_path / "backup.tar").stat().st_mode & 0o777 == 0o600
