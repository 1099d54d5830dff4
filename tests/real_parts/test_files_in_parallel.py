"""Several workers on one bill, several bills at once, and a bill that somebody cancels in the middle."""

from datetime import date
from pathlib import Path

import pytest
from django.db.models import Sum

from costs import services as intake
from costs.errors import InvalidRequestError
from costs.models import Bill, BillImport, DailyCost, ImportFile
from costs.terms import FileState, ImportState
from finops_site import tasks
from tests.finops_site.running import wait_until
from tests.leaks.bills import Line
from tests.real_parts.conftest import StartWorker
from tests.real_parts.months import (
    SECOND,
    SECOND_TOTAL,
    everything_seen,
    make_teams,
    month_in_force,
    orphans,
    queue_files,
    wait_for_state,
)

pytestmark = pytest.mark.real_parts
PARTS = (SECOND[:2], SECOND[2:4], SECOND[4:])


def billed(import_pk: int) -> object:
    return DailyCost.objects.filter(bill_import=import_pk).aggregate(sum=Sum("billed_cost"))["sum"]


def test_files_of_a_bill_land_on_several_workers_at_once(places: Path, start_worker: StartWorker) -> None:
    make_teams()
    import_pk = queue_files(places / "files", *PARTS)
    workers = [start_worker(hold_at="land") for _ in range(2)]
    tasks.run_import.delay(import_pk)
    landing = ImportFile.objects.filter(bill_import=import_pk, state=FileState.LANDING.value)
    wait_until(lambda: landing.count() == 2, what="two files that land at once", seconds=60)
    pids = {int(worker.split(":")[-2]) for worker in landing.values_list("worker", flat=True)}
    assert pids == {worker.pid for worker in workers}
    (places / "go").touch()
    done = wait_for_state(import_pk, ImportState.IN_FORCE)
    assert (done.files_done, done.rows, billed(import_pk)) == (3, 5, SECOND_TOTAL)
    rows = ImportFile.objects.filter(bill_import=import_pk).order_by("number")
    assert list(rows.values_list("state", "percent", "rows")) == [
        ("landed", 100, 2),
        ("landed", 100, 2),
        ("landed", 100, 1),
    ]


def test_months_and_sources_come_in_at_once_without_touching_one_another(
    places: Path, start_worker: StartWorker
) -> None:
    # Month m of source s costs 100 s + m and 0.01: two files each. Another payer would be another source, too.
    queued = {
        (source, month): queue_files(
            places / f"{source}-{month}",
            (Line("i-1", f"{100 * source + month}.00", account=f"{source}11111111111"),),
            (Line("i-2", "0.01", account=f"{source}11111111111"),),
            period=f"2026-{month:02d}",
            payer=f"{source}00000000001",
        )
        for month in (1, 2)
        for source in (1, 2)
    }
    for _ in range(2):
        start_worker()
    for pk in queued.values():
        tasks.run_import.delay(pk)
    for (source, month), pk in queued.items():
        item = wait_for_state(pk, ImportState.IN_FORCE)
        assert item.billing_period == date(2026, month, 1)
        assert item.source.name == f"aws-{source}00000000001"
        assert str(billed(pk)).startswith(f"{100 * source + month}.01")
    assert Bill.objects.filter(import_in_force__in=queued.values()).count() == 4
    assert orphans() == {}


@pytest.mark.parametrize("step", ["land", "store", "switch"])
def test_cancelled_import_stops_in_the(step: str, places: Path, start_worker: StartWorker) -> None:
    before = month_in_force(places / "files")
    import_pk = queue_files(places / "files", *PARTS)
    start_worker(hold_at=step)
    tasks.run_import.delay(import_pk)
    wait_until((places / "held").exists, what="a worker in the middle of its step", seconds=60)
    if step == "switch":  # the switch holds the lock: who cancels now comes too late
        (places / "go").touch()
        wait_for_state(import_pk, ImportState.IN_FORCE)
        with pytest.raises(InvalidRequestError, match=f"Import {import_pk} is in force already"):
            intake.cancel_import(import_pk, by="fiona")
        return
    intake.cancel_import(import_pk, by="fiona")
    cancelled = BillImport.objects.get(pk=import_pk)
    assert (cancelled.state, cancelled.step) == (ImportState.CANCELLED, "Cancelled by fiona")
    assert everything_seen() == before
    (places / "go").touch()
    wait_until(lambda: orphans() == {}, what="a worker that has cleared up")

    intake.requeue_import(import_pk)
    tasks.run_import.delay(import_pk)
    wait_for_state(import_pk, ImportState.IN_FORCE)
    assert everything_seen().sums["AllocatedCost"][0] == SECOND_TOTAL
