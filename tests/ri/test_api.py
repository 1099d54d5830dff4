"""The API of commitments: for staff, the same figures as pages and commands."""

from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile

from ri.models import RecommendationRun
from ri.services import import_prices, recommend
from tests.finops_site.api_world import Api, assert_golden
from tests.ri.builders import PRICES
from tests.ri.world import ROWS, SOURCE, eight_days, price_file

pytestmark = pytest.mark.django_db(transaction=True)
PATHS = ("commitments/recommendations/", "commitments/coverage/", "commitments/price-books/")
NAMES = ("recommendations", "commitment_coverage", "price_books")


@pytest.fixture
def staff(finops_lead: User, tmp_path: Path) -> Api:
    eight_days(tmp_path)
    import_prices(price_file(tmp_path))
    recommend(SOURCE)
    return Api(finops_lead)


@pytest.mark.parametrize(("path", "name"), list(zip(PATHS, NAMES, strict=True)))
def test_answers_are_as_written_down(staff: Api, path: str, name: str) -> None:
    assert_golden(f"api_{name}", staff.get(path).json())


@pytest.mark.parametrize("path", PATHS)
def test_for_a_team_the_endpoints_do_not_exist(staff: Api, team_lead: User, path: str) -> None:
    assert Api(team_lead).get(path).status_code == 404


def test_lists_come_as_csv_too(staff: Api) -> None:
    lines = staff.get(PATHS[1], {"format": "csv"}).content.decode().splitlines()
    assert lines[0].startswith("commitment_id,kind,sub_account_id")
    assert ",0.75,61.676712,15.419178," in lines[1]


def test_an_answer_that_did_not_change_is_a_304(staff: Api) -> None:
    first = staff.get(PATHS[0])
    assert staff.get(PATHS[0], If_None_Match=first["ETag"]).status_code == 304


def test_what_is_not_there_is_a_404(staff: Api) -> None:
    assert staff.get(PATHS[0], {"source": "nobody"}).status_code == 404
    assert staff.get(PATHS[1], {"period": "2020-01"}).status_code == 404
    assert staff.get(PATHS[1], {"period": "May"}).status_code == 400


def test_before_the_first_bill_there_is_nothing(finops_lead: User) -> None:
    api = Api(finops_lead)
    assert [api.get(path).status_code for path in PATHS] == [404, 404, 200]


# --- writes ----------------------------------------------------------------------------------------


def test_advice_is_worked_out_again_within_other_limits(staff: Api) -> None:
    asked = {"source": SOURCE, "as_of": "2026-05-09", "max_payback_months": "0", "price_book": "own"}
    answer = staff.send(PATHS[0], asked)
    assert answer.status_code == 201, answer.content
    made = answer.json()
    assert (made["results"][0]["quantity"], made["results"][0]["net_savings_annual"]) == (2, "509.175")
    assert (made["data_through"], made["next"]) == ("2026-05-08", None)
    assert RecommendationRun.objects.latest("pk").limits["max_payback_months"] == "0"
    assert made == staff.get(PATHS[0], {"source": SOURCE}).json()


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({}, "source"),
        ({"source": "nobody"}, "There is no source 'nobody'."),
        ({"source": SOURCE, "min_uptime": "80"}, "min_uptime"),
        ({"source": SOURCE, "price_book": "none"}, "There is no price book 'none'."),
        ({"source": SOURCE, "target": "0.7"}, "not known here"),
        ({"source": SOURCE, "as_of": "2026-05-01"}, "no hourly usage of instances before 2026-05-01"),
    ],
)
def test_a_question_that_cannot_be_asked_is_refused(body: dict[str, str], text: str, staff: Api) -> None:
    answer = staff.send(PATHS[0], body)
    assert answer.status_code == 400
    assert text in answer.json()["error"]["message"]
    assert RecommendationRun.objects.count() == 1


def test_a_price_book_is_read_from_a_file_and_advice_follows(staff: Api) -> None:
    file = SimpleUploadedFile("own.csv", (PRICES + ROWS.replace("0.06", "0.05")).encode())
    answer = staff.post(PATHS[2], {"file": file})
    assert answer.status_code == 201, answer.content
    made = answer.json()
    assert {name: made[name] for name in ("name", "offers", "is_changed", "replaced_offers", "advice_on")} == {
        "name": "own", "offers": 1, "is_changed": True, "replaced_offers": 1, "advice_on": [SOURCE],
    }  # fmt: skip
    # 342 hours used of 384: 342 × 0.10 − 384 × 0.05 = 15 in 192 hours, × 8,760 ÷ 192
    assert staff.get(PATHS[0]).json()["results"][0]["net_savings_annual"] == "684.375"


def test_a_price_file_that_cannot_be_read_names_file_line_column_and_cure(staff: Api) -> None:
    file = SimpleUploadedFile("own.csv", (PRICES + ROWS.replace("0.06", "six")).encode())
    error = staff.post(PATHS[2], {"file": file}).json()["error"]
    assert error["code"] == "import_rejected"
    assert error["detail"] == {
        "code": "import_rejected",
        "file": "own.csv",
        "line": 2,
        "column": "hourly",
        "problem": "'six' is not a number.",
        "cure": "Write it with a point and without currency sign, like 0.0416.",
    }


def test_for_a_team_there_is_nothing_to_write_to(staff: Api, team_lead: User) -> None:
    lead = Api(team_lead)
    assert lead.send(PATHS[0], {"source": SOURCE}).status_code == lead.post(PATHS[2], {}).status_code == 404
