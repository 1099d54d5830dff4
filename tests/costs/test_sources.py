"""Versions of a month at a source: fetched once, replaced, waited for, refused; one source for each payer."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from costs import services as intake
from costs.errors import ImportRejectedError
from costs.models import Bill, BillDelivery, BillImport
from costs.places import PlaceError
from costs.services import SourceFields
from costs.terms import DeliveryState, ImportState, PlaceKind
from finops_site import pipeline
from tests.costs.source_world import (
    JUNE,
    MAY,
    NOW,
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


# --- versions -------------------------------------------------------------------------------------


@pytest.mark.real_parts
def test_a_bucket_is_read_once_for_each_version_and_the_newest_replaces_the_month(store: ObjectStore) -> None:
    """Assembly 1 holds 1.25 + 0.75 = 2; assembly 2 holds 2 + 3 = 5, and its second chunk is not the first one's."""
    source = s3_source()
    first = deliver(store, "asm-1", bill("1.25"), bill("0.75"))
    assert (look(source), billed()) == ([ImportState.IN_FORCE], Decimal(2))
    assert (source.billing_format, source.billing_account_id) == ("legacy_cur", "000000000001")
    assert (source.last_result, source.next_look_at) == ("Deliveries: 1 new.", later(5))
    item = BillImport.objects.get()
    assert (item.stated_period, [file["name"] for file in item.files]) == (MAY.start, ["daily-1.csv", "daily-2.csv"])
    assert [store.reads[key] for key in first] == [1, 1]

    assert (look(source, later(5)), source.last_result) == ([], "Deliveries: 1 as before.")
    assert [store.reads[key] for key in first] == [1, 1]

    second = deliver(store, "asm-2", bill("2"), bill("3"))
    assert (look(source, later(10)), billed()) == ([ImportState.IN_FORCE], Decimal(5))
    assert [store.reads[key] for key in (*first, *second)] == [1, 1, 1, 1]
    assert not list(Path(item.files[0]["path"]).parent.parent.glob("fetched-*"))
    states = BillDelivery.objects.order_by("pk").values_list("run", "state")
    assert list(states) == [("asm-1", DeliveryState.DONE), ("asm-2", DeliveryState.DONE)]


def test_an_overwritten_export_leaves_its_surplus_chunks_out(store: ObjectStore) -> None:
    """The second run has one chunk of 4 and leaves an empty one behind."""
    data, meta = "x/data/BILLING_PERIOD=2026-05", "x/metadata/BILLING_PERIOD=2026-05/x-Manifest.json"
    source = s3_source(prefix="x")

    def run(name: str, *chunks: bytes, named: int) -> None:
        for number, chunk in enumerate(chunks, start=1):
            store.put(f"{data}/x-{number:05d}.csv", chunk)
        names = [f"s3://{BUCKET}/{data}/x-{number:05d}.csv" for number in range(1, named + 1)]
        store.put(meta, json.dumps({"executionId": name, "dataFiles": names}).encode())

    run("one", bill("1"), bill("2"), named=2)
    assert (look(source), billed()) == ([ImportState.IN_FORCE], Decimal(3))
    run("two", bill("4"), b"", named=1)
    assert (look(source, later(5)), billed()) == ([ImportState.IN_FORCE], Decimal(4))
    run("three", bill("5"), b"", named=2)  # an empty chunk is named: it holds nothing, and that is fine
    assert (look(source, later(10)), billed()) == ([ImportState.IN_FORCE], Decimal(5))


def test_the_same_content_in_a_new_assembly_changes_nothing(store: ObjectStore) -> None:
    source = s3_source()
    deliver(store, "asm-1", bill("2"))
    look(source)
    deliver(store, "asm-2", bill("2"))
    assert look(source, later(5)) == [ImportState.UNCHANGED]


def test_a_delivery_waits_for_every_chunk_that_its_manifest_names(store: ObjectStore) -> None:
    source = s3_source()
    keys = deliver(store, "asm-1", bill("1"), bill("2"))
    store.delete(keys[1])
    assert (look(source), source.last_result) == ([], "Deliveries: 1 not complete yet.")
    waiting = BillDelivery.objects.get()
    assert (waiting.state, "daily-2.csv" in waiting.problem) == (DeliveryState.WAITING, True)
    store.put(keys[1], bill("2"))
    assert (look(source, later(5)), billed()) == ([ImportState.IN_FORCE], Decimal(3))
    assert BillDelivery.objects.count() == 1


def test_a_delivery_without_a_line_is_in_order_and_changes_nothing(store: ObjectStore) -> None:
    """As on the first day of a month."""
    source = s3_source()
    deliver(store, "asm-1", bill())
    assert look(source) == []
    empty = BillDelivery.objects.get()
    assert (empty.state, "header and no lines" in empty.problem) == (DeliveryState.DONE, True)
    deliver(store, "asm-2", bill("1"))
    assert look(source, later(5)) == [ImportState.IN_FORCE]


def test_an_object_that_changes_between_look_and_download_is_not_read(store: ObjectStore) -> None:
    source = s3_source()
    [key] = deliver(store, "asm-1", bill("1"))
    [delivery] = intake.look_at_source(source.pk, now=NOW)
    store.put(key, bill("7"))
    assert pipeline.bring_in(delivery, now=NOW) == []
    failed = BillDelivery.objects.get()
    assert (failed.state, "changed while" in failed.problem) == (DeliveryState.FAILED, True)
    assert (look(source, later(5)), billed()) == ([ImportState.IN_FORCE], Decimal(7))


def test_loose_files_of_a_folder_are_one_version_and_are_read_where_they_lie(folder: Path) -> None:
    source = folder_source(folder)
    (folder / "a.csv").write_bytes(bill("1"))
    (folder / "b.csv").write_bytes(bill("2"))
    assert look(source, datetime.now(tz=UTC)) == []  # somebody may still be writing
    after = datetime.now(tz=UTC) + timedelta(minutes=10)
    assert (look(source, after), billed()) == ([ImportState.IN_FORCE], Decimal(3))
    assert look(source, after + timedelta(minutes=5)) == []
    assert {file["path"] for file in BillImport.objects.get().files} == {str(folder / n) for n in ("a.csv", "b.csv")}
    assert (folder / "a.csv").exists()


def test_a_manifest_whose_files_hold_other_months_is_refused_and_so_is_nothing_else(folder: Path) -> None:
    source = folder_source(folder)
    june = bill("4", period="2026-06-01T00:00:00Z", start="2026-06-01T10:00:00Z")
    (folder / "daily-1.csv").write_bytes(bill("1") + june.split(b"\n", 1)[1])
    (folder / "daily-Manifest.json").write_bytes(manifest("daily-1.csv", assembly="asm-1"))
    assert look(source) == [ImportState.FAILED]
    refused = BillDelivery.objects.get()
    assert (refused.state, Bill.objects.filter(import_in_force__isnull=False).count()) == (DeliveryState.REFUSED, 0)
    assert "The manifest says 2026-05, but its files hold 2026-05, 2026-06." in refused.problem
    assert (look(source, later(5)), source.last_result) == ([], "Deliveries: 1 refused.")
    [alone] = intake.prepare_imports([folder / "daily-1.csv"], today=NOW.date())
    pipeline.run_import(alone)
    assert (billed(MAY), billed(JUNE)) == (Decimal(1), Decimal(4))


def test_months_are_fetched_as_far_back_as_wanted_and_again_when_asked_for(store: ObjectStore) -> None:
    source = s3_source(months_back=0)
    [key] = deliver(store, "asm-1", bill("2"))
    assert (look(source), source.last_result) == ([], "Deliveries: 1 older than asked for.")
    assert store.reads[key] == 0
    intake.ask_for_months("acme", [MAY])
    assert look(source, later(5)) == [ImportState.IN_FORCE]
    source.refresh_from_db()
    assert source.months_asked == []
    intake.ask_for_months("acme", [MAY])
    assert look(source, later(10)) == [ImportState.UNCHANGED]


# --- one source per payer and month ---------------------------------------------------------------


def test_a_second_source_of_a_payer_is_refused_until_the_first_is_deactivated(folder: Path) -> None:
    """The first gives 2 for May. The second one's 3 counts only once the first has stepped back, and then alone."""
    for name, cost in (("one", "2"), ("two", "3")):
        (folder / name).mkdir()
        (folder / name / "may.csv").write_bytes(bill(cost))
    after = datetime.now(tz=UTC) + timedelta(minutes=10)
    first, second = (folder_source(folder / name, name) for name in ("one", "two"))
    assert look(first, after) == [ImportState.IN_FORCE]
    assert look(second, after) == [ImportState.FAILED]
    refused = BillDelivery.objects.get(source=second)
    assert "May 2026 of payer 000000000001 is in force from the source one" in refused.problem
    assert "deactivate one" in refused.problem
    assert billed() == Decimal(2)
    intake.set_active("one", is_active=False)
    intake.fetch_again(refused.pk)
    pipeline.bring_in(refused.pk, now=after)
    assert billed() == Decimal(3)
    assert BillImport.objects.get(source=first).state == ImportState.REPLACED


def test_uploads_keep_to_it_as_well(folder: Path) -> None:
    (folder / "may.csv").write_bytes(bill("2"))
    for name in ("one", "two"):
        [pk] = intake.prepare_imports([folder / "may.csv"], source_name=name, today=NOW.date())
        if name == "one":
            pipeline.run_import(pk)
    with pytest.raises(ImportRejectedError, match="would count twice"):
        pipeline.run_import(pk)
    with pytest.raises(PlaceError):
        intake.create_source("x", SourceFields(PlaceKind.FOLDER, "/"))
