"""Real workers on the database, charge store and queue of one test."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import redis
from django.conf import settings as django_settings
from django.db import connection
from pytest_django.fixtures import Settings

from finops_site import processes
from tests import plugin
from tests.finops_site.running import wait_until

Worker = subprocess.Popen[bytes]
StartWorker = Callable[..., Worker]


@pytest.fixture
def committed(transactional_db: None) -> None:
    """A database whose rows other processes see. Its flush brings group and tag policy back by post_migrate."""


@pytest.fixture
def places(committed: None, settings: Settings, tmp_path: Path) -> Path:
    """Charge store, uploads and temporary files of this test alone, and an empty queue."""
    settings.CHARGE_STORE = str(tmp_path / "charges")
    settings.UPLOAD_DIR = tmp_path / "uploads"
    settings.IMPORT_TEMP_DIR = tmp_path / "tmp"
    with redis.Redis.from_url(settings.REDIS_URL.replace("redis+socket://", "unix://", 1)) as queue:
        queue.flushall()
    return tmp_path


@pytest.fixture
def start_worker(places: Path) -> Iterator[StartWorker]:
    """Start real workers: `start_worker(die_after="load", pool="prefork")`; all end with the test."""
    running: list[Worker] = []

    def start(*, die_after: str = "", hold_at: str = "", pool: str = "solo", **more: str) -> Worker:
        log_path = places / f"worker-{len(running)}.log"
        env = worker_environment(places) | {"DIE_AFTER": die_after, "DIE_ONCE": str(places / "died")}
        env |= {"HOLD_AT": hold_at, "IMPORT_RETRY_SECONDS": "1,1,1,1"} | more
        command = [sys.executable, "-m", "tests.real_parts.worker_main", "worker", "--pool", pool, "--concurrency", "1"]
        command += ["--loglevel", "INFO", "--without-gossip", "--without-mingle", "--hostname", f"w{len(running)}@%h"]
        with log_path.open("wb") as log:
            worker = processes.start(command, env=env, output=log, cwd=django_settings.BASE_DIR)
        running.append(worker)
        wait_until(
            lambda: "ready." in log_path.read_text() or worker.poll() is not None,
            what=f"a worker, see {log_path}",
            seconds=60,
        )
        assert worker.poll() is None, log_path.read_text()[-2000:]
        return worker

    yield start
    for worker in running:
        processes.stop(worker, grace_seconds=5)


@pytest.fixture
def restart_database(places: Path) -> Callable[[], None]:
    """Restart the PostgreSQL of this run under everybody's feet. SQLite has no server to restart."""
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has no server that could be restarted")

    def restart() -> None:
        connection.close()
        plugin.restart_database()

    return restart


def worker_environment(places: Path) -> dict[str, str]:
    """What makes the product's own settings point at this test's database, queue and folders."""
    database = connection.settings_dict
    on_sqlite = connection.vendor == "sqlite"
    where = (
        f"sqlite:///{database['NAME']}" if on_sqlite else f"postgres://finops@/{database['HOST']}/{database['NAME']}"
    )
    return {
        "DJANGO_SETTINGS_MODULE": "finops_site.settings",
        "DATABASE_URL": where,
        "DATA_DIR": str(places),
        "CHARGE_STORE": str(django_settings.CHARGE_STORE),
        "UPLOAD_DIR": str(django_settings.UPLOAD_DIR),
        "IMPORT_TEMP_DIR": str(django_settings.IMPORT_TEMP_DIR),
        "REDIS_URL": django_settings.REDIS_URL,
    }


@pytest.fixture
def clock() -> Callable[[], datetime]:
    """The real time: workers in other processes live in it."""
    return lambda: datetime.now(UTC)
