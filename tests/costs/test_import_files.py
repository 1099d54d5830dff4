"""The files of an import one by one: progress on the page, in the API and the command; cancelled, lost, tried again."""

import errno
import json
import socket
from datetime import datetime, timedelta
from io import StringIO
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db import OperationalError
from django.db.models import Sum
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries
from pytest_django.fixtures import Settings

from costs import charge_store
from costs import services as intake
from costs.errors import ImportRejectedError, InvalidRequestError
from costs.models import BillImport, DailyCost, ImportFile
from costs.services import storing
from costs.services.claims import CancelledError
from costs.terms import FileState, ImportState
from finops_site import pipeline
from tests.conftest import ClientFor
from tests.costs.bills import TODAY, line, write_csv
from tests.tagging.page_world import QUERIES

pytestmark = [pytest.mark.django_db, pytest.mark.real_parts]
DEAD = f"{socket.gethostname()[:80]}:999999999:token"  # no machine has so many processes


@pytest.fixture(autouse=True)
def own_store(tmp_path: Path, settings: Settings) -> None:
    """Charges of this test alone: pks come again."""
    settings.CHARGE_STORE = str(tmp_path / "charges")


def two_files(folder: Path, *, costs: tuple[str, ...] = ("1.5", "2.25")) -> int:
    """A bill of 1.50 and 2.25, 3.75 in all, in two files."""
    paths = [write_csv(folder / f"{number}.csv", [line(cost=cost)]) for number, cost in enumerate(costs)]
    (pk,) = intake.prepare_imports(paths, today=TODAY)
    return pk


def land_all(pk: int, now: datetime) -> list[int | None]:
    """As tasks do it: prepare, land each file; what each landing asks to be finished."""
    return [pipeline.land_file(file, now=now) for file in pipeline.begin_import(pk, now=now).files]


def landing_folder(pk: int) -> Path:
    return Path(settings.CHARGE_STORE) / ".landing" / str(pk)


def billed() -> object:
    return DailyCost.objects.aggregate(sum=Sum("billed_cost"))["sum"]


def test_files_land_one_by_one_and_the_last_one_asks_for_the_finish(tmp_path: Path, now: datetime) -> None:
    pk = two_files(tmp_path)
    assert land_all(pk, now) == [None, pk]
    item = BillImport.objects.get(pk=pk)
    assert (item.state, item.files_done, item.percent) == (ImportState.LANDING, 2, 60)
    assert pipeline.finish_import(pk, now=now) == [pk]
    item.refresh_from_db()
    assert (item.state, item.rows, str(item.billed_cost)) == ("in_force", 2, "3.7500000000")
    assert item.columns["read"]["line_item_unblended_cost"] == "lineItem/UnblendedCost"
    assert billed() == item.billed_cost
    assert not landing_folder(pk).exists()


def test_tasks_handed_out_twice_do_nothing_the_second_time(tmp_path: Path, now: datetime) -> None:
    pk = two_files(tmp_path)
    files = pipeline.begin_import(pk, now=now).files
    assert pipeline.begin_import(pk, now=now).files == []
    assert pipeline.finish_import(pk, now=now) == []  # not all of them have landed
    assert [pipeline.land_file(file, now=now) for file in (*files, *files)] == [None, pk, None, None]
    assert pipeline.finish_import(pk, now=now) == [pk]
    assert pipeline.finish_import(pk, now=now) == []
    assert pipeline.land_file(files[0], now=now) is None
    assert str(billed()) == "3.7500000000"


def test_a_bill_of_one_file_takes_one_task(tmp_path: Path, now: datetime) -> None:
    (pk,) = intake.prepare_imports([write_csv(tmp_path / "bill.csv", [line(cost="1")])], today=TODAY)
    assert pipeline.begin_import(pk, now=now) == pipeline.Run(made=[pk])
    assert BillImport.objects.get(pk=pk).state == ImportState.IN_FORCE


def test_both_ways_give_the_same_rows(tmp_path: Path, now: datetime) -> None:
    first = two_files(tmp_path)
    pipeline.run_import(first)
    columns = ("slice", "charge_date", "billed_cost", "effective_cost", "list_cost", "consumed_quantity")
    in_line = list(DailyCost.objects.filter(bill_import=first).order_by("slice").values_list(*columns))
    BillImport.objects.update(version_id="another")
    second = two_files(tmp_path)
    land_all(second, now)
    pipeline.finish_import(second, now=now)
    assert list(DailyCost.objects.filter(bill_import=second).order_by("slice").values_list(*columns)) == in_line


def test_a_refused_file_fails_the_import_and_says_which(tmp_path: Path, now: datetime) -> None:
    pk = two_files(tmp_path, costs=("1.5", "two"))
    files = pipeline.begin_import(pk, now=now).files
    assert pipeline.land_file(files[0], now=now) is None
    with pytest.raises(ImportRejectedError, match=r"1\.csv, line 2, column lineItem/UnblendedCost"):
        pipeline.land_file(files[1], now=now)
    item = BillImport.objects.get(pk=pk)
    assert (item.state, item.error_detail["file"], item.attempts) == (ImportState.FAILED, "1.csv", 0)
    assert list(ImportFile.objects.order_by("number").values_list("state", flat=True)) == ["landed", "failed"]
    assert not landing_folder(pk).exists()


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OperationalError("server closed the connection unexpectedly"), "The database could not be reached."),
        (OSError(errno.ESTALE, "Stale file handle"), "The charge store could not be reached."),
        (OSError(errno.ENOSPC, "No space left on device"), "is full"),
        (ConnectionResetError(errno.ECONNRESET, "Connection reset by peer"), "The charge store could not be reached."),
    ],
)
def test_a_fault_that_may_pass_is_waited_out_with_growing_waits(
    error: Exception, said: str, tmp_path: Path, now: datetime, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    settings.IMPORT_RETRY_SECONDS = (15, 60)
    pk = two_files(tmp_path)
    first, second = pipeline.begin_import(pk, now=now).files
    assert pipeline.land_file(second, now=now) is None
    real = charge_store.land_file

    def broken(*args: object, **kwargs: object) -> None:
        raise error

    for place, wait in enumerate((15, 60)):
        monkeypatch.setattr(charge_store, "land_file", broken)
        with pytest.raises(type(error) if said != "is full" else ImportRejectedError):
            pipeline.land_file(first, now=now)
        row = ImportFile.objects.get(pk=first)
        assert (row.state, row.attempts, row.retry_at) == (FileState.WAITING, place + 1, now + timedelta(seconds=wait))
        assert said in row.error
        assert intake.work_to_hand_out(now=now + timedelta(seconds=wait - 1)).files == []
        assert intake.work_to_hand_out(now=now + timedelta(seconds=wait)).files == [first]
        assert intake.work_to_hand_out(now=now + timedelta(seconds=wait)).files == []
    monkeypatch.setattr(charge_store, "land_file", real)
    assert pipeline.land_file(first, now=now) == pk  # the file that had landed is kept
    assert pipeline.finish_import(pk, now=now) == [pk]
    assert str(billed()) == "3.7500000000"


def test_faults_that_will_not_pass_are_none() -> None:
    wrong = ImportRejectedError("The file is empty.", "Export it again.")
    for error in (wrong, ValueError("x"), FileNotFoundError(errno.ENOENT, "gone"), PermissionError(errno.EACCES, "no")):
        assert charge_store.passing_fault(error) is None


def test_a_fault_while_finishing_queues_the_whole_import_again(
    tmp_path: Path, now: datetime, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    settings.IMPORT_RETRY_SECONDS = (15,)
    pk = two_files(tmp_path)
    land_all(pk, now)

    def gone(*args: object, **kwargs: object) -> None:
        raise OperationalError("terminating connection due to administrator command")

    with monkeypatch.context() as patched:
        patched.setattr(intake, "put_in_force", gone)
        with pytest.raises(OperationalError):
            pipeline.finish_import(pk, now=now)
        item = BillImport.objects.get(pk=pk)
        assert (item.state, item.retry_at, item.attempts) == ("queued", now + timedelta(seconds=15), 1)
        assert item.error == "The database could not be reached."
        assert intake.work_to_hand_out(now=now + timedelta(seconds=15)).imports == [pk]
        land_all(pk, now)
        with pytest.raises(OperationalError):
            pipeline.finish_import(pk, now=now)
    item.refresh_from_db()
    cure = "It was tried 2 times. Try again once that is mended."
    assert (item.state, item.error) == ("failed", f"The database could not be reached. {cure}")


def test_a_file_whose_worker_died_is_given_back_once(tmp_path: Path, now: datetime) -> None:
    pk = two_files(tmp_path)
    first, _ = pipeline.begin_import(pk, now=now).files
    for lost in (1, 2):
        ImportFile.objects.filter(pk=first).update(state="landing", worker=DEAD, heartbeat_at=timezone.now())
        assert intake.reap_stale_imports(now=timezone.now()) == []
        row = ImportFile.objects.get(pk=first)
        if lost == 1:
            assert (row.state, row.workers_lost) == (FileState.WAITING, 1)
            assert intake.work_to_hand_out(now=timezone.now()).files == [first]
    item = BillImport.objects.get(pk=pk)
    assert item.state == ImportState.FAILED
    assert item.error.startswith(
        "0.csv: Two workers died while they read this file, so it is not tried again by itself."
    )


def test_work_that_a_queue_forgot_is_handed_out_again(tmp_path: Path, settings: Settings) -> None:
    now = timezone.now()
    later = now + timedelta(seconds=settings.IMPORT_STALE_SECONDS + 60)
    pk = two_files(tmp_path)
    assert intake.work_to_hand_out(now=later).imports == []  # a command may be about to run it
    intake.mark_handed_out(pk, now=now)
    assert intake.work_to_hand_out(now=now).imports == []
    assert intake.work_to_hand_out(now=later).imports == [pk]
    files = pipeline.begin_import(pk, now=now).files
    assert intake.work_to_hand_out(now=now).files == []
    assert intake.work_to_hand_out(now=later).files == files
    for file in files:
        pipeline.land_file(file, now=now)
    assert intake.work_to_hand_out(now=now).finishes == []
    assert intake.work_to_hand_out(now=later + timedelta(hours=1)).finishes == [pk]


def test_page_shows_each_file_and_when_it_is_tried_again(
    tmp_path: Path, staff: Client, now: datetime, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    pk = two_files(tmp_path)
    first, second = pipeline.begin_import(pk, now=now).files
    pipeline.land_file(second, now=now)
    at = datetime(2026, 3, 10, 12, 5, tzinfo=now.tzinfo)
    ImportFile.objects.filter(pk=first).update(retry_at=at, error="The disk is full.", attempts=1)
    for path in (f"/imports/{pk}/", f"/imports/{pk}/progress/"):
        with django_assert_max_num_queries(QUERIES):
            page = staff.get(path).content.decode()
        for part in ("0.csv", "1.csv", "The disk is full. Tries again at 12:05:00 UTC (try 1 of 5).", "1 of 2 files"):
            assert part in page
        assert f'action="/imports/{pk}/cancel/"' in page
    answer = staff.get(f"/api/v1/imports/{pk}/").json()
    told = [(file["name"], file["state"], file["percent"], file["rows"]) for file in answer["files"]]
    assert told == [("0.csv", "waiting", 0, 0), ("1.csv", "landed", 100, 1)]
    assert answer["files"][0]["retry_at"] == "2026-03-10T12:05:00Z"


def test_page_of_many_files_shows_what_is_at_work_and_counts_the_rest(
    tmp_path: Path, staff: Client, now: datetime
) -> None:
    pk = two_files(tmp_path, costs=("1",) * 23)
    files = pipeline.begin_import(pk, now=now).files
    ImportFile.objects.filter(pk__in=files[:2]).update(state="landed", percent=100)
    ImportFile.objects.filter(pk=files[22]).update(state="landing", percent=7)
    page = staff.get(f"/imports/{pk}/progress/").content.decode()
    assert page.index("22.csv") < page.index("0.csv")
    assert page.count('class="mono file-name"') == 20
    assert "3 more: 3 waiting." in page


def test_page_of_a_queued_import_says_when_it_is_tried_again(tmp_path: Path, staff: Client, now: datetime) -> None:
    pk = two_files(tmp_path)
    at = datetime(2126, 3, 10, 12, 5, tzinfo=now.tzinfo)
    BillImport.objects.update(retry_at=at, attempts=2, error="The database could not be reached.")
    page = staff.get(f"/imports/{pk}/").content.decode()
    assert "The database could not be reached. It is tried again at 12:05:00 UTC (try 2 of 5)." in page
    assert "Why it was refused" not in page


def test_cancel_on_the_page_removes_what_was_read_and_can_be_taken_back(
    tmp_path: Path, staff: Client, now: datetime
) -> None:
    pk = two_files(tmp_path)
    files = pipeline.begin_import(pk, now=now).files
    pipeline.land_file(files[0], now=now)
    page = staff.post(f"/imports/{pk}/cancel/", follow=True).content.decode()
    assert "Cancelled by fiona" in page
    assert f'action="/imports/{pk}/retry/"' in page
    assert not landing_folder(pk).exists()
    assert pipeline.land_file(files[1], now=now) is None
    assert pipeline.finish_import(pk, now=now) == []
    assert pipeline.run_import(pk) == [pk]  # a task that comes late finds it ended
    assert list(ImportFile.objects.order_by("number").values_list("state", flat=True)) == ["landed", "stopped"]
    assert billed() is None
    intake.requeue_import(pk)
    pipeline.run_import(pk)
    assert str(billed()) == "3.7500000000"
    page = staff.post(f"/imports/{pk}/cancel/", follow=True).content.decode()
    assert f"Import {pk} is in force already: there is nothing to cancel." in page


@pytest.mark.parametrize("step", ["write_side_files", "line_kinds", "put_in_place"])
def test_a_run_that_somebody_cancels_stops_and_leaves_nothing(
    step: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    april = line({"bill/BillingPeriodStartDate": "2026-04-01T00:00:00Z"}, cost="4")
    path = write_csv(tmp_path / "bill.csv", [april, line(cost="1")])
    (pk,) = intake.prepare_imports([path], today=TODAY)
    real = getattr(charge_store, step)

    def cancelled(*args: object) -> object:
        made = real(*args)
        if BillImport.objects.filter(pk=pk, state__in=["landing", "rolling_up"]).exists():
            intake.cancel_import(pk, by="fiona")
        return made

    monkeypatch.setattr(charge_store, step, cancelled)
    with pytest.raises(CancelledError):
        pipeline.run_import(pk)
    assert set(BillImport.objects.values_list("state", flat=True)) == {"cancelled"}
    assert billed() is None
    assert not landing_folder(pk).exists()
    assert list((tmp_path / "charges").glob("source=*/billing_period=*/import=*")) == []


def test_a_run_cancelled_once_its_rows_tie_out_does_not_come_back_to_life(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pk = two_files(tmp_path)
    real = storing.tie_out

    def then_cancelled(*args: object) -> None:
        real(*args)  # type: ignore[arg-type]
        intake.cancel_import(pk, by="fiona")

    monkeypatch.setattr(storing, "tie_out", then_cancelled)
    with pytest.raises(CancelledError):
        pipeline.run_import(pk)
    assert BillImport.objects.get(pk=pk).state == ImportState.CANCELLED
    assert billed() is None


def test_cancel_is_for_staff_and_through_the_api_too(
    tmp_path: Path, staff: Client, team_lead: User, client_for: ClientFor
) -> None:
    pk = two_files(tmp_path)
    for path in (f"/imports/{pk}/cancel/", f"/api/v1/imports/{pk}/cancel/"):
        assert client_for(team_lead).post(path).status_code == 404
        assert staff.get(path).status_code == 405
    assert staff.post("/api/v1/imports/999999/cancel/").status_code == 404
    assert BillImport.objects.get(pk=pk).state == ImportState.QUEUED
    assert staff.post(f"/api/v1/imports/{pk}/cancel/").json()["state"] == "cancelled"
    again = staff.post(f"/api/v1/imports/{pk}/cancel/")
    assert again.status_code == 400
    assert "nothing to cancel" in again.content.decode()


def test_command_cancels_and_says_which_file_it_reads(tmp_path: Path) -> None:
    pk, out, err = two_files(tmp_path), StringIO(), StringIO()
    call_command("import_bill", cancel=pk, stdout=out)
    assert out.getvalue() == f"Import {pk} is cancelled. The month in force is as it was.\n"
    with pytest.raises(CommandError, match="cancelled already"):
        call_command("import_bill", cancel=pk)
    with pytest.raises(CommandError, match="Give --cancel alone"):
        call_command("import_bill", str(tmp_path / "0.csv"), cancel=pk)
    with pytest.raises(CommandError, match="Give files, or one folder"):
        call_command("import_bill")
    out = StringIO()
    paths = [str(tmp_path / "0.csv"), str(tmp_path / "1.csv")]
    call_command("import_bill", *paths, "--progress", "--json", stdout=out, stderr=err)
    assert json.loads(out.getvalue())["imports"][0]["billed_cost"] == "3.75"
    assert [text for text in err.getvalue().splitlines() if text] == [
        "1 of 2 files: 0.csv",
        "2 of 2 files: 1.csv",
        "Rolling up and storing",
    ]


def test_cancelling_twice_is_refused(tmp_path: Path) -> None:
    pk = two_files(tmp_path)
    intake.cancel_import(pk, by="fiona")
    with pytest.raises(InvalidRequestError, match=f"Import {pk} is cancelled already"):
        intake.cancel_import(pk, by="fiona")
