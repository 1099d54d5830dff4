"""Pages of commitments: what staff see and do, and that they do not exist for anybody else."""

from pathlib import Path
from urllib.parse import urlencode

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from ri.models import RecommendationRun
from ri.services import import_prices, recommend
from tests.conftest import ClientFor
from tests.costs.bills import bring_in
from tests.costs.test_inventory import COMPUTE, DAY
from tests.pages import get
from tests.ri.world import SOURCE, eight_days, price_file
from tests.tagging.page_world import QUERIES, file_of, text_of

pytestmark = pytest.mark.django_db(transaction=True)
POOL = {"region": "us-east-1", "platform": "Linux/UNIX", "tenancy": "default"}
HOURLY = f"/commitments/pool/?{urlencode({'source': SOURCE, 'type': 'm5.*', **POOL})}"
SCREENED = f"/commitments/pool/?{urlencode({'source': 'estate', 'type': 'm5.large', **POOL})}"
FORM = {"as_of": "", "price_book": "own", "max_payback": "18", "min_uptime": "80", "target": "70"}


@pytest.fixture
def world(tmp_path: Path) -> None:
    """The eight days of `tests.ri.world` and an inventory of one running and one stopped instance, advised."""
    eight_days(tmp_path)
    import_prices(price_file(tmp_path))
    path = tmp_path / "compute.csv"
    path.write_text(
        COMPUTE + "i-1,us-east-1,0.5,Owner=Ann,m5.large,running,40\ni-2,us-east-1,1,Owner=Ann,c5.large,stopped,1\n"
    )
    bring_in(path, snapshot_on=DAY, source="estate")
    recommend("estate")
    recommend(SOURCE)


@pytest.fixture
def staff(finops_lead: User, client_for: ClientFor, world: None) -> Client:
    return client_for(finops_lead)


def test_the_page_starts_with_what_commitments_save_and_waste(staff: Client) -> None:
    # 1 − 94.508712 ÷ 136.512 = 30.8 %; 4,320 of 5,688 units = 75.9 %; used 75 %
    page = text_of(get(staff, "/commitments/"))
    for figure in ("May 2026", "30.8", "$15.42", "75.9", "15 Aug 2026", "Buy 2 × m5.large", "$509.18", "May"):
        assert figure in page


def test_each_purchase_carries_its_rates_and_its_reason_on_the_page(staff: Client) -> None:
    # 2 × 8,760 × 0.890625 × 0.04 gross; 2 × 8,760 × 0.109375 × 0.06 unused
    page = text_of(get(staff, "/commitments/"))
    for part in ("0.1000", "0.0600", "$624.15", "$114.98", "78.1", "Number 2 is used 78.1 % of hours"):
        assert part in page
    assert "Measured, but over less than 30 days, or nothing is saved if usage falls by 20 %." in page
    assert "1 steady instance, 1 purchase" in text_of(get(staff, "/commitments/?source=estate"))


def test_tables_go_out_as_files_with_every_column(staff: Client) -> None:
    head, rows = file_of(get(staff, "/commitments/?table=recommendations&format=csv"))
    assert (head["Source"], head["As of"], head["Price book"]) == (SOURCE, "2026-05-09", "own")
    row = dict(zip(rows[0], rows[1], strict=True))
    assert (row["Buy"], row["Saves a year"], row["Gross saving a year"]) == ("2 × m5.large", "509.175", "624.15")
    assert row["Reason"].startswith("On demand ran 1 to 2")
    _, rows = file_of(get(staff, "/commitments/?table=commitments&format=csv"))
    assert dict(zip(rows[0], rows[1], strict=True))["Unused"] == "15.419178"


def test_another_source_s_advice_is_one_choice_away(staff: Client) -> None:
    page = text_of(get(staff, "/commitments/?source=estate"))
    assert "Buy 1 × m5.large" in page
    assert "The inventory&#x27;s own hourly rates stand 5 times" in page  # 0.5 ÷ 0.10
    _, rows = file_of(get(staff, "/commitments/?source=estate&table=rejected&format=csv"))
    assert rows[1][0] == "c5.large"
    assert "the steadiest runs 45.0 % of hours, needs 80.0 %" in rows[1][-1]


def test_a_pool_of_hourly_usage_shows_its_usage_and_what_each_quantity_saves(staff: Client) -> None:
    page = text_of(get(staff, HOURLY))
    assert "Number 2 is used 78.1 %" in page
    assert "Recommended: 2" in page
    assert "1 May 2026 00:00: 2 m5.large" in page
    assert "2 × m5.large: $509.18" in page
    assert "If usage falls for good" in page


def test_a_pool_of_an_inventory_shows_its_instances(staff: Client) -> None:
    page = text_of(get(staff, SCREENED))
    assert "assumed from the state" in page
    assert "i-1" in page
    _, rows = file_of(get(staff, f"{SCREENED}&table=instances&format=csv"))
    assert rows[1][:4] == ["i-1", "running", "0.95", "assumed from the state"]


def test_a_pool_without_advice_says_why(staff: Client) -> None:
    assert "No advice on this pool" in text_of(get(staff, SCREENED.replace("m5", "c5")))


def test_a_pool_nobody_knows_is_not_there(staff: Client) -> None:
    assert get(staff, HOURLY.replace("m5", "z9")).status_code == 404
    assert get(staff, "/commitments/pool/").status_code == 404


def test_the_form_works_advice_out_again_within_other_limits(staff: Client) -> None:
    answer = staff.post("/commitments/recommend/", {**FORM, "source": SOURCE, "max_payback": "0"}, follow=True)
    assert f"Advice on {SOURCE} is worked out again." in answer.content.decode()
    assert RecommendationRun.objects.latest("pk").limits["max_payback_months"] == "0"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"target": "170"}, "Coverage target"),
        ({"as_of": "2026-05-01"}, "no hourly usage of instances before 2026-05-01"),
        ({"source": "nobody"}, "Source: "),
    ],
)
def test_a_form_that_cannot_be_used_says_why(staff: Client, change: dict[str, str], message: str) -> None:
    before = RecommendationRun.objects.count()
    answer = staff.post("/commitments/recommend/", {**FORM, "source": SOURCE, **change}, follow=True)
    assert message in answer.content.decode()
    assert RecommendationRun.objects.count() == before


def test_a_month_without_costs_is_refused_in_words(staff: Client) -> None:
    answer = get(staff, "/commitments/?period=2020-01")
    assert answer.status_code == 400
    assert "no costs for 2020-01" in answer.content.decode()


def test_before_the_first_bill_the_page_says_what_to_do(finops_lead: User, client_for: ClientFor) -> None:
    assert "No usage yet" in text_of(get(client_for(finops_lead), "/commitments/"))


def test_before_the_first_advice_the_form_is_there(tmp_path: Path, finops_lead: User, client_for: ClientFor) -> None:
    eight_days(tmp_path)
    page = text_of(get(client_for(finops_lead), "/commitments/"))
    assert "No advice yet" in page
    assert 'action="/commitments/recommend/"' in page


@pytest.mark.parametrize("path", ["/commitments/", HOURLY, "/commitments/?format=csv"])
def test_for_a_team_the_pages_do_not_exist(world: None, team_lead: User, client_for: ClientFor, path: str) -> None:
    client = client_for(team_lead)
    assert get(client, path).status_code == 404
    assert client.post("/commitments/recommend/", {**FORM, "source": SOURCE}).status_code == 404
    assert "Commitments" not in text_of(get(client, "/explore/"))


@pytest.mark.parametrize("path", ["/commitments/", HOURLY, SCREENED])
def test_the_pages_keep_their_query_budget(
    staff: Client, path: str, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_max_num_queries(QUERIES):
        assert get(staff, path).status_code == 200
