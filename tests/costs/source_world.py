"""Bills in a bucket or a folder, sources that look there, and one look with all that follows."""

import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from costs import services as intake
from costs.models import Bill, BillImport, BillSource
from costs.periods import BillingPeriod
from costs.services import SourceFields
from costs.terms import ImportState, PlaceKind
from finops_site import pipeline
from tests.costs.bills import csv_text, line
from tests.real_parts.object_store import BUCKET, ObjectStore

NOW = datetime(2026, 6, 3, 12, tzinfo=UTC)
MAY, JUNE = BillingPeriod(date(2026, 5, 1)), BillingPeriod(date(2026, 6, 1))
REPORT = "cur/daily/20260501-20260601"


def bill(*costs: str, period: str = "2026-05-01T00:00:00Z", start: str = "2026-05-04T10:00:00Z") -> bytes:
    return csv_text([line(cost=cost, period=period, start=start) for cost in costs]).encode()


def manifest(*keys: str, assembly: str, start: str = "20260501") -> bytes:
    told = {"assemblyId": assembly, "reportName": "daily", "reportKeys": keys}
    return json.dumps({**told, "billingPeriod": {"start": f"{start}T000000.000Z"}}).encode()


def deliver(store: ObjectStore, assembly: str, *chunks: bytes) -> list[str]:
    """A whole assembly with its manifests, as AWS lays it down."""
    keys = [f"{REPORT}/{assembly}/daily-{number}.csv" for number in range(1, len(chunks) + 1)]
    for key, chunk in zip(keys, chunks, strict=True):
        store.put(key, chunk)
    for place in (f"{REPORT}/{assembly}", REPORT):
        store.put(f"{place}/daily-Manifest.json", manifest(*keys, assembly=assembly))
    return keys


def s3_source(name: str = "acme", prefix: str = "cur/daily", **fields: int | None) -> BillSource:
    made = intake.create_source(name, SourceFields(PlaceKind.S3, f"s3://{BUCKET}/{prefix}", **fields))  # type: ignore[arg-type]
    return BillSource.objects.get(pk=made)


def folder_source(folder: Path, name: str = "acme") -> BillSource:
    return BillSource.objects.get(pk=intake.create_source(name, SourceFields(PlaceKind.FOLDER, str(folder))))


def look(source: BillSource, now: datetime = NOW) -> list[ImportState]:
    """One look with all that follows, as the tasks do it; the states of the imports it queued."""
    found = intake.look_at_source(source.pk, now=now)
    before = BillImport.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    for delivery in found:
        pipeline.bring_in(delivery, now=now)
    source.refresh_from_db()
    states = BillImport.objects.filter(pk__gt=before).order_by("pk").values_list("state", flat=True)
    return [ImportState(state) for state in states]


def billed(period: BillingPeriod = MAY) -> Decimal | None:
    found = Bill.objects.get(billing_period=period.start, import_in_force__isnull=False).import_in_force
    return found.billed_cost if found else None


def later(minutes: int) -> datetime:
    return NOW + timedelta(minutes=minutes)
