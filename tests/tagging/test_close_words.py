"""What pages say about closed and open months: tiles that add up, the basis, the bill in force, what is frozen."""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from io import StringIO
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client

from costs.errors import InvalidRequestError
from costs.models import Bill
from costs.periods import BillingPeriod
from costs.scope import Scope
from costs.terms import BillState, CostMetric
from tagging.models import Team
from tagging.selectors.closed import frozen_text
from tagging.selectors.month_end_view import month_end
from tagging.selectors.trust import trust
from tagging.services import CloseStep, RuleInput, close_month, finalise_month, save_rule
from tagging.terms import RuleKind
from tests.tagging import page_world
from tests.tagging.builders import NOVEMBER, OCTOBER, Spend, month

pytestmark = [pytest.mark.django_db, pytest.mark.real_parts]
ClientFor = Callable[[User], Client]
text_of: Callable[[Any], str] = page_world.text_of
STEP = CloseStep("Fiona", datetime(2026, 3, 10, 10, tzinfo=UTC))
TODAY = date(2026, 3, 10)
PAY = {"Team": "payments"}


@pytest.fixture
def rule(team: Team) -> int:
    return save_rule(RuleInput(RuleKind.TAG, tag_key="Team", tag_values=("payments",), team_key="payments"))


def stat(page: str, label: str) -> str:
    """The figure of the tile with that label."""
    tile = next(part for part in page.split('<div class="stat')[1:] if label in part.split("</p>")[0])
    return re.sub("<[^>]*>", "", tile.split('<p class="stat-value">')[1].split("</p>")[0]).strip()


def test_the_tiles_add_up_to_the_cent_and_the_table_has_the_same_rest(rule: int, staff: Client) -> None:
    """Owners 41.3851, nobody 15.0851, the bill 56.4702.

    One by one: 41.39 + 15.09 = 56.48 beside 56.47. Cut down: 41.38 + 15.08 = 56.46, so one cent is missing. Both
    have the remainder 0.51; a tie goes to the larger amount: owners 41.39, nobody 15.08.
    """
    month([Spend("41.3851", tags=PAY), Spend("15.0851")])
    page = text_of(staff.get("/chargeback/"))
    assert [stat(page, name) for name in ("Has an owner", "Unallocated", "Bill")] == ["$41.39", "$15.08", "$56.47"]
    assert "$15.08 belongs to nobody." in page.replace("</data>", "").replace("<strong>", "")
    assert "$15.09" not in page.split("<tfoot")[0].split("Statements</h2>")[1]
    printed = StringIO()
    call_command("chargeback", "2025-11", stdout=printed)
    assert "$15.08" in printed.getvalue()
    assert "$15.09" not in printed.getvalue()


def test_a_month_on_another_basis_than_the_one_before_is_warned_of_wherever_it_is_previewed(
    rule: int, staff: Client
) -> None:
    month([Spend("10", tags=PAY, effective="8")], period=OCTOBER)
    month([Spend("4", tags=PAY, effective="6")])
    close_month(OCTOBER, STEP, metric=CostMetric.EFFECTIVE)
    said = "October 2025 was closed on effective cost, this month is on billed cost."
    assert said in text_of(staff.get("/close/?period=2025-11&basis=billed"))
    assert said not in text_of(staff.get("/close/?period=2025-11&basis=effective"))
    confirm = text_of(staff.get("/close/2025-11/close/"))
    assert "October 2025 was closed on effective cost. Another basis breaks the sum" in confirm
    assert '<option value="effective" selected' in confirm
    assert said not in confirm
    assert said in staff.get("/api/v1/closes/2025-11/?basis=billed").json()["warnings"][-1]
    printed = StringIO()
    call_command("close_month", "2025-11", "--basis", "billed", stdout=printed)
    assert said in printed.getvalue()
    close_month(NOVEMBER, STEP, metric=CostMetric.BILLED)
    assert said in month_end(Scope.all(), NOVEMBER, today=TODAY).warnings[0]
    assert month_end(Scope.all(), OCTOBER, today=TODAY).warnings == ()


def test_the_share_of_nobody_is_of_the_bill_and_what_is_carried_in(rule: int) -> None:
    """October closes at 10 and grows to 110: 100 are carried into November. November's bill is 40, 4 of it nobody's:
    4 ÷ 40 = 10 % of the bill, but 4 ÷ 140 = 2.9 % of what is charged, under 5 %: no warning.
    """
    month([Spend("10", tags=PAY)], period=OCTOBER)
    close_month(OCTOBER, STEP, metric=CostMetric.BILLED)
    month([Spend("110", tags=PAY)], period=OCTOBER)
    month([Spend("36", tags=PAY), Spend("4")])
    found = month_end(Scope.all(), NOVEMBER, today=TODAY)
    assert found.carried_in == Decimal(100)
    assert not [text for text in found.warnings if "belongs to nobody" in text]
    month([Spend("30", tags=PAY), Spend("10")])  # 10 ÷ 140 = 7.1 %
    found = month_end(Scope.all(), NOVEMBER, today=TODAY)
    assert "$10.00 (7.1 % of the bill and what is carried in) belongs to nobody" in found.warnings[0].replace(
        "\xa0", " "
    )


def test_the_services_of_a_closed_statement_are_shares_of_its_total(rule: int, staff: Client) -> None:
    """November: 36 of its own and 100 carried in, all of one service: 136 of 136 is 100 %, not 136 ÷ 36 = 377.8 %."""
    month([Spend("10", tags=PAY)], period=OCTOBER)
    close_month(OCTOBER, STEP, metric=CostMetric.BILLED)
    month([Spend("110", tags=PAY)], period=OCTOBER)
    month([Spend("36", tags=PAY)])
    close_month(NOVEMBER, STEP, metric=CostMetric.BILLED)
    page = text_of(staff.get("/statements/payments/?period=2025-11")).replace("\xa0", " ")
    chart = page.split("services-title")[-1].split("lines-title")[0]
    assert "100.0 %" in chart
    assert "377.8 %" not in chart
    page = text_of(staff.get("/chargeback/?period=2025-11"))
    figures = [stat(page, name) for name in ("Has an owner", "Unallocated", "Bill", "Carried in", "Difference")]
    assert figures == ["$136.00", "$0.00", "$36.00", "$100.00", "$0.00"]


def test_the_strip_of_a_closed_month_says_whose_figures_it_shows(
    rule: int, staff: Client, client_for: ClientFor, team_lead: User
) -> None:
    month([Spend("10", tags=PAY)], period=OCTOBER)
    assert "Bill in force" not in text_of(staff.get("/statements/payments/?period=2025-10"))
    close_month(OCTOBER, STEP, metric=CostMetric.BILLED)
    page = text_of(staff.get("/statements/payments/?period=2025-10"))
    assert "Bill in force" in page
    assert "Statements are of the same bill version" in page
    month([Spend("12", tags=PAY)], period=OCTOBER)
    page = text_of(staff.get("/explore/?from=2025-10&to=2025-10"))
    assert "Statements are not of this bill but of version" in page
    own = text_of(client_for(team_lead).get("/statements/payments/?period=2025-10"))
    assert "The bill in force; statements are of the bill at the close" in own
    assert "of version <strong>" not in own


def test_rules_say_which_currency_froze_them_and_which_open_month_keeps_them(rule: int, staff: Client) -> None:
    month([Spend("10", tags=PAY)], period=OCTOBER)
    month([Spend("7", tags=PAY)], period=OCTOBER, source="europe", currency="EUR")
    assert frozen_text(Scope.all()) == ""
    close_month(OCTOBER, STEP, metric=CostMetric.BILLED, currency="USD")
    said = frozen_text(Scope.all())
    assert said.startswith("October 2025 is closed in USD: changes hold from November 2025.")
    assert "2025-10 in EUR" in said
    assert said in text_of(staff.get("/rules/"))
    assert said in text_of(staff.get(f"/rules/{rule}/"))
    ended = RuleInput(
        RuleKind.TAG,
        tag_key="Team",
        tag_values=("x",),
        team_key="payments",
        to_period=BillingPeriod.parse("2025-11"),
        reason="r",
    )
    with pytest.raises(InvalidRequestError, match="reopen 2025-10 in USD"):
        save_rule(ended)
    close_month(OCTOBER, STEP, metric=CostMetric.BILLED, currency="EUR")
    assert frozen_text(Scope.all()) == "October 2025 is closed in EUR, USD: changes hold from November 2025."


def test_the_trust_strip_says_whether_the_month_is_open_closed_or_final(rule: int, staff: Client) -> None:
    """The provider may still change the bill of a closed month: its statements stay, the change is an adjustment."""

    def strip() -> str:
        page = text_of(staff.get("/statements/payments/?period=2025-11"))
        return re.sub("<[^>]*>", "", page.split('<ul class="trust"')[1].split("</ul>")[0])

    made = month([Spend("10", tags=PAY)])
    assert "November 2025 (still open, figures may grow)" in strip()
    close_month(NOVEMBER, STEP, metric=CostMetric.BILLED)
    later = "statements do not change, later changes of the bill become adjustments)"
    assert f"November 2025 (closed: {later}" in strip()
    finalise_month(NOVEMBER, STEP)
    assert f"November 2025 (final: {later}" in strip()
    assert "still open" not in strip()
    Bill.objects.filter(import_in_force=made).update(state=BillState.FINAL.value)
    assert "November 2025 (final: statements do not change)" in strip()
    assert trust(Scope.all(), NOVEMBER, metric=CostMetric.BILLED).state == "final"
