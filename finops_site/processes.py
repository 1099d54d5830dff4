"""Child processes that are stopped as a whole and never outlive this one."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

LAUNCHER = Path(__file__).with_name("launch.py")
Output = IO[bytes] | int | None


def start(
    command: Sequence[str],
    *,
    env: Mapping[str, str] | None = None,
    user: str = "-",
    output: Output = None,
    cwd: Path | None = None,
) -> subprocess.Popen[bytes]:
    """Start a program as leader of its own process group; it dies when the calling thread does.

    `env` is added to this process's environment. `user` other than "-" needs root. Standard output
    and error both go to `output`, or where this process's go.
    """
    return subprocess.Popen(  # noqa: S603 - a list, no shell
        [sys.executable, "-S", "-E", str(LAUNCHER), str(os.getpid()), user, *command],
        env={**os.environ, **(env or {})},
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT if output is not None else None,
        start_new_session=True,
    )


def signal_group(process: subprocess.Popen[bytes], signal_number: int) -> None:
    """Send a signal to the program and everything it started that stayed in its group."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal_number)


def stop(process: subprocess.Popen[bytes], *, grace_seconds: float = 10) -> int:
    """End a program politely, after `grace_seconds` by force, its group with it; returns its exit code."""
    if process.poll() is None:
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(grace_seconds)
    signal_group(process, signal.SIGKILL)
    return process.wait()
