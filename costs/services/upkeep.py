"""What has to be tidied up now and then: imports whose worker died, rows nobody reads any more."""

from datetime import datetime, timedelta

from costs import charge_store
from costs.errors import ImportRejectedError
from costs.models import Bill, BillImport
from costs.services.claims import stale_imports
from costs.services.storing import remove_rollups
from costs.services.switching import fail_import, folder_of
from costs.terms import BillState, ImportState

# A page that began on the old month may still be reading it.
_GRACE = timedelta(minutes=10)
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
    """Put an import whose worker died back in the queue. One that has ended otherwise is left alone."""
    BillImport.objects.filter(pk=import_pk, state=ImportState.FAILED.value).update(
        state=ImportState.QUEUED.value, step="Waits to run once more: its worker died", error="", error_detail={}
    )


def remove_replaced_imports(*, now: datetime) -> int:
    """Remove rows and folders of imports that are no longer read; returns how many. A final month keeps its import."""
    removable = (
        BillImport.objects.filter(state__in=[state.value for state in _NOT_READ], rollups_removed_at=None)
        .filter(finished_at__lt=now - _GRACE)
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
