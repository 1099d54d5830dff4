"""Who runs an import: one worker at a time, its heartbeat and progress."""

import os
import socket
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q
from django.db.models.functions import Now

from costs.errors import FinopsError, ImportRejectedError
from costs.models import BillImport
from costs.terms import RUNNING_STATES, ImportState

# The worker of an import whose files are landed by tasks of their own: none for the whole of it.
SHARED = "shared:"
# An import may take one worker with it; one that takes a second is given up.
LOSSES_ALLOWED = 1
LOST_CURE = (
    "The server's log says why; mostly memory is short, then lower IMPORT_MEMORY_LIMIT_MB or WORKER_PROCESSES and"
    " restart. Then try again here."
)
_RUNNING = [state.value for state in RUNNING_STATES]
_ENDED = (
    ImportState.IN_FORCE,
    ImportState.REPLACED,
    ImportState.SUPERSEDED,
    ImportState.UNCHANGED,
    ImportState.CANCELLED,
)
_FRESH: dict[str, Any] = {
    "state": ImportState.LANDING.value,
    "started_at": Now(),
    "finished_at": None,
    "rollups_removed_at": None,
    "charges_removed_at": None,
    "percent": 0,
    "step": "Reading the files",
    "files_done": 0,
    "retry_at": None,
    "error": "",
    "error_detail": {},
}


class StoppedError(FinopsError):
    """This run may go no further: it stops and leaves everything to who runs the import now."""

    code = "stopped"


class TakenOverError(StoppedError):
    """Another worker runs this import now."""

    code = "taken_over"


class CancelledError(StoppedError):
    """Somebody has cancelled the import."""

    code = "cancelled"


@dataclass
class Claim:
    """The right to run one import. Every report of progress is a heartbeat and checks that it still holds."""

    import_pk: int
    worker: str
    percent: int = 0
    is_in_force: bool = False  # only months split from it are still to be loaded

    def report(self, *, percent: int | None = None, **changes: Any) -> None:
        """Store progress. Raises StoppedError where the import was cancelled or another worker has it."""
        if percent is not None:
            self.percent = max(self.percent, min(percent, 100))
        if self.is_in_force:
            changes = {}
        held = BillImport.objects.filter(pk=self.import_pk, worker=self.worker)
        if not held.update(heartbeat_at=Now(), percent=100 if self.is_in_force else self.percent, **changes):
            raise why_stopped(self.import_pk)


@contextmanager
def held(claim: Claim) -> Iterator[None]:
    """A transaction in which nobody can cancel the import or take it over. Raises StoppedError where somebody has."""
    with transaction.atomic():
        mine = BillImport.objects.select_for_update().filter(pk=claim.import_pk, worker=claim.worker)
        if not mine.exists():
            raise why_stopped(claim.import_pk)
        yield


def claim_import(import_pk: int) -> Claim | None:
    """Take an import to run it; None where it has ended or a living worker runs it.

    Raises ImportRejectedError where it has taken too many workers with it.
    """
    with transaction.atomic():
        bill_import = BillImport.objects.select_for_update().get(pk=import_pk)
        unfinished = BillImport.objects.filter(split_from=import_pk, state__in=_RUNNING)
        has_ended = bill_import.state in _ENDED
        if (has_ended and not unfinished.exists()) or _is_alive(bill_import):
            return None
        claim = Claim(
            import_pk=import_pk,
            worker=new_worker(),
            is_in_force=has_ended,
        )
        fresh = {} if has_ended else _FRESH
        lost = _has_lost_a_worker(bill_import)
        gives_up = lost and bill_import.workers_lost >= LOSSES_ALLOWED
        BillImport.objects.filter(pk=import_pk).update(
            worker=claim.worker, heartbeat_at=Now(), workers_lost=F("workers_lost") + int(lost), **fresh
        )
    if gives_up:
        raise worker_lost(is_last=True)
    return claim


def is_mine(import_pk: int) -> bool:
    """Whether this process runs the import: else what became of its run is nobody's business any more."""
    worker = BillImport.objects.filter(pk=import_pk).values_list("worker", flat=True).first()
    return worker is not None and is_this_process(worker)


def share_out(claim: Claim) -> str:
    """Give the claim up for tasks that land one file each; returns the run's name, which all of them hold."""
    run = f"{SHARED}{uuid.uuid4().hex[:12]}"
    held = BillImport.objects.filter(pk=claim.import_pk, worker=claim.worker)
    if not held.update(worker=run, heartbeat_at=Now(), handed_out_at=Now()):
        raise why_stopped(claim.import_pk)
    return run


def claim_finish(import_pk: int) -> Claim | None:
    """Take an import whose files have all landed; None where they have not, or another has taken it."""
    with transaction.atomic():
        found = BillImport.objects.select_for_update().filter(pk=import_pk)
        item = found.filter(state=ImportState.LANDING.value, worker__startswith=SHARED).first()
        if item is None or item.files_done < item.files_total:
            return None
        claim = Claim(import_pk, new_worker(), percent=item.percent)
        BillImport.objects.filter(pk=import_pk).update(
            worker=claim.worker, heartbeat_at=Now(), state=ImportState.ROLLING_UP.value, step="Putting files together"
        )
    return claim


def stale_imports(*, now: datetime) -> list[int]:
    """Imports that should show a heartbeat and do not, or whose worker on this machine is gone.

    Those whose files are landed by tasks of their own are looked after file by file.
    """
    limit = now - timedelta(seconds=settings.IMPORT_STALE_SECONDS)
    running = BillImport.objects.filter(state__in=_RUNNING).exclude(worker__startswith=SHARED)
    # A sibling is its first month's business, as long as that one runs.
    on_their_own = running.exclude(split_from__state__in=_RUNNING)
    return [
        item.pk
        for item in on_their_own.order_by("pk")
        if item.heartbeat_at is None or item.heartbeat_at < limit or is_dead_here(item.worker)
    ]


def why_stopped(import_pk: int) -> StoppedError:
    """The error of a run that has lost its right to go on."""
    family = BillImport.objects.filter(Q(pk=import_pk) | Q(split_from=import_pk))
    if family.filter(state=ImportState.CANCELLED.value).exists():
        return CancelledError("The import was cancelled.")
    return TakenOverError("Another worker has taken this import over.")


def worker_lost(*, is_last: bool) -> ImportRejectedError:
    """The error of an import whose worker died; `is_last` where it gets no more runs by itself."""
    if is_last:
        problem = "Its second worker died with it, so it is not tried again by itself."
        return ImportRejectedError(problem, LOST_CURE, code="worker_lost")
    problem = "The worker that ran this import is gone."
    return ImportRejectedError(problem, "It runs once more within a minute.", code="worker_lost")


def new_worker() -> str:
    """A name for this process's claim on something."""
    return f"{_this_process()}:{uuid.uuid4().hex[:12]}"


def is_this_process(worker: str) -> bool:
    """Whether this very process made that claim; it has given it up then, or it would not ask."""
    return worker.startswith(f"{_this_process()}:")


def _this_process() -> str:
    return f"{socket.gethostname()[:80]}:{os.getpid()}"


def _has_lost_a_worker(bill_import: BillImport) -> bool:
    return bill_import.state in RUNNING_STATES and not is_this_process(bill_import.worker)


def _is_alive(bill_import: BillImport) -> bool:
    if bill_import.state not in RUNNING_STATES or is_this_process(bill_import.worker):
        return False
    if bill_import.worker.startswith(SHARED):
        return True
    if is_dead_here(bill_import.worker):
        return False
    limit = timedelta(seconds=settings.IMPORT_STALE_SECONDS)
    return BillImport.objects.filter(pk=bill_import.pk, heartbeat_at__gte=Now() - limit).exists()


def is_dead_here(worker: str) -> bool:
    """Whether the worker (`host:pid:token`) ran on this machine and its process is gone."""
    host, pid, _ = [*worker.rsplit(":", 2), "", ""][:3]
    if host != socket.gethostname()[:80] or not pid.isdigit():
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False
