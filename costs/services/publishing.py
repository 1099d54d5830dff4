"""The charge store is told what the database says, after every switch: so that other tools can read what is in force,
and a lost database can be built anew.

What could not be written is written by the next switch, or within minutes by the schedule.
"""

import logging

from costs import charge_store
from costs.charge_store import ImportFolder, InForce, StoreError
from costs.models import BillImport
from costs.scope import Scope
from costs.selectors.records import catalogue, folder_of, import_record, import_snapshots, in_force_rows
from costs.terms import ImportState

logger = logging.getLogger(__name__)
_TOLD_OF = (ImportState.IN_FORCE.value, ImportState.REPLACED.value, ImportState.SUPERSEDED.value)
_EVERYTHING = Scope.all()
_MOST_ROUNDS = 5
_recorded: set[tuple[str, ImportFolder]] = set()


def publish(import_pk: int) -> None:
    """Tell the store of an import that has just ended, and of what is in force now. Never raises for the store."""
    try:
        write_record(import_pk)
        publish_in_force()
    except (StoreError, OSError) as error:
        logger.warning("The charge store could not be told of import %s: %s", import_pk, error)


def publish_in_force(*, takes_over: bool = False) -> bool:
    """Bring the store's index and catalogue up to date; False where they were. The index of another database is
    written over only if this one `takes_over`.

    Whoever writes looks again afterwards: of two that write at once, the later one has seen both.
    """
    changed = False
    for _ in range(_MOST_ROUNDS):
        rows, told = in_force_rows(_EVERYTHING), charge_store.read_in_force()
        if told == rows:
            break
        if told and not takes_over and not _is_ours(told):
            return False
        charge_store.write_in_force(rows)
        changed = True
    return charge_store.write_catalogue(catalogue(_EVERYTHING)) or changed


def _is_ours(told: list[InForce]) -> bool:
    """Whether the index is of this database: a new one must not write over the index it could be built anew from."""
    told_of = {row.import_pk for row in told}
    if told_of <= set(BillImport.objects.filter(pk__in=told_of).values_list("pk", flat=True)):
        return True
    logger.warning("The charge store tells of imports this database does not know. Run manage.py rebuild.")
    return False


def publish_missing() -> int:
    """What the schedule does: the index, and records of imports in force that lack one. Returns how many lacked it.

    A store out of reach is told next time.
    """
    missing: list[int] = []
    try:
        publish_in_force()
        for item in BillImport.objects.filter(bill_in_force__isnull=False).select_related("source").order_by("pk"):
            folder = folder_of(item)
            if folder is not None and not _has_record(folder):
                write_record(item.pk)
                missing.append(item.pk)
    except (StoreError, OSError) as error:
        logger.warning("The charge store could not be told what is in force: %s", error)
    return len(missing)


def _has_record(folder: ImportFolder) -> bool:
    """Whether there is nothing to tell of the import; asked of the store once per process, as records stay."""
    key = (charge_store.charge_store().address, folder)
    if key not in _recorded and (charge_store.has_record(folder) or not folder.exists()):
        _recorded.add(key)
    return key in _recorded


def write_record(import_pk: int) -> None:
    """Keep what the import was beside its charges."""
    item = BillImport.objects.select_related("source", "delivery__source").get(pk=import_pk)
    folder = folder_of(item)
    if folder is None or item.state not in _TOLD_OF:
        return
    snapshots = import_snapshots(_EVERYTHING, item)
    charge_store.write_record(folder, import_record(_EVERYTHING, item), snapshots)


def mark_folders() -> int:
    """Give folders from before markers their markers, and imports their records; returns how many markers."""
    marked = 0
    for item in BillImport.objects.filter(charges_removed_at=None).select_related("source").order_by("pk"):
        folder = folder_of(item)
        if folder is not None and item.state in _TOLD_OF:
            marked += charge_store.mark_folder(folder)
            if folder.exists() and not charge_store.has_record(folder):
                write_record(item.pk)
    publish_in_force()
    return marked
