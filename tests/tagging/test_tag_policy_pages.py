"""Pages of the tag policy: what each reader may see and do, exports, previews, budgets of queries."""

import json
from datetime import date
from decimal import Decimal

import pytest
import time_machine
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from tagging.models import AnnouncedFix, Exemption, NoteChoice, TagKey, Team, UntaggableCharge
from tagging.services import keep_compliance
from tests.conftest import ClientFor
from tests.tagging.builders import Spend, month
from tests.tagging.page_world import QUERIES, file_of, text_of, two_months

pytestmark = pytest.mark.django_db
PAGES = ("findings", "fixes", "policy", "trend", "exemptions", "note")
STAFF_PAGES = ("policy/new", "policy/import")
KEY = {
    "key": "Environment",
    "is_required": "on",
    "is_tracked": "on",
    "kind": "text",
    "values": "Prod | production\nDev",
}


@pytest.fixture
def world(team: Team, other_team: Team) -> None:
    """Effective: payments i-1 8 (Prod) and a bucket 20 (Moon), search i-2 5, nobody i-3 3."""
    two_months()


@pytest.fixture
def staff(finops_lead: User, client_for: ClientFor, world: None) -> Client:
    return client_for(finops_lead)


@pytest.fixture
def lead(team_lead: User, client_for: ClientFor, world: None) -> Client:
    return client_for(team_lead)


def page(client: Client, path: str) -> str:
    response = client.get(f"/tags/{path}")
    assert response.status_code == 200, path
    return response.content.decode()


@pytest.mark.parametrize("name", PAGES)
def test_every_page_answers_everybody_within_its_budget(
    name: str, staff: Client, lead: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    keep_compliance(today=date(2025, 11, 20))
    for client in (staff, lead):
        with django_assert_max_num_queries(QUERIES):
            assert 'aria-label="Tags"' in page(client, f"{name}/")


@pytest.mark.parametrize("name", PAGES)
def test_before_the_first_bill_every_page_says_what_to_do(name: str, team_lead: User, client_for: ClientFor) -> None:
    assert 'class="empty"' in page(client_for(team_lead), f"{name}/") or name in {"policy", "note"}


@pytest.mark.parametrize("name", STAFF_PAGES)
def test_pages_of_upkeep_do_not_exist_for_teams(name: str, staff: Client, lead: Client) -> None:
    page(staff, f"{name}/")
    assert lead.get(f"/tags/{name}/").status_code == 404
    assert lead.post("/tags/exemptions/", {}).status_code == 404
    assert lead.post("/tags/untaggable/", {}).status_code == 404
    assert lead.post(f"/tags/policy/{TagKey.objects.first().pk}/remove/").status_code == 404  # type: ignore[union-attr]


def test_a_lead_sees_own_findings_and_fixes_only(lead: Client) -> None:
    for path in ("findings/?problem=", "fixes/", "findings/?problem=&format=csv"):
        response = lead.get(f"/tags/{path}")
        body = b"".join(response.streaming_content) if response.streaming else response.content  # type: ignore[attr-defined]
        assert b"i-1" in body
        for secret in (b"i-2", b"i-3", b"Search", b"search</"):
            assert secret not in body, (path, secret)


def test_the_fix_list_goes_by_money_and_its_file_has_every_column(staff: Client) -> None:
    _, rows = file_of(staff.get("/tags/fixes/?format=csv"))  # type: ignore[arg-type]
    assert rows[0][:4] == ["Resource", "Key", "Finding", "Name"]
    assert [row[0] for row in rows[1:5]] == ["bucket"] * 4
    assert [row[1] for row in rows[1:5]] == ["Owner", "Environment", "CostCenter", "Project"]
    assert rows[2][4] == "Moon"


def test_an_export_is_remembered_for_who_leads_and_looked_at_again(staff: Client, lead: Client, viewer: User) -> None:
    looker = Client()
    looker.force_login(viewer)
    response = looker.post("/tags/fixes/export/", {"as": "tag-editor"})
    assert response.status_code == 200
    assert not AnnouncedFix.objects.exists()  # who only looks changes nothing
    with time_machine.travel(date(2025, 11, 25), tick=False):
        response = lead.post("/tags/fixes/export/", {"as": "cli"})
    assert response["Content-Disposition"] == 'attachment; filename="tag-fixes-2025-11.sh"'
    assert "# bucket  Owner  " in response.content.decode()
    assert set(AnnouncedFix.objects.values_list("owner_key", flat=True)) == {"payments"}
    assert "Still open since 25 Nov 2025" in page(lead, "fixes/")
    assert staff.post("/tags/fixes/export/", {"as": "terraform"}).status_code == 200
    assert lead.post("/tags/fixes/export/", {"as": "exe"}).status_code == 400


def test_changing_a_key_shows_what_it_does_before_it_is_kept(staff: Client) -> None:
    key = TagKey.objects.get(key="Environment")
    wanted = {**KEY, "values": "Prod | production\n~ M[a-z]+\nx-*"}
    response = staff.post(f"/tags/policy/{key.pk}/", {**wanted, "preview": "1"})
    assert "What it would do to November 2025" in response.content.decode()
    key.refresh_from_db()
    assert key.allowed_values[0]["value"] == "Dev"
    assert staff.post(f"/tags/policy/{key.pk}/", wanted).status_code == 302
    key.refresh_from_db()
    assert key.allowed_values == [
        {"value": "Prod", "aliases": ["production"]},
        {"value": "M[a-z]+", "aliases": [], "match": "pattern"},
        {"value": "x-*", "aliases": [], "match": "wildcard"},
    ]
    assert "x-*" in page(staff, f"policy/{key.pk}/")
    assert key.history.count() == 1


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"values": "~ (a"}, "a bracket is not closed"),
        ({"key": "owner"}, "the same but for case and punctuation"),
        ({"kind": "date"}, "cannot have a list of allowed values"),
        ({"from_period": "2025-13"}, "2025-13"),
        ({"key": ""}, "This field is required"),
    ],
)
def test_a_key_that_cannot_be_is_refused_on_the_form(staff: Client, changed: dict[str, str], says: str) -> None:
    key = TagKey.objects.get(key="Environment")
    response = staff.post(f"/tags/policy/{key.pk}/", {**KEY, **changed})
    assert response.status_code == 400
    assert says in response.content.decode()


def test_a_key_is_added_and_taken_out(staff: Client) -> None:
    assert staff.post("/tags/policy/new/", {"key": "Tier", "kind": "text", "values": "front\nback"}).status_code == 302
    tier = TagKey.objects.get(key="Tier")
    assert (tier.is_required, tier.is_tracked, tier.position) == (False, False, 11)
    assert staff.post(f"/tags/policy/{tier.pk}/remove/").status_code == 302
    assert not TagKey.objects.filter(key="Tier").exists()
    assert staff.get("/tags/policy/999/").status_code == 404


def test_an_aws_policy_is_previewed_kept_and_exported(staff: Client, lead: Client) -> None:
    said = '{"tags": {"costcenter": {"tag_key": "CostCenter", "tag_value": ["100", "2*"]}, "Tier": {"tag_value": []}}}'
    shown = staff.post("/tags/policy/import/", {"documents": said, "preview": "1"}).content.decode()
    assert "2 keys would change" in shown
    assert "100, 2*" in shown
    assert '<td data-label="What">values, letter case breaks the policy</td>' in shown
    spelled = staff.post("/tags/policy/import/", {"documents": '{"tags": {"costcenter": {}}}', "preview": "1"})
    assert "written costcenter, before CostCenter, letter case" in spelled.content.decode()
    assert TagKey.objects.get(key="CostCenter").allowed_values == []
    file = SimpleUploadedFile("policy.json", said.encode())
    assert staff.post("/tags/policy/import/", {"file": file}).status_code == 302
    stored = TagKey.objects.get(key="CostCenter")
    assert (stored.is_required, stored.is_key_exact, len(stored.allowed_values)) == (True, True, 2)
    out = json.loads(lead.get("/tags/policy/export/").content)
    assert out["tags"]["costcenter"]["tag_value"] == {"@@assign": ["100", "2*"]}
    assert out["tags"]["tier"]["tag_value"] == {"@@assign": []}
    refused = staff.post("/tags/policy/import/", {"documents": "{"})
    assert refused.status_code == 400
    assert "Document 1 is no JSON" in refused.content.decode()


def test_exemptions_are_granted_ended_and_charges_set_aside_from_the_page(staff: Client, lead: Client) -> None:
    given = {"resource": "buck*", "since": "2025-11-01", "until": "2025-12-31", "reason": "moves", "keys": ["Owner"]}
    granted = staff.post("/tags/exemptions/", given, follow=True)
    assert "it excuses what is charged on 1 Nov 2025 or later" in granted.content.decode().replace("\xa0", " ")
    (made,) = Exemption.objects.all()
    assert (made.resource, made.keys, made.author.username) == ("buck*", ["Owner"], "fiona")  # type: ignore[union-attr]
    assert "resources buck*" in page(staff, "exemptions/")
    assert "buck*" not in page(lead, "exemptions/")  # it names no team
    assert staff.post("/tags/exemptions/", {**given, "resource": ""}).status_code == 400
    with time_machine.travel(date(2025, 11, 5), tick=False):
        assert staff.post(f"/tags/exemptions/{made.pk}/end/").status_code == 302
    made.refresh_from_db()
    assert made.until == date(2025, 11, 4)
    assert staff.post("/tags/untaggable/", {"service_name": "Storage", "why": "no tags"}).status_code == 302
    aside = UntaggableCharge.objects.get()
    assert staff.post(f"/tags/untaggable/{aside.pk}/remove/").status_code == 302
    assert not UntaggableCharge.objects.exists()


def test_the_note_is_stopped_and_wanted_again_from_its_page(lead: Client, team_lead: User) -> None:
    assert "The note comes to you" in page(lead, "note/")
    lead.post("/tags/note/", {"wanted": "no"})
    assert NoteChoice.objects.get().user == team_lead
    assert "No note comes to you" in page(lead, "note/")
    lead.post("/tags/note/", {"wanted": "yes"})
    assert not NoteChoice.objects.exists()


def test_teams_a_key_is_for_are_not_named_to_other_teams(staff: Client, lead: Client) -> None:
    TagKey.objects.filter(key="Owner").update(team_keys=["search"])
    assert "teams search" in page(staff, "policy/")
    assert "other teams" in page(lead, "policy/")
    assert "search" not in json.dumps(lead.get("/api/v1/tag-policy/").json())


def test_the_api_gives_findings_policy_and_trend_in_the_readers_scope(staff: Client, lead: Client) -> None:
    keep_compliance(today=date(2025, 11, 20))
    found = staff.get("/api/v1/tag-findings/?period=2025-11&problem=invalid").json()
    assert [(row["resource_id"], row["value"], row["cost"]) for row in found["results"]] == [("bucket", "Moon", "20")]
    mine = lead.get("/api/v1/tag-findings/?period=2025-11").json()
    assert {row["resource_id"] for row in mine["results"]} == {"i-1", "bucket"}
    keys = [row["key"] for row in staff.get("/api/v1/tag-policy/").json()["results"]]
    assert keys[:5] == ["Owner", "Environment", "Team", "CostCenter", "Project"]
    trend = lead.get("/api/v1/compliance/trend/").json()["results"]
    assert (trend[0]["billing_period"], Decimal(trend[0]["taggable_cost"])) == ("2025-11", Decimal(28))


def test_hostile_names_are_text_on_the_page_and_in_files(finops_lead: User, client_for: ClientFor) -> None:
    hostile = {"Environment": '=cmd|"/c calc"!A1<script>', "Owner": "@SUM(1)", "Team": "支払い, a=b"}
    month([Spend("5", tags=hostile, resource="+i-1"), Spend("1", tags={"Environment": ""}, resource="i-2")])
    client = client_for(finops_lead)
    assert "<script>" not in page(client, "findings/?problem=").replace("<script ", "")
    _, rows = file_of(client.get("/tags/findings/?problem=&format=csv"))  # type: ignore[arg-type]
    assert rows[1][0] == "'+i-1"
    cell = next(row for row in rows if row[1] == "Environment")[4]
    assert cell == "'" + hostile["Environment"]
    assert text_of(client.post("/tags/fixes/export/", {"as": "tag-editor"})).splitlines()[1].startswith("'+i-1")  # type: ignore[arg-type]
