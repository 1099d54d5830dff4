"""Looks at sources: turns, failures with their cure, places that cannot be, workers that die."""

import json
import os
import socket
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from pytest_django.fixtures import Settings

from costs import services as intake
from costs.errors import FinopsError
from costs.models import BillDelivery, BillSource
from costs.services import SourceFields
from costs.terms import DeliveryState, PlaceKind
from finops_site import pipeline
from tests.costs.source_world import (
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
DEAD_PID = 2**22 + 1  # above any process's


# --- looks that fail ------------------------------------------------------------------------------


def test_a_look_that_fails_says_why_and_waits_longer_each_time(store: ObjectStore) -> None:
    source = s3_source(prefix="cur")
    BillSource.objects.update(location="s3://no-such-bucket/cur")
    for minutes, wait in ((0, 5), (5, 10), (15, 20)):
        look(source, later(minutes))
        assert source.next_look_at == later(minutes + wait)
    assert (source.last_error, source.failures) == ("There is no bucket no-such-bucket.", 3)
    assert source.last_error_cure == "Correct the bucket's name."
    BillSource.objects.update(location=f"s3://{BUCKET}/cur/", next_look_at=None)
    look(source, later(60))
    assert (source.last_error, source.failures) == ("", 0)
    assert source.last_result == "Nothing there yet: no manifest and no bill file."


def test_without_credentials_the_cure_names_them(store: ObjectStore, monkeypatch: pytest.MonkeyPatch) -> None:
    source = s3_source()
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nowhere")
    look(source)
    assert source.last_error == "There are no credentials for S3."
    assert "AWS_ACCESS_KEY_ID" in source.last_error_cure


def test_two_exports_under_one_prefix_are_refused_by_name(store: ObjectStore) -> None:
    source = s3_source(prefix="cur")
    deliver(store, "asm-1", bill("1"))
    store.put("cur/other/20260501-20260601/other-1.csv", bill("1"))
    told = json.loads(manifest("cur/other/20260501-20260601/other-1.csv", assembly="o")) | {"reportName": "other"}
    store.put("cur/other/20260501-20260601/other-Manifest.json", json.dumps(told).encode())
    look(source)
    assert source.last_error == f"s3://{BUCKET}/cur/ holds several exports: daily, other."


def test_one_look_at_a_time_each_source_in_its_turn(store: ObjectStore) -> None:
    source = s3_source(every_minutes=60)
    assert intake.due_sources(now=NOW) == [source.pk]
    BillSource.objects.update(looking_until=later(15))
    assert (intake.due_sources(now=NOW), intake.look_at_source(source.pk, now=NOW)) == ([], [])
    assert intake.due_sources(now=later(16)) == [source.pk]
    look(source, later(16))
    assert (intake.due_sources(now=later(75)), intake.due_sources(now=later(76))) == ([], [source.pk])
    intake.set_active("acme", is_active=False)
    assert intake.due_sources(now=later(999)) == []


def test_a_delivery_larger_than_allowed_is_refused_before_anything_is_fetched(
    store: ObjectStore, settings: Settings
) -> None:
    settings.DELIVERY_LIMIT_MB = 0
    source = s3_source()
    [key] = deliver(store, "asm-1", bill("1"))
    assert look(source) == []
    assert "Raise DELIVERY_LIMIT_MB" in BillDelivery.objects.get().problem
    assert store.reads[key] == 0


# --- upkeep ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("place", "location", "problem"),
    [
        (PlaceKind.S3, "", "Say where the bills are"),
        (PlaceKind.S3, "/data/bills", "Write it as s3://bucket/prefix"),
        (PlaceKind.S3, "s3://B/x", "is no address in S3"),
        (PlaceKind.FOLDER, "s3://bucket/x", "a path like /data/bills"),
        (PlaceKind.FOLDER, "/etc", "Sources may not read /etc"),
    ],
)
def test_a_place_that_cannot_be_is_refused_with_the_cure(place: PlaceKind, location: str, problem: str) -> None:
    with pytest.raises(FinopsError, match=problem):
        intake.create_source("acme", SourceFields(place, location))


def test_links_that_lead_out_of_a_folder_are_not_followed(folder: Path) -> None:
    (folder / "inside").mkdir()
    (folder / "secret.csv").write_bytes(bill("1"))
    (folder / "inside" / "link.csv").symlink_to(folder / "secret.csv")
    source = folder_source(folder / "inside")
    assert look(source) == []
    assert source.last_result.startswith("Nothing there yet")


def test_a_place_belongs_to_one_active_source(folder: Path) -> None:
    folder_source(folder)
    with pytest.raises(FinopsError, match="The source acme looks there already"):
        folder_source(folder, "again")


# --- when something dies --------------------------------------------------------------------------


def test_a_delivery_whose_worker_died_while_fetching_is_taken_over_from_it_only(store: ObjectStore) -> None:
    source = s3_source()
    deliver(store, "asm-1", bill("2"))
    [delivery] = intake.look_at_source(source.pk, now=NOW)
    alive = f"elsewhere:{os.getpid()}:token"
    BillDelivery.objects.update(state=DeliveryState.FETCHING, worker=alive, heartbeat_at=datetime.now(tz=UTC))
    assert pipeline.bring_in(delivery, now=NOW) == []
    BillDelivery.objects.update(worker=f"{socket.gethostname()[:80]}:{DEAD_PID}:token")
    assert len(pipeline.bring_in(delivery, now=NOW)) == 1
    assert billed() == Decimal(2)


def test_a_delivery_is_finished_after_its_worker_died_and_its_files_go(store: ObjectStore, settings: Settings) -> None:
    source = s3_source()
    deliver(store, "asm-1", bill("2"))
    [delivery] = intake.look_at_source(source.pk, now=NOW)
    [queued] = intake.fetch_delivery(delivery, today=NOW.date())
    fetched = Path(settings.UPLOAD_DIR) / f"fetched-{delivery}"
    assert (fetched / "daily-1.csv").exists()
    pipeline.run_import(queued)  # as the reaper has another worker do it
    soon = datetime.now(tz=UTC) + timedelta(minutes=11)
    intake.finish_left_deliveries(now=soon)
    assert (BillDelivery.objects.get().state, fetched.exists()) == (DeliveryState.DONE, False)
    assert look(source, later(5)) == []


def test_a_lost_task_is_found_again_by_a_later_look(store: ObjectStore) -> None:
    source = s3_source()
    deliver(store, "asm-1", bill("2"))
    [delivery] = intake.look_at_source(source.pk, now=NOW)
    assert intake.look_at_source(source.pk, now=later(20)) == []
    assert intake.look_at_source(source.pk, now=later(31)) == [delivery]
