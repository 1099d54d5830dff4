"""ETags: by import for staff, by content for teams."""

from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tagging import services as owners
from tagging.models import AllocationRule, Team
from tests.finops_site.api_world import FEBRUARY, Api, import_month, rule
from tests.leaks.bills import Line

pytestmark = pytest.mark.django_db

PATH = "chargeback/?period=2026-02"
ROLLUPS = ("costs_dailycost", "costs_resourcecost", "costs_usageday", "tagging_allocatedcost", "costs_costslice")


@pytest.fixture
def february(team: Team, other_team: Team, tmp_path: Path) -> Path:
    """February in force; returns the folder of its file."""
    rule(team, "payments", 1)
    rule(other_team, "search", 2)
    import_month(tmp_path, "2026-02", FEBRUARY)
    return tmp_path


def others_spend_more(folder: Path) -> None:
    """Deliver February again with another resource of the other team."""
    import_month(folder, "2026-02", (*FEBRUARY, Line("i-search-2", "7", day=5, tags=(("Team", "search"),))))


def test_staff_get_a_304_without_a_look_at_the_rollups(february: Path, finops_lead: User) -> None:
    api = Api(finops_lead)
    tag = api.get(PATH)["ETag"]
    with CaptureQueriesContext(connection) as queries:
        response = api.get(PATH, if_none_match=tag)
    assert response.status_code == 304
    assert response.content == b""
    assert response["ETag"] == tag
    asked = " ".join(query["sql"] for query in queries)
    assert not [table for table in ROLLUPS if table in asked]


def test_etag_of_staff_differs_by_address_format_and_query(february: Path, finops_lead: User) -> None:
    api = Api(finops_lead)
    paths = ("costs/", "costs/?basis=effective", "costs/?format=csv", "allocations/", "statements/", "resources/")
    tags = [api.get(path)["ETag"] for path in paths]
    tags.append(api.get("costs/", accept="text/csv")["ETag"])
    assert len(set(tags)) == len(tags)


def test_etag_of_staff_changes_with_a_new_import(february: Path, finops_lead: User) -> None:
    api = Api(finops_lead)
    tag = api.get(PATH)["ETag"]
    others_spend_more(february)
    assert api.get(PATH, if_none_match=tag).status_code == 200


def test_etag_of_staff_changes_when_the_month_is_allocated_again(february: Path, team: Team, finops_lead: User) -> None:
    api = Api(finops_lead)
    tag = api.get(PATH)["ETag"]
    AllocationRule.objects.filter(team__key="search").update(team=team)
    owners.reallocate()
    response = api.get(PATH, if_none_match=tag)
    assert response.status_code == 200
    assert [row["total_cost"] for row in response.json()["results"]] == ["35.75"]


def test_etag_of_staff_changes_when_a_team_is_renamed(february: Path, team: Team, finops_lead: User) -> None:
    api = Api(finops_lead)
    tag = api.get(PATH)["ETag"]
    team.name = "Payments and refunds"
    team.save()
    assert api.get(PATH, if_none_match=tag).status_code == 200


def test_etag_and_bytes_of_a_team_stay_when_only_others_costs_change(february: Path, team_lead: User) -> None:
    api = Api(team_lead)
    paths = (PATH, "costs/", "allocations/", "statements/payments/?period=2026-02", "compliance/?format=csv")
    before = {path: api.get(path) for path in paths}
    others_spend_more(february)
    for path in paths:
        again = api.get(path, if_none_match=before[path]["ETag"])
        assert (again.status_code, again["ETag"]) == (304, before[path]["ETag"]), path
        assert api.get(path).content == before[path].content


def test_etag_of_a_team_changes_with_its_own_costs(february: Path, team_lead: User) -> None:
    api = Api(team_lead)
    tag = api.get(PATH)["ETag"]
    import_month(february, "2026-02", (*FEBRUARY, Line("i-pay-3", "1", day=5, tags=(("Team", "payments"),))))
    response = api.get(PATH, if_none_match=tag)
    assert response.status_code == 200
    assert response.json()["total_cost"] == "16.75"


def test_etag_of_one_reader_is_not_good_for_another(february: Path, finops_lead: User, team_lead: User) -> None:
    staff, lead = Api(finops_lead), Api(team_lead)
    assert lead.get(PATH, if_none_match=staff.get(PATH)["ETag"]).status_code == 200
    assert staff.get(PATH, if_none_match=lead.get(PATH)["ETag"]).status_code == 200


@pytest.mark.parametrize("user", ["finops_lead", "team_lead"])
def test_answers_may_be_kept_by_nobody_but_the_reader(user: str, request: pytest.FixtureRequest) -> None:
    response = Api(request.getfixturevalue(user)).get(PATH)
    assert {"Accept", "Authorization", "Cookie"} <= {name.strip() for name in response["Vary"].split(",")}
    assert response["Cache-Control"] == "private, no-cache"


def test_progress_of_an_import_that_did_not_change_is_a_304(february: Path, finops_lead: User) -> None:
    api = Api(finops_lead)
    pk = api.get("imports/").json()["results"][0]["id"]
    tag = api.get(f"imports/{pk}/")["ETag"]
    assert api.get(f"imports/{pk}/", if_none_match=tag).status_code == 304
