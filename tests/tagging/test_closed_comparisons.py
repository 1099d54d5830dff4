"""What a month is compared with where the one before is closed."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import User

from costs.periods import BillingPeriod
from costs.scope import Scope
from costs.terms import CostMetric
from tagging.models import Team
from tagging.results import Chargeback
from tagging.selectors import chargeback
from tagging.services import CloseStep, close_month, reopen_month
from tests.conftest import ClientFor
from tests.tagging import page_world
from tests.tagging.builders import NOVEMBER, OCTOBER, Spend, month
from tests.tagging.close_world import PAY, SEARCH, SHARED, october_again, rules_by_team, shared_pool

pytestmark = [pytest.mark.django_db, pytest.mark.real_parts]
# The test client's answers are no HttpResponse to the type checker.
text_of: Callable[[Any], str] = page_world.text_of
STEP = CloseStep("Fiona", datetime(2026, 3, 10, 10, tzinfo=UTC))
DIMENSIONS = ("team", "cost_center", "account", "service", "project", "tag:team")


@pytest.fixture(autouse=True)
def october_closed_and_billed_again(team: Team, other_team: Team) -> None:
    """October closes on payments 10, search 10 and a pool's 4, split 2 and 2; its bill comes again: payments 20."""
    shared_pool("Platform")
    rules_by_team()
    month([Spend("10", tags=PAY), Spend("10", tags=SEARCH), Spend("4", tags=SHARED)], period=OCTOBER)
    close_month(OCTOBER, STEP, metric=CostMetric.BILLED)
    october_again(Spend("20", tags=PAY), Spend("10", tags=SEARCH), Spend("4", tags=SHARED))
    month([Spend("10", tags=PAY), Spend("10", tags=SEARCH), Spend("4", tags=SHARED)], period=NOVEMBER)


def found(period: BillingPeriod, by: str) -> Chargeback:
    return chargeback(Scope.all(), period, by=by, metric=CostMetric.BILLED)


@pytest.mark.parametrize("by", DIMENSIONS)
def test_a_closed_month_is_compared_with_what_the_page_of_the_closed_one_before_shows(by: str) -> None:
    close_month(NOVEMBER, STEP, metric=CostMetric.BILLED)
    before, now = found(OCTOBER, by), found(NOVEMBER, by)
    shown = {row.key: row.total_cost for row in before.rows if row.total_cost}
    assert {row.key: row.previous_total_cost for row in now.rows if row.previous_total_cost} == shown
    assert now.previous_missing_cost == before.missing_cost
    # The close had 10 + 10 + 4; the bill in force has 34.
    assert sum(shown.values(), now.previous_missing_cost) == 24


def test_cost_centres_are_compared_with_their_shares_of_the_closed_month() -> None:
    """Each of both had 10 of its own and 2 of the pool in October."""
    close_month(NOVEMBER, STEP, metric=CostMetric.BILLED)
    rows = {row.key: row.previous_total_cost for row in found(NOVEMBER, "cost_center").rows}
    assert rows == {"CC-100": Decimal(12), "CC-200": Decimal(12)}


def test_an_open_month_says_that_it_is_compared_with_the_bill_as_it_is_now(
    finops_lead: User, client_for: ClientFor
) -> None:
    """By cost centre both columns hold direct costs and shares, of October those of its bill in force.

    November's pool of 4 is split 2 and 2: 12 each. October's by 20 and 10: 4 × 2/3 = 2.6666666667 and 1.3333333333.
    """
    rows = {row.key: (row.total_cost, row.previous_total_cost) for row in found(NOVEMBER, "cost_center").rows}
    assert rows == {
        "CC-100": (Decimal(12), Decimal("22.6666666667")),
        "CC-200": (Decimal(12), Decimal("11.3333333333")),
    }
    staff, said = client_for(finops_lead), "of the bill in force, not as it was closed"
    assert said in text_of(staff.get("/chargeback/?period=2025-11&by=cost_center"))
    close_month(NOVEMBER, STEP, metric=CostMetric.BILLED)
    assert said not in text_of(staff.get("/chargeback/?period=2025-11&by=cost_center"))


@pytest.mark.parametrize("staff_reads", [True, False])
def test_a_replaced_version_is_compared_with_the_month_before_as_it_had_been_closed_then(
    staff_reads: bool, finops_lead: User, team_lead: User, client_for: ClientFor
) -> None:
    """October: payments 10 and 2 of the pool in version 1, 20 and 2.6667 of it in version 2 (4 × 20 ÷ 30).

    November, version 1: 10 and 2, and corrections of October by 10.6667 (12 → 22.6667): 22.6667, which was 10.6667
    more than October's 12. Against version 2 it would be no change at all.
    """
    close_month(NOVEMBER, STEP, metric=CostMetric.BILLED)
    later = CloseStep("Fiona", datetime(2026, 3, 12, 10, tzinfo=UTC), "wrong")
    reopen_month(NOVEMBER, later)
    reopen_month(OCTOBER, later)
    close_month(OCTOBER, later, metric=CostMetric.BILLED)
    client = client_for(finops_lead if staff_reads else team_lead)
    path = "/statements/payments/?period=2025-11"
    page = text_of(client.get(f"{path}&version=1")).replace("\xa0", " ")
    assert "against October 2025 as closed by then, in version 1" in page
    assert "+$10.67" in page
    answer: Any = client.get("/api/v1/statements/payments/?period=2025-11&version=1")
    asked = answer.json()
    assert (asked["previous_version"], asked["summary"]["previous_total_cost"]) == (1, "12")
    assert asked["summary"]["change"] == "10.6666666667"
    assert "as closed by then" not in text_of(client.get(path))


def test_a_replaced_version_whose_month_before_had_not_been_closed_says_that_it_is_shown_as_of_today(
    team_lead: User, client_for: ClientFor
) -> None:
    """December closes and is opened again; November was never closed: 10 of payments' own and 2 of the pool."""
    december = BillingPeriod.parse("2025-12")
    month([Spend("5", tags=PAY)], period=december)
    close_month(december, replace(STEP, force=True, reason="x"), metric=CostMetric.BILLED)
    reopen_month(december, replace(STEP, reason="x"))
    page = text_of(client_for(team_lead).get("/statements/payments/?period=2025-12&version=1"))
    assert "against November 2025, 1–1 as it is today" in page
