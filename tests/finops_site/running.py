"""What tests of running programs share: waiting, free ports, and who still runs."""

import os
import socket
import time
from collections.abc import Callable
from pathlib import Path


def wait_until(holds: Callable[[], bool], *, what: str, seconds: float = 30) -> None:
    """Return as soon as it holds; fail with `what` after so many seconds."""
    give_up_at = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < give_up_at, f"waited {seconds:g} s in vain: {what}"
        time.sleep(0.05)


def free_port() -> int:
    """A port nothing listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def processes_of(data_dir: Path) -> set[int]:
    """Ids of all processes that work on this data folder, wherever they hang in the tree.

    They were started with it in their environment; Redis writes its title over that, and shows its
    socket's path there.
    """
    variable, place = f"DATA_DIR={data_dir}".encode(), f"{data_dir}/".encode()
    found = set()
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                in_environment = variable in (entry / "environ").read_bytes().split(b"\0")
                if in_environment or place in (entry / "cmdline").read_bytes():
                    found.add(int(entry.name))
            except OSError:  # ended meanwhile, or somebody else's
                continue
    return found


def living_in_group(group: int) -> set[int]:
    """Ids of the processes of a process group that still run; the dead that nobody buried do not count."""
    found = set()
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, process_group = stat.read_text().rpartition(")")[2].split()[:3]
        except OSError:
            continue
        if int(process_group) == group and state not in {"Z", "X"}:
            found.add(int(stat.parent.name))
    return found
