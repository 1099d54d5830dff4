"""A Celery worker that can be told to die: `python -m tests.real_parts.worker_main worker …`.

DIE_AFTER=load, allocation or switch sends this very process a SIGKILL at that point of the next
import, once: the file DIE_ONCE is made just before, and a worker that finds it lives on. With
DIE_AFTER="always after load" no worker ever lives on.
"""

import os
import signal
import sys
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


def dying_in_switch(put_in_force: Callable[..., Any]) -> Callable[..., Any]:
    """The end comes as soon as the database has carried out the UPDATE of the pointer, not yet committed."""

    def after_update(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        result = execute(sql, params, many, context)
        if sql.startswith("UPDATE") and '"import_in_force_id" = ' in sql.split("WHERE")[0]:
            die_once()
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
        intake.put_in_force = dying_in_switch(intake.put_in_force)


if __name__ == "__main__":
    django.setup()
    arm(os.environ.get("DIE_AFTER", ""))
    app.start(sys.argv[1:])
