"""Pages in cents that add up: down to the foot, across to the total, the same as the tiles and the documents."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from html.parser import HTMLParser
from io import StringIO
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client

from costs.terms import CostMetric
from tagging.models import Team
from tagging.results.pools import PoolMonth, ShareView
from tagging.selectors.finance import AccrualRow, PrepaidRow
from tagging.services import CloseStep, RuleInput, close_month, save_rule
from tagging.terms import RuleKind
from tests.tagging import page_world
from tests.tagging.builders import NOVEMBER, OCTOBER, Spend, month

pytestmark = [pytest.mark.django_db, pytest.mark.real_parts]
ClientFor = Callable[[User], Client]
text_of: Callable[[Any], str] = page_world.text_of
STEP = CloseStep("Fiona", datetime(2026, 3, 10, 10, tzinfo=UTC))
KEYS = ("payments", "search", "growth")


class _Cells(HTMLParser):
    """The cells of every row of a page's tables, as text."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self.is_cell = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "tr":
            self.rows.append([])
        if tag in {"td", "th"}:
            self.is_cell = True
            self.rows[-1].append("")

    def handle_endtag(self, tag: str) -> None:
        if tag in {"td", "th"}:
            self.is_cell = False

    def handle_data(self, data: str) -> None:
        if self.is_cell:
            self.rows[-1][-1] += data


def every_row(page: str) -> list[tuple[str, list[str]]]:
    """The first cell of every row, and those of money."""
    cells = _Cells()
    cells.feed(page)
    found = [[" ".join(cell.split()) for cell in row] for row in cells.rows]
    return [(row[0], [cell for cell in row[1:] if "$" in cell]) for row in found if row]


def rows_of(page: str) -> dict[str, list[str]]:
    """The same by the first cell."""
    return dict(every_row(page))


@pytest.fixture
def teams(db: None) -> None:
    for place, key in enumerate(KEYS):
        Team.objects.create(key=key, name=key.capitalize(), cost_center=f"CC-{place}")
        save_rule(RuleInput(RuleKind.TAG, tag_key="Team", tag_values=(key,), team_key=key))


def third_cents() -> None:
    """Three teams with 10.003 each, 4.004 of nobody: 34.013 in all, $34.01.

    Each by itself is $10.00, and $4.00: $34.00. What has an owner and what has none are rounded together as the trust
    strip does: 30.009 and 4.004 are 30.00 and 4.00 with remainders .9 and .4, so 30.01 and 4.00. Of 30.01 the teams
    have 10.00 each with equal remainders; the cent goes to the first of equal amounts.
    """
    month([*(Spend("10.003", tags={"Team": key}) for key in KEYS), Spend("4.004")])


def test_the_lines_of_an_open_month_add_up_to_its_foot_and_tiles(teams: None, staff: Client) -> None:
    third_cents()
    page = text_of(staff.get("/chargeback/"))
    rows = rows_of(page)
    totals = sorted(rows[name][-1] for name in ("Growth", "Payments", "Search"))
    assert totals == ["$10.00", "$10.00", "$10.01"]
    assert rows["Unallocated"][-1] == "$4.00"
    assert rows["Total"][-1] == "$34.01"
    assert 'value="10.003"' in page  # the exact amount is in the page, and in files
    printed = StringIO()
    call_command("chargeback", "2025-11", stdout=printed)
    assert printed.getvalue().count("$10.01") == 2  # one team, its direct costs and its total
    assert "$30.01" in printed.getvalue()


def test_a_closed_month_shows_what_its_documents_book(teams: None, staff: Client) -> None:
    """The documents of third_cents: 34.01 over four of them, remainders .3 thrice and .4: the cent is nobody's."""
    third_cents()
    close_month(NOVEMBER, STEP, metric=CostMetric.BILLED)
    rows = rows_of(text_of(staff.get("/chargeback/")))
    assert [rows[name][-1] for name in ("Growth", "Payments", "Search", "Unallocated", "Total")] == [
        "$10.00", "$10.00", "$10.00", "$4.01", "$34.01",
    ]  # fmt: skip


def test_a_change_is_what_a_reader_subtracts(teams: None, staff: Client) -> None:
    """10.004 after 5.006: $10.00 less $5.01 is $4.99, where 4.998 alone would be $5.00."""
    month([Spend("5.006", tags={"Team": "search"})], period=OCTOBER)
    month([Spend("10.004", tags={"Team": "search"})])
    assert rows_of(text_of(staff.get("/chargeback/?period=2025-11")))["Search"][-3:] == ["$10.00", "$5.01", "+$4.99"]


def test_the_lines_of_a_statement_add_up_to_it(teams: None, staff: Client) -> None:
    """1.004 of three services: 3.012, $3.01; the cent goes to the first of equal amounts."""
    month([Spend("1.004", service=name, tags={"Team": "search"}) for name in ("A", "B", "C")])
    rows = rows_of(text_of(staff.get("/statements/search/")))
    assert sorted(rows[name][-1] for name in ("A", "B", "C")) == ["$1.00", "$1.00", "$1.01"]
    assert rows["Sum"][-1] == "$3.01"
    close_month(NOVEMBER, STEP, metric=CostMetric.BILLED)
    closed = every_row(text_of(staff.get("/statements/search/")))
    assert sorted(cells[-1] for name, cells in closed if name == "Direct") == ["$1.00", "$1.00", "$1.01"]
    assert [cells[-1] for name, cells in closed if "$3.01" in cells] == ["$3.01"]


def test_the_parts_of_a_pool_add_up_to_what_left_it() -> None:
    """10.00 over three: 3.3333333334 and twice 3.3333333333: 9.99 if each is rounded alone. The first has the cent."""
    costs = (Decimal("3.3333333334"), Decimal("3.3333333333"), Decimal("3.3333333333"))
    views = tuple(ShareView(str(place), str(place), cost, None, None) for place, cost in enumerate(costs))
    pool = PoolMonth(
        "p", "P", "even", "", Decimal("10.004"), Decimal("2.004"), Decimal(10), Decimal("2.008"), views, (), False
    )
    cents = pool.in_cents
    assert [part.cents for _, part in cents.shares] == [Decimal("3.34"), Decimal("3.33"), Decimal("3.33")]
    # 12.008 is 12.01, in and out: 10.00 and 2.00 with equal remainders, so the larger one gets it; 10.00 and 2.008
    assert (cents.direct.cents, cents.received.cents) == (Decimal("10.01"), Decimal("2.00"))
    assert (cents.shared.cents, cents.stays.cents) == (Decimal("10.00"), Decimal("2.01"))


def test_an_accrual_and_a_fee_paid_in_advance_add_up_across() -> None:
    """10.004 billed and 1.004 estimated are 11.008, booked 11.01: equal remainders, the larger amount has the cent.
    1000.004 − 0.006 = 999.998, closing 1000.00; 1000.00 and −0.01 leave a cent, which the larger remainder has: 0.4
    cents each, so the larger amount: 1000.01 − 0.01.
    """
    row = AccrualRow("t", "T", "", Decimal("10.004"), Decimal("0.5"), Decimal("1.004"), Decimal("11.01"), Decimal(0))
    assert [part.cents for part in row.parts] == [Decimal("10.01"), Decimal("1.00")]
    fee = PrepaidRow("c", Decimal("1000.004"), Decimal(0), Decimal("0.006"), Decimal("999.998"))
    assert [part.cents for part in fee.shown] == [Decimal(text) for text in ("1000.01", "0", "0.01", "1000.00")]


def test_the_close_page_has_the_sum_of_all_statements(teams: None, staff: Client) -> None:
    """The documents of third_cents: 10.00 thrice; the cent is nobody's."""
    third_cents()
    page = rows_of(text_of(staff.get("/close/?period=2025-11&basis=billed")))
    assert page["All statements"] == ["$30.00", "$0.00", "$0.00", "$30.00"]


def test_explore_adds_up_down_across_and_against_before(staff: Client) -> None:
    """Three services of 10.006, 30.018 in all; 5.004 each before, 15.012. Rounded alone: 30.03 over $30.02.

    One cent each to the first two of 10.00 and 10.00 and 10.00, and one to the first of 5.00 before; what is left are
    changes of 5.00, 5.01 and 5.00, which are 30.02 less 15.01.
    """
    names = ("Alpha", "Beta", "Gamma")
    month([Spend("5.004", service=name) for name in names], period=OCTOBER)
    month([Spend("10.006", service=name) for name in names])
    page = text_of(staff.get("/explore/?from=2025-11&to=2025-11&by=service&then=account"))
    found = dict(row for row in every_row(page) if len(row[1]) == 4)
    assert found == {
        "Alpha": ["$10.01", "$5.01", "+$5.00", "$10.01"],
        "Beta": ["$10.01", "$5.00", "+$5.01", "$10.01"],
        "Gamma": ["$10.00", "$5.00", "+$5.00", "$10.00"],
        "Total": ["$30.02", "$15.01", "+$15.01", "$30.02"],
    }
    assert page.count("+$5.01") == 2  # the table, and the chart of what changed most
    assert re.findall(r'class="legend-value">([^<]+)', page) == ["$10.01", "$10.01", "$10.00"]
    topped = text_of(staff.get("/explore/?from=2025-11&to=2025-11&by=service&top=1"))
    assert re.findall(r'class="legend-value">([^<]+)', topped) == ["$10.01", "$20.01"]  # Other has Beta and Gamma
