"""A month without costs says what is missing and where to go; it does not say that all is well."""

import pytest
from django.contrib.auth.models import User
from django.http import HttpResponse
from django.test import Client

from costs.periods import BillingPeriod
from tagging.models import Invoice, Team
from tests.conftest import ClientFor
from tests.tagging.builders import OCTOBER, Spend, month
from tests.tagging.page_world import text_of, two_months

pytestmark = pytest.mark.django_db
JULY = BillingPeriod.parse("2025-07")


@pytest.fixture
def staff(finops_lead: User, client_for: ClientFor, team: Team, other_team: Team) -> Client:
    two_months()
    return client_for(finops_lead)


def get(client: Client, path: str) -> str:
    response: HttpResponse = client.get(path)  # type: ignore[assignment]
    assert response.status_code == 200, path
    return text_of(response)


@pytest.mark.parametrize("path", ["/tags/fixes/", "/finance/"])
def test_a_month_without_a_bill_leads_to_imports_and_to_the_newest_month(staff: Client, path: str) -> None:
    page = get(staff, f"{path}?period=2025-07")
    for text in (
        "No costs in July 2025",
        "Its bill was not imported. Import it, or choose another month.",
        '"?period=2025-11">Open November 2025</a>',
        "/imports/",
        '<select name="period"',
    ):
        assert text in page, text
    for text in (
        "follows the policy",
        "Every day of the month has usage",
        "All invoices of the bill",
        "not kept here any more",
        "Nothing to fix",
    ):
        assert text not in page, text
    assert "No costs in July" not in get(staff, f"{path}?period=2025-11")


def test_a_month_in_another_currency_leads_there(staff: Client) -> None:
    for path in ("/tags/fixes/", "/finance/"):
        page = get(staff, f"{path}?period=2025-10&currency=EUR")
        assert "No costs in EUR in October 2025" in page
        assert '"?period=2025-10&amp;currency=USD">Open it in USD</a>' in page


def test_a_team_is_told_in_its_own_words(
    staff: Client, team_lead: User, other_lead: User, client_for: ClientFor
) -> None:
    month([Spend("9", tags={"Team": "search"})], period=JULY)
    page = get(client_for(team_lead), "/tags/fixes/?period=2025-07")
    assert "Nothing of it was given to your team. Choose another month." in page
    assert "/imports/" not in page
    assert "No costs in July" not in get(client_for(other_lead), "/tags/fixes/?period=2025-07")


def test_an_invoice_that_was_entered_stays_in_sight_without_a_bill(staff: Client) -> None:
    Invoice.objects.create(
        period=JULY.start, currency="USD", invoice_id="INV-7", amount=5, entered_by="x", entered_at="2026-01-01T00:00Z"
    )
    page = get(staff, "/finance/?period=2025-07")
    assert "INV-7" in page
    assert "Not in the bill" in page
    assert "INV-7" not in get(staff, f"/finance/?period={OCTOBER}")
