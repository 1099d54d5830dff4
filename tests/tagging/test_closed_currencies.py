"""Each currency of a month is closed by itself: what is said of one that has no costs, and of one that is open."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from django.test import Client

from costs.scope import Scope
from costs.terms import CostMetric
from tagging.models import Team
from tagging.selectors.closed_currencies import month_currencies
from tagging.services import CloseStep, RuleInput, close_month, finalise_month, save_rule
from tagging.terms import RuleKind
from tests.tagging import page_world
from tests.tagging.builders import OCTOBER, Spend, month

pytestmark = [pytest.mark.django_db, pytest.mark.real_parts]
text_of: Callable[[Any], str] = page_world.text_of
file_of: Callable[[Any], tuple[dict[str, str], list[list[str]]]] = page_world.file_of
STEP = CloseStep("Fiona", datetime(2026, 3, 10, 10, tzinfo=UTC))
NONE = "October 2025 has no costs in EUR. It is final in USD."
MIXED = "October 2025 is open in EUR and final in USD: each currency is closed by itself."
STAFF_PAGES = ("/chargeback/", "/close/", "/finance/", "/statements/payments/")


@pytest.fixture(autouse=True)
def final_in_dollars(team: Team, other_team: Team) -> None:
    for key in ("payments", "search"):
        save_rule(RuleInput(RuleKind.TAG, tag_key="Team", tag_values=(key,), team_key=key))
    month([Spend("10", tags={"Team": "payments"}), Spend("5", tags={"Team": "search"})], period=OCTOBER)
    close_month(OCTOBER, STEP, metric=CostMetric.BILLED)
    finalise_month(OCTOBER, STEP)


def in_euro(owner: str) -> None:
    month([Spend("7", tags={"Team": owner})], period=OCTOBER, currency="EUR", source="other")


def page(client: Client, path: str, currency: str) -> str:
    return text_of(client.get(f"{path}?period=2025-10&currency={currency}"))


def test_a_currency_without_costs_is_no_draft_and_the_page_leads_to_the_one_that_is_final(
    staff: Client, lead: Client
) -> None:
    for client, paths in ((staff, STAFF_PAGES), (lead, ("/statements/payments/",))):
        for path in paths:
            found = page(client, path, "EUR")
            assert NONE in found, path
            assert '"?period=2025-10&amp;currency=USD">Open it in USD' in found
            assert [text in found for text in (">Draft<", "It is a draft", "Close the month<")] == [False] * 3, path
            assert "No costs in EUR" in found or path == "/finance/"
            assert "each currency is closed" not in page(client, path, "USD")


def test_a_month_of_two_currencies_says_the_state_of_each(staff: Client, lead: Client) -> None:
    in_euro("payments")
    for client, paths in ((staff, STAFF_PAGES), (lead, ("/statements/payments/",))):
        for path in paths:
            assert MIXED in page(client, path, "EUR"), path
            assert "is final in USD and open in EUR" in page(client, path, "USD"), path
    assert ">Draft<" in page(lead, "/statements/payments/", "EUR")
    close_month(OCTOBER, STEP, metric=CostMetric.BILLED, currency="EUR")
    assert "is closed in EUR and final in USD" in page(lead, "/statements/payments/", "EUR")
    finalise_month(OCTOBER, STEP, currency="EUR")
    assert "each currency" not in page(lead, "/statements/payments/", "EUR")


def test_files_and_the_api_say_it_too(staff: Client, lead: Client) -> None:
    head, _ = file_of(lead.get("/statements/payments/?period=2025-10&currency=EUR&format=csv"))
    assert (head["State"], head["Currencies"]) == ("No costs in EUR", NONE)
    for path in ("/chargeback/", "/close/", "/finance/"):
        head, _ = file_of(staff.get(f"{path}?period=2025-10&currency=EUR&format=csv"))
        assert head["Currencies"] == NONE, path
    for client, paths in ((staff, ("chargeback/?", "statements/?", "closes/2025-10/?")), (lead, ("chargeback/?",))):
        for path in paths:
            found: Any = client.get(f"/api/v1/{path}period=2025-10&currency=EUR")
            if path.startswith("closes"):
                found = client.get("/api/v1/closes/2025-10/?currency=EUR")
            assert found.json()["currency_states"] == {"USD": "final"}, path


def test_a_team_is_told_of_its_own_currencies_alone(staff: Client, lead: Client) -> None:
    """Search alone has costs in EUR: for Payments there is no such month."""
    in_euro("search")
    assert "EUR" not in page(lead, "/statements/payments/", "USD")
    own = Scope.teams(frozenset({"payments"}))
    assert month_currencies(own, OCTOBER, "USD").states == {"USD": "final"}
    assert month_currencies(Scope.all(), OCTOBER, "USD").states == {"USD": "final", "EUR": "open"}
    close_month(OCTOBER, STEP, metric=CostMetric.BILLED, currency="EUR")
    assert month_currencies(own, OCTOBER, "USD").states == {"USD": "final"}
    assert NONE in page(lead, "/statements/payments/", "EUR")
