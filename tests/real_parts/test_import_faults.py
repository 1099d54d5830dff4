"""Whatever is killed, restarted or full while a bill of several files comes in: the old month stays in force to the
last cent, and once the fault is mended the new one comes in by itself, exact.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from signal import SIGKILL

import pytest

from costs import services as intake
from costs.models import BillImport, ImportFile
from costs.terms import FileState, ImportState
from finops_site import pipeline, tasks
from tests import plugin
from tests.finops_site.running import wait_until
from tests.real_parts.conftest import StartWorker
from tests.real_parts.months import (
    SECOND,
    SECOND_TOTAL,
    Seen,
    everything_seen,
    month_in_force,
    orphans,
    queue_files,
    wait_for_state,
)

pytestmark = pytest.mark.real_parts
# 10.00 + 2.50 | 4.00 + 1.25 | 3.00: 20.75 in all, as SECOND in one file.
PARTS = (SECOND[:2], SECOND[2:4], SECOND[4:])


def held(places: Path) -> None:
    wait_until((places / "held").exists, what="a worker in the middle of its step", seconds=60)


def second_delivery(places: Path) -> tuple[Seen, int]:
    """The first delivery in force, and the second one queued in three files."""
    before = month_in_force(places / "files")
    return before, queue_files(places / "files", *PARTS)


def is_exact(import_pk: int) -> None:
    """The second delivery is in force to the last cent, and nothing is left of the attempts before."""
    wait_for_state(import_pk, ImportState.IN_FORCE)
    after = everything_seen()
    assert after.sums["DailyCost"][0] == after.sums["AllocatedCost"][0] == SECOND_TOTAL
    assert after.in_force == (import_pk,)
    pipeline.remove_replaced_imports(now=datetime.now(UTC) + timedelta(hours=1))
    assert everything_seen() == after
    assert orphans() == {}


def as_the_clock_does(import_pk: int) -> None:
    """Hand out what is due every now and then until the import has ended, as beat does every ten seconds."""

    def ended() -> bool:
        tasks.hand_out_imports()
        return BillImport.objects.filter(pk=import_pk, finished_at__isnull=False).exists()

    wait_until(ended, what=f"import {import_pk}", seconds=60)


@pytest.mark.parametrize("step", ["land", "store", "switch"])
def test_month_stays_and_is_repaired_when_a_worker_is_killed_in_the(
    step: str, places: Path, start_worker: StartWorker
) -> None:
    before, import_pk = second_delivery(places)
    worker = start_worker(hold_at=step)
    tasks.run_import.delay(import_pk)
    held(places)
    worker.send_signal(SIGKILL)
    assert worker.wait(30) == -SIGKILL
    assert everything_seen() == before

    start_worker()
    tasks.reap_stale_imports()
    is_exact(import_pk)


@pytest.mark.parametrize("step", ["land", "store", "switch"])
def test_month_stays_and_comes_in_by_itself_when_the_database_is_restarted_in_the(
    step: str, places: Path, start_worker: StartWorker, restart_database: Callable[[], None]
) -> None:
    before, import_pk = second_delivery(places)
    start_worker(hold_at=step)
    tasks.run_import.delay(import_pk)
    held(places)
    restart_database()
    assert everything_seen() == before
    (places / "go").touch()
    as_the_clock_does(import_pk)
    is_exact(import_pk)
    tried = ImportFile.objects.filter(bill_import=import_pk).values_list("attempts", "bill_import__attempts")
    assert max(map(max, tried)) == 1


def test_month_comes_in_when_the_queue_is_killed_in_the_middle_and_comes_back(
    places: Path, start_worker: StartWorker
) -> None:
    before, import_pk = second_delivery(places)
    start_worker(hold_at="land")
    tasks.run_import.delay(import_pk)
    held(places)
    plugin.stop_redis()
    try:
        (places / "go").touch()  # the file lands while nobody takes or gives tasks
        landed = ImportFile.objects.filter(bill_import=import_pk, state=FileState.LANDED.value)
        wait_until(landed.exists, what="a file that lands without the queue")
        assert everything_seen() == before
    finally:
        plugin.start_redis_again()
    as_the_clock_does(import_pk)
    is_exact(import_pk)


def test_upload_waits_for_a_queue_that_is_away(places: Path, start_worker: StartWorker) -> None:
    _, import_pk = second_delivery(places)
    plugin.stop_redis()
    try:
        tasks.enqueue_import(import_pk)
    finally:
        plugin.start_redis_again()
    assert BillImport.objects.get(pk=import_pk).state == ImportState.QUEUED
    start_worker()
    as_the_clock_does(import_pk)
    is_exact(import_pk)


def test_month_stays_and_comes_in_by_itself_once_a_full_disk_has_room(places: Path, start_worker: StartWorker) -> None:
    before, import_pk = second_delivery(places)
    (places / "full").touch()
    start_worker()
    tasks.run_import.delay(import_pk)
    waiting = ImportFile.objects.filter(bill_import=import_pk, retry_at__isnull=False)
    wait_until(lambda: waiting.count() == 3, what="files that wait for room")
    assert everything_seen() == before
    row = waiting.first()
    assert row is not None
    assert (row.state, row.attempts) == (FileState.WAITING, 1)
    assert row.error.startswith(f"The disk of {places / 'charges'} is full.")
    (places / "full").unlink()
    as_the_clock_does(import_pk)
    is_exact(import_pk)


def test_disk_that_stays_full_fails_the_import_after_so_many_tries(places: Path, start_worker: StartWorker) -> None:
    before, import_pk = second_delivery(places)
    (places / "full").touch()
    start_worker(IMPORT_RETRY_SECONDS="1")
    tasks.run_import.delay(import_pk)
    as_the_clock_does(import_pk)
    failed = BillImport.objects.get(pk=import_pk)
    assert failed.state == ImportState.FAILED
    assert "is full" in failed.error
    assert failed.error.endswith("It was tried 2 times. Try again once that is mended.")
    assert everything_seen() == before
    assert orphans() == {}


def test_refused_file_is_not_tried_again_and_the_month_stays(places: Path, start_worker: StartWorker) -> None:
    before = month_in_force(places / "files")
    import_pk = queue_files(places / "files", *PARTS, spoil="4.00")
    start_worker()
    tasks.run_import.delay(import_pk)
    failed = BillImport.objects.get(pk=import_pk)
    as_the_clock_does(import_pk)
    failed.refresh_from_db()
    assert (failed.state, failed.attempts) == (ImportState.FAILED, 0)
    assert failed.error.startswith("part-1.csv, line 2, column lineItem/UnblendedCost: 'x4.00' is not a number.")
    assert everything_seen() == before
    assert orphans() == {}


def test_memory_that_is_too_small_is_named_and_the_month_comes_in_once_it_is_raised(
    places: Path, start_worker: StartWorker
) -> None:
    before, import_pk = second_delivery(places)
    worker = start_worker(MEMORY="2MB")
    tasks.run_import.delay(import_pk)
    as_the_clock_does(import_pk)
    failed = BillImport.objects.get(pk=import_pk)
    assert failed.error.endswith("The file needs more memory than allowed. Raise IMPORT_MEMORY_LIMIT_MB.")
    assert everything_seen() == before
    worker.kill()

    start_worker(IMPORT_MEMORY_LIMIT_MB="1")  # the least there is: what does not fit goes to IMPORT_TEMP_DIR
    intake.requeue_import(import_pk)
    tasks.run_import.delay(import_pk)
    is_exact(import_pk)
