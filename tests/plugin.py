"""What must happen before Django reads its settings: throw-away folders, a real Redis, a real database.

Loaded by `-p tests.plugin` (pyproject.toml), ahead of pytest-django. `--database postgresql` runs the
suite on a real PostgreSQL; without it on SQLite in a file.
"""

import os
import shutil
import sqlite3
import subprocess
import tempfile
from collections.abc import Generator
from pathlib import Path

import celery
import pytest

from finops_site import embedded, processes
from finops_site.embedded import EmbeddedRedis
from tests.real_parts.postgresql import PostgreSQL, restart_postgresql, start_postgresql

FOLDER_PREFIX = "finops-tests-"
running: list["subprocess.Popen[bytes]"] = []
real_parts: list[str] = []
databases: list[PostgreSQL] = []
queues: list[EmbeddedRedis] = []


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--database",
        choices=("sqlite", "postgresql"),
        default="sqlite",
        help="the database to test on; postgresql starts a real one",
    )


@pytest.hookimpl(wrapper=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Generator[None, None, None]:
    """A wrapper, because wrappers run ahead of pytest-django, which reads the settings here."""
    options = early_config.known_args_namespace
    if not (options.help or options.version):
        start_real_parts(options.database)
    try:
        yield
    except BaseException:
        stop_real_parts()
        raise


def pytest_report_header() -> str:
    return f"real parts: {', '.join(real_parts)}"


def pytest_unconfigure() -> None:
    stop_real_parts()


def stop_real_parts() -> None:
    while running:
        processes.stop(running.pop(), grace_seconds=5)
    shutil.rmtree(run_folder(), ignore_errors=True)


def run_folder() -> Path:
    """This run's own folder; its short name leaves room for the names of sockets."""
    return Path(tempfile.gettempdir()) / f"{FOLDER_PREFIX}{os.getpid()}"


def start_real_parts(database: str) -> None:
    """Start the servers of this run and point the environment at them. They die with this process."""
    remove_leftovers()
    folder = run_folder()
    folder.mkdir(mode=0o711)  # PostgreSQL's unprivileged user has to pass through
    data_dir = folder / "data"
    database_url = f"sqlite:///{data_dir / 'finops.sqlite3'}"
    real_parts.append(f"SQLite {sqlite3.sqlite_version}")
    if database == "postgresql":
        server = start_postgresql(folder / "pg")
        running.append(server.process)
        databases.append(server)
        database_url = server.url
        real_parts.append(f"PostgreSQL {server.version} (tests run on it)")
    redis = embedded.prepare_redis(data_dir)
    queues.append(redis)
    start_redis(redis)
    real_parts.extend([f"Redis {embedded.redis_version(redis.binary)}", f"Celery worker {celery.__version__}"])
    os.environ.update(
        DATA_DIR=str(data_dir),
        DATABASE_URL=database_url,
        REDIS_URL=redis.broker_url,
        CHARGE_STORE=str(data_dir / "charges"),
        UPLOAD_DIR=str(data_dir / "uploads"),
        IMPORT_TEMP_DIR=str(data_dir / "tmp"),
        SECRET_KEY="only-for-tests",
        EMAIL_URL="consolemail://",
        ALLOWED_HOSTS="",
    )


def start_redis(redis: EmbeddedRedis) -> None:
    running.append(processes.start(redis.command, output=subprocess.DEVNULL))
    embedded.wait_for_redis(redis, running[-1])


def restart_database() -> None:
    """Restart PostgreSQL: every session of it is cut off. Call it from the thread that runs the tests."""
    server = databases.pop()
    running.remove(server.process)
    databases.append(restart_postgresql(server))
    running.append(databases[-1].process)


def stop_redis() -> None:
    """End Redis at once, as a power cut would; what it has on disk stays."""
    process = next(process for process in running if "--unixsocket" in process.args)  # type: ignore[operator]
    running.remove(process)
    processes.stop(process, grace_seconds=0)


def start_redis_again() -> None:
    """Start Redis on what it had on disk."""
    start_redis(queues[-1])


def remove_leftovers() -> None:
    """Folders of runs that were killed before they could clean up."""
    for path in Path(tempfile.gettempdir()).glob(f"{FOLDER_PREFIX}*"):
        pid = path.name.removeprefix(FOLDER_PREFIX)
        if pid.isdigit() and not _is_running(int(pid)):
            shutil.rmtree(path, ignore_errors=True)


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
