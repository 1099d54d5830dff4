"""What a source says to what it is asked, and to what it cannot do: nothing goes missing without a word."""

import json
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from django.contrib.auth.models import User
from django.contrib.messages import get_messages
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from costs import services as intake
from costs.deliveries import MANIFEST_LIMIT, ManifestError, parse_manifest
from costs.errors import InvalidRequestError
from costs.models import BillImport, BillSource, PartialUpload
from costs.periods import BillingPeriod
from costs.places import S3Place
from costs.services import SourceFields
from costs.services.uploads import safe_name
from costs.terms import ImportState, PlaceKind
from finops_site import sources, tasks
from tests.costs.bills import TODAY, csv_text, line
from tests.costs.source_world import (
    NOW,
    REPORT,
    bill,
    billed,
    deliver,
    folder_source,
    later,
    look,
    manifest,
    s3_source,
)
from tests.real_parts.object_store import BUCKET, ObjectStore

pytestmark = pytest.mark.django_db
JANUARY = BillingPeriod.parse("2026-01")
ABSENT = "Asked for and not there, or not whole yet: {}. Imported on arrival."


@pytest.fixture
def staff(client: Client, finops_lead: User, monkeypatch: pytest.MonkeyPatch) -> Client:
    monkeypatch.setattr(tasks.look_at_source, "delay", lambda _: None)
    client.force_login(finops_lead)
    return client


def said(response: Any) -> str:
    """The message on the page that follows."""
    return " ".join(str(message) for message in get_messages(response.wsgi_request))


def january(store: ObjectStore, cost: str) -> None:
    key = "cur/daily/20260101-20260201/a/daily-1.csv"
    store.put(key, bill(cost, period="2026-01-01T00:00:00Z", start="2026-01-04T10:00:00Z"))
    store.put("cur/daily/20260101-20260201/daily-Manifest.json", manifest(key, assembly="a", start="20260101"))


@pytest.mark.real_parts
def test_a_month_that_is_not_there_stays_asked_for_until_it_is(store: ObjectStore) -> None:
    """The source looks at this month only, so January comes because it was asked for."""
    source = s3_source(months_back=1)
    deliver(store, "asm-1", bill("1.25"))
    look(source)
    intake.ask_for_months("acme", [JANUARY])
    assert look(source, later(5)) == []
    assert source.last_result == f"Deliveries: 1 as before. {ABSENT.format('2026-01')}"
    assert (source.months_asked, source.next_look_at) == (["2026-01"], later(10))
    january(store, "3.5")
    assert look(source, later(10)) == [ImportState.IN_FORCE]
    assert (source.months_asked, source.last_result) == ([], "Deliveries: 1 new, 1 as before.")
    assert str(billed(JANUARY)) == "3.5000000000"
    assert look(source, later(15)) == []


def test_a_month_asked_for_waits_for_its_missing_file_too(store: ObjectStore) -> None:
    source = s3_source(months_back=1)
    january(store, "3.5")
    store.delete("cur/daily/20260101-20260201/a/daily-1.csv")
    intake.ask_for_months("acme", [JANUARY])
    look(source)
    assert source.last_result == f"Deliveries: 1 not complete yet. {ABSENT.format('2026-01')}"
    january(store, "3.5")
    assert look(source, later(5)) == [ImportState.IN_FORCE]
    assert source.months_asked == []


def test_files_that_may_still_be_written_are_told_and_not_called_nothing(folder: Path) -> None:
    source = folder_source(folder)
    (folder / "may.csv").write_bytes(bill("1"))
    written = (folder / "may.csv").stat().st_mtime
    now = NOW.fromtimestamp(written, tz=NOW.tzinfo)
    assert look(source, now) == []
    assert source.last_result == "1 file was written within the last minute: read once nobody writes any more."
    assert look(source, NOW.fromtimestamp(written + 61, tz=NOW.tzinfo)) == [ImportState.IN_FORCE]


def test_files_that_do_not_say_their_month_are_all_read_for_those_asked_for(folder: Path) -> None:
    source = folder_source(folder)
    (folder / "may.csv").write_bytes(bill("1"))
    soon = NOW.fromtimestamp((folder / "may.csv").stat().st_mtime + 61, tz=NOW.tzinfo)
    look(source, soon)
    intake.ask_for_months("acme", [JANUARY])
    assert look(source, soon) == [ImportState.UNCHANGED]
    assert source.last_result == (
        "Deliveries: 1 new. Asked for: 2026-01. The files do not say their months, so all are read; their imports say"
        " what came."
    )
    assert source.months_asked == []


def test_a_source_is_not_activated_where_another_looks_by_now(folder: Path, staff: Client) -> None:
    folder_source(folder)
    intake.set_active("acme", is_active=False)
    folder_source(folder, "other")
    response = staff.post("/imports/sources/acme/active/", {"active": "yes"})
    assert (response.status_code, said(response)) == (
        302,
        "The source other looks there already. Change or deactivate it.",
    )
    assert not BillSource.objects.get(name="acme").is_active
    intake.set_active("other", is_active=False)
    intake.set_active("acme", is_active=True)
    assert BillSource.objects.get(name="acme").is_active


@pytest.mark.parametrize(
    ("first", "last", "told"),
    [
        ("2026-05", "2026-01", "From 2026-05 to 2026-01 are not 1 to 120 months."),
        ("2026-05", "2999-01", "January 2999 has not begun yet. Ask for months up to "),
        ("2026-13", "2026-13", "2026-13"),
        ("", "2026-01", "Give both months as YYYY-MM, like 2026-05."),
    ],
    ids=["reversed", "future", "no month", "missing"],
)
def test_months_that_cannot_be_asked_for_are_told_on_the_sources_page(
    staff: Client, folder: Path, first: str, last: str, told: str
) -> None:
    folder_source(folder)
    response = staff.post("/imports/sources/acme/months/", {"first": first, "last": last})
    assert response.status_code == 302
    assert told in said(response)
    assert BillSource.objects.get().months_asked == []


def test_months_asked_for_can_be_given_up(staff: Client, folder: Path) -> None:
    folder_source(folder)
    response = staff.post("/imports/sources/acme/months/", {"first": "2026-01", "last": "2026-01"})
    assert said(response).startswith("January 2026: imported with the next look")
    assert BillSource.objects.get().months_asked == ["2026-01"]
    assert "Wait no longer" in staff.get("/imports/sources/acme/").content.decode()
    staff.post("/imports/sources/acme/months/", {"forget": "yes"})
    assert BillSource.objects.get().months_asked == []


@pytest.mark.parametrize(
    ("given", "made"), [("acme--payer", "acme-payer"), ("Acme-", "acme"), ("A_b", "a_b")], ids=["two", "end", "case"]
)
def test_a_new_source_is_opened_under_the_name_it_got(
    staff: Client, folder: Path, monkeypatch: pytest.MonkeyPatch, given: str, made: str
) -> None:
    monkeypatch.setattr(sources, "enqueue_look", lambda _: None)
    fields = {"name": given, "place": "folder", "location": str(folder), "every_minutes": "5"}
    response = staff.post("/imports/sources/new/", fields, follow=True)
    assert (response.status_code, response.redirect_chain[0][0]) == (200, f"/imports/sources/{made}/")


def test_an_upload_cannot_make_a_source_whose_page_is_another(tmp_path: Path) -> None:
    (tmp_path / "may.csv").write_text(csv_text([line(cost="1")]))
    with pytest.raises(InvalidRequestError, match="'new' is no name for a source"):
        intake.prepare_imports([tmp_path / "may.csv"], source_name="new", today=TODAY)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"[" * 100_000, "daily-Manifest.json is not JSON"),
        (b" " * MANIFEST_LIMIT, "daily-Manifest.json has more than 8 MB"),
    ],
    ids=["deep", "large"],
)
def test_a_manifest_that_no_provider_writes_is_refused(content: bytes, told: str) -> None:
    with pytest.raises(ManifestError, match=told):
        parse_manifest(f"{REPORT}/daily-Manifest.json", content)


@pytest.mark.parametrize(
    ("code", "told"),
    [
        (
            "InvalidObjectState",
            "x/may.csv is archived, as by a rule that moves old files to Glacier. Restore it in S3.",
        ),
        ("AuthorizationHeaderMalformed", "Bucket bills is in another region."),
        ("RequestTimeTooSkewed", "This machine's clock is wrong, so S3 refuses it. Set the clock."),
        ("AccessDenied", "kms:Decrypt"),
    ],
)
def test_a_refusal_of_s3_is_told_with_its_cure(code: str, told: str) -> None:
    error = ClientError({"Error": {"Code": code, "Message": "no"}}, "GetObject")
    assert told in str(S3Place(BUCKET, "x/")._explain(error, "x/may.csv"))


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("账单 2026.csv", "账单_2026.csv"),
        ("счёт.csv.gz", "счёт.csv.gz"),
        ("!!.csv", "file-1.csv"),
        ("../../etc/passwd", "passwd"),
        ("C:\\bills\\may.csv", "may.csv"),
        ("x" * 300 + ".csv", "x" * 116 + ".csv"),
        ("é" * 150 + ".csv", "é" * 58 + ".csv"),
        (".hidden", "file-1.hidden"),
        ("", "file-1"),
        ("a\x00b\n.csv", "a_b_.csv"),
    ],
)
def test_a_file_keeps_its_name_as_far_as_a_disk_takes_it(given: str, kept: str) -> None:
    assert safe_name(given, number=0) == kept
    assert len(kept.encode()) <= 120


def test_an_upload_is_imported_under_its_own_name_whatever_its_script(finops_lead: User) -> None:
    file = SimpleUploadedFile("账单.csv", csv_text([line(cost="1.25")]).encode())
    upload = intake.store_upload([file], user=finops_lead.pk)
    (pk,) = intake.prepare_imports(intake.uploaded_files(upload), upload=upload, today=TODAY)
    assert [file["name"] for file in BillImport.objects.get(pk=pk).files] == ["账单.csv"]


def test_an_upload_whose_bytes_are_gone_can_be_cancelled(finops_lead: User, settings: Any) -> None:
    ref = intake.begin_upload("may.csv", 10, user=finops_lead.pk, now=NOW)
    (Path(settings.UPLOAD_DIR) / "parts" / ref).unlink()
    intake.cancel_upload(ref, user=finops_lead.pk)
    assert not PartialUpload.objects.exists()


def test_a_broken_manifest_stands_beside_the_month_in_force(store: ObjectStore) -> None:
    source = BillSource.objects.get(
        pk=intake.create_source("acme", SourceFields(PlaceKind.S3, f"s3://{BUCKET}/cur/daily"))
    )
    deliver(store, "asm-1", bill("1.25"))
    look(source)
    store.put(f"{REPORT}/daily-Manifest.json", json.dumps({"columns": []}).encode())
    assert (look(source, later(5)), source.last_result) == ([], "Deliveries: 1 refused.")
    assert str(billed()) == "1.2500000000"
