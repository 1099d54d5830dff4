"""Why is this mine: the rule, the slices, and lines that add up to the figure."""

from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from costs.services import prepare_imports
from finops_site.pipeline import run_import
from tagging.models import Team
from tagging.services import RuleInput, save_rule
from tagging.terms import RuleKind
from tests.conftest import ClientFor
from tests.leaks.bills import Line, write_bill
from tests.pages import get
from tests.tagging.builders import NOVEMBER, OCTOBER
from tests.tagging.page_world import QUERIES, file_of, text_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def world(team: Team, other_team: Team, tmp_path: Path) -> None:
    """Two months of the same resources: payments i-1 1.5 twice and i-2 2, search i-3 7, nobody i-4 4."""
    for name in ("payments", "search"):
        save_rule(RuleInput(RuleKind.TAG, tag_key="Team", tag_values=(name,), team_key=name))
    lines = [
        Line("i-1", "1.5", day=1, tags=(("Team", "payments"),)),
        Line("i-1", "1.5", day=3, tags=(("Team", "payments"),)),
        Line("i-2", "2.0", day=2, tags=(("Team", "Payments"),)),
        Line("i-3", "7.0", day=2, tags=(("Team", "search"),)),
        Line("i-4", "4.0", day=2),
    ]
    for period in (OCTOBER, NOVEMBER):
        path = write_bill(tmp_path / f"{period}.csv", str(period), lines)
        for pk in prepare_imports([path], today=NOVEMBER.end):
            run_import(pk)


@pytest.fixture
def staff(finops_lead: User, client_for: ClientFor, world: None) -> Client:
    return client_for(finops_lead)


@pytest.fixture
def lead(team_lead: User, client_for: ClientFor, world: None) -> Client:
    return client_for(team_lead)


def test_the_rule_that_decided_stands_first_with_its_money_counted_once_over_two_months(lead: Client) -> None:
    head, rows = file_of(get(lead, "/why/payments/?period=2025-11&table=rules&format=csv"))
    assert (head["Owner"], head["Total"]) == ("Payments", "5")
    assert sum(float(row[3]) for row in rows[1:]) == 5
    text = text_of(get(lead, "/why/payments/?period=2025-11"))
    assert "Tag Team is payments" in text
    assert "$5.00" in text


def test_lines_add_up_to_the_figure_and_the_page_says_so(lead: Client) -> None:
    text = text_of(get(lead, "/why/payments/?period=2025-11&lines=1"))
    assert "3 lines" in text
    assert "$5.00" in text
    assert "add up to the figure above" in text
    assert "i-3" not in text


def test_all_lines_come_as_a_file_with_their_sum(lead: Client) -> None:
    head, rows = file_of(get(lead, "/why/payments/?period=2025-11&format=csv"))
    assert (head["Lines"], head["Total"]) == ("3", "5")
    cost = rows[0].index("Cost")
    assert sorted(row[cost] for row in rows[1:]) == ["1.5", "1.5", "2"]


def test_a_resource_narrows_the_lines(lead: Client) -> None:
    text = text_of(get(lead, "/why/payments/?period=2025-11&resource=i-2&lines=1"))
    assert "1 line," in text
    assert "$2.00" in text


def test_one_rule_can_be_opened(staff: Client) -> None:
    page: Any = staff.get("/why/payments/?period=2025-11")
    rows = page.context["decision_table"].data.data
    opened = text_of(get(staff, rows[0]["url"]))
    assert "it matched" in opened
    assert get(staff, "/why/payments/?period=2025-11&decision=0000000000000000").status_code == 404


def test_what_nobody_owns_is_for_staff(staff: Client, lead: Client) -> None:
    text = text_of(get(staff, "/why/?period=2025-11"))
    assert "$4.00" in text
    assert "add a rule" in text
    assert get(lead, "/why/").status_code == 404


def test_another_teams_reasons_are_not_there(lead: Client) -> None:
    assert get(lead, "/why/search/").status_code == 404
    assert get(lead, "/why/search/?format=csv").status_code == 404


@pytest.mark.parametrize("path", ["/why/payments/", "/why/payments/?lines=1", "/why/"])
def test_pages_keep_their_query_budget(
    staff: Client, django_assert_max_num_queries: DjangoAssertNumQueries, path: str
) -> None:
    with django_assert_max_num_queries(QUERIES):
        get(staff, path)
