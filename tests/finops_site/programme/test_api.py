"""The programme for programs: the same figures as on the pages, for staff."""

import io
import json
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from pytest_django import DjangoAssertNumQueries

from finops_site.models import Programme
from tests.finops_site.api_world import Api, assert_golden
from tests.finops_site.programme.world import NOW, begin

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _clock() -> Any:
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def staff(finops_lead: User) -> Api:
    return Api(finops_lead)


def run(*options: str) -> str:
    out = io.StringIO()
    call_command("programme", *options, stdout=out)
    return out.getvalue()


def test_answer_is_the_golden_one_within_the_query_budget(
    staff: Api, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    begin()
    with django_assert_max_num_queries(20):
        answer = staff.get("programme/")
    assert answer.status_code == 200, answer.content
    assert_golden("api_programme", answer.json())
    assert json.loads(run("--json")) == answer.json()


def test_other_assumptions_are_worked_out_and_not_kept(staff: Api) -> None:
    begin()
    asked = {"investment": "35000", "discount_rate": "0", "delay_months": "1", "ramp_up_months": "2"}
    case = staff.get("programme/", asked).json()["business_case"]
    assert case["assumptions"] == {
        "investment": "35000",
        "discount_rate": 0.0,
        "ramp_up_months": 2,
        "delay_months": 1,
        "horizon_years": 3,
    }
    # 150,000: 12,500 a month; 0, 3,125, 9,375, then 12,500: first year 12,500 × (9 + 1) = 125,000
    first = case["scenarios"][0]
    assert first["first_year_saving"] == "125000"
    # 12,500 by month 3, 22,500 left = 1.8 months
    assert first["payback_months"] == 4.8
    assert first["npv"] == "390000"  # 125 + 150 + 150 − 35
    assert Programme.objects.get().investment == 70000


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("investment", "-1"),
        ("investment", "lots"),
        ("investment", "1e5"),
        ("discount_rate", "1.5"),
        ("ramp_up_months", "61"),
        ("delay_months", "1.5"),
        ("horizon_years", "0"),
        ("colour", "red"),
    ],
)
def test_parameters_that_cannot_be_are_named_and_refused(name: str, value: str, staff: Api) -> None:
    begin()
    answer = staff.get("programme/", {name: value})
    assert answer.status_code == 400
    assert list(answer.json()["error"]["fields"]) == [name]


def test_it_does_not_exist_for_a_team_nor_before_it_was_started(staff: Api, team_lead: User) -> None:
    assert "Start it on the page Programme" in staff.get("programme/").json()["error"]["message"]
    begin()
    assert Api(team_lead).get("programme/").status_code == 404


def test_command_makes_the_programme_and_prints_plan_scenarios_risks_and_savings() -> None:
    text = run("--start", "2026-01-11").replace("\u00a0", " ")
    for part in (
        "day 58 since 11 Jan 2026",
        "Go/no-go",
        "214 %",
        "5.6 months",
        "$303,027.80",
        "25 %",
        "Storage classes",
    ):
        assert part in text, part
    with pytest.raises(CommandError, match="has started on 2026-01-11"):
        run("--start", "2026-02-01")
