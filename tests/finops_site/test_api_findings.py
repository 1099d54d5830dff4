"""Findings by API: the golden answers, within the scope, and decisions with the rights of the page."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from finops_site import pipeline
from tagging.middleware import VIEW_AS_SESSION_KEY
from tagging.models import Finding, Team
from tagging.terms import FindingState
from tests.finops_site.api_world import Api, assert_golden
from tests.tagging.builders import NOVEMBER, OCTOBER
from tests.tagging.finding_world import both, full, make_rules, row_of, volume

pytestmark = pytest.mark.django_db
QUERY_BUDGET = 20


def detect_on(day: date) -> None:
    pipeline.detect_findings(now=datetime(day.year, day.month, day.day, 6, tzinfo=UTC))


@pytest.fixture
def ref(team: Team, other_team: Team) -> str:
    """October's findings of payments (gone in November), search and nobody; the ref of payments' own."""
    make_rules()
    full(OCTOBER, *both(), volume("30", team="", name="vol-nobody"))
    detect_on(date(2025, 11, 3))
    full(NOVEMBER, volume("50", team="search", name="vol-search"), volume("30", team="", name="vol-nobody"))
    detect_on(date(2025, 12, 3))
    return row_of("vol-pay").ref


@pytest.mark.parametrize("reader", ["staff", "team"])
def test_every_answer_is_the_golden_one_within_the_query_budget(
    reader: str,
    ref: str,
    finops_lead: User,
    team_lead: User,
    django_assert_max_num_queries: Callable[[int], Any],
) -> None:
    api = Api(finops_lead if reader == "staff" else team_lead)
    for name, path in (("findings", "findings/"), ("finding", f"findings/{ref}/")):
        with django_assert_max_num_queries(QUERY_BUDGET):
            response = api.get(path)
        assert response.status_code == 200, response.content
        assert_golden(f"api_{name}_{reader}", response.json())


def test_totals_add_up_and_filters_narrow_them(ref: str, finops_lead: User) -> None:
    api = Api(finops_lead)
    answer = api.get("findings/").json()
    assert (answer["total_monthly_saving"], answer["verified_saving"]) == ("16", "100")  # 10 + 6; gone: 100 a month
    assert [row["resource_id"] for row in api.get("findings/?state=done").json()["results"]] == ["vol-pay"]
    assert api.get("findings/?team=search").json()["total_monthly_saving"] == "10"
    assert api.get("findings/?kind=idle").json()["results"] == []
    assert api.get("findings/?kinds=idle").status_code == 400
    assert api.get("findings/?kind=lost").status_code == 400


def test_findings_as_csv(ref: str, team_lead: User) -> None:
    lines = Api(team_lead).get("findings/", Accept="text/csv").content.decode().splitlines()
    assert lines[0].startswith("ref,kind,title,resource_id")
    assert len(lines) == 2
    assert ",vol-pay," in lines[1]


def test_a_lead_decides_by_api_and_gets_the_finding_back(ref: str, team_lead: User) -> None:
    api = Api(team_lead)
    answer = api.post(f"findings/{ref}/state/", {"state": "open", "note": "Still there."})
    assert answer.status_code == 200, answer.content
    assert (answer.json()["state"], answer.json()["note"], answer.json()["months"]) == ("open", "Still there.", [])
    answer = api.post(f"findings/{ref}/state/", {"state": "dismissed", "until": "2999-01-01", "note": "Meant so."})
    assert answer.json()["dismissed_until"] == "2999-01-01"
    assert [event["state"] for event in answer.json()["events"]] == ["dismissed", "open", "done", "open"]


@pytest.mark.parametrize(
    "fields", [{}, {"state": "gone"}, {"state": "dismissed"}, {"state": "dismissed", "until": "soon", "note": "x"}]
)
def test_a_decision_that_is_none_is_refused(fields: dict[str, str], ref: str, team_lead: User) -> None:
    assert Api(team_lead).post(f"findings/{ref}/state/", fields).status_code == 400
    assert row_of("vol-pay").state is FindingState.DONE


def test_others_and_viewers_find_nothing_to_decide(ref: str, viewer: User, other_lead: User) -> None:
    assert Api(viewer).get(f"findings/{ref}/").status_code == 200
    for user in (viewer, other_lead):
        assert Api(user).post(f"findings/{ref}/state/", {"state": "open"}).status_code == 404
    assert Api(other_lead).get(f"findings/{ref}/").status_code == 404
    assert row_of("vol-pay").state is FindingState.DONE


def test_staff_with_a_leads_eyes_decide_nothing(
    ref: str, finops_lead: User, team_lead: User, client_for: Callable[[User], Client]
) -> None:
    client = client_for(finops_lead)
    session = client.session
    session[VIEW_AS_SESSION_KEY] = team_lead.pk
    session.save()
    assert client.post(f"/api/v1/findings/{ref}/state/", {"state": "open"}).status_code == 403
    assert Finding.objects.get(ref=ref).state == "done"
