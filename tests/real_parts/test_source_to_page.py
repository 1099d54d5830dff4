"""A delivery in a bucket comes to the pages through real workers, also when one of them is killed on the way."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_django.fixtures import Settings

from costs import services as intake
from costs.models import BillDelivery
from costs.services import SourceFields
from costs.terms import DeliveryState, PlaceKind
from finops_site import tasks
from tests.finops_site.running import wait_until
from tests.leaks.bills import write_bill
from tests.real_parts.conftest import StartWorker
from tests.real_parts.months import FIRST, FIRST_TOTAL, everything_seen, make_teams
from tests.real_parts.object_store import BUCKET, ObjectStore, object_store

pytestmark = pytest.mark.real_parts
FOLDER = "cur/daily/20260201-20260301"


@pytest.fixture
def store(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[ObjectStore]:
    """A bucket that this process and its workers reach."""
    with object_store() as opened:
        settings.S3_ENDPOINT_URL = opened.url
        for name, value in (
            ("S3_ENDPOINT_URL", opened.url),
            ("AWS_ACCESS_KEY_ID", "test"),
            ("AWS_SECRET_ACCESS_KEY", "test"),
        ):
            monkeypatch.setenv(name, value)
        yield opened


@pytest.mark.parametrize("die_after", ["", "load", "allocation"])
def test_a_delivery_in_a_bucket_is_in_force_once_when_workers_are_through(
    die_after: str, places: Path, store: ObjectStore, start_worker: StartWorker
) -> None:
    make_teams()
    key = f"{FOLDER}/asm-1/daily-1.csv"
    store.put(key, write_bill(places / "feb.csv", "2026-02", FIRST).read_bytes())
    month = {"start": "20260201T000000.000Z"}
    told = json.dumps({"assemblyId": "asm-1", "reportName": "daily", "reportKeys": [key], "billingPeriod": month})
    store.put(f"{FOLDER}/daily-Manifest.json", told.encode())
    intake.create_source("acme", SourceFields(PlaceKind.S3, f"s3://{BUCKET}/cur/daily"))
    start_worker(die_after=die_after, pool="prefork")
    tasks.look_for_deliveries()
    done = BillDelivery.objects.filter(state=DeliveryState.DONE.value)
    wait_until(done.exists, what="the delivery", seconds=60)
    seen = everything_seen()
    assert seen.sums["DailyCost"][0] == seen.sums["AllocatedCost"][0] == FIRST_TOTAL
    assert (places / "died").exists() == bool(die_after)
    assert not list((places / "uploads").glob("fetched-*"))
    tasks.look_for_deliveries()  # its turn has not come again
    assert BillDelivery.objects.count() == 1
