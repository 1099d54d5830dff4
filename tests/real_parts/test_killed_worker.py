"""A real worker gets a SIGKILL in the middle of an import: nobody sees anything of it, and it is repaired."""

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from signal import SIGKILL

import pytest

from costs.models import BillImport
from costs.terms import ImportState
from finops_site import pipeline, tasks
from tests.real_parts.conftest import StartWorker
from tests.real_parts.months import (
    SECOND,
    SECOND_TOTAL,
    everything_seen,
    month_in_force,
    orphans,
    queue_month,
    wait_for_state,
)

pytestmark = pytest.mark.real_parts


@pytest.mark.parametrize("point", ["load", "allocation", "switch"])
def test_month_in_force_stays_to_the_last_cent_when_a_worker_is_killed_after(
    point: str, places: Path, start_worker: StartWorker, clock: Callable[[], datetime]
) -> None:
    before = month_in_force(places / "files")
    import_pk = queue_month(places / "files", SECOND, name="second")
    worker = start_worker(die_after=point)
    tasks.run_import.delay(import_pk)
    assert worker.wait(60) == -SIGKILL
    assert (places / "died").exists()
    assert everything_seen() == before
    assert BillImport.objects.get(pk=import_pk).state != ImportState.IN_FORCE

    start_worker()
    tasks.reap_stale_imports()
    wait_for_state(import_pk, ImportState.IN_FORCE)
    after = everything_seen()
    assert after.sums["DailyCost"][0] == after.sums["AllocatedCost"][0] == SECOND_TOTAL
    assert after.in_force == (import_pk,)

    pipeline.remove_replaced_imports(now=clock() + timedelta(hours=1))
    assert everything_seen() == after
    assert orphans() == {}


def test_import_is_repeated_by_itself_when_a_process_of_the_pool_is_killed(
    places: Path, start_worker: StartWorker
) -> None:
    month_in_force(places / "files")
    import_pk = queue_month(places / "files", SECOND, name="second")
    start_worker(die_after="allocation", pool="prefork")
    tasks.run_import.delay(import_pk)
    wait_for_state(import_pk, ImportState.IN_FORCE)
    assert (places / "died").exists()
    assert everything_seen().sums["AllocatedCost"][0] == SECOND_TOTAL


def test_import_that_kills_two_workers_is_given_up_with_a_cure(places: Path, start_worker: StartWorker) -> None:
    before = month_in_force(places / "files")
    import_pk = queue_month(places / "files", SECOND, name="second")
    start_worker(die_after="always after load", pool="prefork")
    tasks.run_import.delay(import_pk)
    failed = wait_for_state(import_pk, ImportState.FAILED)
    assert failed.error.startswith("Its second worker died with it, so it is not tried again by itself.")
    assert everything_seen() == before


def test_nothing_is_left_over_when_replaced_imports_are_removed(
    places: Path, start_worker: StartWorker, clock: Callable[[], datetime]
) -> None:
    month_in_force(places / "files")
    import_pk = queue_month(places / "files", SECOND, name="second")
    start_worker()
    tasks.run_import.delay(import_pk)
    wait_for_state(import_pk, ImportState.IN_FORCE)
    assert orphans() != {}
    tasks.remove_replaced_imports()
    assert orphans() != {}, "a page that began on the old month may still read it"
    pipeline.remove_replaced_imports(now=clock() + timedelta(hours=1))
    assert orphans() == {}
