"""Pages of sources and of a bill's versions: what staff see and do, what it costs to draw, who may."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import DjangoAssertNumQueries
from pytest_django.fixtures import Settings

from costs import services as intake
from costs.models import BillDelivery, BillSource
from costs.periods import BillingPeriod
from costs.services import SourceFields
from costs.terms import DeliveryState, PlaceKind
from finops_site import pipeline, sources, uploads
from tests.conftest import ClientFor
from tests.costs.bills import csv_text, line
from tests.finops_site.api_world import assert_golden
from tests.pages import get
from tests.tagging.page_world import QUERIES, file_of, text_of

pytestmark = pytest.mark.django_db
AFTER = datetime.now(tz=UTC) + timedelta(minutes=10)


@pytest.fixture
def folder(tmp_path: Path, settings: Settings) -> Path:
    settings.SOURCE_FOLDERS = [str(tmp_path)]
    return tmp_path


@pytest.fixture
def enqueued(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """What was handed to the queue, which stands still."""
    sent: list[tuple[str, int]] = []
    monkeypatch.setattr(sources, "enqueue_look", lambda pk: sent.append(("look", pk)))
    for module in (sources, uploads):
        monkeypatch.setattr(module, "enqueue_delivery", lambda pk: sent.append(("fetch", pk)))
    return sent


def a_source(folder: Path, name: str = "acme") -> BillSource:
    return BillSource.objects.get(pk=intake.create_source(name, SourceFields(PlaceKind.FOLDER, str(folder))))


def look(source: BillSource) -> None:
    for delivery in intake.look_at_source(source.pk, now=AFTER):
        pipeline.bring_in(delivery, now=AFTER)


def two_versions(folder: Path) -> BillSource:
    """May 2026: EC2 of one account 5, then 7, with 2 of tax each time; S3 only in the second version, 1. 7, then 10."""
    source = a_source(folder)
    ec2, tax = line(cost="5"), line(cost="2", kind="Tax")
    s3 = line({"product/ProductName": "Amazon Simple Storage Service"}, cost="1")
    (folder / "may.csv").write_text(csv_text([ec2, tax]))
    look(source)
    (folder / "may.csv").write_text(csv_text([line(cost="7"), tax, s3]))
    look(source)
    return source


def test_a_source_is_added_changed_and_looked_at_from_pages(
    staff: Client, folder: Path, enqueued: list[tuple[str, int]]
) -> None:
    form = {"name": "Acme", "place": "folder", "location": str(folder), "every_minutes": "5", "months_back": ""}
    added = staff.post("/imports/sources/new/", form)
    source = BillSource.objects.get()
    assert (added["Location"], source.name, source.location) == ("/imports/sources/acme/", "acme", str(folder))
    staff.post("/imports/sources/acme/edit/", {**form, "every_minutes": "30", "months_back": "3"})
    source.refresh_from_db()
    assert (source.every_minutes, source.months_back) == (30, 3)
    staff.post("/imports/sources/acme/look/")
    staff.post("/imports/sources/acme/months/", {"first": "2026-03", "last": "2026-05"})
    source.refresh_from_db()
    assert source.months_asked == ["2026-03", "2026-04", "2026-05"]
    assert enqueued == [("look", source.pk)] * 3
    staff.post("/imports/sources/acme/active/", {"active": "no"})
    source.refresh_from_db()
    assert not source.is_active
    assert staff.post("/imports/sources/acme/look/").status_code == 400


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"location": "/etc"}, "Sources may not read /etc"),
        ({"name": "new"}, "is no name for a source"),
        ({"place": "s3"}, "Write it as s3://bucket/prefix"),
        ({"every_minutes": "0"}, "greater than or equal to 1"),
    ],
)
def test_a_form_that_cannot_be_says_what_to_do(
    staff: Client, folder: Path, enqueued: list[tuple[str, int]], changes: dict[str, str], told: str
) -> None:
    form = {"name": "acme", "place": "folder", "location": str(folder), "every_minutes": "5"}
    answer = staff.post("/imports/sources/new/", {**form, **changes})
    assert answer.status_code == 400
    assert told in answer.content.decode()
    assert (BillSource.objects.count(), enqueued) == (0, [])


def test_the_imports_page_says_how_every_source_stands(staff: Client, folder: Path) -> None:
    source = a_source(folder)
    (folder / "may.csv").write_text(csv_text([line(cost="1")]))
    (folder / "empty.csv").write_text("")
    look(source)
    BillSource.objects.create(
        name="gone", billing_format="", place="s3", location="s3://gone/x", last_error="No bucket."
    )
    text = text_of(get(staff, "/imports/"))
    for told in ("acme", "In order", "Deliveries: 1 new.", "gone", "Cannot be looked at", "No bucket.", "Closing"):
        assert told in text
    _, rows = file_of(get(staff, "/imports/?table=sources&format=csv"))
    assert [row[0] for row in rows[1:]] == ["acme", "gone"]


def test_a_source_that_is_not_active_is_not_late(staff: Client, folder: Path) -> None:
    source = a_source(folder)
    month = BillingPeriod.of(AFTER.date()).previous().previous()
    (folder / "bill.csv").write_text(csv_text([line(cost="1", period=f"{month}-01T00:00:00Z", start=f"{month}-02")]))
    look(source)
    late = f"no bill for {month.next().label} yet"
    assert (late in text_of(get(staff, "/imports/"))) == (AFTER.day > 3)
    intake.set_active("acme", is_active=False)
    assert late not in text_of(get(staff, "/imports/"))


def test_a_refused_delivery_says_why_and_can_be_tried_again(
    staff: Client, folder: Path, enqueued: list[tuple[str, int]]
) -> None:
    source = a_source(folder)
    (folder / "may.csv").write_text("a,b\n1,2\n")
    look(source)
    text = text_of(get(staff, "/imports/sources/acme/"))
    assert "Delivery refused" in text
    assert "may.csv" in text
    refused = BillDelivery.objects.get()
    staff.post(f"/imports/deliveries/{refused.pk}/retry/")
    refused.refresh_from_db()
    assert (refused.state, enqueued) == (DeliveryState.QUEUED, [("fetch", refused.pk)])


def test_what_changed_between_two_versions_is_told_by_service_and_account(staff: Client, folder: Path) -> None:
    two_versions(folder)
    title, rows = file_of(get(staff, "/imports/bills/acme/2026-05/?table=changes&format=csv"))
    assert title["Versions"] == "1 to 2"
    told = {row[0]: [Decimal(cell) for cell in row[2:5]] for row in rows[1:]}
    assert told == {
        "Amazon Elastic Compute Cloud": [Decimal(7), Decimal(9), Decimal(2)],
        "Amazon Simple Storage Service": [Decimal(0), Decimal(1), Decimal(1)],
    }
    _, versions = file_of(get(staff, "/imports/bills/acme/2026-05/?format=csv"))
    assert [(row[0], row[6]) for row in versions[1:]] == [("2", "10"), ("1", "7")]
    assert "+$3.00" in text_of(get(staff, "/imports/bills/acme/2026-05/"))
    back = text_of(get(staff, "/imports/bills/acme/2026-05/?before=2&after=1&basis=effective"))
    assert "−$3.00" in back
    pipeline.remove_replaced_imports(now=AFTER + timedelta(days=1))
    assert "+$3.00" in text_of(get(staff, "/imports/bills/acme/2026-05/"))


def test_pages_stay_within_their_query_budget_and_exist_for_staff_only(
    staff: Client,
    team_lead: User,
    client_for: ClientFor,
    folder: Path,
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    two_versions(folder)
    lead = client_for(team_lead)
    pages = ("sources/", "sources/acme/", "sources/new/", "sources/acme/edit/", "bills/acme/2026-05/", "")
    for page in pages:
        with django_assert_max_num_queries(QUERIES):
            assert get(staff, f"/imports/{page}").status_code == 200, page
        assert get(lead, f"/imports/{page}").status_code == 404, page
    for action in ("look", "months", "active"):
        assert lead.post(f"/imports/sources/acme/{action}/").status_code == 404
    assert get(staff, "/imports/sources/nobody/").status_code == 404
    assert get(staff, "/imports/bills/acme/2020-01/").status_code == 404


def test_programs_read_sources_and_deliveries(
    staff: Client, team_lead: User, client_for: ClientFor, folder: Path
) -> None:
    two_versions(folder)
    [row] = staff.get("/api/v1/sources/").json()["results"]
    assert (row["name"], row["state"], row["place"], row["error"]) == ("acme", "in_order", "folder", "")
    newest, oldest = staff.get("/api/v1/sources/acme/deliveries/").json()["results"]
    assert (newest["state"], newest["file_names"], newest["billing_period"]) == ("done", ["may.csv"], "2026-05")
    assert newest["id"] > oldest["id"]
    assert staff.get("/api/v1/sources/nobody/deliveries/").status_code == 404
    assert client_for(team_lead).get("/api/v1/sources/").status_code == 404


def test_the_answer_on_sources_is_the_golden_one(staff: Client, folder: Path) -> None:
    """One that looks at a folder, one whose bills are uploaded, one that is a part of the first."""
    two_versions(folder)
    intake.create_source("uploads", SourceFields(PlaceKind.UPLOAD))
    part = BillSource.objects.get(pk=intake.create_source("acme-part", SourceFields(PlaceKind.UPLOAD)))
    part.fetched_by = BillSource.objects.get(name="acme")
    part.save(update_fields=["fetched_by"])
    answer = staff.get("/api/v1/sources/").json()
    assert_golden("api_sources", json.loads(json.dumps(answer).replace(str(folder), "(folder)")))
