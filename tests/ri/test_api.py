"""The API of commitments: for staff, the same figures as pages and commands."""

from pathlib import Path

import pytest
from django.contrib.auth.models import User

from ri.services import import_prices, recommend
from tests.finops_site.api_world import Api, assert_golden
from tests.ri.world import SOURCE, eight_days, price_file

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
