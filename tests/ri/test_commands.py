"""Recommend and coverage over a real import: the hourly path, the month's commitments, and wrong requests."""

import io
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from ri.models import RecommendationRun
from ri.services import import_prices
from tests.costs.bills import bring_in
from tests.costs.test_inventory import COMPUTE, DAY
from tests.finops_site.api_world import assert_golden
from tests.ri.world import ARN, SOURCE, eight_days, price_file

pytestmark = [pytest.mark.real_parts, pytest.mark.django_db(transaction=True)]
D = Decimal


def answer(*arguments: str) -> Any:
    out = io.StringIO()
    call_command(*arguments, "--json", stdout=out)
    return json.loads(out.getvalue())


def text(*arguments: str) -> str:
    out = io.StringIO()
    call_command(*arguments, stdout=out)
    return out.getvalue()


def test_hourly_usage_on_demand_gets_its_optimum(tmp_path: Path) -> None:
    # As in the test of a hundred hours more: number 2 is used 150 of 192 hours; net 509.175 a year.
    eight_days(tmp_path)
    import_prices(price_file(tmp_path))
    found = answer("recommend", "--source", SOURCE, "--as-of", "2026-05-09")
    (row,) = found["recommendations"]
    assert (row["quantity"], row["instance_type"], row["net_savings_annual"]) == (2, "m5.large", "509.175")
    assert row["expected_utilization"] == 0.890625
    assert row["steadiness"] == 0.78125  # both are used in 150 of 192 hours
    # the bill pays 0.096, the book says 0.10: 0.96 times, within the tolerance of 5 %
    assert found["warnings"] == []
    assert_golden("recommend_hourly", found)


def test_new_prices_are_followed_by_new_advice(tmp_path: Path) -> None:
    eight_days(tmp_path)
    answer("recommend", "--source", SOURCE)
    assert answer("import_prices", str(price_file(tmp_path)))["advice_on"] == [SOURCE]
    assert RecommendationRun.objects.latest("pk").price_book_name == "own"
    price_file(tmp_path, "us-east-1,m5.large,Linux/UNIX,default,0.10,standard,1,no_upfront,0,0.05\n")
    said = text("import_prices", str(tmp_path / "own.csv"))
    assert said == f"price book own: 1 offer instead of 1\nadvice on {SOURCE} is worked out again\n"


def test_without_a_day_the_newest_hour_ends_the_window(tmp_path: Path) -> None:
    eight_days(tmp_path)
    import_prices(price_file(tmp_path))
    found = answer("recommend", "--source", SOURCE)
    assert found["as_of"] == "2026-05-09"
    assert found["recommendations"][0]["net_savings_annual"] == "509.175"


def test_too_few_days_get_no_advice(tmp_path: Path) -> None:
    eight_days(tmp_path)
    found = answer("recommend", "--source", SOURCE, "--as-of", "2026-05-04")
    assert found["recommendations"] == []
    assert found["rejected"] == [
        {
            "pool": "us-east-1, m5.*, Linux/UNIX, default",
            "reason": "Hourly usage of 3 full days is known; advice needs 7.",
        }
    ]


def test_rates_that_disagree_with_the_prices_are_flagged(tmp_path: Path) -> None:
    eight_days(tmp_path)
    import_prices(price_file(tmp_path, "us-east-1,m5.large,Linux/UNIX,default,0.2,standard,1,no_upfront,0,0.06\n"))
    (warning,) = answer("recommend", "--source", SOURCE)["warnings"]
    assert warning.startswith("The bill's own on-demand rates stand 0.5 times the on-demand rates of")


def test_the_same_question_takes_the_place_of_its_earlier_answer(tmp_path: Path) -> None:
    eight_days(tmp_path)
    for payback in ("18", "18", "0"):
        answer("recommend", "--source", SOURCE, "--max-payback", payback)
    assert RecommendationRun.objects.count() == 2


def test_the_month_s_reservations_have_their_utilisation(tmp_path: Path) -> None:
    eight_days(tmp_path)
    found = answer("coverage", "2026-05")
    (row,) = found["commitments"]
    assert (row["commitment_id"], row["instance_type"], row["platform"]) == (ARN, "m5.large", "Linux/UNIX")
    assert (row["utilization_ratio"], row["unused_cost"], row["ends_on"]) == (0.75, "15.419178", "2026-08-15")
    # on demand 342 h = 1,368 units = 32.832; reserved 1,080 h = 4,320 units = 103.68
    assert found["coverage_ratio_hours"] == round(1080 / 1422, 10)
    assert found["coverage_ratio"] == round(4320 / 5688, 10)
    assert found["coverage_ratio_cost"] == round(103.68 / 136.512, 10)
    # 1 − 15.419178 ÷ 61.676712; list 136.512, effective 32.832 + 46.257534 + 15.419178 = 94.508712
    assert found["utilization_ratio"] == 0.75
    assert found["effective_savings_rate"] == round(1 - 94.508712 / 136.512, 10)
    assert_golden("coverage", found)


def test_a_month_without_commitments_has_none_and_covers_nothing(tmp_path: Path) -> None:
    path = tmp_path / "compute.csv"
    path.write_text(COMPUTE + "i-1,us-east-1,0.5,Owner=Ann,m5.large,running,40\n")
    bring_in(path, snapshot_on=DAY, source="estate")
    found = answer("coverage", "2025-11")
    assert (found["coverage_ratio"], found["utilization_ratio"], found["commitments"]) == (0.0, None, [])
    assert "No commitment" in text("coverage")
    assert "1 × m5.large" in text("recommend", "--source", "estate")


def test_fourteen_inventories_measure_uptime(tmp_path: Path) -> None:
    # running on 12 of 14 days = 85.7 %, so steady and no longer assumed
    path = tmp_path / "compute.csv"
    for day in range(1, 15):
        state = "running" if day > 2 else "stopped"
        path.write_text(COMPUTE + f"i-1,us-east-1,0.096,Owner=Ann,m5.large,{state},40\n")
        bring_in(path, snapshot_on=DAY.replace(day=day), source="estate")
    found = answer("recommend", "--source", "estate", "--as-of", "2025-11-14")
    (row,) = found["recommendations"]
    assert row["expected_utilization"] == round(12 / 14, 10)
    assert row["confidence"] == "high"
    assert found["warnings"] == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--source", "nobody"), "There is no source 'nobody'. Sources: payer."),
        (("--source", SOURCE, "--as-of", "2026-05-01"), "no hourly usage of instances before 2026-05-01"),
        (("--source", SOURCE, "--prices", "none"), "no price book 'none'. Price books: representative."),
        (("--source", SOURCE, "--target", "170"), "Shares go from 0 to 100 per cent"),
        (("--source", SOURCE, "--max-payback", "soon"), "'soon' is not a number."),
        (("--source", SOURCE, "--max-payback", "NaN"), "'NaN' is not a number."),
    ],
)
def test_a_wrong_request_is_one_clear_line(tmp_path: Path, arguments: tuple[str, ...], message: str) -> None:
    eight_days(tmp_path)
    with pytest.raises(CommandError, match=message):
        call_command("recommend", *arguments)


def test_a_month_without_costs_is_said_to_have_none() -> None:
    with pytest.raises(CommandError, match="There are no costs for 2026-05"):
        call_command("coverage", "2026-05")
    with pytest.raises(CommandError, match="There are no costs yet"):
        call_command("coverage")
