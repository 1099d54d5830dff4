"""What must hold before anything is started, each with one clear line where it does not."""

import errno
import os
import shutil
import socket
import tempfile
from pathlib import Path

from finops_site.embedded import ServiceError

FREE_MB_NEEDED = 200


def check_folder(data_dir: Path) -> None:
    """The data folder exists or can be made, can be written, and has some room."""
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=data_dir) as probe:
            probe.write(b"room?" * 1000)
            probe.flush()
            os.fsync(probe.fileno())
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise ServiceError(f"The disk of {data_dir} is full. Free some room, or set DATA_DIR elsewhere.") from error
        raise ServiceError(
            f"Cannot write to {data_dir} ({error.strerror}). Give this user the right to, or set DATA_DIR elsewhere."
        ) from error
    free_mb = shutil.disk_usage(data_dir).free // 1_000_000
    if free_mb < FREE_MB_NEEDED:
        raise ServiceError(
            f"Only {free_mb} MB are free in {data_dir} and at least {FREE_MB_NEEDED} MB are needed. "
            "Free some room, or set DATA_DIR elsewhere."
        )


def check_port(host: str, port: int) -> None:
    """The web server can listen there."""
    if not 0 < port < 65536:
        raise ServiceError(f"There is no port {port}. Choose another --port, from 1 to 65535.")
    try:
        address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(address[0], socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address[4])
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise ServiceError(
                f"Port {port} on {host} is taken. Stop the program that uses it, or choose another: --port {port + 1}."
            ) from error
        raise ServiceError(f"Cannot listen on {host}:{port} ({error}). Choose another --host or --port.") from error


def port_answers(host: str, port: int) -> bool:
    """Whether something accepts connections there now."""
    try:
        with socket.create_connection((host.replace("0.0.0.0", "127.0.0.1"), port), timeout=1):  # noqa: S104
            return True
    except OSError:
        return False
