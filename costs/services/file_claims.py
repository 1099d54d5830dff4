"""Who lands a file of an import: one worker at a time, its heartbeat and progress, and which file was the last."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Avg, Count, F, Q
from django.db.models.functions import Now

from costs.errors import ImportRejectedError
from costs.models import BillImport, ImportFile
from costs.services.claims import (
    LOSSES_ALLOWED,
    LOST_CURE,
    SHARED,
    Claim,
    is_dead_here,
    is_this_process,
    new_worker,
    why_stopped,
)
from costs.terms import FileState, ImportState

LANDED_PERCENT = 60  # of an import, once all its files have landed


@dataclass(frozen=True)
class FileClaim:
    """The right to land one file within one run of its import. Every report is a heartbeat of both."""

    file_pk: int
    import_pk: int
    number: int
    run: str  # the worker of the import
    worker: str

    def report(self, *, percent: int, **changes: Any) -> None:
        """Store progress. Raises StoppedError where the import or the file is no longer this worker's."""
        held = ImportFile.objects.filter(pk=self.file_pk, worker=self.worker, bill_import__worker=self.run)
        if not held.update(heartbeat_at=Now(), percent=percent, **changes):
            raise why_stopped(self.import_pk)
        _beat_for_import(self)

    def beat(self, done: float) -> None:
        """Heartbeat of the landing, which is so far, 0 to 1."""
        self.report(percent=min(99, int(100 * done)))

    def holds(self) -> bool:
        """Whether the file is still this worker's to land."""
        mine = ImportFile.objects.filter(pk=self.file_pk, worker=self.worker, bill_import__worker=self.run)
        return mine.exists()


def make_rows(bill_import: BillImport) -> list[ImportFile]:
    """One waiting row for each file of the import, instead of those of an earlier run."""
    with transaction.atomic():
        ImportFile.objects.filter(bill_import=bill_import).delete()
        return ImportFile.objects.bulk_create(
            ImportFile(bill_import=bill_import, number=number, name=str(described["name"])[:500])
            for number, described in enumerate(bill_import.files)
        )


def claim_in_line(row: ImportFile, claim: Claim) -> FileClaim:
    """Take a file for the process that runs the whole import."""
    own = FileClaim(row.pk, row.bill_import_id, row.number, claim.worker, claim.worker)
    ImportFile.objects.filter(pk=row.pk).update(state=FileState.LANDING.value, worker=own.worker, heartbeat_at=Now())
    own.report(percent=0)
    return own


def claim_file(file_pk: int) -> FileClaim | None:
    """Take a file to land it; None where it has landed, its import has ended, or a living worker lands it.

    Raises ImportRejectedError where it has taken too many workers with it.
    """
    with transaction.atomic():
        row = ImportFile.objects.select_for_update(of=("self",)).filter(pk=file_pk).first()
        run = _run_of(row)
        if row is None or run is None or row.state not in (FileState.WAITING, FileState.LANDING) or _is_alive(row):
            return None
        lost = row.state == FileState.LANDING and not is_this_process(row.worker)
        if not (lost and row.workers_lost >= LOSSES_ALLOWED):
            claim = FileClaim(row.pk, row.bill_import_id, row.number, run, new_worker())
            ImportFile.objects.filter(pk=row.pk).update(
                state=FileState.LANDING.value,
                worker=claim.worker,
                heartbeat_at=Now(),
                percent=0,
                retry_at=None,
                workers_lost=F("workers_lost") + int(lost),
            )
            return claim
    raise file_lost(row.name)


def file_landed(claim: FileClaim, *, rows: int, landed: dict[str, Any]) -> bool:
    """Note that the file has landed; whether it was the last one of its import, which one caller is told."""
    with transaction.atomic():
        # The row of the import is the lock: of two last files one comes second.
        item = BillImport.objects.select_for_update().filter(pk=claim.import_pk, worker=claim.run).first()
        mine = ImportFile.objects.filter(pk=claim.file_pk, worker=claim.worker, state=FileState.LANDING.value)
        if item is None or not mine.update(
            state=FileState.LANDED.value, percent=100, rows=rows, landed=landed, heartbeat_at=Now(), error=""
        ):
            raise why_stopped(claim.import_pk)
        done = ImportFile.objects.filter(bill_import=item, state=FileState.LANDED.value).count()
        is_last = done == item.files_total
        BillImport.objects.filter(pk=item.pk).update(
            files_done=done, heartbeat_at=Now(), **({"handed_out_at": Now()} if is_last else {})
        )
    _beat_for_import(claim)
    return is_last


def dead_files(*, now: datetime) -> list[ImportFile]:
    """Files of running imports that should show a heartbeat and do not, or whose worker on this machine is gone."""
    landing = _shared_files().filter(state=FileState.LANDING.value).select_related("bill_import")
    return [row for row in landing if _is_silent(row, now) or is_dead_here(row.worker)]


def give_back(row: ImportFile) -> bool:
    """Let another worker land a file whose worker died; False where it has had its second chance."""
    if row.workers_lost >= LOSSES_ALLOWED:
        return False
    ImportFile.objects.filter(pk=row.pk, state=FileState.LANDING.value, worker=row.worker).update(
        state=FileState.WAITING.value, worker="", percent=0, workers_lost=F("workers_lost") + 1, handed_out_at=None
    )
    return True


def files_to_hand_out(*, now: datetime) -> list[int]:
    """Waiting files that no task stands for any more, or whose time to be tried again has come."""
    silent = now - timedelta(seconds=settings.IMPORT_STALE_SECONDS)
    due = _shared_files().filter(state=FileState.WAITING.value).filter(is_due(now, silent))
    return list(due.order_by("pk").values_list("pk", flat=True))


def imports_to_finish(*, now: datetime) -> list[int]:
    """Imports whose files have all landed while nobody has begun to finish them, for a while."""
    silent = now - timedelta(seconds=settings.IMPORT_STALE_SECONDS)
    shared = BillImport.objects.filter(state=ImportState.LANDING.value, worker__startswith=SHARED)
    landed = shared.filter(files_done=F("files_total")).filter(Q(handed_out_at=None) | Q(handed_out_at__lt=silent))
    return list(landed.order_by("pk").values_list("pk", flat=True))


def is_due(now: datetime, silent: datetime) -> Q:
    """What is to be handed out: for the first time, again by now, or because its task was sent so long ago."""
    never = Q(handed_out_at=None) & (Q(retry_at=None) | Q(retry_at__lte=now))
    return never | Q(handed_out_at__lt=silent)


def file_lost(name: str) -> ImportRejectedError:
    """The error of a file that took its workers with it."""
    problem = "Two workers died while they read this file, so it is not tried again by itself."
    return ImportRejectedError(problem, LOST_CURE, name, code="worker_lost")


def _shared_files() -> Any:
    return ImportFile.objects.filter(
        bill_import__state=ImportState.LANDING.value, bill_import__worker__startswith=SHARED
    )


def _run_of(row: ImportFile | None) -> str | None:
    """The run that the file belongs to; None where its files are not landed by tasks (any more)."""
    if row is None:
        return None
    found = BillImport.objects.filter(pk=row.bill_import_id, state=ImportState.LANDING.value, worker__startswith=SHARED)
    return found.values_list("worker", flat=True).first()


def _is_alive(row: ImportFile) -> bool:
    if row.state != FileState.LANDING or is_this_process(row.worker) or is_dead_here(row.worker):
        return False
    limit = timedelta(seconds=settings.IMPORT_STALE_SECONDS)
    return ImportFile.objects.filter(pk=row.pk, heartbeat_at__gte=Now() - limit).exists()


def _is_silent(row: ImportFile, now: datetime) -> bool:
    limit = now - timedelta(seconds=settings.IMPORT_STALE_SECONDS)
    return row.heartbeat_at is None or row.heartbeat_at < limit


def _beat_for_import(claim: FileClaim) -> None:
    landing = ImportFile.objects.filter(bill_import=claim.import_pk)
    mean = landing.aggregate(
        mean=Avg("percent"), at_work=Count("pk", filter=Q(state=FileState.LANDING.value)), files=Count("pk")
    )
    percent = int(LANDED_PERCENT * float(mean["mean"] or 0) / 100)
    held = BillImport.objects.filter(pk=claim.import_pk, worker=claim.run, state=ImportState.LANDING.value)
    held.update(heartbeat_at=Now(), percent=percent, step=_step_of(claim, mean["at_work"]))


def _step_of(claim: FileClaim, at_work: int) -> str:
    if at_work > 1:
        return f"Reading {at_work} files at once"
    name = ImportFile.objects.filter(pk=claim.file_pk).values_list("name", flat=True).first()
    return f"Reading {name}"[:120]
