"""What stands in the way of a backup or a restore is told before anything is lost."""

import hashlib
import io
import json
import shutil
import tarfile
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.utils import timezone
from django_celery_beat.models import CrontabSchedule
from pytest_django.fixtures import Settings

from costs import services as intake
from costs.models import BillDelivery, BillImport, PartialUpload
from costs.services import Piece
from costs.terms import DeliveryState, ImportState
from finops_site import pipeline
from finops_site.supervisor import only_copy
from tests.costs.bills import bring_in_lines, line
from tests.costs.source_world import NOW, bill, billed, deliver, s3_source
from tests.finops_site.test_backup import backup, everything, own_places, restore
from tests.real_parts.object_store import BUCKET, ObjectStore

__all__ = ["own_places"]
pytestmark = [pytest.mark.real_parts, pytest.mark.django_db(transaction=True)]


class Disk(NamedTuple):
    total: int
    used: int
    free: int


def rewritten(path: Path, target: Path, **about: Any) -> None:
    """The archive with other things in its first member, and checksums that fit."""
    with tarfile.open(path) as tar:
        members = {member.name: tar.extractfile(member).read() for member in tar}  # type: ignore[union-attr]
    members["backup.json"] = json.dumps({**json.loads(members["backup.json"]), **about}).encode()
    sums = {name: hashlib.sha256(content).hexdigest() for name, content in members.items() if name != "end.json"}
    write_archive(target, {**members, "end.json": json.dumps(sums).encode()})


def write_archive(path: Path, members: dict[str, bytes]) -> None:
    with tarfile.open(path, "w") as tar:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))


def test_schedule_that_beat_keeps_comes_back_with_its_time_zone(tmp_path: Path) -> None:
    CrontabSchedule.objects.create(minute="7", timezone="Europe/Berlin")
    bring_in_lines(tmp_path, line(cost="1"))
    before = everything()
    backup(tmp_path / "backup.tar")
    CrontabSchedule.objects.all().delete()
    restore(tmp_path / "backup.tar", force=True)
    assert str(CrontabSchedule.objects.get(minute="7").timezone) == "Europe/Berlin"
    assert everything()["django_celery_beat_crontabschedule"] == before["django_celery_beat_crontabschedule"]


def test_backup_that_fails_leaves_the_one_before_it(tmp_path: Path, store: ObjectStore) -> None:
    bring_in_lines(tmp_path, line(cost="1"))
    address, local = f"s3://{BUCKET}/backups/nightly.tar", tmp_path / "nightly.tar"
    backup(address)
    backup(local)
    kept = local.read_bytes()
    size = store.client.head_object(Bucket=BUCKET, Key="backups/nightly.tar")["ContentLength"]
    for path in (tmp_path / "charges").rglob("charges-*.parquet"):
        path.rename(path.with_suffix(".away"))
    for place in (address, local):
        with pytest.raises(CommandError, match="are gone, though they are in force"):
            backup(place)
    assert store.client.head_object(Bucket=BUCKET, Key="backups/nightly.tar")["ContentLength"] == size
    assert local.read_bytes() == kept
    for path in (tmp_path / "charges").rglob("charges-*.away"):
        path.rename(path.with_suffix(".parquet"))
    backup(address)
    listed = store.client.list_objects_v2(Bucket=BUCKET, Prefix="backups/")["Contents"]
    assert [item["Key"] for item in listed if item["Size"]] == ["backups/nightly.tar"]
    assert restore(address, force=True)["charge_files"] == 7


def test_archive_is_its_owners_from_the_first_byte_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bring_in_lines(tmp_path, line(cost="1"))
    (tmp_path / ".backup.tar.unfinished").write_text("of a backup that was killed")
    (tmp_path / ".backup.tar.unfinished").chmod(0o644)
    seen: list[int] = []
    add = tarfile.TarFile.addfile

    def looked(tar: tarfile.TarFile, *args: Any, **more: Any) -> None:
        seen.append((tmp_path / ".backup.tar.unfinished").stat().st_mode & 0o777)
        add(tar, *args, **more)

    monkeypatch.setattr(tarfile.TarFile, "addfile", looked)
    backup(tmp_path / "backup.tar")
    assert set(seen) == {0o600}
    assert (tmp_path / "backup.tar").stat().st_mode & 0o777 == 0o600


def test_folder_is_no_place_for_an_archive(tmp_path: Path) -> None:
    for address in (str(tmp_path), f"{tmp_path}/new/"):
        with pytest.raises(CommandError, match=r"is a folder\. Name the file too, like .*/finops\.tar\."):
            backup(address)
    assert not list(tmp_path.parent.glob(f".{tmp_path.name}*"))


@pytest.mark.parametrize(
    ("first", "told"),
    [
        (None, r"no backup of this product: it holds no backup\.json"),
        (b"no JSON", "no backup of this product: its backup.json tells nothing"),
        (b"[]", "no backup of this product: its backup.json tells nothing"),
        (b"{}", "no backup of this product: its backup.json tells nothing"),
        (b'{"format": 1, "migrations": [], "tables": {}}', "no backup of this product: its backup.json does not tell"),
    ],
    ids=["another tar", "text", "list", "nothing", "half"],
)
def test_archive_of_another_program_is_refused(tmp_path: Path, first: bytes | None, told: str) -> None:
    members = {"notes.txt": b"x"} if first is None else {"backup.json": first, "end.json": b"{}"}
    write_archive(tmp_path / "foreign.tar", members)
    with pytest.raises(CommandError, match=told):
        restore(tmp_path / "foreign.tar", force=True)


def test_archive_of_a_later_form_is_refused(tmp_path: Path) -> None:
    bring_in_lines(tmp_path, line(cost="1"))
    backup(tmp_path / "backup.tar")
    rewritten(tmp_path / "backup.tar", tmp_path / "later.tar", format=2)
    before = everything()
    with pytest.raises(CommandError, match=r"of a newer version \(format 2\)\. Install that version, then restore"):
        restore(tmp_path / "later.tar", force=True)
    assert everything() == before


def test_restore_without_room_for_the_files_changes_nothing(
    tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    bring_in_lines(tmp_path, line(cost="1"))
    backup(tmp_path / "backup.tar")
    User.objects.create_user("later")
    before = everything()
    shutil.rmtree(tmp_path / "charges")
    gigabyte = 10**9
    monkeypatch.setattr(
        shutil, "disk_usage", lambda path: Disk(gigabyte, 0, gigabyte if path == settings.DATA_DIR else 0)
    )
    with pytest.raises(CommandError, match=r"need 1 MB more than lie at .* now.*Nothing was changed\."):
        restore(tmp_path / "backup.tar", force=True)
    assert everything() == before


def test_disk_that_fills_up_while_files_come_back_is_told_with_what_is_there(
    tmp_path: Path, settings: Settings
) -> None:
    bring_in_lines(tmp_path, line(cost="1"))
    backup(tmp_path / "backup.tar")
    settings.CHARGE_STORE = "/dev/full/charges"  # a folder no file can be written to
    with pytest.raises(CommandError, match=r"The database is restored, but not all files are\. .* Give --force then\."):
        restore(tmp_path / "backup.tar", force=True)


def test_restore_beside_a_running_server_is_refused(tmp_path: Path, settings: Settings) -> None:
    bring_in_lines(tmp_path, line(cost="1"))
    backup(tmp_path / "backup.tar")
    settings.DATA_DIR.mkdir(exist_ok=True)
    before = everything()
    with only_copy(settings.DATA_DIR), pytest.raises(CommandError, match=r"Already running on .* Stop that one"):
        restore(tmp_path / "backup.tar", force=True)
    assert everything() == before


@pytest.mark.parametrize("state", [ImportState.QUEUED, ImportState.LANDING])
def test_month_that_was_being_imported_is_fetched_again_after_a_restore(
    tmp_path: Path, settings: Settings, store: ObjectStore, state: ImportState
) -> None:
    """The archive holds no fetched files, so the month would stay away."""
    source = s3_source()
    deliver(store, "asm-1", bill("1.25"), bill("0.5"))
    (delivery,) = intake.look_at_source(source.pk, now=NOW)
    (item,) = pipeline.fetch(delivery, now=NOW)
    BillImport.objects.filter(pk=item).update(state=state.value, worker="elsewhere:1:x", heartbeat_at=timezone.now())
    backup(tmp_path / "backup.tar")
    shutil.rmtree(settings.UPLOAD_DIR)
    restore(tmp_path / "backup.tar", force=True)
    told = BillDelivery.objects.get()
    assert (told.state, told.cure) == (DeliveryState.FAILED, "The next look fetches its files again.")
    assert BillImport.objects.get().error.startswith("The backup was made while this was being imported.")
    for again in intake.look_at_source(source.pk, now=NOW + timedelta(minutes=5)):
        pipeline.bring_in(again, now=NOW)
    # 1.25 + 0.5 = 1.75
    assert str(billed()) == "1.7500000000"
    assert BillDelivery.objects.get().state == DeliveryState.DONE


def test_pieces_of_an_upload_are_in_no_backup_and_nor_is_the_upload(
    tmp_path: Path, settings: Settings, finops_lead: User
) -> None:
    ref = intake.begin_upload("may.csv", 10, user=finops_lead.pk, now=NOW)
    intake.add_piece(ref, Piece(0, [b"12345"]), user=finops_lead.pk, now=NOW)
    backup(tmp_path / "backup.tar")
    restore(tmp_path / "backup.tar", force=True)
    assert not PartialUpload.objects.exists()


def test_restore_says_that_a_backup_held_no_charges(tmp_path: Path) -> None:
    bring_in_lines(tmp_path, line(cost="1"))
    backup(tmp_path / "backup.tar", without_charges=True)
    out = StringIO()
    call_command("restore", str(tmp_path / "backup.tar"), force=True, stdout=out, stderr=StringIO())
    assert "It holds no charges. Put the charge store back too" in out.getvalue()
