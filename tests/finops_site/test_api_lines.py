"""Lines by the API: pages by cursor give every line once, CSV holds all of them, a team gets its own."""

import csv
import io
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tagging.models import Team
from tests.finops_site.api_world import Api
from tests.tagging.lines_world import import_months

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def world(team: Team, other_team: Team, tmp_path: Path) -> None:
    import_months(tmp_path)


def test_pages_by_cursor_give_every_line_once(staff: Api) -> None:
    answer: dict[str, Any] = staff.get("lines/?from=2025-10&to=2025-11&sort=-cost&page_size=5").json()
    assert (answer["count"], answer["previous"]) == (16, None)
    rows = list(answer["results"])
    while answer["next"]:
        answer = staff.get(answer["next"].partition("/api/v1/")[2]).json()
        rows += answer["results"]
    assert len(rows) == 16
    costs = [Decimal(row["billed_cost"]) for row in rows]
    assert costs == sorted(costs, reverse=True)
    assert sum(costs) == Decimal(answer["total_cost"]) == Decimal("29.50000000022")


def test_sums_stand_above_the_rows_and_tie_to_the_figure(lead: Api) -> None:
    answer = lead.get("lines/?period=2025-11").json()
    assert (answer["count"], answer["total_cost"], answer["figure_cost"]) == (3, "4.00000000008", "4.0000000001")
    assert answer["rounding_cost"] == "0.00000000002"
    assert {row["resource_id"] for row in answer["results"]} == {"i-1", "i-2"}
    assert lead.get("lines/?period=2025-11&resource=i-3").json()["count"] == 0
    assert lead.get("lines/?period=2025-11&tag:Workload=Peak").json()["figure_cost"] is None


def test_csv_is_every_line_unless_a_page_is_asked_for(staff: Api) -> None:
    for query, count in (("", 8), ("&page_size=3", 3)):
        answer = staff.get(f"lines/?period=2025-11&format=csv{query}")
        content = b"".join(answer.streaming_content) if answer.streaming else answer.content
        rows = list(csv.DictReader(io.StringIO(content.decode())))
        assert len(rows) == count
        assert "billed_cost" in rows[0]


@pytest.mark.parametrize(
    "query", ["cursor=nonsense", "day=x", "sort=colour", "colour=red", "taggable=perhaps", "resource=a&period=13"]
)
def test_what_cannot_be_asked_is_refused_by_name(staff: Api, query: str) -> None:
    answer = staff.get(f"lines/?{query}")
    assert answer.status_code == 400
    assert answer.json()["error"]["code"]


def test_a_cursor_that_was_made_up_is_refused(staff: Api) -> None:
    made_up = "WzEsMSxbIngiLCJ4IiwieCIsIngiLCJ4IiwieCIsIngiLCJ4IiwieCIsIngiLCJ4IiwieCIsIngiLCJ4IiwieCIsIngiLCJ4Iiwi"
    made_up += "eCIsIngiLCJ4IiwieCIsIngiLCJ4IiwieCIsIngiLCJ4IiwieCIsIngiLCJ4Il1d"  # 29 times "x"
    assert staff.get(f"lines/?cursor={made_up}").status_code == 400


def test_a_source_is_known_to_staff_only(staff: Api, lead: Api) -> None:
    assert staff.get("lines/?period=2025-11&source=aws-900000000001").json()["count"] == 8
    assert lead.get("lines/?period=2025-11&source=aws-900000000001").status_code == 404
