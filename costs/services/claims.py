"""Who runs an import: one worker at a time, its heartbeat and progress."""

import os
import socket
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models.functions import Now

from costs.errors import FinopsError
from costs.models import BillImport
from costs.terms import RUNNING_STATES, ImportState

_ENDED = (ImportState.IN_FORCE, ImportState.REPLACED, ImportState.SUPERSEDED, ImportState.UNCHANGED)
_FRESH: dict[str, Any] = {
    "state": ImportState.LANDING.value,
    "started_at": Now(),
    "finished_at": None,
    "rollups_removed_at": None,
    "charges_removed_at": None,
    "percent": 0,
    "step": "Reading the files",
    "files_done": 0,
    "error": "",
    "error_detail": {},
}


class TakenOverError(FinopsError):
    """Another worker runs this import now: this one stops and leaves everything to it."""

    code = "taken_over"


@dataclass
class Claim:
    """The right to run one import. Every report of progress is a heartbeat and checks that it still holds."""

    import_pk: int
    worker: str
    percent: int = 0
    is_in_force: bool = False  # only months split from it are still to be loaded

    def report(self, *, percent: int | None = None, **changes: Any) -> None:
        """Store progress. Raises TakenOverError where another worker has taken the import over."""
        if percent is not None:
            self.percent = max(self.percent, min(percent, 100))
        if self.is_in_force:
            changes = {}
        held = BillImport.objects.filter(pk=self.import_pk, worker=self.worker)
        if not held.update(heartbeat_at=Now(), percent=100 if self.is_in_force else self.percent, **changes):
            raise TakenOverError("Another worker has taken this import over.")

    def beat(self, done: float, *, base: int, span: int) -> None:
        """Heartbeat of a long step that covers `span` percent from `base`."""
        self.report(percent=base + int(span * done))


def claim_import(import_pk: int) -> Claim | None:
    """Take an import to run it; None where it has ended or a living worker runs it."""
    with transaction.atomic():
        bill_import = BillImport.objects.select_for_update().get(pk=import_pk)
        unfinished = BillImport.objects.filter(
            split_from=import_pk, state__in=[state.value for state in RUNNING_STATES]
        )
        has_ended = bill_import.state in _ENDED
        if (has_ended and not unfinished.exists()) or _is_alive(bill_import):
            return None
        claim = Claim(
            import_pk=import_pk,
            worker=new_worker(),
            is_in_force=has_ended,
        )
        fresh = {} if has_ended else _FRESH
        BillImport.objects.filter(pk=import_pk).update(worker=claim.worker, heartbeat_at=Now(), **fresh)
    return claim


def stale_imports(*, now: datetime) -> list[int]:
    """Imports that should show a heartbeat and do not, or whose worker on this machine is gone."""
    limit = now - timedelta(seconds=settings.IMPORT_STALE_SECONDS)
    running = BillImport.objects.filter(state__in=[state.value for state in RUNNING_STATES])
    # A sibling is its first month's business, as long as that one runs.
    on_their_own = running.exclude(split_from__state__in=[state.value for state in RUNNING_STATES])
    return [
        item.pk
        for item in on_their_own.order_by("pk")
        if item.heartbeat_at is None or item.heartbeat_at < limit or is_dead_here(item.worker)
    ]


def new_worker() -> str:
    """A name for this process's claim on something."""
    return f"{_this_process()}:{uuid.uuid4().hex[:12]}"


def _this_process() -> str:
    return f"{socket.gethostname()[:80]}:{os.getpid()}"


def _is_alive(bill_import: BillImport) -> bool:
    if bill_import.state not in RUNNING_STATES or bill_import.worker.startswith(f"{_this_process()}:"):
        return False
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
