"""A bill goes in by the upload page, a real worker imports it, and each person sees what is theirs."""

from collections.abc import Callable
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from costs.models import BillImport
from costs.terms import ImportState
from tests.leaks.bills import write_bill
from tests.real_parts.conftest import StartWorker
from tests.real_parts.months import FIRST, SECOND, make_teams, wait_for_state

pytestmark = pytest.mark.real_parts
ClientFor = Callable[[User], Client]


def upload(client: Client, path: Path, *, key: str = "") -> BillImport:
    """Send a file through the form and return the import it became."""
    with path.open("rb") as file:
        answer = client.post(reverse("upload"), {"bill_files": [file], "idempotency_key": key})
    assert answer.status_code == 302, answer.content.decode()
    return BillImport.objects.latest("pk")


def test_upload_is_on_the_team_page_when_the_worker_is_through(
    places: Path, start_worker: StartWorker, finops_lead: User, team_lead: User, client_for: ClientFor
) -> None:
    make_teams()
    start_worker()
    staff, lead = client_for(finops_lead), client_for(team_lead)
    queued = upload(staff, write_bill(places / "february.csv", "2026-02", FIRST))
    done = wait_for_state(queued.pk, ImportState.IN_FORCE, ImportState.FAILED)
    assert (done.state, done.error, done.rows) == (ImportState.IN_FORCE, "", 4)

    # payments 10.00 + 2.50, of a bill of 17.75
    shown_to_staff = staff.get(reverse("tagging:chargeback"), {"period": "2026-02"}).content.decode()
    assert "$12.50" in shown_to_staff
    assert "$17.75" in shown_to_staff
    shown_to_team = lead.get(reverse("team", args=["payments"]), {"period": "2026-02"}).content.decode()
    assert "$12.50" in shown_to_team
    assert "$17.75" not in shown_to_team
    assert "In force" in staff.get(reverse("costs:import", args=[done.pk])).content.decode()


def test_second_delivery_replaces_the_month_and_the_same_file_again_changes_nothing(
    places: Path, start_worker: StartWorker, finops_lead: User, client_for: ClientFor
) -> None:
    make_teams()
    start_worker()
    staff = client_for(finops_lead)
    first = upload(staff, write_bill(places / "first.csv", "2026-02", FIRST))
    wait_for_state(first.pk, ImportState.IN_FORCE)
    second = upload(staff, write_bill(places / "second.csv", "2026-02", SECOND))
    wait_for_state(second.pk, ImportState.IN_FORCE)
    again = upload(staff, places / "second.csv")
    wait_for_state(again.pk, ImportState.UNCHANGED)
    first.refresh_from_db()
    assert first.state == ImportState.REPLACED
    assert "$20.75" in staff.get(reverse("tagging:chargeback"), {"period": "2026-02"}).content.decode()


def test_bad_upload_says_what_is_wrong_and_the_month_in_force_stays(
    places: Path, start_worker: StartWorker, finops_lead: User, client_for: ClientFor
) -> None:
    make_teams()
    start_worker()
    staff = client_for(finops_lead)
    first = upload(staff, write_bill(places / "first.csv", "2026-02", FIRST))
    wait_for_state(first.pk, ImportState.IN_FORCE)
    bad = write_bill(places / "bad.csv", "2026-02", SECOND)
    bad.write_text(bad.read_text().replace("4.00", "four"))
    failed = wait_for_state(upload(staff, bad).pk, ImportState.FAILED)
    page = staff.get(reverse("costs:import", args=[failed.pk])).content.decode()
    assert "bad.csv, line 4, column lineItem/UnblendedCost" in failed.error
    for place in ("bad.csv", "<dd>4</dd>", "lineItem/UnblendedCost", "&#x27;four&#x27;"):
        assert place in page
    first.refresh_from_db()
    assert first.state == ImportState.IN_FORCE
    assert "$17.75" in staff.get(reverse("tagging:chargeback"), {"period": "2026-02"}).content.decode()
