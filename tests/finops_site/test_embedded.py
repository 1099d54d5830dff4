"""The embedded Redis: private, persistent, and clear about what it lacks."""

import importlib.util
import os
import shutil
import stat
import subprocess
from pathlib import Path

import pytest
import redis

from finops_site import embedded, processes
from finops_site.embedded import ServiceError


def test_redis_keeps_what_it_was_given_when_it_is_killed(tmp_path: Path) -> None:
    prepared = embedded.prepare_redis(tmp_path)
    first = processes.start(prepared.command, output=subprocess.DEVNULL)
    embedded.wait_for_redis(prepared, first)
    with redis.Redis(unix_socket_path=str(prepared.socket)) as client:
        client.set("task", "kept")
    first.kill()
    first.wait()

    second = processes.start(prepared.command, output=subprocess.DEVNULL)
    embedded.wait_for_redis(prepared, second)
    with redis.Redis(unix_socket_path=str(prepared.socket)) as client:
        assert client.get("task") == b"kept"
        assert client.config_get("port") == {"port": "0"}
    processes.stop(second)
    assert not embedded.redis_answers(prepared)


def test_redis_folder_is_readable_by_its_owner_only(tmp_path: Path) -> None:
    prepared = embedded.prepare_redis(tmp_path)
    assert stat.S_IMODE(prepared.folder.stat().st_mode) == 0o700
    assert prepared.socket.parent == prepared.folder
    assert prepared.broker_url == f"redis+socket://{tmp_path}/redis/redis.sock"


def test_redis_socket_gets_a_short_private_place_when_the_data_folder_has_a_long_name(tmp_path: Path) -> None:
    prepared = embedded.prepare_redis(tmp_path / ("long" * 30))
    try:
        assert len(str(prepared.socket)) < 108
        assert stat.S_IMODE(prepared.socket.parent.stat().st_mode) == 0o700
    finally:
        prepared.socket.parent.rmdir()


def test_redis_on_path_is_used_when_the_package_has_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "redis-server").symlink_to(embedded.redis_binary())
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    assert embedded.redis_binary() == str(tmp_path / "redis-server")


def test_redis_missing_everywhere_is_one_line_with_the_cure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    monkeypatch.setattr(shutil, "which", lambda _: None)
    with pytest.raises(ServiceError, match=r"none is on PATH\. Install Redis, or set REDIS_URL to a server\."):
        embedded.redis_binary()


def test_redis_that_ends_at_once_is_one_line_with_the_cure(tmp_path: Path) -> None:
    prepared = embedded.prepare_redis(tmp_path)
    broken = processes.start(["false"])
    with pytest.raises(ServiceError, match="The embedded Redis did not start"):
        embedded.wait_for_redis(prepared, broken)


def test_redis_folder_is_refused_when_it_is_somebody_elses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "getuid", lambda: 4242)
    with pytest.raises(ServiceError, match="belongs to another user"):
        embedded.prepare_redis(tmp_path)


def test_redis_folder_is_refused_in_one_line_when_it_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "redis").write_text("a file")
    with pytest.raises(ServiceError, match="Cannot write to"):
        embedded.prepare_redis(tmp_path)


def test_redis_version_is_read_from_the_binary() -> None:
    assert embedded.redis_version(embedded.redis_binary())[0].isdigit()
