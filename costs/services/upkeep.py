"""What has to be tidied up now and then: imports whose worker died, rows nobody reads any more."""

import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db.models import F, Q

from costs import charge_store
from costs.errors import InvalidRequestError
from costs.models import BillImport, BillUpload, ImportFile
from costs.selectors.records import folder_of
from costs.selectors.retention import imports_with_kept_charges, pinned_imports
from costs.services.claims import LOSSES_ALLOWED, stale_imports, worker_lost
from costs.services.file_claims import dead_files, file_lost, files_to_hand_out, give_back, imports_to_finish, is_due
from costs.services.storing import remove_rollups
from costs.services.switching import fail_import
from costs.terms import CHARGES_DAMAGED, OPEN_STATES, ImportState

# A page that began on the old month may still be reading it.
_GRACE = timedelta(minutes=10)
# Somebody may still be looking at what was wrong with them.
_UPLOAD_GRACE = timedelta(days=1)
_OURS = re.compile("[0-9a-f]{32}")  # folders made for uploads; what else lies there is not ours
_NOT_READ = (ImportState.REPLACED, ImportState.SUPERSEDED, ImportState.FAILED, ImportState.CANCELLED)
_CAN_BE_TRIED_AGAIN = (ImportState.FAILED.value, ImportState.CANCELLED.value)

_QUEUED: dict[str, Any] = {
    "state": ImportState.QUEUED.value,
    "step": "Waits to run once more",
    "error": "",
    "error_detail": {},
    "finished_at": None,
}


@dataclass(frozen=True)
class Work:
    """Ids for the tasks to be sent: imports to run, files to land, imports to finish."""

    imports: list[int]
    files: list[int]
    finishes: list[int]


def reap_stale_imports(*, now: datetime) -> list[int]:
    """Give up imports whose worker died: they fail with a cure. Returns their pks.

    A file whose worker died is given back to be landed by another; one that takes a second worker with it
    fails its import.
    """
    for row in dead_files(now=now):
        if not give_back(row):
            fail_import(row.bill_import_id, file_lost(row.name))
            charge_store.remove_workspace(row.bill_import_id)
    stale = stale_imports(now=now)
    used_up = BillImport.objects.filter(pk__in=stale, workers_lost__gte=LOSSES_ALLOWED)
    last = set(used_up.values_list("pk", flat=True))
    for import_pk in stale:
        fail_import(import_pk, worker_lost(is_last=import_pk in last))
        charge_store.remove_workspace(import_pk)
    return stale


def requeue_lost(import_pk: int) -> bool:
    """Queue an import once more whose worker died; False where it has had its second chance."""
    lost = BillImport.objects.filter(pk=import_pk, state=ImportState.FAILED.value, workers_lost__lt=LOSSES_ALLOWED)
    return bool(lost.update(workers_lost=F("workers_lost") + 1, **_QUEUED))


def requeue_import(import_pk: int) -> None:
    """Put an import that failed or was cancelled back in the queue. One that has ended otherwise is left alone.

    Damaged charges make way for those of its files. Raises InvalidRequestError where it was made of charges itself.
    """
    damaged = BillImport.objects.filter(pk=import_pk, error_detail__code=CHARGES_DAMAGED).select_related("source")
    for item in damaged:
        if item.rerolled_from_id is not None:
            raise InvalidRequestError(item.error)
        if folder := folder_of(item):
            charge_store.remove_folder(folder)
    ended = BillImport.objects.filter(pk=import_pk, state__in=_CAN_BE_TRIED_AGAIN)
    ended.update(workers_lost=0, attempts=0, **_QUEUED)


def work_to_hand_out(*, now: datetime) -> Work:
    """What no task stands for, and what is to be tried again by now; it counts as handed out from now on.

    Tasks get lost with a queue that forgets. One too many does no harm: each is claimed by one worker.
    """
    silent = now - timedelta(seconds=settings.IMPORT_STALE_SECONDS)
    queued = BillImport.objects.filter(state=ImportState.QUEUED.value, split_from=None)
    # One that never was in the queue is a command's own, until it is to be tried again.
    mine = queued.filter(Q(handed_out_at__isnull=False) | Q(retry_at__isnull=False)).filter(is_due(now, silent))
    work = Work(
        imports=list(mine.order_by("pk").values_list("pk", flat=True)),
        files=files_to_hand_out(now=now),
        finishes=imports_to_finish(now=now),
    )
    BillImport.objects.filter(pk__in=[*work.imports, *work.finishes]).update(handed_out_at=now)
    ImportFile.objects.filter(pk__in=work.files).update(handed_out_at=now)
    return work


def mark_handed_out(import_pk: int, *, now: datetime) -> None:
    """Note that a task stands for the import."""
    BillImport.objects.filter(pk=import_pk).update(handed_out_at=now)


def mark_not_handed_out(import_pk: int, *, now: datetime) -> None:
    """Note that there was no queue to take the import's task: it is due at once."""
    queued = BillImport.objects.filter(pk=import_pk, state=ImportState.QUEUED.value, retry_at=None)
    queued.update(retry_at=now)
    BillImport.objects.filter(pk=import_pk).update(handed_out_at=None)


def mark_files_not_handed_out(file_pks: Sequence[int]) -> None:
    """Note that there was no queue to take these files' tasks."""
    ImportFile.objects.filter(pk__in=file_pks).update(handed_out_at=None)


def remove_stray_workspaces() -> int:
    """Remove landing folders of imports that do not run any more; returns how many."""
    left = charge_store.landings_left()
    running = BillImport.objects.filter(pk__in=left, state__in=[state.value for state in OPEN_STATES])
    strays = set(left) - set(running.values_list("pk", flat=True))
    for import_pk in strays:
        charge_store.remove_workspace(import_pk)
    return len(strays)


def remove_unused_uploads(*, now: datetime) -> int:
    """Remove files that were handed in over a day ago and became no import, as when none could be read.

    Returns how many folders went. Files of an import stay: a failed one can be tried again with them.
    """
    limit = now - _UPLOAD_GRACE
    unused = BillUpload.objects.filter(created_at__lt=limit, imports__isnull=True)
    folders = [Path(folder) for folder in unused.values_list("folder", flat=True)]
    known = set(BillUpload.objects.values_list("folder", flat=True))
    root = Path(settings.UPLOAD_DIR)
    strays = [path for path in root.glob("*") if _OURS.fullmatch(path.name) and str(path) not in known]
    found = [*folders, *(path for path in strays if path.stat().st_mtime < limit.timestamp())]
    removed = [path for path in found if path.is_dir() and path.resolve().parent == root.resolve()]
    for folder in removed:
        shutil.rmtree(folder, ignore_errors=True)
    unused.delete()
    return len(removed)


def remove_replaced_imports(*, now: datetime) -> int:
    """Remove rows of imports that are no longer read, and charges that are kept no longer; returns how many imports.

    What is pinned stays whole (`costs.selectors.retention`), and nothing goes while a backup copies the store.
    """
    if charge_store.is_held(now=now):
        return 0
    ended = (
        BillImport.objects.filter(state__in=[state.value for state in _NOT_READ], finished_at__lt=now - _GRACE)
        .exclude(pk__in=pinned_imports())
        .select_related("source")
    )
    unread = list(ended.filter(rollups_removed_at=None))
    for item in unread:
        remove_rollups(item.pk)
        BillImport.objects.filter(pk=item.pk).update(rollups_removed_at=now)
    kept = imports_with_kept_charges(now=now)
    for item in ended.filter(charges_removed_at=None).exclude(pk__in=kept):
        if folder := folder_of(item):
            charge_store.remove_folder(folder, keep_records=True)
        BillImport.objects.filter(pk=item.pk).update(charges_removed_at=now)
    return len(unread)
