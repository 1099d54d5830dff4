"""Exports as Azure, Oracle and Google lay them out: in a bucket, and uploaded by page and API, folder or zip."""

import gzip
import io
import json
import zipfile
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from costs.models import BillDelivery, BillImport
from costs.terms import DeliveryState, ImportState
from finops_site import pipeline
from tests.costs.focus_bills import DEFAULTS, focus_line, focus_text
from tests.costs.source_world import later, look, s3_source
from tests.costs.test_source_formats import in_force
from tests.finops_site.api_world import Api
from tests.real_parts.object_store import ObjectStore

pytestmark = pytest.mark.django_db
MICROSOFT = {
    "ProviderName": "Microsoft",
    "BillingAccountId": "/providers/Microsoft.Billing/billingAccounts/8611537",
    "SubAccountId": "/subscriptions/1",
}
AFTER = datetime.now(tz=UTC) + timedelta(minutes=10)  # nobody writes to the files any more
AZURE = "microsoft-8611537-usd"
EXPORT = "export/focus/20260501-20260531"
ORACLE = {"ProviderName": "Oracle", "BillingAccountId": "20209880"}
GOOGLE = {"ProviderName": "Google Cloud", "BillingAccountId": "010101-F0FFF0-61C528"}


def packed(*costs: str, **cells: str) -> bytes:
    return gzip.compress(focus_text([focus_line(cost=cost, **cells) for cost in costs]).encode())


def azure_run(number: int, *parts: bytes) -> dict[str, bytes]:
    """A run of an export as Azure writes it: its parts, then the manifest that names them."""
    folder = f"{EXPORT}/2026050{number}0600/run-{number}"
    names = [f"{folder}/part_{place}_0001.csv.gz" for place in range(len(parts))]
    told = {
        "manifestVersion": "2024-04-01",
        "byteCount": sum(map(len, parts)),
        "blobCount": len(parts),
        "dataRowCount": len(parts),
        "blobs": [{"blobName": name, "byteCount": len(part)} for name, part in zip(names, parts, strict=True)],
        "exportConfig": {"exportName": "focus", "type": "FocusCost", "dataVersion": "1.2-preview"},
        "runInfo": {"runId": f"run-{number}", "startDate": "2026-05-01T00:00:00", "endDate": "2026-05-31T00:00:00"},
    }
    return dict(zip(names, parts, strict=True)) | {f"{folder}/manifest.json": json.dumps(told).encode()}


ORACLE_DAYS = {
    "FOCUS Reports/2026/05/04/0001.csv.gz": packed("0.25", **ORACLE),
    "FOCUS Reports/2026/05/05/0001.csv.gz": packed("0.5", **ORACLE),  # every day has a file of that name
}


def put(store: ObjectStore, files: Mapping[str, bytes]) -> None:
    for key, content in files.items():
        store.put(key, content)


def archive(files: Mapping[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in files.items():
            made.writestr(name, content)
    return out.getvalue()


# --- in a bucket ----------------------------------------------------------------------------------


@pytest.mark.real_parts
def test_the_newest_run_of_azure_in_a_bucket_is_the_month(store: ObjectStore) -> None:
    put(store, azure_run(1, packed("1", **MICROSOFT)))
    source = s3_source(prefix="export/focus")
    assert look(source) == [ImportState.IN_FORCE]
    assert in_force() == {"acme": Decimal(1)}

    run = azure_run(2, packed("2", **MICROSOFT), packed("0.5", **MICROSOFT))
    late = f"{EXPORT}/202605020600/run-2/part_1_0001.csv.gz"
    put(store, {key: content for key, content in run.items() if key != late})
    assert look(source, later(10)) == []  # its second part is not there yet
    put(store, {late: run[late]})
    assert look(source, later(20)) == [ImportState.IN_FORCE]
    assert in_force() == {"acme": Decimal("2.5")}
    assert look(source, later(30)) == []
    assert BillDelivery.objects.order_by("-pk").first().run == "run-2"  # type: ignore[union-attr]


@pytest.mark.real_parts
def test_the_days_of_oracle_in_a_bucket_are_one_month_that_grows(store: ObjectStore) -> None:
    put(store, ORACLE_DAYS)
    source = s3_source(prefix="FOCUS Reports")
    assert look(source, AFTER) == [ImportState.IN_FORCE]
    assert in_force() == {"acme": Decimal("0.75")}
    put(store, {"FOCUS Reports/2026/05/06/0001.csv.gz": packed("4", **ORACLE)})
    assert look(source, AFTER + timedelta(minutes=10)) == [ImportState.IN_FORCE]
    assert in_force() == {"acme": Decimal("4.75")}
    assert {item.state for item in BillDelivery.objects.all()} == {DeliveryState.DONE}


@pytest.mark.real_parts
def test_the_shards_of_google_in_a_bucket_are_one_month(store: ObjectStore) -> None:
    """BigQuery exports a table as numbered Parquet files; amounts are NUMERIC, periods begin at midnight in
    California."""
    for number, cost in enumerate(("1.5", "2.25")):
        cells = {name: pa.array([value]) for name, value in (DEFAULTS | GOOGLE).items()}
        for name in ("BilledCost", "EffectiveCost", "ListCost", "ContractedCost"):
            cells[name] = pa.array([Decimal(cost)], pa.decimal128(38, 9))
        cells["BillingPeriodStart"] = pa.array(["2026-05-01T07:00:00Z"])
        out = io.BytesIO()
        pq.write_table(pa.table(cells), out)
        store.put(f"gcp/focus/{number:012d}.parquet", out.getvalue())
    assert look(s3_source(prefix="gcp/focus"), AFTER) == [ImportState.IN_FORCE]
    assert in_force() == {"acme": Decimal("3.75")}


# --- uploaded -------------------------------------------------------------------------------------

AZURE_RUN = azure_run(1, packed("2", **MICROSOFT), packed("0.5", **MICROSOFT))
UPLOADS = {
    "the files of a run of Azure with its manifest": (AZURE_RUN, AZURE, "2.5"),
    "the files of two days of Oracle that have one name": (ORACLE_DAYS, "oracle-20209880-usd", "0.75"),
}


def uploaded(files: Mapping[str, bytes], *, as_zip: bool) -> list[SimpleUploadedFile]:
    """As browsers send them: without their folders."""
    if as_zip:
        return [SimpleUploadedFile("export.zip", archive(files))]
    return [SimpleUploadedFile(name.rsplit("/", 1)[-1], content) for name, content in files.items()]


def run_queued() -> None:
    for pk in BillImport.objects.filter(state=ImportState.QUEUED.value).values_list("pk", flat=True):
        pipeline.run_import(pk)


@pytest.mark.parametrize("as_zip", [False, True], ids=["files", "zip"])
@pytest.mark.parametrize(("files", "source", "total"), UPLOADS.values(), ids=UPLOADS.keys())
def test_whole_folders_can_be_uploaded_by_the_page(
    staff: Client, files: dict[str, bytes], source: str, total: str, as_zip: bool
) -> None:
    answer = staff.post("/imports/upload/", {"bill_files": uploaded(files, as_zip=as_zip)})
    assert answer.status_code == 302, answer.content.decode()[:4000]
    run_queued()
    assert in_force() == {source: Decimal(total)}


@pytest.mark.parametrize("as_zip", [False, True], ids=["files", "zip"])
@pytest.mark.parametrize(("files", "source", "total"), UPLOADS.values(), ids=UPLOADS.keys())
def test_whole_folders_can_be_uploaded_by_the_api(
    finops_lead: User, files: dict[str, bytes], source: str, total: str, as_zip: bool
) -> None:
    answer: Any = Api(finops_lead).post("uploads/", {"files": uploaded(files, as_zip=as_zip)})
    assert answer.status_code == 201, answer.json()
    run_queued()
    assert in_force() == {source: Decimal(total)}


@pytest.mark.parametrize("as_zip", [False, True], ids=["files", "zip"])
def test_two_runs_of_one_month_are_not_added_up(staff: Client, as_zip: bool) -> None:
    files = azure_run(1, packed("1", **MICROSOFT)) | azure_run(2, packed("2", **MICROSOFT))
    answer = staff.post("/imports/upload/", {"bill_files": uploaded(files, as_zip=as_zip)})
    assert answer.status_code == 400
    told = "There are 2 runs of focus for 2026-05 (run-1, run-2), and each is the whole month. Give the files of the"
    assert told in answer.content.decode()
    assert not BillImport.objects.exists()


def test_a_file_the_manifest_names_has_to_be_among_those_given(staff: Client) -> None:
    part, other, manifest = uploaded(AZURE_RUN, as_zip=False)
    answer = staff.post("/imports/upload/", {"bill_files": [part, manifest]})
    assert f"It names {other.name}, which is not among the files. Give that one, too." in answer.content.decode()
    answer = staff.post("/imports/upload/", {"bill_files": [uploaded(AZURE_RUN, as_zip=False)[2]]})
    assert answer.status_code == 400
    assert not BillImport.objects.exists()
