"""Budgets and alerts over the API: same figures and same scope as the pages."""

import csv
import io
from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries

from tests.finops_site.api_world import Api

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("mid_november")]


def test_budgets_come_with_their_running_period_largest_overrun_first(staff: Api) -> None:
    rows = staff.get("budgets/").json()["results"]
    assert [(row["key"], row["overrun"]) for row in rows] == [("payments-monthly", "50"), ("everything", "20")]
    row = rows[0]
    figures = ("planned_amount", "actual_cost", "used_ratio", "forecast_cost", "forecast_method", "runs_out_on")
    assert [row[name] for name in figures] == ["250", "140", 0.56, "300", "weekday means", "2025-11-26"]
    assert row["burn_rate"] == 1.2  # 56 % of the plan in 14 of 30 days
    assert (row["basis"], row["currency"], row["left_out"]) == ("effective", "USD", ["credits", "refunds", "tax"])
    assert (row["state"], row["period"], row["data_through"]) == ("at_risk", "2025-11", "2025-11-14")


def test_one_budget_has_plan_steps_causes_and_past(staff: Api) -> None:
    found = staff.get("budgets/payments-monthly/").json()
    assert found["past"] == [
        {"period": "2025-10", "planned_amount": "250", "actual_cost": "310", "variance": "60", "variance_ratio": 0.24}
    ]
    assert [(step["kind"], step["percent"]) for step in found["thresholds"]] == [
        ("actual", "50"),
        ("actual", "80"),
        ("actual", "100"),
        ("forecast", "100"),
    ]
    assert found["causes"][0] == {
        "key": "Compute", "label": "Compute", "cost": "140", "previous_cost": "140", "change": "0",
    }  # fmt: skip


def test_team_gets_its_own_budgets_and_alerts_only(lead: Api) -> None:
    assert [row["key"] for row in lead.get("budgets/").json()["results"]] == ["payments-monthly"]
    assert {row["budget_key"] for row in lead.get("alerts/").json()["results"]} == {"payments-monthly"}
    assert lead.get("budgets/everything/").status_code == 404
    assert lead.get("budgets/no-such/").status_code == 404


def test_alerts_are_filtered_by_state(staff: Api) -> None:
    rows: list[dict[str, Any]] = staff.get("alerts/", {"state": "open"}).json()["results"]
    assert {row["ref"] for row in rows} == {
        "payments-monthly-2025-11-actual-50",
        "payments-monthly-2025-11-forecast-100",
        "everything-2025-11-forecast-100",
    }
    assert staff.get("alerts/", {"state": "acknowledged"}).json()["results"] == []
    assert staff.get("alerts/", {"state": "lost"}).status_code == 400


def test_csv_of_budgets_holds_the_same_rows(staff: Api) -> None:
    response = staff.get("budgets/", accept="text/csv")
    rows = list(csv.DictReader(io.StringIO(response.content.decode())))
    assert [(row["key"], row["actual_cost"]) for row in rows] == [("payments-monthly", "140"), ("everything", "196")]


@pytest.mark.parametrize("path", ["budgets/", "budgets/payments-monthly/", "alerts/"])
def test_endpoints_stay_within_their_query_budget(
    path: str, staff: Api, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_max_num_queries(20):
        assert staff.get(path).status_code == 200


def test_an_answer_that_is_known_already_is_a_304(staff: Api) -> None:
    tag = staff.get("budgets/")["ETag"]
    assert staff.get("budgets/", if_none_match=tag).status_code == 304
