"""What has to be tidied up now and then: imports whose worker died, rows nobody reads any more."""

import re
import shutil
from collections.abc import Collection
from datetime import datetime, timedelta
from pathlib import Path

from django.conf import settings

from costs import charge_store
from costs.errors import ImportRejectedError
from costs.models import Bill, BillImport, BillUpload
from costs.services.claims import stale_imports
from costs.services.storing import remove_rollups
from costs.services.switching import fail_import, folder_of
from costs.terms import BillState, ImportState

# A page that began on the old month may still be reading it.
_GRACE = timedelta(minutes=10)
# Somebody may still be looking at what was wrong with them.
_UPLOAD_GRACE = timedelta(days=1)
_OURS = re.compile("[0-9a-f]{32}")  # folders made for uploads; what else lies there is not ours
_NOT_READ = (ImportState.REPLACED, ImportState.SUPERSEDED, ImportState.FAILED)


def reap_stale_imports(*, now: datetime) -> list[int]:
    """Give up imports whose worker died: they fail with a cure. Returns their pks."""
    stale = stale_imports(now=now)
    for import_pk in stale:
        fail_import(
            import_pk,
            ImportRejectedError("The worker that ran this import is gone.", "Import the files again."),
        )
        charge_store.remove_workspace(import_pk)
    return stale


def requeue_import(import_pk: int) -> None:
    """Put a failed import back in the queue. One that has ended otherwise is left alone."""
    BillImport.objects.filter(pk=import_pk, state=ImportState.FAILED.value).update(
        state=ImportState.QUEUED.value, step="Waits to run once more", error="", error_detail={}
    )


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


def remove_replaced_imports(*, now: datetime, pinned: Collection[int] = ()) -> int:
    """Remove rows and folders of imports that are no longer read; returns how many. A final month keeps its import.

    `pinned` ones stay, whatever became of them since: closed months rest on them.
    """
    removable = (
        BillImport.objects.filter(state__in=[state.value for state in _NOT_READ], rollups_removed_at=None)
        .filter(finished_at__lt=now - _GRACE)
        .exclude(pk__in=list(pinned))
        .exclude(pk__in=Bill.objects.filter(state=BillState.FINAL.value).values("import_in_force"))
        .select_related("source")
    )
    removed = 0
    for item in removable:
        remove_rollups(item.pk)
        if folder := folder_of(item):
            charge_store.remove_folder(folder)
        BillImport.objects.filter(pk=item.pk).update(rollups_removed_at=now)
        removed += 1
    return removed
