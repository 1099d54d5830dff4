"""The supervisor: restarts what dies, takes everything with it, says in one line what is wrong."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from celery import current_app
from django.conf import settings
from pytest_django.fixtures import Settings

from finops_site import processes
from finops_site.embedded import ServiceError
from finops_site.supervisor import Program, Supervisor, beat_program, running_services, web_program, worker_program
from tests.finops_site.running import free_port, living_in_group, processes_of, wait_until

SLEEPER = Program("sleeper", ("sleep", "600"))


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def supervisor(said: list[str]) -> Iterator[Supervisor]:
    running = Supervisor(said.append)
    yield running
    running.stop()


def test_program_is_started_again_when_it_is_killed(supervisor: Supervisor, said: list[str]) -> None:
    supervisor.start(SLEEPER)
    wait_until(lambda: "sleeper" in supervisor.pids(), what="the first start")
    first = supervisor.pids()["sleeper"]
    os.kill(first, signal.SIGKILL)
    wait_until(lambda: supervisor.pids().get("sleeper", first) != first, what="the second start")
    assert said == ["sleeper ended (SIGKILL); starting it again in 1 s."]


def test_pause_before_a_restart_doubles_when_a_program_keeps_ending(supervisor: Supervisor, said: list[str]) -> None:
    supervisor.start(Program("broken", ("false",)))
    wait_until(lambda: len(said) == 2, what="two failures")
    assert said == [
        "broken ended (exit code 1); starting it again in 1 s.",
        "broken ended (exit code 1); starting it again in 2 s.",
    ]
    assert supervisor.failures("broken") == 2


def test_program_that_ignores_sigterm_is_gone_with_its_children_after_stop(said: list[str]) -> None:
    supervisor = Supervisor(said.append)
    script = "trap '' TERM; sleep 600 & wait; sleep 600"
    supervisor.start(Program("stubborn", ("sh", "-c", script), grace_seconds=0.5))
    wait_until(lambda: "stubborn" in supervisor.pids(), what="the start")
    group = supervisor.pids()["stubborn"]
    wait_until(lambda: len(living_in_group(group)) == 2, what="the shell and its child")
    supervisor.stop()
    assert living_in_group(group) == set()


def test_services_use_the_redis_of_the_environment_when_redis_url_is_set(said: list[str]) -> None:
    with running_services(log=said.append, worker=False) as services:
        assert services.broker_url == settings.REDIS_URL
        assert services.supervisor.pids() == {}


def test_services_start_an_embedded_redis_when_redis_url_is_empty(
    tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch, said: list[str]
) -> None:
    settings.DATA_DIR = tmp_path
    before = current_app.conf.broker_url
    monkeypatch.delenv("REDIS_URL")
    with running_services(log=said.append, worker=False) as services:
        assert services.broker_url == f"redis+socket://{tmp_path}/redis/redis.sock"
        assert current_app.conf.broker_url == os.environ["REDIS_URL"] == services.broker_url
    assert current_app.conf.broker_url == before
    assert "REDIS_URL" not in os.environ


def test_services_refuse_in_one_line_when_another_copy_holds_the_data_folder(
    tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch, said: list[str]
) -> None:
    settings.DATA_DIR = tmp_path
    monkeypatch.delenv("REDIS_URL")
    with running_services(log=said.append, worker=False):
        monkeypatch.delenv("REDIS_URL")
        line = rf"Already running on {tmp_path} \(process {os.getpid()}\)"
        with pytest.raises(ServiceError, match=line), running_services(log=said.append):
            pass


def test_services_refuse_in_one_line_when_redis_url_does_not_answer(
    monkeypatch: pytest.MonkeyPatch, said: list[str]
) -> None:
    monkeypatch.setenv("REDIS_URL", f"redis://127.0.0.1:{free_port()}/0")
    with pytest.raises(ServiceError, match="No Redis answers at REDIS_URL"), running_services(log=said.append):
        pass


def test_programs_are_what_the_environment_asks_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKER_PROCESSES", "5")
    monkeypatch.setenv("WEB_PROCESSES", "3")
    assert "--concurrency 5" in " ".join(worker_program().command)
    assert "--bind 0.0.0.0:9000 --workers 3" in " ".join(web_program("0.0.0.0", 9000).command)
    assert "--beat" not in worker_program().command
    assert "beat" in beat_program().command


@pytest.fixture
def serving(tmp_path: Path) -> Iterator["tuple[subprocess.Popen[bytes], int, Path]"]:
    """`manage.py serve` as a user starts it, on folders of its own, once its pages and worker run."""
    port, log = free_port(), tmp_path / "log.txt"
    env = {
        "DATA_DIR": str(tmp_path),
        "DATABASE_URL": f"sqlite:///{tmp_path / 'finops.sqlite3'}",
        "REDIS_URL": "",
        "CHARGE_STORE": "",
        "DJANGO_SETTINGS_MODULE": "finops_site.settings",
        "LOG_LEVEL": "INFO",
        "WORKER_PROCESSES": "1",
        "WEB_PROCESSES": "1",
    }
    command = [sys.executable, "manage.py", "serve", "--port", str(port)]
    with log.open("wb") as output:
        process = processes.start(command, env=env, output=output, cwd=settings.BASE_DIR)
    try:
        wait_until(lambda: "Serving on" in log.read_text(), what="the web server", seconds=60)
        wait_until(lambda: "ready." in log.read_text(), what="the worker", seconds=60)
        yield process, port, tmp_path
    finally:
        processes.stop(process)


Serving = tuple["subprocess.Popen[bytes]", int, Path]


def test_serve_leaves_nothing_behind_when_it_is_asked_to_stop(serving: Serving) -> None:
    process, _, data_dir = serving
    # serve, redis, worker with one pool process, beat, web with one process
    assert len(processes_of(data_dir)) >= 7
    assert processes.stop(process, grace_seconds=40) == 0
    assert processes_of(data_dir) == set()


def test_serve_leaves_nothing_behind_when_it_is_killed(serving: Serving) -> None:
    process, _, data_dir = serving
    process.kill()
    process.wait()
    wait_until(lambda: not processes_of(data_dir), what="the end of every program", seconds=10)


def test_serve_refuses_in_one_line_when_the_port_is_taken(serving: Serving, tmp_path: Path) -> None:
    _, port, _ = serving
    env = {**os.environ, "DATA_DIR": str(tmp_path / "other"), "REDIS_URL": ""}
    env["DJANGO_SETTINGS_MODULE"] = "finops_site.settings"
    command = [sys.executable, "manage.py", "serve", "--port", str(port)]
    refused = subprocess.run(command, env=env, cwd=settings.BASE_DIR, capture_output=True, text=True, check=False)
    assert refused.returncode == 1
    assert refused.stderr == (
        f"CommandError: Port {port} on 127.0.0.1 is taken. Stop the program that uses it, "
        f"or choose another: --port {port + 1}.\n"
    )
    assert not (tmp_path / "other" / "redis").exists()
