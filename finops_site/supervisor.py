"""Keeps the product's programs running: embedded Redis, worker, beat, web. Leaves nothing behind.

One thread starts and watches all of them, because the kernel ends a child when the *thread* that
started it ends (see launch.py): even a SIGKILL of this process takes every program with it.
"""

import contextlib
import fcntl
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

import redis
from django.conf import settings

from finops_site import embedded, env, processes
from finops_site.celery import app as celery_app
from finops_site.embedded import ServiceError
from finops_site.preflight import check_folder, port_answers

Log = Callable[[str], None]
FIRST_PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 30.0
HEALTHY_AFTER_SECONDS = 60.0
LOOK_EVERY_SECONDS = 0.1


@dataclass(frozen=True)
class Program:
    """What to keep running, and how long it may take to end politely."""

    name: str
    command: tuple[str, ...]
    grace_seconds: float = 10


@dataclass
class _Child:
    program: Program
    process: "subprocess.Popen[bytes] | None" = None
    start_at: float = 0.0
    started_at: float = 0.0
    failures: int = 0


class Supervisor:
    """Starts programs, restarts what ends after a growing pause, and stops all in reverse order."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._children: list[_Child] = []
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="supervisor", daemon=True)
        self._thread.start()

    def start(self, program: Program) -> None:
        """Keep this program running from now on."""
        self._children.append(_Child(program))

    def pids(self) -> dict[str, int]:
        """Process ids of the programs that run now, by name."""
        running = ((child.program.name, child.process) for child in self._children)
        return {name: process.pid for name, process in running if process is not None and process.poll() is None}

    def failures(self, name: str) -> int:
        """How often in a row the program has ended by itself."""
        return next((child.failures for child in self._children if child.program.name == name), 0)

    def stop(self) -> None:
        """End every program, the last started first; returns when all are gone."""
        self._stopping.set()
        self._thread.join()

    def _watch(self) -> None:
        try:
            while not self._stopping.wait(LOOK_EVERY_SECONDS):
                for child in list(self._children):
                    self._look_after(child)
        finally:
            for child in reversed(self._children):
                if child.process is not None:
                    processes.stop(child.process, grace_seconds=child.program.grace_seconds)

    def _look_after(self, child: _Child) -> None:
        now = time.monotonic()
        if child.process is None:
            if now >= child.start_at:
                child.process, child.started_at = processes.start(child.program.command, cwd=settings.BASE_DIR), now
            return
        code = child.process.poll()
        if code is None:
            return
        processes.signal_group(child.process, signal.SIGKILL)  # what it may have left
        child.process = None
        child.failures = 1 if now - child.started_at > HEALTHY_AFTER_SECONDS else child.failures + 1
        pause = min(FIRST_PAUSE_SECONDS * 2 ** (child.failures - 1), LONGEST_PAUSE_SECONDS)
        child.start_at = now + pause
        self._log(f"{child.program.name} ended ({_reason(code)}); starting it again in {pause:g} s.")


@dataclass
class Services:
    """Running services of one process: where the broker is, and the way to add the web server."""

    broker_url: str
    supervisor: Supervisor
    log: Log
    _asked_to_stop: threading.Event = field(default_factory=threading.Event)

    def serve(self, *, host: str, port: int, on_ready: Callable[[], None] | None = None) -> None:
        """Add beat and web, call `on_ready` when pages answer, and return on SIGTERM or SIGINT.

        Call from the main thread, after `check_port`.
        """
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._on_signal)
        self.supervisor.start(beat_program())
        self.supervisor.start(web_program(host, port))
        while not self._asked_to_stop.wait(0.2):
            if on_ready is not None and port_answers(host, port):
                on_ready()
                on_ready = None

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        self._asked_to_stop.set()


@contextmanager
def running_services(*, log: Log, worker: bool = True) -> Iterator[Services]:
    """Redis and, unless told otherwise, a Celery worker while the block runs; all gone after it.

    REDIS_URL, where set, is used as it is; otherwise the embedded Redis starts under DATA_DIR. This
    process's own Celery app is pointed at that broker. Raises ServiceError, with one clear line, when
    something cannot start; nothing is left running then. Call from the main thread.
    """
    check_folder(settings.DATA_DIR)
    with ExitStack() as stack:
        previous = signal.signal(signal.SIGTERM, _exit_on_signal)
        stack.callback(signal.signal, signal.SIGTERM, previous)
        external = env.text("REDIS_URL", "")
        if not external:
            stack.enter_context(only_copy(settings.DATA_DIR))
        supervisor = Supervisor(log)
        stack.callback(supervisor.stop)
        url = _check_external(external) if external else _start_redis(supervisor)
        stack.enter_context(_broker(url))
        if worker:
            supervisor.start(worker_program())
        yield Services(url, supervisor, log)


def worker_program() -> Program:
    """A Celery worker; a running import gets some time to finish, else it is repeated later."""
    concurrency = str(env.whole_number("WORKER_PROCESSES", 2))
    return Program("worker", _celery("worker", "--concurrency", concurrency, "--without-gossip"), grace_seconds=20)


def beat_program() -> Program:
    """The scheduler, always a process of its own: two schedulers would send everything twice."""
    return Program("beat", _celery("beat", "--pidfile="))


def web_program(host: str, port: int) -> Program:
    """The web server."""
    workers, threads = env.whole_number("WEB_PROCESSES", 2), env.whole_number("WEB_THREADS", 4)
    options = ["--bind", f"{host}:{port}", "--workers", str(workers), "--threads", str(threads), "--no-control-socket"]
    options += ["--config", "python:finops_site.gunicorn_conf", "--log-level", _log_level().lower()]
    return Program("web", (sys.executable, "-m", "gunicorn", "finops_site.wsgi:application", *options))


def _celery(kind: str, *options: str) -> tuple[str, ...]:
    python = (sys.executable, "-W", "ignore:You're running the worker with superuser")  # containers do
    return (*python, "-m", "celery", "--app", "finops_site", "--quiet", kind, "--loglevel", _log_level(), *options)


def _log_level() -> str:
    return env.text("LOG_LEVEL", "WARNING")


def _start_redis(supervisor: Supervisor) -> str:
    prepared = embedded.prepare_redis(settings.DATA_DIR)
    supervisor.start(Program("redis", tuple(prepared.command)))
    give_up_at = time.monotonic() + embedded.START_SECONDS
    while not embedded.redis_answers(prepared):
        if supervisor.failures("redis") or time.monotonic() > give_up_at:
            raise embedded.not_started(prepared)
        time.sleep(0.05)
    return prepared.broker_url


def _check_external(url: str) -> str:
    client = redis.Redis.from_url(url.replace("redis+socket://", "unix://", 1), socket_connect_timeout=5)
    try:
        client.ping()
    except redis.RedisError as error:
        raise ServiceError(
            f"No Redis answers at REDIS_URL ({error}). Start it, correct REDIS_URL, or unset it for the embedded one."
        ) from error
    finally:
        client.close()
    return url


@contextmanager
def only_copy(data_dir: Path) -> Iterator[None]:
    """Hold the data folder; the kernel lets go of it when this process ends, however it ends."""
    with (data_dir / "running.lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            lock.seek(0)
            raise ServiceError(
                f"Already running on {data_dir} (process {lock.read().strip() or 'unknown'}). "
                "Stop that one, or set DATA_DIR to another folder."
            ) from error
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield


@contextmanager
def _broker(url: str) -> Iterator[None]:
    """Point this process's Celery app, and the programs it starts, at a broker."""
    before, before_env = celery_app.conf.broker_url, os.environ.get("REDIS_URL")
    celery_app.conf.broker_url = os.environ["REDIS_URL"] = url
    try:
        yield
    finally:
        celery_app.conf.broker_url = before
        os.environ.pop("REDIS_URL", None)
        if before_env is not None:
            os.environ["REDIS_URL"] = before_env


def _exit_on_signal(number: int, _frame: FrameType | None) -> None:
    raise SystemExit(128 + number)


def _reason(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    with contextlib.suppress(ValueError):
        return signal.Signals(-code).name
    return f"signal {-code}"
