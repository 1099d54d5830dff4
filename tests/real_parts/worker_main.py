"""A Celery worker that can be told to die: `python -m tests.real_parts.worker_main worker …`.

DIE_AFTER=load, allocation or switch sends this very process a SIGKILL at that point of the next
import, once: the file DIE_ONCE is made just before, and a worker that finds it lives on. With
DIE_AFTER="always after load" no worker ever lives on.

HOLD_AT=land, store or switch makes it wait in the middle of that step, after touching the file HELD, until
there is a file GO: time for a test to kill it, or the database or the queue under it. While there is a file
FULL, whatever it lands goes to a device that has no room: the kernel answers every write with ENOSPC.
MEMORY is what DuckDB may use, below what any setting allows.
"""

import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import django
from django.db import connection

from finops_site.celery import app


def die_once(*, always: bool = False) -> None:
    """SIGKILL to this process, unless an earlier worker has had it."""
    try:
        Path(os.environ["DIE_ONCE"]).touch(exist_ok=always)
    except FileExistsError:
        return
    os.kill(os.getpid(), signal.SIGKILL)


def dying_after(step: Callable[..., Any], *, always: bool = False) -> Callable[..., Any]:
    """The step, and then the end."""

    def run(*args: Any, **kwargs: Any) -> Any:
        result = step(*args, **kwargs)
        die_once(always=always)
        return result

    return run


def place(name: str) -> Path:
    """A file by which test and worker tell one another something."""
    return Path(os.environ["DIE_ONCE"]).with_name(name)


def hold() -> None:
    """Say so, and wait for the test."""
    place("held").touch()
    while not place("go").exists():
        time.sleep(0.02)


def holding_before(step: Callable[..., Any]) -> Callable[..., Any]:
    """The step, once the test lets it."""

    def run(*args: Any, **kwargs: Any) -> Any:
        hold()
        return step(*args, **kwargs)

    return run


def on_a_full_disk(land_file: Callable[..., Any]) -> Callable[..., Any]:
    """Landing, which finds no room as long as the test says so."""

    def run(duck: Any, file: Any, mapping: Any, target: Path, **options: Any) -> Any:
        if place("full").exists():
            target.symlink_to("/dev/full")
        return land_file(duck, file, mapping, target, **options)

    return run


def at_the_switch(put_in_force: Callable[..., Any], act: Callable[[], None]) -> Callable[..., Any]:
    """Act as soon as the database has carried out the UPDATE of the pointer, not yet committed."""

    def after_update(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        result = execute(sql, params, many, context)
        if sql.startswith("UPDATE") and '"import_in_force_id" = ' in sql.split("WHERE")[0]:
            act()
        return result

    def run(*args: Any, **kwargs: Any) -> Any:
        with connection.execute_wrapper(after_update):
            return put_in_force(*args, **kwargs)

    return run


def arm(point: str) -> None:
    """Put the end in place. The services are replaced where the pipeline looks them up."""
    from costs import services as intake  # noqa: PLC0415 - needs Django
    from tagging import services as owners  # noqa: PLC0415

    if point == "always after load":
        intake.load_import = dying_after(intake.load_import, always=True)
    elif point == "load":
        intake.load_import = dying_after(intake.load_import)
    elif point == "allocation":
        owners.allocate_import = dying_after(owners.allocate_import)
    elif point == "switch":
        intake.put_in_force = at_the_switch(intake.put_in_force, die_once)


def arm_memory(limit: str) -> None:
    """Leave DuckDB less than a bill needs."""
    from costs.charge_store import connection as duckdb_connection  # noqa: PLC0415 - needs Django

    real = duckdb_connection._config
    duckdb_connection._config = lambda spill: {**real(spill), **({"memory_limit": limit} if limit else {})}


def arm_hold(point: str) -> None:
    """Put the wait in place, and the disk that can be full."""
    from costs import charge_store  # noqa: PLC0415 - needs Django
    from costs import services as intake  # noqa: PLC0415
    from costs.services import storing  # noqa: PLC0415

    charge_store.land_file = on_a_full_disk(charge_store.land_file)
    if point == "land":
        charge_store.land_file = holding_before(charge_store.land_file)
    elif point == "store":
        storing.tie_out = holding_before(storing.tie_out)
    elif point == "switch":
        intake.put_in_force = at_the_switch(intake.put_in_force, hold)


if __name__ == "__main__":
    django.setup()
    arm(os.environ.get("DIE_AFTER", ""))
    arm_hold(os.environ.get("HOLD_AT", ""))
    arm_memory(os.environ.get("MEMORY", ""))
    app.start(sys.argv[1:])
