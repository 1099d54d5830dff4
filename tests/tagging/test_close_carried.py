"""What a month carries in stands on its close page line by line, before it is closed and after."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client

from costs.scope import Scope
from costs.terms import CostMetric
from tagging.models import Team
from tagging.selectors.month_end_view import adjustments
from tagging.services import CloseStep, close_month
from tests.tagging import page_world
from tests.tagging.builders import NOVEMBER, OCTOBER, Spend, month
from tests.tagging.close_world import PAY, SEARCH, SHARED, october_again, rules_by_team, shared_pool

pytestmark = [pytest.mark.django_db, pytest.mark.real_parts]
STEP = CloseStep("Fiona", datetime(2026, 3, 10, 10, tzinfo=UTC))
# The test client's answers are no HttpResponse to the type checker.
text_of: Callable[[Any], str] = page_world.text_of
file_of: Callable[[Any], tuple[dict[str, str], list[list[str]]]] = page_world.file_of
MOST_QUERIES = page_world.QUERIES + 25
PAGE = "/close/?period=2025-11"


@pytest.fixture
def redelivered(team: Team, other_team: Team) -> None:
    """October closes on payments 10, search 5, a pool of 4 split over both by direct cost.

    Of the pool payments bears 4 × 10 / 15, search 4 × 5 / 15. The bill comes again with payments 13, search 5 and no
    pool: payments +3 direct, and the shares go back, 4 in all; the pool's own 4 − 4 is 0. Carried: 3 − 4 = −1.
    November is payments 20.
    """
    shared_pool("Shared platform")
    rules_by_team()
    month([Spend("10", tags=PAY), Spend("5", tags=SEARCH), Spend("4", tags=SHARED)], period=OCTOBER)
    close_month(OCTOBER, STEP, metric=CostMetric.BILLED)
    october_again(Spend("13", tags=PAY), Spend("5", tags=SEARCH))
    month([Spend("20", tags=PAY)])


def section(page: str, title: str) -> str:
    """One card of the page as plain text."""
    card = next(part for part in page.split("<section")[1:] if f'"{title}"' in part)
    return " ".join(re.sub("<[^>]*>", " ", card).split())


def carried_rows(staff: Client) -> tuple[dict[str, str], list[list[str]]]:
    head, rows = file_of(staff.get(f"{PAGE}&table=carried&format=csv"))
    assert rows[0] == ["Corrects", "Version", "Owner", "Service or pool", "Account", "Charge category", "Amount"]
    return head, rows[1:]


def test_what_a_month_would_carry_in_is_shown_line_by_line_before_the_close_and_after(
    redelivered: None, staff: Client
) -> None:
    head, before = carried_rows(staff)
    assert (head["State"], head["Carried in"]) == ("open", "-1")
    assert ["2025-10", "1", "Payments", "Compute", "111111111111", "Usage", "3"] in before
    assert sum(Decimal(row[-1]) for row in before) == Decimal(-1)
    text = section(text_of(staff.get(PAGE)), "carried-title")
    assert "What it would carry in -$1.00" in text.replace("\N{MINUS SIGN}", "-")
    assert "Sum" in text
    assert "Nothing of earlier months" not in text
    close_month(NOVEMBER, STEP, metric=CostMetric.BILLED)
    head, after = carried_rows(staff)
    assert (head["State"], head["Carried in"]) == ("closed", "-1")
    assert sorted(after) == sorted(before)
    assert "2025-10" in section(text_of(staff.get(PAGE)), "carried-title")


def test_the_corrected_month_shows_where_its_corrections_went(redelivered: None, staff: Client) -> None:
    october = "/close/?period=2025-10"
    assert "2025-10 1 waits" in section(text_of(staff.get(october)), "adjustments-title")
    close_month(NOVEMBER, STEP, metric=CostMetric.BILLED)
    own = section(text_of(staff.get(october)), "adjustments-title")
    assert "2025-11" in own
    assert "2025-10 1 waits" not in own
    assert "nothing of earlier months" in section(text_of(staff.get(october)), "carried-title")


def test_a_waiting_line_names_its_pool_as_a_carried_one_does(redelivered: None) -> None:
    """The pool is still called `platform` in the rules; people read its name."""

    def names() -> set[str]:
        return {row.service_name for row in adjustments(Scope.all(), metric=CostMetric.BILLED)}

    assert names() == {"Compute", "Shared platform"}
    close_month(NOVEMBER, STEP, metric=CostMetric.BILLED)
    assert names() == {"Compute", "Shared platform"}


def test_the_page_of_a_month_that_carries_in_stays_within_its_queries(
    redelivered: None, staff: Client, django_assert_max_num_queries: Callable[[int], object]
) -> None:
    with django_assert_max_num_queries(MOST_QUERIES):  # type: ignore[attr-defined]
        assert staff.get(PAGE).status_code == 200
