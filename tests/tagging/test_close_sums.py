"""Closed months as finance adds them up: every column, every percentage, pages and files to the same cent."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client

from costs.periods import BillingPeriod
from costs.scope import Scope
from costs.terms import CostMetric
from tagging import selectors
from tagging.models import Close, StatementLine, Team
from tagging.services import CloseStep, close_month
from tests.tagging import page_world
from tests.tagging.builders import NOVEMBER, OCTOBER, Spend, month
from tests.tagging.close_world import PAY, SEARCH, SHARED, october_again, rules_by_team, shared_pool

pytestmark = [pytest.mark.django_db, pytest.mark.real_parts]
STEP = CloseStep("Fiona", datetime(2026, 3, 10, 10, tzinfo=UTC))
# The test client's answers are no HttpResponse to the type checker.
text_of: Callable[[Any], str] = page_world.text_of
file_of: Callable[[Any], tuple[dict[str, str], list[list[str]]]] = page_world.file_of


@pytest.fixture(autouse=True)
def rules(team: Team, other_team: Team) -> None:
    rules_by_team()


def close(period: BillingPeriod) -> Close:
    return close_month(period, STEP, metric=CostMetric.BILLED)


def shown_total(page: str) -> str:
    """The large figure of a statement's page."""
    stat = page[page.index('stat-label">Total<') :]
    found = re.search(r'stat-value">(.*?)</p>', stat)
    assert found is not None
    return re.sub(r"<[^>]+>", "", found[1])


def test_shares_and_columns_add_up_where_corrections_are_carried_in(staff: Client) -> None:
    """October: payments 10, nobody 2, then nobody 6: 4 more to carry.

    November: payments 12, nobody 4, 16 in all, and 4 carried in: 20. Payments 12 is 60 %, nobody 4 + 4 = 8 is 40 %.
    """
    month([Spend("10", tags=PAY), Spend("2")], period=OCTOBER)
    close(OCTOBER)
    october_again(Spend("10", tags=PAY), Spend("6"))
    month([Spend("12", tags=PAY), Spend("4")], period=NOVEMBER)
    close(NOVEMBER)
    for by, owner in (("team", "Payments"), ("tag:team", "payments")):
        path = f"/chargeback/?period=2025-11&by={by}"
        head, rows = file_of(staff.get(f"{path}&format=csv"))
        assert (head["Bill total"], head["Carried in"], head["Difference"]) == ("16", "4", "0")
        names = ("Owner", "Direct", "Shared", "Adjustments", "Total", "Share")
        cells = [[row[rows[0].index(name)] for name in names] for row in rows[1:]]
        assert cells == [[owner, "12", "0", "0", "12", "0.6"], ["Unallocated", "4", "0", "4", "8", "0.4"]]
        page = text_of(staff.get(path))
        total = page[page.index("<tfoot") :]
        assert [figure in total for figure in ("$16.00", "$4.00", "$20.00")] == [True] * 3
        assert "60.0\N{NO-BREAK SPACE}%" in page or "60.0 %" in page
        assert "75.0" not in page


def test_what_nobody_owns_stands_in_the_columns_of_an_open_month(staff: Client) -> None:
    """Payments 12 and nobody 4: the column Direct sums to 16, as Total does."""
    month([Spend("12", tags=PAY), Spend("4")], period=NOVEMBER)
    _, rows = file_of(staff.get("/chargeback/?period=2025-11&format=csv"))
    at = [rows[0].index(name) for name in ("Direct", "Total")]
    assert {row[0]: [row[place] for place in at] for row in rows[1:]} == {
        "Payments": ["12", "12"],
        "Unallocated": ["4", "4"],
    }


def test_a_correction_names_a_pool_that_is_split_no_more() -> None:
    """October: payments 10 and 4 of the pool. Its bill comes again without the 4, and November has no pool at all."""
    shared_pool("Shared platform")
    month([Spend("10", tags=PAY), Spend("4", tags=SHARED)], period=OCTOBER)
    close(OCTOBER)
    october_again(Spend("10", tags=PAY))
    month([Spend("7", tags=PAY)], period=NOVEMBER)
    found = close(NOVEMBER)
    lines = StatementLine.objects.filter(statement__close=found, statement__owner_key="payments", kind="adjustment")
    assert [(line.pool_name, line.billed_cost) for line in lines] == [("Shared platform", Decimal(-4))]


def test_a_statement_shows_the_cents_that_its_document_books(staff: Client) -> None:
    """Three times 0.335: 1.005 is 1.01. Nobody, payments and search in this order: 0.34, 0.34 and 0.33.

    Rounded by itself search would show 0.34, and all three 1.02.
    """
    month([Spend("0.335", tags=PAY), Spend("0.335", tags=SEARCH), Spend("0.335")], period=OCTOBER)
    assert "$0.34" in text_of(staff.get("/statements/search/?period=2025-10"))
    close(OCTOBER)
    for key, cents in (("payments", "0.34"), ("search", "0.33")):
        path = f"/statements/{key}/?period=2025-10"
        head, _ = file_of(staff.get(f"{path}&format=csv"))
        assert (head["Total"], head["Booked"]) == ("0.335", cents)
        assert shown_total(text_of(staff.get(path))) == f"${cents}"
        api = staff.get(f"/api/v1/statements/{key}/?period=2025-10").json()
        assert api["booked"] == cents


@pytest.mark.parametrize("by", ["team", "service", "account", "cost_center", "tag:Team"])
def test_a_closed_month_is_compared_with_the_month_before_as_it_was_closed(by: str) -> None:
    """October: payments 10, nobody 2, closed at 12; then delivered again with 30 for payments. November: payments 12,
    and October's 20 carried in. Whatever it is looked at by, the month before is the 12 that October's page shows.
    """
    month([Spend("10", tags=PAY), Spend("2")], period=OCTOBER)
    close(OCTOBER)
    october_again(Spend("30", tags=PAY), Spend("2"))
    month([Spend("12", tags=PAY)], period=NOVEMBER)
    close(NOVEMBER)
    october, november = (
        selectors.chargeback(Scope.all(), period, by=by, metric=CostMetric.BILLED) for period in (OCTOBER, NOVEMBER)
    )
    before = {row.key: row.previous_total_cost for row in november.rows if row.previous_total_cost}
    assert before == {row.key: row.total_cost for row in october.rows}
    assert sum(before.values(), november.previous_missing_cost) == Decimal(12)
    assert november.compared == OCTOBER.range
