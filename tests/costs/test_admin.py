"""The intake in the admin: FinOps staff may look, nobody may change."""

from collections.abc import Callable
from datetime import date

import pytest
from django.contrib.auth.models import User
from django.test import Client

from costs.models import Bill, BillImport, BillSource
from costs.terms import BillingFormat

PAGES = ("billsource", "bill", "billimport", "subaccount")


@pytest.fixture
def bill_import(db: None) -> BillImport:
    source = BillSource.objects.create(name="payer", billing_format=BillingFormat.LEGACY_CUR.value)
    made = BillImport.objects.create(source=source, billing_period=date(2026, 2, 1))
    Bill.objects.create(source=source, billing_period=date(2026, 2, 1), import_in_force=made)
    return made


@pytest.mark.parametrize("page", PAGES)
def test_list_is_shown_to_finops_staff_without_a_way_to_add(
    page: str, bill_import: BillImport, finops_lead: User, client_for: Callable[[User], Client]
) -> None:
    client = client_for(finops_lead)
    assert client.get(f"/admin/costs/{page}/").status_code == 200
    assert client.get(f"/admin/costs/{page}/add/").status_code == 403


def test_import_can_be_looked_at_but_not_changed_or_deleted(
    bill_import: BillImport, finops_lead: User, client_for: Callable[[User], Client]
) -> None:
    client, url = client_for(finops_lead), f"/admin/costs/billimport/{bill_import.pk}"
    assert client.get(f"{url}/change/").status_code == 200
    assert client.post(f"{url}/change/", {"state": "failed"}).status_code == 403
    assert client.post(f"{url}/delete/", {"post": "yes"}).status_code == 403
    bill_import.refresh_from_db()
    assert bill_import.state == "queued"


@pytest.mark.parametrize("page", PAGES)
def test_list_is_closed_to_a_team_lead(page: str, team_lead: User, client_for: Callable[[User], Client]) -> None:
    answer = client_for(team_lead).get(f"/admin/costs/{page}/")
    assert answer.status_code in {302, 403, 404}
