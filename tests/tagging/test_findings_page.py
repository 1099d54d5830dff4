"""Pages of findings: who sees and decides what, files, and how many questions they ask the database."""

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from costs.scope import Scope
from tagging import selectors
from tagging.middleware import VIEW_AS_SESSION_KEY
from tagging.models import Finding, Team
from tagging.services import dismiss_finding, finish_finding
from tagging.terms import FindingState
from tests.tagging.builders import NOVEMBER, OCTOBER
from tests.tagging.finding_world import at, both, detect_on, full, make_rules, row_of, volume
from tests.tagging.page_world import QUERIES, file_of, text_of

pytestmark = pytest.mark.django_db
ClientFor = Callable[[User], Client]
NOV_3 = date(2025, 11, 3)


@pytest.fixture
def found(team: Team, other_team: Team) -> str:
    """October's findings of both teams and of nobody; the ref of payments' own."""
    make_rules()
    full(OCTOBER, *both(), volume("30", team="", name="vol-nobody"))
    detect_on(NOV_3)
    return row_of("vol-pay").ref


def get(client: Client, path: str) -> Any:
    return client.get(path)


def decide(client: Client, ref: str, **fields: str) -> Any:
    return client.post(f"/findings/{ref}/state/", fields, follow=True)


def test_staff_read_what_there_is_to_save_first(
    found: str, finops_lead: User, client_for: ClientFor, django_assert_max_num_queries: Callable[[int], Any]
) -> None:
    client = client_for(finops_lead)
    with django_assert_max_num_queries(QUERIES):
        page = text_of(get(client, "/findings/"))
    # 20 + 10 + 6 of 100 + 50 + 30
    assert 'value="36">$36.00</data> a month is spent on nothing, in 3 places' in page
    assert "vol-pay" in page
    assert "vol-nobody" in page
    assert "Kept in gp2; gp3 costs 20\u00a0% less." in page
    assert "Effective cost" in page


def test_a_finding_without_a_saving_is_no_place_where_money_is_spent_on_nothing(
    found: str, finops_lead: User, client_for: ClientFor
) -> None:
    Finding.objects.filter(resource_id="vol-nobody").update(monthly_saving=0)
    page = text_of(get(client_for(finops_lead), "/findings/"))
    # 20 + 10; the third is worth looking into, and nothing is counted for it.
    assert "$30.00</data> a month is spent on nothing, in 2 places. 1 more to look into, without a saving" in page
    Finding.objects.update(monthly_saving=0)
    page = text_of(get(client_for(finops_lead), "/findings/"))
    assert "3 findings to look into, without a saving counted." in page
    assert "spent on nothing, in" not in page


def test_a_team_reads_its_own_findings_alone(found: str, team_lead: User, client_for: ClientFor) -> None:
    client = client_for(team_lead)
    page = text_of(get(client, "/findings/"))
    assert "$20.00</data> a month is spent on nothing, in 1 place" in page
    for hidden in ("vol-search", "vol-nobody", "Search", "Unallocated"):
        assert hidden not in page
    other = row_of("vol-search").ref
    assert client.get(f"/findings/{other}/").status_code == 404
    assert decide(client, other, state="done").status_code == 404
    assert client.get("/findings/no-such-finding/").status_code == 404


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("team=search", {"vol-search"}),
        ("team=(none)", {"vol-nobody"}),
        ("search=PAY", {"vol-pay"}),
        ("kind=idle", set()),
        ("state=dismissed", set()),
        ("state=all&kind=dear_storage", {"vol-pay", "vol-search", "vol-nobody"}),
    ],
)
def test_filters_stand_in_the_address(
    query: str, shown: set[str], found: str, finops_lead: User, client_for: ClientFor
) -> None:
    _, rows = file_of(get(client_for(finops_lead), f"/findings/?{query}&format=csv"))
    assert {row[2] for row in rows[1:]} == shown


def test_the_file_has_every_figure_and_the_evidence(found: str, finops_lead: User, client_for: ClientFor) -> None:
    head, rows = file_of(get(client_for(finops_lead), "/findings/?format=csv"))
    assert head == {"Basis": "Effective cost, a month", "Currency": "USD"}
    first = dict(zip(rows[0], rows[1], strict=True))
    assert (first["Resource"], first["Belongs to"], first["Cost a month"], first["Saving a month"]) == (
        "vol-pay",
        "Payments",
        "100",
        "20",
    )
    assert "Measured: October 2025, effective cost" in first["Evidence"]


@pytest.mark.parametrize("query", ["kind=nothing", "state=nothing", "format=pdf"])
def test_what_is_no_filter_is_refused_with_what_there_is(
    query: str, found: str, finops_lead: User, client_for: ClientFor
) -> None:
    assert client_for(finops_lead).get(f"/findings/?{query}").status_code == 400


def test_a_lead_decides_and_undoes_it(found: str, team_lead: User, client_for: ClientFor) -> None:
    client = client_for(team_lead)
    assert "Accepted: vol-pay." in text_of(decide(client, found, state="accepted", note="On it."))
    assert row_of("vol-pay").state is FindingState.ACCEPTED
    wrong = text_of(decide(client, found, state="dismissed", note="Meant to be so."))
    assert "Say until when it is dismissed" in wrong
    decide(client, found, state="dismissed", note="Meant to be so.", until="2999-01-01")
    assert row_of("vol-pay").state is FindingState.DISMISSED
    page = text_of(decide(client, found, state="open"))
    assert "Open again: vol-pay." in page
    assert "by Leo. Meant to be so." in page
    assert "until 1 Jan 2999" in page
    assert row_of("vol-pay").dismissed_until is None


@pytest.mark.parametrize("fields", [{"state": "gone"}, {}, {"state": "dismissed", "until": "soon", "note": "x"}])
def test_a_decision_that_is_none_changes_nothing(
    fields: dict[str, str], found: str, team_lead: User, client_for: ClientFor
) -> None:
    assert decide(client_for(team_lead), found, **fields).status_code == 200
    assert row_of("vol-pay").state is FindingState.OPEN


def test_a_page_that_somebody_elses_decision_has_overtaken_decides_nothing(
    found: str, team_lead: User, finops_lead: User, client_for: ClientFor
) -> None:
    seen = row_of("vol-pay").version
    assert f'name="version" value="{seen}"' in text_of(get(client_for(team_lead), f"/findings/{found}/"))
    decide(client_for(finops_lead), found, state="accepted", version=seen)
    page = text_of(decide(client_for(team_lead), found, state="dismissed", note="x", until="2999-01-01", version=seen))
    assert "It has become accepted since you looked." in page
    assert row_of("vol-pay").state is FindingState.ACCEPTED


def test_viewers_look_and_change_nothing(found: str, viewer: User, client_for: ClientFor) -> None:
    client = client_for(viewer)
    page = text_of(get(client, f"/findings/{found}/"))
    assert "Leads of the team and FinOps staff decide." in page
    assert "<form method" not in page.split('id="decide"')[1].split("</section>")[0]
    assert decide(client, found, state="done").status_code == 404
    assert row_of("vol-pay").state is FindingState.OPEN


def test_staff_with_a_leads_eyes_change_nothing(
    found: str, finops_lead: User, team_lead: User, client_for: ClientFor
) -> None:
    client = client_for(finops_lead)
    session = client.session
    session[VIEW_AS_SESSION_KEY] = team_lead.pk
    session.save()
    assert (
        "<form method" not in text_of(get(client, f"/findings/{found}/")).split('id="decide"')[1].split("</section>")[0]
    )
    assert decide(client, found, state="done").status_code == 403
    assert row_of("vol-pay").state is FindingState.OPEN


def test_a_done_one_shows_what_it_saved_month_by_month(
    found: str, team_lead: User, client_for: ClientFor, django_assert_max_num_queries: Callable[[int], Any]
) -> None:
    finish_finding(found, user=team_lead, now=at(date(2025, 10, 20)))
    full(NOVEMBER, volume("80", kind="EBS:VolumeUsage.gp3"))
    detect_on(date(2025, 12, 3))
    client = client_for(team_lead)
    with django_assert_max_num_queries(QUERIES):
        page = text_of(get(client, f"/findings/{found}/"))
    assert "November 2025" in page
    assert page.count(">$20.00</data>") >= 2  # 100 − 80
    _, rows = file_of(get(client, f"/findings/{found}/?format=csv"))
    assert rows[1] == ["2025-11", "30", "100", "80", "20"]
    assert "saved $20.00" in text_of(get(client, "/findings/?state=done"))


def test_the_way_to_the_lines_leads_to_the_owners_own(found: str, team_lead: User, client_for: ClientFor) -> None:
    page = text_of(get(client_for(team_lead), f"/findings/{found}/"))
    assert "/lines/?period=2025-10&amp;basis=effective&amp;currency=USD&amp;team=payments&amp;resource=vol-pay" in page


def test_pages_without_findings_say_what_to_do_next(finops_lead: User, team_lead: User, client_for: ClientFor) -> None:
    assert "Import a bill, or an inventory" in text_of(get(client_for(finops_lead), "/findings/"))
    assert "Nothing has been given to your team yet." in text_of(get(client_for(team_lead), "/findings/"))


def test_dismissed_ones_are_out_of_the_list_to_act_on(found: str, team_lead: User, client_for: ClientFor) -> None:
    dismiss_finding(found, user=team_lead, now=at(NOV_3), until=date(2999, 1, 1), note="Meant to be so.")
    client = client_for(team_lead)
    _, rows = file_of(get(client, "/findings/?format=csv"))
    assert rows[1:] == []
    assert "until 1 Jan 2999" in text_of(get(client, "/findings/?state=dismissed"))
    assert selectors.findings(Scope.all()).total_monthly_saving == 16
