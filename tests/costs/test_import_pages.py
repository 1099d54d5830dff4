"""Imports: what runs, failed or is late with the cure, bills in force, progress, uploads and retries."""

import io
import zipfile
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries
from pytest_django.fixtures import Settings

from costs.errors import NotFoundInScopeError
from costs.models import BillImport, BillSource, BillUpload
from costs.periods import BillingPeriod
from costs.scope import Scope
from costs.selectors import BillRow, bills, import_list, late_sources
from costs.services import prepare_imports
from costs.terms import BillingFormat, BillState, ImportState
from finops_site import pipeline, uploads
from tests.conftest import ClientFor
from tests.costs.bills import TODAY, csv_text, line
from tests.costs.focus_bills import focus_line, focus_text
from tests.pages import get
from tests.tagging.builders import NOVEMBER, Spend, month
from tests.tagging.page_world import QUERIES, file_of, text_of

pytestmark = pytest.mark.django_db
TEAM_SCOPE = Scope.teams(frozenset({"payments"}))


@pytest.fixture
def queued(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Imports handed to the queue, which stands still."""
    pks: list[int] = []
    monkeypatch.setattr(uploads, "enqueue_import", pks.append)
    return pks


def a_bill() -> str:
    """May 2026: usage 1.25 and tax 0.75, in all 2."""
    return csv_text([line(cost="1.25", resource="i-1"), line(cost="0.75", kind="Tax")])


def a_file(content: str, name: str = "bill.csv") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content.encode(), "text/csv")


def send(client: Client, *files: SimpleUploadedFile, **data: str) -> Any:
    return client.post("/imports/upload/", {"bill_files": list(files), **data})


def imported(tmp_path: Path) -> int:
    """The bill, in force."""
    path = tmp_path / "bill.csv"
    path.write_text(a_bill())
    [pk] = prepare_imports([path], today=TODAY)
    pipeline.run_import(pk)
    return pk


def an_import(**fields: Any) -> BillImport:
    source, _ = BillSource.objects.get_or_create(
        name=fields.pop("source", "acme"), defaults={"billing_format": BillingFormat.LEGACY_CUR.value}
    )
    return BillImport.objects.create(source=source, files=[{"name": "bill.csv", "path": "/gone/bill.csv"}], **fields)


# --- uploads --------------------------------------------------------------------------------------


def test_an_upload_is_queued_and_its_page_opens(staff: Client, queued: list[int]) -> None:
    response = send(staff, a_file(a_bill()), source_name="acme")
    item = BillImport.objects.get()
    assert (item.source.name, item.state, queued) == ("acme", ImportState.QUEUED, [item.pk])
    assert response["Location"] == f"/imports/{item.pk}/"
    pipeline.run_import(item.pk)
    text = text_of(get(staff, f"/imports/{item.pk}/"))
    for figure in ("$2.00", "$1.25", "$0.75", "Tax", "In force", "bill.csv", "fiona"):
        assert figure in text


def test_a_focus_file_and_an_archive_may_be_uploaded_together(staff: Client, queued: list[int]) -> None:
    """One payer's FOCUS file of 10 and the zipped report of another, 2."""
    focus = a_file(focus_text([focus_line(cost="10", BillingAccountId="000000000009")]), "focus.csv")
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bill.csv", a_bill())
    response = send(staff, focus, SimpleUploadedFile("bill.zip", packed.getvalue(), "application/zip"))
    assert (response["Location"], len(queued)) == ("/imports/", 2)
    for pk in queued:
        pipeline.run_import(pk)
    made = BillImport.objects.order_by("source__name").values_list("source__name", "billed_cost", "state")
    assert [(name, f"{cost:.2f}", state) for name, cost, state in made] == [
        ("aws-000000000001", "2.00", "in_force"),
        ("aws-000000000009-usd", "10.00", "in_force"),
    ]


def test_a_name_that_leads_out_of_the_upload_is_cut_to_its_last_part(
    staff: Client, queued: list[int], settings: Settings
) -> None:
    send(staff, a_file(a_bill(), "../../etc/pass wd.csv"), a_file(a_bill() + "\n", "..\\..\\boot.csv"))
    upload = BillUpload.objects.get()
    folder = Path(upload.folder)
    assert folder.resolve().is_relative_to(Path(settings.UPLOAD_DIR).resolve())
    stored = sorted(path.name for path in folder.iterdir())
    assert stored == sorted(file["name"] for file in upload.files)
    assert all("/" not in name and "\\" not in name and not name.startswith(".") for name in stored)


def test_the_same_form_sent_twice_makes_one_import(staff: Client, queued: list[int]) -> None:
    for _ in range(2):
        send(staff, a_file(a_bill()), idempotency_key="abc")
    assert BillImport.objects.count() == 1
    send(staff, a_file(a_bill() + "\n"), idempotency_key="abc")
    assert BillImport.objects.count() == 2


@pytest.mark.parametrize(
    ("content", "problem"),
    [("", "empty"), ("a,b\n1,2\n", "bill.csv"), ("not a table at all", "bill.csv")],
)
def test_a_file_that_cannot_be_a_bill_is_refused_in_the_form(
    staff: Client, queued: list[int], content: str, problem: str
) -> None:
    response = send(staff, a_file(content))
    assert response.status_code == 400
    assert problem in response.content.decode()
    assert queued == []
    assert not BillImport.objects.exists()


def test_an_upload_over_the_limit_is_refused_with_the_setting_to_raise(
    staff: Client, queued: list[int], settings: Settings
) -> None:
    settings.UPLOAD_LIMIT_MB = 0
    response = send(staff, a_file(a_bill()))
    assert response.status_code == 400
    assert "UPLOAD_LIMIT_MB" in response.content.decode()
    assert not BillUpload.objects.exists()


def test_no_file_and_an_odd_source_name_are_named(staff: Client, queued: list[int]) -> None:
    assert "Choose at least one file" in send(staff).content.decode()
    assert "letters, digits" in send(staff, a_file(a_bill()), source_name="../x").content.decode()
    assert queued == []


# --- pages ----------------------------------------------------------------------------------------


def test_progress_asks_for_itself_while_the_import_runs_and_reloads_the_page_when_it_is_done(staff: Client) -> None:
    item = an_import(state=ImportState.LANDING.value, step="Reading bill.csv", percent=40, rows=1200, files_total=3)
    page = text_of(get(staff, f"/imports/{item.pk}/"))
    progress = get(staff, f"/imports/{item.pk}/progress/")
    for text in (page, text_of(progress)):
        for part in (
            "Reading bill.csv",
            "40 %",
            "0 of 3 files",
            "1,200 lines",
            f'hx-get="/imports/{item.pk}/progress/"',
        ):
            assert part in text
    assert "<noscript><meta http-equiv=" in page
    assert "HX-Refresh" not in progress
    BillImport.objects.filter(pk=item.pk).update(state=ImportState.IN_FORCE.value, percent=100)
    assert get(staff, f"/imports/{item.pk}/progress/")["HX-Refresh"] == "true"


def test_a_refused_import_says_where_and_what_to_do(staff: Client) -> None:
    item = an_import(
        state=ImportState.FAILED.value,
        error="bill.csv, line 7, column lineItem/UnblendedCost: 'abc' is not a number. Export it again.",
        error_detail={
            "problem": "'abc' is not a number.",
            "cure": "Export it again.",
            "file": "bill.csv",
            "line": 7,
            "column": "lineItem/UnblendedCost",
        },
    )
    for path in (f"/imports/{item.pk}/", "/imports/"):
        text = text_of(get(staff, path))
        for part in ("abc", "7", "lineItem/UnblendedCost", "Export it again.", f"/imports/{item.pk}/retry/"):
            assert part in text


def test_a_failure_mended_by_a_later_import_no_longer_asks_for_anybody(staff: Client) -> None:
    month = date(2026, 5, 1)
    an_import(state=ImportState.FAILED.value, error="Broken.", billing_period=month)
    assert "Broken." in text_of(get(staff, "/imports/"))
    an_import(state=ImportState.IN_FORCE.value, billing_period=month)
    assert "Broken." not in text_of(get(staff, "/imports/"))


def test_an_import_that_no_queue_took_says_why_it_waits(staff: Client) -> None:
    item = an_import()
    BillImport.objects.filter(pk=item.pk).update(retry_at=timezone.now())
    assert "The queue could not be reached" in text_of(get(staff, f"/imports/{item.pk}/"))
    BillImport.objects.filter(pk=item.pk).update(attempts=1, error="The disk is full.")
    text = text_of(get(staff, f"/imports/{item.pk}/"))
    assert "The disk is full. It is tried again at" in text
    assert "The queue" not in text


def test_an_import_that_no_worker_takes_up_says_so(staff: Client) -> None:
    item = an_import()
    assert "No worker" not in text_of(get(staff, f"/imports/{item.pk}/"))
    BillImport.objects.filter(pk=item.pk).update(created_at=timezone.now() - timedelta(minutes=5))
    assert "No worker" in text_of(get(staff, f"/imports/{item.pk}/"))
    assert "No worker" in text_of(get(staff, "/imports/"))


def test_a_failed_import_is_tried_again_with_its_files(staff: Client, queued: list[int], tmp_path: Path) -> None:
    path = tmp_path / "bill.csv"
    path.write_text(a_bill())
    [pk] = prepare_imports([path], source_name="acme", today=TODAY)
    assert staff.post(f"/imports/{pk}/retry/").status_code == 404  # it has not failed
    BillImport.objects.filter(pk=pk).update(state=ImportState.FAILED.value)
    staff.post(f"/imports/{pk}/retry/")
    again = BillImport.objects.exclude(pk=pk).get()
    assert (again.source.name, queued) == ("acme", [again.pk])
    path.unlink()
    response = staff.post(f"/imports/{pk}/retry/", follow=True)
    assert "no longer there" in response.content.decode()
    assert queued == [again.pk]


def test_bills_in_force_come_as_a_file_with_their_totals(staff: Client, tmp_path: Path) -> None:
    pk = imported(tmp_path)
    _, rows = file_of(get(staff, "/imports/?format=csv"))
    row = dict(zip(rows[0], rows[1], strict=True))
    assert (row["Billed cost"], row["Lines"], row["Month"]) == ("2", "2", "2026-05")
    _, rows = file_of(get(staff, "/imports/?table=history&format=csv"))
    assert len(rows) == 2
    head, rows = file_of(get(staff, f"/imports/{pk}/?format=csv"))
    assert head["Currency"] == "USD"
    assert [row[:2] for row in rows[1:]] == [["Tax", "0.75"], ["Usage", "1.25"], ["Total", "2"]]


def test_before_the_first_import_the_page_says_what_to_do(staff: Client) -> None:
    text = text_of(get(staff, "/imports/"))
    assert "Upload the first bill" in text


def test_a_source_is_late_three_days_into_the_month_after_the_missing_one() -> None:
    may = BillRow(
        period=BillingPeriod(date(2026, 5, 1)),
        source_name="acme",
        billing_format=BillingFormat.LEGACY_CUR,
        state=BillState.OPEN,
        import_pk=1,
        snapshot_on=None,
        rows=1,
        currency="USD",
        billed_cost=0,  # type: ignore[arg-type]
        effective_cost=0,  # type: ignore[arg-type]
        finished_at=None,
        gives_cost=True,
    )
    assert late_sources([may], today=date(2026, 7, 3)) == ()
    [late] = late_sources([may], today=date(2026, 7, 4))
    assert (late.source_name, str(late.missing)) == ("acme", "2026-06")
    assert len(late_sources([may], today=date(2026, 9, 4))) == 1
    assert late_sources([may], today=date(2026, 10, 4)) == ()  # ended


@pytest.mark.parametrize("path", ["/imports/", "/imports/upload/", "/imports/1/", "/imports/1/progress/"])
def test_imports_are_not_there_for_team_leads(team_lead: User, client_for: ClientFor, path: str) -> None:
    client = client_for(team_lead)
    assert get(client, path).status_code == 404
    assert client.post("/imports/1/retry/").status_code == 404


def test_import_selectors_refuse_a_team() -> None:
    with pytest.raises(NotFoundInScopeError):
        bills(TEAM_SCOPE)
    with pytest.raises(NotFoundInScopeError):
        import_list(TEAM_SCOPE, now=timezone.now())


def test_pages_keep_their_query_budget(
    staff: Client, tmp_path: Path, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    pk = imported(tmp_path)
    for path in ("/imports/", f"/imports/{pk}/", f"/imports/{pk}/progress/", "/imports/upload/"):
        with django_assert_max_num_queries(QUERIES):
            get(staff, path)


def test_an_inventory_that_a_bill_covers_is_shown_as_not_counted_and_left_out_of_sums(staff: Client) -> None:
    """The bill has 30, the inventory of the month 12: the column adds up to 30."""
    bill = month([Spend("30")])
    inventory = month([Spend("12")], source="computers", billing_format=BillingFormat.INVENTORY_COMPUTE)
    page = text_of(get(staff, "/imports/"))
    assert "$30.00" in page
    assert page.count("not counted") == 3  # billed and effective in force, billed in the history
    for address in ("/imports/?format=csv", "/imports/?table=history&format=csv"):
        _, (header, *rows) = file_of(get(staff, address))
        assert sorted(row[header.index("Billed cost")] for row in rows) == ["", "30"]
    answer: Any = staff.get("/api/v1/imports/")
    counts = {row["id"]: (row["billed_cost"], row["counts"]) for row in answer.json()["results"]}
    assert counts == {bill.pk: ("30", True), inventory.pk: ("12", False)}
    alone = month(
        [Spend("7")], period=NOVEMBER.next(), source="computers", billing_format=BillingFormat.INVENTORY_COMPUTE
    )
    assert alone.pk in {row.pk for row in import_list(Scope.all(), now=timezone.now()) if row.counts}
