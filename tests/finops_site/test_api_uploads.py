"""Upload of a bill by a program: taken in once, however often it is sent."""

import io
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection

from costs.models import BillImport, BillUpload
from finops_site import pipeline, tasks
from tests.costs.focus_bills import focus_line, focus_text
from tests.finops_site.api_world import FEBRUARY, Api
from tests.leaks.bills import write_bill

pytestmark = pytest.mark.django_db

INVENTORY = (
    "InstanceId,Name,Environment,Region,InstanceType,State,LaunchTime,CPUUtilization,MemoryUtilization,"
    "CostPerHourUSD,Tags\n"
    "i-1,web,Prod,us-east-1,m5.large,running,2025-01-01,10,20,0.10,Owner=ann\n"
)


@pytest.fixture
def bill(tmp_path: Path) -> bytes:
    return write_bill(tmp_path / "bill.csv", "2026-02", FEBRUARY).read_bytes()


@pytest.fixture
def enqueued(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Keys of imports handed to the queue."""
    handed: list[int] = []
    monkeypatch.setattr(tasks.run_import, "delay", handed.append)
    return handed


def named(content: bytes | str, name: str = "bill.csv") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content.encode() if isinstance(content, str) else content)


def test_upload_is_stored_imported_and_handed_to_a_worker_on_commit(
    staff: Api, bill: bytes, enqueued: list[int], django_capture_on_commit_callbacks: Callable[..., Any]
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        response = staff.post("uploads/", {"files": named(bill)})
        assert enqueued == []
    assert response.status_code == 201, response.content
    answer = response.json()
    assert [(file["name"], file["size"]) for file in answer["files"]] == [("bill.csv", len(bill))]
    (made,) = answer["imports"]
    assert enqueued == [made["id"]]
    assert made["source"] == "aws-900000000001"
    assert made["url"] == f"http://testserver/api/v1/imports/{made['id']}/"
    progress = staff.get(f"imports/{made['id']}/").json()
    assert (progress["state"], progress["percent"], progress["requested_by"]) == ("queued", 0, "fiona")
    pipeline.run_import(made["id"])
    done = staff.get(f"imports/{made['id']}/").json()
    assert (done["state"], done["percent"], done["rows"], done["billed_cost"]) == ("in_force", 100, 5, "39.875")


@pytest.mark.real_parts
def test_upload_sent_again_under_its_key_answers_the_same_and_imports_nothing_twice(
    staff: Api, bill: bytes, enqueued: list[int], django_capture_on_commit_callbacks: Callable[..., Any]
) -> None:
    first = staff.post("uploads/", {"files": named(bill)}, Idempotency_Key="feb-1")
    pipeline.run_import(first.json()["imports"][0]["id"])
    with django_capture_on_commit_callbacks(execute=True):
        again = staff.post("uploads/", {"files": named(bill)}, Idempotency_Key="feb-1")
    assert (again.status_code, again.content) == (first.status_code, first.content)
    assert enqueued == []
    assert BillUpload.objects.count() == BillImport.objects.count() == 1


def test_import_the_queue_did_not_get_is_handed_over_when_the_upload_is_sent_again(
    staff: Api, bill: bytes, enqueued: list[int], django_capture_on_commit_callbacks: Callable[..., Any]
) -> None:
    first = staff.post("uploads/", {"files": named(bill)}, Idempotency_Key="feb-1").json()
    with django_capture_on_commit_callbacks(execute=True):
        staff.post("uploads/", {"files": named(bill)}, Idempotency_Key="feb-1")
    assert enqueued == [first["imports"][0]["id"]]


@pytest.mark.parametrize(
    "other",
    [
        {"files": named("another,content\n1,2\n")},
        {"files": named(INVENTORY), "snapshot_on": "2026-02-02"},
        {"files": named(INVENTORY), "source": "elsewhere"},
    ],
    ids=["files", "day", "source"],
)
def test_another_content_under_a_known_key_is_a_conflict(other: dict[str, Any], staff: Api) -> None:
    same = {"files": named(INVENTORY), "snapshot_on": "2026-02-01"}
    assert staff.post("uploads/", same, Idempotency_Key="inventory").status_code == 201
    response = staff.post("uploads/", other, Idempotency_Key="inventory")
    assert response.status_code == 409
    assert response.json()["error"]["code"] == "conflict"
    assert BillImport.objects.count() == 1


def test_key_of_one_user_is_not_that_of_another(staff: Api, bill: bytes, admin_user: User) -> None:
    first = staff.post("uploads/", {"files": named(bill)}, Idempotency_Key="one").json()
    other = Api(admin_user).post("uploads/", {"files": named(bill)}, Idempotency_Key="one").json()
    assert first["id"] != other["id"]


def test_several_files_are_one_upload_with_a_source_for_each_kind(staff: Api, bill: bytes) -> None:
    files = [named(bill), named(INVENTORY, "compute.csv")]
    answer = staff.post("uploads/", {"files": files, "snapshot_on": "2026-02-03"}).json()
    assert [file["name"] for file in answer["files"]] == ["bill.csv", "compute.csv"]
    assert sorted(item["source"] for item in answer["imports"]) == ["aws-900000000001", "inventory-compute"]
    assert BillImport.objects.get(source__name="inventory-compute").snapshot_on.isoformat() == "2026-02-03"  # type: ignore[union-attr]


def test_file_that_is_no_bill_is_refused_with_its_cure_every_time(staff: Api) -> None:
    for _ in range(2):
        response = staff.post("uploads/", {"files": named("colour,shape\nred,round\n", "x.csv")}, Idempotency_Key="x")
        assert response.status_code == 400
        error = response.json()["error"]
        assert error["code"] == "import_rejected"
        assert error["detail"]["file"] == "x.csv"
        assert error["detail"]["cure"]
    assert not BillImport.objects.exists()


@pytest.mark.parametrize(
    ("data", "field"),
    [
        ({}, "files"),
        ({"files": named("")}, "files"),
        ({"files": "text"}, "files"),
        ({"files": named(INVENTORY), "snapshot_on": "yesterday"}, "snapshot_on"),
        ({"files": named(INVENTORY), "source": "../etc"}, "source"),
    ],
    ids=["no file", "empty file", "no file but text", "no day", "no name"],
)
def test_field_that_cannot_be_used_is_named(data: dict[str, Any], field: str, staff: Api) -> None:
    response = staff.post("uploads/", data)
    assert response.status_code == 400
    assert list(response.json()["error"]["fields"]) == [field]
    assert not BillUpload.objects.exists()


def test_an_empty_file_is_refused_in_clear_words(staff: Api) -> None:
    error = staff.post("uploads/", {"files": [named(INVENTORY), named("")]}).json()["error"]
    assert error["fields"] == {"files": ["Number 2: The file is empty. Export it again."]}
    assert error["message"] == "files: Number 2: The file is empty. Export it again."


@pytest.mark.parametrize("key", ["a b", "é", "x" * 129])
def test_key_that_is_no_key_is_refused(key: str, staff: Api) -> None:
    response = staff.post("uploads/", {"files": named(INVENTORY)}, Idempotency_Key=key)
    assert response.status_code == 400
    assert list(response.json()["error"]["fields"]) == ["Idempotency-Key"]


def test_body_of_another_kind_is_a_415(staff: Api) -> None:
    response = staff.client.post(
        "/api/v1/uploads/", {"files": []}, content_type="application/json", headers=staff.headers({})
    )
    assert response.status_code == 415
    assert response.json()["error"]["code"] == "unsupported_media_type"


def test_uploads_cannot_be_listed(staff: Api) -> None:
    assert staff.get("uploads/").status_code == 405


def test_error_report_says_where_a_refused_import_went_wrong(staff: Api, bill: bytes) -> None:
    text = bill.decode().replace(",5.5,charge", ",five,charge")
    pk = staff.post("uploads/", {"files": named(text)}).json()["imports"][0]["id"]
    assert staff.get(f"imports/{pk}/errors/").status_code == 404
    tasks.run_import.run(pk)
    report = staff.get(f"imports/{pk}/errors/").json()
    assert (report["file"], report["line"], report["column"]) == ("bill.csv", 3, "lineItem/UnblendedCost")
    assert "five" in report["problem"]
    assert report["cure"]
    assert staff.get("imports/", {"state": "failed"}).json()["results"][0]["id"] == pk


@pytest.mark.real_parts
@pytest.mark.django_db(transaction=True)
def test_two_requests_with_one_key_at_the_same_time_make_one_import(
    staff: Api, bill: bytes, enqueued: list[int]
) -> None:
    gate = Barrier(2)

    def send(_: int) -> tuple[int, bytes]:
        gate.wait()
        try:
            response = staff.post("uploads/", {"files": named(bill)}, Idempotency_Key="twice")
            return response.status_code, response.content
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as both:
        first, second = both.map(send, range(2))
    assert first == second
    assert first[0] == 201
    assert BillUpload.objects.count() == BillImport.objects.count() == 1
    assert set(enqueued) == {BillImport.objects.get().pk}


def test_token_of_a_team_lead_uploads_nothing(team_lead: User, bill: bytes) -> None:
    response = Api(team_lead).post("uploads/", {"files": named(bill)})
    assert response.status_code == 404
    assert not BillUpload.objects.exists()


def test_focus_and_zip_uploads_make_an_import_for_each_bill(staff: Api, enqueued: list[int], bill: bytes) -> None:
    """The FOCUS file holds 10 of AWS and 0.25 of Oracle; the archive the report of February, 39.875."""
    oracle = focus_line(cost="0.25", ProviderName="Oracle", BillingAccountId="20209880")
    focus = focus_text([focus_line(cost="10"), oracle])
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bill.csv", bill)
    answers = [
        staff.post("uploads/", {"files": named(focus, "focus.csv")}),
        staff.post("uploads/", {"files": named(packed.getvalue(), "bill.zip")}),
    ]
    made = [item["id"] for answer in answers for item in answer.json()["imports"]]
    for pk in made:
        pipeline.run_import(pk)
    done = [staff.get(f"imports/{pk}/").json() for pk in made]
    assert [(item["source"], item["state"], item["billed_cost"]) for item in done] == [
        ("aws-000000000001-usd", "in_force", "10"),
        ("oracle-20209880-usd", "in_force", "0.25"),
        ("aws-900000000001", "in_force", "39.875"),
    ]
