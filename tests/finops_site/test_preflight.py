"""One clear line, before anything is started."""

import errno
import os
import shutil
import socket
from collections import namedtuple
from pathlib import Path

import pytest

from finops_site import preflight
from finops_site.embedded import ServiceError
from tests.finops_site.running import free_port

DiskUsage = namedtuple("DiskUsage", "total used free")


def test_port_passes_when_nothing_listens_on_it() -> None:
    preflight.check_port("127.0.0.1", free_port())


def test_port_is_refused_with_another_one_proposed_when_it_is_taken() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(ServiceError) as refusal:
            preflight.check_port("127.0.0.1", port)
    assert str(refusal.value) == (
        f"Port {port} on 127.0.0.1 is taken. Stop the program that uses it, or choose another: --port {port + 1}."
    )


@pytest.mark.parametrize(("host", "port"), [("203.0.113.7", 8000), ("127.0.0.1", 70_000)], ids=["host", "port"])
def test_address_is_refused_when_this_machine_cannot_listen_there(host: str, port: int) -> None:
    with pytest.raises(ServiceError, match=r"Choose another (--host or )?--port"):
        preflight.check_port(host, port)


def test_folder_is_made_when_it_is_missing(tmp_path: Path) -> None:
    preflight.check_folder(tmp_path / "new" / "data")
    assert (tmp_path / "new" / "data").is_dir()


def test_folder_is_refused_when_a_file_stands_in_its_place(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file")
    with pytest.raises(ServiceError, match=r"Cannot write to .*set DATA_DIR elsewhere"):
        preflight.check_folder(tmp_path / "data")


def test_folder_is_refused_when_little_room_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: DiskUsage(10_000_000_000, 9_988_000_000, 12_000_000))
    with pytest.raises(ServiceError, match=r"Only 12 MB are free in .* at least 200 MB are needed"):
        preflight.check_folder(tmp_path)


def test_folder_is_refused_when_the_disk_is_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_space(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", no_space)
    with pytest.raises(ServiceError, match="is full"):
        preflight.check_folder(tmp_path)
