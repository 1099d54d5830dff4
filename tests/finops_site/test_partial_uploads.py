"""Large files in pieces: what is kept after every kind of break, and who may go on with what."""

import base64
import errno
import fcntl
import hashlib
import os
import socket
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as site
from django.contrib.auth.models import User
from django.test import Client
from pytest_django.fixtures import Settings
from pytest_django.live_server_helper import LiveServer

from costs import services as intake
from costs.models import BillImport, BillUpload, PartialUpload
from costs.services import Piece, partial_uploads
from finops_site import pipeline, tasks
from tests.conftest import ClientFor
from tests.finops_site.api_world import FEBRUARY, Api
from tests.leaks.bills import write_bill

pytestmark = [pytest.mark.django_db, pytest.mark.real_parts]
KIND = "application/offset+octet-stream"


class Sender:
    """A program that sends a file in pieces."""

    def __init__(self, user: User) -> None:
        self.api = Api(user)

    def begin(self, content: bytes, name: str = "bill.csv", **headers: str) -> Any:
        told = f"filename {base64.b64encode(name.encode()).decode()}"
        named = {"Upload-Length": str(len(content)), "Upload-Metadata": told, **headers}
        return self.api.client.post("/api/v1/uploads/files/", headers=self.api.headers(named))

    def started(self, content: bytes, name: str = "bill.csv") -> str:
        answer = self.begin(content, name)
        assert answer.status_code == 201, answer.content
        return str(answer.json()["id"])

    def add(self, ref: str, offset: int, piece: bytes, **headers: str) -> Any:
        named = self.api.headers({"Upload-Offset": str(offset), **headers})
        return self.api.client.patch(f"/api/v1/uploads/files/{ref}/", piece, content_type=KIND, headers=named)

    def head(self, ref: str) -> Any:
        return self.api.client.head(f"/api/v1/uploads/files/{ref}/", headers=self.api.headers({}))

    def offset(self, ref: str) -> int:
        return int(self.head(ref)["Upload-Offset"])

    def delete(self, ref: str) -> Any:
        return self.api.client.delete(f"/api/v1/uploads/files/{ref}/", headers=self.api.headers({}))


@pytest.fixture
def sender(finops_lead: User) -> Sender:
    return Sender(finops_lead)


@pytest.fixture
def bill(tmp_path: Path) -> bytes:
    return write_bill(tmp_path / "bill.csv", "2026-02", FEBRUARY).read_bytes()


@pytest.fixture(autouse=True)
def enqueued(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    handed: list[int] = []
    monkeypatch.setattr(tasks.run_import, "delay", handed.append)
    return handed


def parts() -> list[Path]:
    """The bytes on disk of files on their way."""
    return sorted((Path(site.UPLOAD_DIR) / "parts").glob("*"))


def test_pieces_become_the_same_import_as_one_upload(sender: Sender, bill: bytes) -> None:
    begun = sender.begin(bill)
    assert (begun.status_code, begun["Upload-Offset"], begun["Tus-Resumable"]) == (201, "0", "1.0.0")
    ref = begun.json()["id"]
    assert begun["Location"] == f"http://testserver/api/v1/uploads/files/{ref}/"
    for start in range(0, len(bill), 500):
        answer = sender.add(ref, start, bill[start : start + 500])
        assert (answer.status_code, answer["Upload-Offset"]) == (204, str(min(start + 500, len(bill))))
    head = sender.head(ref)
    assert (head["Upload-Offset"], head["Upload-Length"], head["Cache-Control"]) == (*[str(len(bill))] * 2, "no-store")
    done = sender.api.send("uploads/finish/", {"files": [ref]})
    assert done.status_code == 201, done.content
    digest = hashlib.sha256(bill).hexdigest()
    assert done.json()["files"] == [{"name": "bill.csv", "size": len(bill), "sha256": digest}]
    (made,) = done.json()["imports"]
    pipeline.run_import(made["id"])
    item = BillImport.objects.get(pk=made["id"])
    assert (item.state, str(item.billed_cost.normalize())) == ("in_force", "39.875")  # as the world of the API adds up
    assert not [path for path in parts() if path.name == ref]


def test_finishing_again_answers_the_same_and_imports_nothing_twice(sender: Sender, bill: bytes) -> None:
    ref = sender.started(bill)
    sender.add(ref, 0, bill)
    first = sender.api.send("uploads/finish/", {"files": [ref]}).json()
    again = sender.api.send("uploads/finish/", {"files": [ref]}).json()
    assert first == again
    assert BillImport.objects.count() == BillUpload.objects.count() == 1
    assert sender.add(ref, len(bill), b"x").status_code == 409
    assert sender.delete(ref).status_code == 409


def test_several_files_are_one_delivery(sender: Sender, tmp_path: Path) -> None:
    """Both files together make the month: 35.5 + 4.375 = 39.875 (10 + 5.5 + 20 and 0.25 + 4.125)."""
    by_file = (FEBRUARY[:2] + FEBRUARY[3:4], (FEBRUARY[2], FEBRUARY[4]))
    refs = []
    for number, lines in enumerate(by_file):
        content = write_bill(tmp_path / f"{number}.csv", "2026-02", lines).read_bytes()
        refs.append(sender.started(content, "bill.csv"))
        sender.add(refs[-1], 0, content)
    done = sender.api.send("uploads/finish/", {"files": refs}).json()
    assert [file["name"] for file in done["files"]] == ["bill.csv", "2-bill.csv"]
    (made,) = done["imports"]
    pipeline.run_import(made["id"])
    assert str(BillImport.objects.get(pk=made["id"]).billed_cost.normalize()) == "39.875"


def test_a_piece_must_start_where_the_upload_stands(sender: Sender) -> None:
    ref = sender.started(b"0123456789")
    sender.add(ref, 0, b"0123")
    for offset in (0, 3, 5):
        answer = sender.add(ref, offset, b"xx")
        assert (answer.status_code, answer.json()["error"]["code"]) == (409, "conflict")
    assert sender.offset(ref) == 4
    assert sender.add(ref, 4, b"4567890").status_code == 413  # one byte too many
    finished = sender.api.send("uploads/finish/", {"files": [ref]})
    assert finished.status_code == 409
    assert "is not complete" in finished.json()["error"]["message"]


def test_a_damaged_piece_leaves_nothing_behind(sender: Sender) -> None:
    ref = sender.started(b"0123456789")
    sender.add(ref, 0, b"0123")
    wrong = base64.b64encode(hashlib.sha256(b"other").digest()).decode()
    answer = sender.add(ref, 4, b"456", **{"Upload-Checksum": f"sha256 {wrong}"})
    assert (answer.status_code, sender.offset(ref)) == (460, 4)
    right = base64.b64encode(hashlib.sha1(b"456").digest()).decode()
    assert sender.add(ref, 4, b"456", **{"Upload-Checksum": f"sha1 {right}"}).status_code == 204
    assert sender.add(ref, 7, b"789").status_code == 204
    assert (Path(site.UPLOAD_DIR) / "parts" / ref).read_bytes() == b"0123456789"


def test_a_whole_that_differs_from_its_announced_digest_is_not_imported(sender: Sender, bill: bytes) -> None:
    announced = base64.b64encode(hashlib.sha256(b"another file").hexdigest().encode()).decode()
    told = f"filename {base64.b64encode(b'bill.csv').decode()},sha256 {announced}"
    ref = sender.begin(bill, **{"Upload-Metadata": told}).json()["id"]
    sender.add(ref, 0, bill)
    answer = sender.api.send("uploads/finish/", {"files": [ref]})
    assert (answer.status_code, BillUpload.objects.count()) == (460, 0)


def test_another_users_upload_is_not_there(sender: Sender, bill: bytes, team_lead: User) -> None:
    other = User.objects.create_superuser("root", "root@example.com", "pass-for-tests")
    ref = sender.started(bill)
    for stranger in (Sender(other), Sender(team_lead)):
        answers = (stranger.head(ref), stranger.add(ref, 0, bill), stranger.delete(ref))
        assert [answer.status_code for answer in answers] == [404, 404, 404]
        assert stranger.api.send("uploads/finish/", {"files": [ref]}).status_code == 404
    assert Sender(team_lead).begin(bill).status_code == 404
    assert sender.offset(ref) == 0


def test_two_pieces_at_once_are_not_let_in(sender: Sender) -> None:
    ref = sender.started(b"0123456789")
    with (Path(site.UPLOAD_DIR) / "parts" / ref).open("rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        answer = sender.add(ref, 0, b"01")
        assert (answer.status_code, answer.json()["error"]["code"]) == (423, "locked")
        assert sender.delete(ref).status_code == 423
    assert sender.add(ref, 0, b"01").status_code == 204


def test_a_cancelled_upload_is_gone_with_its_bytes(sender: Sender) -> None:
    ref = sender.started(b"0123456789")
    sender.add(ref, 0, b"0123")
    assert sender.delete(ref).status_code == 204
    assert sender.head(ref).status_code == 404
    assert not [path for path in parts() if path.name == ref]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Upload-Length": "0"}, 400),
        ({"Upload-Length": "-1"}, 400),
        ({"Upload-Length": "many"}, 400),
        ({"Upload-Length": "9" * 19}, 400),
        ({"Upload-Length": str(3 * 1024 * 1024)}, 413),
        ({"Upload-Metadata": "filename not-base64!"}, 400),
        ({"Upload-Metadata": "sha256 YWJj"}, 400),
        ({"Tus-Resumable": "0.2.2"}, 412),
    ],
)
def test_an_upload_that_cannot_be_is_refused(
    headers: dict[str, str], status: int, sender: Sender, settings: Settings
) -> None:
    settings.UPLOAD_LIMIT_MB = 2
    assert sender.begin(b"x", **headers).status_code == status


@pytest.mark.parametrize(
    "headers", [{"Upload-Checksum": "md5 YWJj"}, {"Upload-Checksum": "sha256 YWJj"}, {"Upload-Checksum": "sha1 !"}]
)
def test_a_checksum_that_is_none_is_refused(headers: dict[str, str], sender: Sender) -> None:
    assert sender.add(sender.started(b"01"), 0, b"01", **headers).status_code == 400


def test_a_piece_of_another_kind_is_refused(sender: Sender) -> None:
    ref, headers = sender.started(b"01"), sender.api.headers({"Upload-Offset": "0"})
    answer = sender.api.client.patch(f"/api/v1/uploads/files/{ref}/", b"01", content_type="text/csv", headers=headers)
    assert answer.status_code == 415


def test_the_quota_counts_what_is_under_way(sender: Sender, settings: Settings) -> None:
    settings.UPLOAD_QUOTA_MB = 2
    megabyte = b"0" * 1024 * 1024
    first = sender.started(megabyte)
    sender.started(megabyte)
    answer = sender.begin(b"1")
    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "too_large")
    sender.delete(first)
    assert sender.begin(b"1").status_code == 201


def test_a_full_disk_is_told_before_and_while_a_file_comes_in(
    sender: Sender, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    ref = sender.started(b"0123456789")
    sender.add(ref, 0, b"0123")

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr(partial_uploads, "_put", full)
        answer = sender.add(ref, 4, b"4567")
    assert (answer.status_code, answer.json()["error"]["code"]) == (507, "disk_full")
    assert f"The disk of {settings.UPLOAD_DIR} is full." in answer.json()["error"]["message"]
    assert sender.offset(ref) == 4
    monkeypatch.setattr("shutil.disk_usage", lambda _: os.terminal_size((0, 0)) and _Usage(free=5))
    assert sender.begin(b"0123456789").status_code == 507


class _Usage:
    def __init__(self, free: int) -> None:
        self.free = free


def test_bytes_that_were_not_noted_do_not_count(sender: Sender) -> None:
    """The process died in the middle of a piece: what it wrote is cut off by the next one."""
    ref = sender.started(b"0123456789")
    sender.add(ref, 0, b"0123")
    with (Path(site.UPLOAD_DIR) / "parts" / ref).open("ab") as file:
        file.write(b"half a piece that is longer than the file")
    assert sender.offset(ref) == 4
    assert sender.add(ref, 4, b"456789").status_code == 204
    assert (Path(site.UPLOAD_DIR) / "parts" / ref).read_bytes() == b"0123456789"


def test_a_piece_that_breaks_off_keeps_what_came(finops_lead: User, now: datetime) -> None:
    ref = intake.begin_upload("bill.csv", 10, user=finops_lead.pk, now=now)

    def broken() -> Any:
        yield b"0123"
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        intake.add_piece(ref, Piece(0, broken()), user=finops_lead.pk, now=now)
    assert intake.partial_state(ref, user=finops_lead.pk).offset == 4


def test_uploads_nobody_goes_on_with_are_removed(finops_lead: User, now: datetime) -> None:
    old = intake.begin_upload("old.csv", 10, user=finops_lead.pk, now=now - timedelta(hours=25))
    alive = intake.begin_upload("alive.csv", 10, user=finops_lead.pk, now=now - timedelta(hours=25))
    intake.add_piece(alive, Piece(0, [b"0"]), user=finops_lead.pk, now=now - timedelta(hours=1))
    stray = Path(site.UPLOAD_DIR) / "parts" / "stray"
    stray.write_bytes(b"x")
    os.utime(stray, ((now - timedelta(hours=25)).timestamp(),) * 2)
    assert intake.remove_expired_uploads(now=now) >= 2
    left = set(PartialUpload.objects.values_list("name", flat=True))
    assert (left, stray.exists(), (stray.parent / old).exists()) == ({"alive.csv"}, False, False)
    assert (stray.parent / alive).exists()


def test_the_page_takes_files_that_came_in_pieces(
    finops_lead: User, client_for: ClientFor, sender: Sender, bill: bytes
) -> None:
    client: Client = client_for(finops_lead)
    ref = sender.started(bill)
    assert client.post("/imports/upload/", {"partial_files": ref}).status_code == 400  # not complete
    sender.add(ref, 0, bill)
    wrong = client.post("/imports/upload/", {"partial_files": ref, "snapshot_on": "soon"})
    assert "The files are here already" in wrong.content.decode()
    done = client.post("/imports/upload/", {"partial_files": ref})
    (item,) = BillImport.objects.all()
    assert (done.status_code, done["Location"]) == (302, f"/imports/{item.pk}/")
    assert client.post("/imports/upload/", {"partial_files": "nobody's"}).status_code in {400, 404}


def test_a_session_needs_its_csrf_token_to_send_pieces(finops_lead: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(finops_lead)
    assert client.post("/api/v1/uploads/files/", headers={"Upload-Length": "2"}).status_code == 403


@pytest.mark.django_db(transaction=True)
def test_a_connection_that_is_cut_in_the_middle_keeps_what_came(sender: Sender, live_server: LiveServer) -> None:
    """A raw connection sends a third of what it announced and goes away; the client asks, and sends the rest."""
    content = os.urandom(3_000_000)
    ref = sender.started(content)
    address = (live_server.thread.host, live_server.thread.port)
    head = [
        f"PATCH /api/v1/uploads/files/{ref}/ HTTP/1.1",
        f"Host: {address[0]}:{address[1]}",
        f"Authorization: Token {sender.api.token}",
        f"Content-Type: {KIND}",
        f"Content-Length: {len(content)}",
        "Upload-Offset: 0",
    ]
    with socket.create_connection(address) as raw:
        raw.sendall("\r\n".join([*head, "", ""]).encode() + content[:1_000_000])
    offset = _eventually(lambda: sender.offset(ref))
    assert 0 < offset <= 1_000_000
    rest = _eventually(lambda: sender.add(ref, offset, content[offset:]).status_code == 204)
    assert rest
    assert (Path(site.UPLOAD_DIR) / "parts" / ref).read_bytes() == content


def _eventually(ask: Callable[[], Any]) -> Any:
    """The first answer that is not nothing, within ten seconds."""
    for _ in range(100):
        if found := ask():
            return found
        time.sleep(0.1)
    return None
