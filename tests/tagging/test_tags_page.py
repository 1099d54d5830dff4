"""Tags: compliant money of taggable money, next fixes, values not allowed; a team's own only."""

import json
import re
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from costs.models import BillImport
from costs.scope import Scope
from tagging.models import TagKey, Team
from tagging.selectors import compliance
from tagging.services import RuleInput, save_rule
from tagging.terms import RuleKind
from tests.conftest import ClientFor
from tests.pages import get
from tests.tagging.builders import NOVEMBER, TRACKED, Spend, month
from tests.tagging.page_world import QUERIES, file_of, text_of, two_months

pytestmark = pytest.mark.django_db
ALL_FIVE = {"Owner": "jo", "Environment": "Dev", "Team": "payments", "CostCenter": "CC-100", "Project": "P1"}


@pytest.fixture
def world(team: Team, other_team: Team) -> None:
    """Beside the two months, payments' i-9 with every key: 2 of 40 taggable dollars are compliant."""
    two_months()
    month([Spend("2", tags=ALL_FIVE, resource="i-9")], source="second-payer")


@pytest.fixture
def staff(finops_lead: User, client_for: ClientFor, world: None) -> Client:
    return client_for(finops_lead)


@pytest.fixture
def lead(team_lead: User, client_for: ClientFor, world: None) -> Client:
    return client_for(team_lead)


def test_compliant_money_of_taggable_money_comes_first(staff: Client) -> None:
    # taggable: 10 + 20 + 5 + 3 + 2 = 40; compliant: 2 = 5 %; resources 1 of 5 = 20 %
    text = text_of(get(staff, "/tags/?basis=billed"))
    for figure in ("5.0", "$2.00", "$40.00", "20.0", "1 of 5", "$38.00"):
        assert figure in text


def test_next_fixes_are_the_dearest_resources_with_the_keys_they_need(staff: Client) -> None:
    _, rows = file_of(get(staff, "/tags/?table=fixes&format=csv"))
    assert [row[0] for row in rows[1:]] == ["bucket", "i-1", "i-2", "i-3"]
    assert "Environment" in rows[1][3]
    assert "Owner" in rows[1][3]


def test_values_that_are_not_allowed_are_listed_with_their_money(staff: Client) -> None:
    _, rows = file_of(get(staff, "/tags/?table=invalid&format=csv"))
    assert [(row[0], row[1], row[3], row[4]) for row in rows[1:]] == [("Environment", "Moon", "1", "20")]


@pytest.mark.parametrize("group", ["team", "service", "account", "region"])
def test_groups_sum_to_the_month(staff: Client, group: str) -> None:
    head, rows = file_of(get(staff, f"/tags/?basis=billed&group={group}&table=groups&format=csv"))
    taggable = rows[0].index("Taggable")
    assert rows[0][1:4] == ["Compliant %", "Compliant cost", "Taggable"]  # a share is not called a cost
    assert sum(float(row[2]) for row in rows[1:]) == float(head["Compliant cost"])
    assert sum(float(row[taggable]) for row in rows[1:]) == float(head["Taggable cost"]) == 40


def test_a_team_lead_sees_own_resources_only(lead: Client) -> None:
    text = text_of(get(lead, "/tags/?basis=billed"))
    assert "1 of 3" in text
    assert "$32.00" in text
    for secret in ("i-2", "i-3", "$40.00", "Search"):
        assert secret not in text
    _, rows = file_of(get(lead, "/tags/?table=groups&group=team&format=csv"))
    assert [row[0] for row in rows[1:]] == ["Payments"]


def test_before_the_first_bill_the_page_says_what_to_do(team_lead: User, client_for: ClientFor) -> None:
    assert "No costs yet" in text_of(get(client_for(team_lead), "/tags/"))


def test_the_page_keeps_its_query_budget(staff: Client, django_assert_max_num_queries: DjangoAssertNumQueries) -> None:
    with django_assert_max_num_queries(QUERIES):
        get(staff, "/tags/")


def test_required_key_that_the_month_was_not_read_for_is_in_no_figure_and_said(
    finops_lead: User, team_lead: User, client_for: ClientFor, world: None
) -> None:
    before = compliance(Scope.all(), NOVEMBER)
    TagKey.objects.create(key="Name", position=9)
    found = compliance(Scope.all(), NOVEMBER)
    assert (found.compliant_resources, found.cost_ratio) == (before.compliant_resources, before.cost_ratio)
    assert [key.key for key in found.by_key] == [key.key for key in before.by_key]
    assert [item.text for item in found.unread_keys] == ["November 2025 is being re-read for tag Name"]
    for path in ("/tags/", "/resources/", "/rules/"):
        assert "November 2025 is being re-read for tag Name" in text_of(get(client_for(finops_lead), path)), path
    text = text_of(get(client_for(team_lead), "/tags/"))
    assert "November 2025 was not read for tag Name yet" in text
    assert "values in" not in text


def test_key_with_too_many_values_is_shown_with_their_count_to_staff_only(
    finops_lead: User, team_lead: User, client_for: ClientFor, world: None
) -> None:
    TagKey.objects.create(key="Name", position=9)
    wanted = {"tracked_tags_wanted": [*TRACKED, "Name"], "tracked_tags_refused": {"Name": 3214}}
    BillImport.objects.update(columns=wanted)
    text = "Tag Name has 3,214 values in November 2025, too many to be tracked"
    assert text in text_of(get(client_for(finops_lead), "/tags/"))
    assert text in text_of(get(client_for(finops_lead), "/rules/"))
    assert "3,214" not in text_of(get(client_for(team_lead), "/tags/"))


def test_required_key_that_is_not_tracked_is_named_as_such(world: None) -> None:
    TagKey.objects.create(key="Name", position=9, is_tracked=False)
    (unread,) = compliance(Scope.all(), NOVEMBER).unread_keys
    assert (unread.reason, unread.text) == ("not_tracked", "Tag Name is not tracked in November 2025")


def test_command_and_api_leave_an_unread_key_out_and_name_it(staff: Client, capsys: pytest.CaptureFixture[str]) -> None:
    TagKey.objects.create(key="Name", position=9)
    call_command("tag_compliance", "2025-11")
    assert "Left out   November 2025 is being re-read for tag Name." in capsys.readouterr().out
    call_command("tag_compliance", "2025-11", "--json")
    answer = json.loads(capsys.readouterr().out)
    assert answer["unread_tags"] == [{"key": "Name", "reason": "pending", "values": None}]
    assert "Name" not in answer["by_tag"]
    for path in ("/api/v1/compliance/", "/api/v1/resources/"):
        body = json.loads(get(staff, f"{path}?period=2025-11").content)
        assert body["unread_keys"] == [{"key": "Name", "reason": "pending", "values": None}], path


def test_tiles_and_the_tables_below_them_add_up_in_cents(
    team: Team, other_team: Team, finops_lead: User, client_for: ClientFor
) -> None:
    """0.004 compliant and 0.004 to fix of payments, the same of search: each alone rounds to 0.00, all to 0.02."""
    tags = [{**ALL_FIVE, "Team": name} for name in ("payments", "search")]
    spends = [Spend("0.004", tags=each, resource=f"i-good-{each['Team']}") for each in tags]
    month([*spends, *[Spend("0.004", tags={"Team": each["Team"]}, resource=f"i-bad-{each['Team']}") for each in tags]])
    page: Any = get(client_for(finops_lead), "/tags/?group=team")
    shown = {name: page.context[name] for name in ("taggable_cost", "compliant_cost", "to_fix_cost", "fixes_cost")}
    cents = {name: str(each.cents) for name, each in shown.items()}
    # 0.016 is 0.02; its halves of 0.008 are 0.01 each; both resources to fix, 0.008, are 0.01
    assert cents == {"taggable_cost": "0.02", "compliant_cost": "0.01", "to_fix_cost": "0.01", "fixes_cost": "0.01"}
    assert {str(each.amount.normalize()) for each in shown.values()} == {"0.016", "0.008"}
    assert re.search(r">\$0\.01</data> of <data[^>]*>\$0\.02</data> taggable", text_of(page))
    rows = page.context["groups_table"].shown.values()
    assert (
        sum(row["compliant_cost"] for row in rows)
        == sum(row["to_fix_cost"] for row in rows)
        == shown["to_fix_cost"].cents
    )
    assert sum(row["cost"] for row in page.context["fixes_table"].shown.values()) == shown["fixes_cost"].cents


def test_near_misses_that_break_nothing_have_a_file_of_their_own(
    team: Team, other_team: Team, finops_lead: User, team_lead: User, client_for: ClientFor
) -> None:
    """Six of payments say checkout, one of them chekout: the key takes any text. i-odd lacks keys: that breaks it."""
    save_rule(RuleInput(RuleKind.TAG, tag_key="Team", tag_values=("payments",), team_key="payments"))
    good = [Spend("5", tags=ALL_FIVE | {"Project": "checkout"}, resource=f"i-{at}") for at in range(5)]
    rare = Spend("3", tags=ALL_FIVE | {"Project": "chekout"}, resource="i-rare")
    others = Spend("1", tags={"Team": "search"}, resource="i-odd")
    month([*good, rare, others], period=NOVEMBER)
    for user in (finops_lead, team_lead):
        client = client_for(user)
        page: Any = get(client, "/tags/fixes/")
        assert page.context["near"] == 1
        assert "i-rare" not in {row.resource_id for row in page.context["rows"]}
        _, (header, *rows) = file_of(get(client, f"{page.context['near_url']}&format=csv"))
        cells = [dict(zip(header, row, strict=True)) for row in rows]
        names = ("Resource", "Found", "Set it to", "Breaks the policy")
        assert [tuple(row[name] for name in names) for row in cells] == [("i-rare", "chekout", "checkout", "no")]
    assert get(client, "/tags/findings/?breaks=maybe").status_code == 400
    answer = client.get("/api/v1/tag-findings/?breaks=NO&problem=NEAR_MISS").json()
    assert [row["resource_id"] for row in answer["results"]] == ["i-rare"]
