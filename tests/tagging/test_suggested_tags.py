"""Suggestions stored for staff and teams, what is decided of them, and the pages they stand on."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from costs.errors import InvalidRequestError, NotFoundInScopeError
from costs.scope import Scope
from tagging.models import SuggestionChoice, TagKey, TagSuggestion, Team, VirtualTag
from tagging.selectors import closed, suggestions, virtual_tags, virtual_tags_in
from tagging.services import (
    Chosen,
    RuleInput,
    accept_suggestions,
    dismiss_suggestions,
    end_virtual_tag,
    make_suggestions,
    propose_suggestions,
    save_rule,
)
from tagging.terms import RuleKind
from tests.conftest import ClientFor
from tests.tagging.builders import NOVEMBER, OCTOBER, Spend, month
from tests.tagging.page_world import QUERIES, file_of

pytestmark = [pytest.mark.django_db, pytest.mark.real_parts]
ALL, PAYMENTS = Scope.all(), Scope.teams(frozenset({"payments"}))
NOW = datetime(2025, 11, 20, 8, tzinfo=UTC)
ACCOUNT = {"payments": "111111111111", "search": "222222222222"}


def spends() -> list[Spend]:
    """40 `pay-web-N` of payments carry Environment=Prod, 40 `find-web-N` of search Environment=Dev; one of each and
    a third in search's account lack it. Costs: 7, 9, and 1 each."""
    found = []
    for team, stem, value in (("payments", "pay-web", "Prod"), ("search", "find-web", "Dev")):
        for number in range(40):
            tags = {"Environment": value}
            found.append(Spend("1", tags=tags, account=ACCOUNT[team], resource=f"{stem}-{number}"))
    found.append(Spend("7", account=ACCOUNT["payments"], resource="pay-web-77"))
    found.append(Spend("9", account=ACCOUNT["search"], resource="find-web-77"))
    return found


@pytest.fixture
def world(team: Team, other_team: Team) -> None:
    """Both accounts belong to their teams; only Environment is required."""
    TagKey.objects.exclude(key="Environment").update(is_required=False)
    for name, account in ACCOUNT.items():
        save_rule(RuleInput(RuleKind.ACCOUNT, sub_account_id=account, team_key=name))
    month(spends())
    make_suggestions(now=NOW, least_precision=0.95)


@pytest.fixture
def staff(finops_lead: User, client_for: ClientFor, world: None) -> Client:
    return client_for(finops_lead)


@pytest.fixture
def lead(team_lead: User, client_for: ClientFor, world: None) -> Client:
    return client_for(team_lead)


def told(scope: Scope) -> list[tuple[str, str, str, Decimal]]:
    rows = suggestions(scope).rows
    return [(row.resource_id, row.key, row.value, row.monthly_cost) for row in rows]


FIND = ("find-web-77", "Environment", "Dev", Decimal(9))
PAY = ("pay-web-77", "Environment", "Prod", Decimal(7))


def test_staff_see_all_dearest_first_and_a_team_what_its_own_resources_taught(world: None) -> None:
    assert told(ALL) == [FIND, PAY]
    assert told(PAYMENTS) == [PAY]
    assert told(Scope.teams(frozenset())) == []


def test_the_confidence_is_worked_out_by_hand_and_never_rounded_up(world: None) -> None:
    # Staff: 80 known cases, all right: 80 ÷ 81.642375 = 0.97988. Payments: 40 ÷ 41.642375 = 0.96056.
    ours, theirs = suggestions(ALL).rows[1], suggestions(PAYMENTS).rows[0]
    assert ours.like_cases == "right in 97 of 100 like cases"
    assert theirs.like_cases == "right in 96 of 100 like cases"
    assert theirs.evidence[0] == "40 of 40 with the same name (pay-web)"


def test_nothing_of_others_changes_what_a_team_is_told(world: None) -> None:
    before = list(TagSuggestion.objects.filter(audience="payments").values_list("value", "confidence", "evidence"))
    month([*spends(), *(Spend("1", tags={"Environment": "Dev"}, account=ACCOUNT["search"], resource=f"pay-web-{n}")
                        for n in range(100, 160))])  # fmt: skip
    make_suggestions(now=NOW, least_precision=0.95)
    mine = TagSuggestion.objects.filter(audience="payments")
    assert list(mine.values_list("value", "confidence", "evidence")) == before


def test_values_the_policy_does_not_allow_teach_nothing(world: None) -> None:
    odd = [Spend("1", tags={"Environment": "Moon"}, resource=f"moon-{number}") for number in range(50)]
    month([*odd, Spend("3", resource="moon-99")], source="other")
    make_suggestions(now=NOW, least_precision=0.95)
    assert "moon-99" not in {row.resource_id for row in suggestions(ALL).rows}


def test_too_few_tagged_resources_are_named_as_the_reason(team: Team) -> None:
    TagKey.objects.exclude(key="Environment").update(is_required=False)
    month([Spend("1", tags={"Environment": "Prod"}, resource="web-1"), Spend("2", resource="web-2")])
    make_suggestions(now=NOW, least_precision=0.95)
    assert suggestions(ALL).why_none.startswith("Too few resources carry Environment")
    assert "None has been made yet" in suggestions(PAYMENTS).why_none


def test_nothing_sure_enough_is_named_as_the_reason(world: None) -> None:
    make_suggestions(now=NOW, least_precision=0.99)
    assert "right often enough" in suggestions(ALL).why_none


def test_accepting_makes_a_dated_virtual_tag_with_its_evidence(world: None, finops_lead: User) -> None:
    row = suggestions(ALL).rows[1]
    assert accept_suggestions(ALL, Chosen((row.ref,), reason="same stem"), author=finops_lead, now=NOW) == 1
    (tag,) = virtual_tags(ALL)
    assert (tag.key, tag.value, tag.from_period, tag.to_period) == ("Environment", "Prod", NOVEMBER, None)
    assert (tag.reason, tag.origin, tag.monthly_cost, tag.state) == ("same stem", "suggestion", Decimal(7), "in force")
    assert tag.evidence[0] == "40 of 40 with the same name (pay-web)"
    assert [(each.key, each.value) for each in virtual_tags_in(NOVEMBER)] == [("Environment", "Prod")]
    assert virtual_tags_in(OCTOBER) == ()
    assert told(PAYMENTS) == []  # nobody is asked again
    make_suggestions(now=NOW, least_precision=0.95)
    assert told(ALL) == [FIND]


def test_a_virtual_tag_begins_and_ends_in_open_months(
    world: None, finops_lead: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(closed, "_closed_months", lambda: frozenset({(NOVEMBER, "USD")}))
    accept_suggestions(ALL, Chosen((suggestions(ALL).rows[0].ref,)), author=finops_lead, now=NOW)
    tag = VirtualTag.objects.get()
    assert str(tag.from_period) == "2025-12-01"
    assert str(end_virtual_tag(ALL, tag.pk, reason="wrong", author=finops_lead, now=NOW)) == "2025-12"
    assert virtual_tags(ALL)[0].state == "ended"
    assert VirtualTag.history.count() == 2


def test_ending_needs_a_reason_and_makes_room_for_another_value(world: None, finops_lead: User) -> None:
    accept_suggestions(ALL, Chosen((suggestions(ALL).rows[0].ref,)), author=finops_lead, now=NOW)
    tag = VirtualTag.objects.get()
    with pytest.raises(InvalidRequestError, match="Say why"):
        end_virtual_tag(ALL, tag.pk, reason=" ", author=finops_lead, now=NOW)
    end_virtual_tag(ALL, tag.pk, reason="wrong", author=finops_lead, now=NOW)
    assert virtual_tags_in(NOVEMBER) == ()
    make_suggestions(now=NOW, least_precision=0.95)
    assert told(ALL) == [FIND, PAY]


def test_a_dismissed_value_does_not_come_back_to_who_dismissed_it(world: None, team_lead: User) -> None:
    led = frozenset({"payments"})
    row = suggestions(PAYMENTS).rows[0]
    assert dismiss_suggestions(PAYMENTS, Chosen((row.ref,)), led=led, author=team_lead, now=NOW) == 1
    make_suggestions(now=NOW, least_precision=0.95)
    assert told(PAYMENTS) == []
    assert PAY in told(ALL)


def test_staff_see_what_a_team_proposes_first_and_accept_it(world: None, team_lead: User, finops_lead: User) -> None:
    row = suggestions(PAYMENTS).rows[0]
    chosen = Chosen((row.ref,), reason="ours")
    assert propose_suggestions(PAYMENTS, chosen, led={"payments"}, author=team_lead, now=NOW) == 1
    assert suggestions(PAYMENTS).rows[0].state == "proposed"
    first = suggestions(ALL).rows[0]
    assert (first.resource_id, first.proposed_by, first.reason) == ("pay-web-77", "Payments", "ours")
    assert accept_suggestions(ALL, Chosen(proposals=(int(first.ref[1:]),)), author=finops_lead, now=NOW) == 1
    tag = VirtualTag.objects.get()
    assert (tag.origin, tag.proposed_by) == ("proposal", "payments")
    assert not SuggestionChoice.objects.exists()


def test_another_teams_suggestion_does_not_exist_for_a_lead_nor_any_for_a_viewer(world: None, team_lead: User) -> None:
    theirs = TagSuggestion.objects.get(audience="search").ref
    mine = TagSuggestion.objects.get(audience="payments").ref
    for decide in (dismiss_suggestions, propose_suggestions):
        with pytest.raises(NotFoundInScopeError):
            decide(PAYMENTS, Chosen((theirs,)), led={"payments"}, author=team_lead, now=NOW)
        with pytest.raises(NotFoundInScopeError):
            decide(PAYMENTS, Chosen((mine,)), led=set(), author=team_lead, now=NOW)
    with pytest.raises(NotFoundInScopeError):
        accept_suggestions(PAYMENTS, Chosen((mine,)), author=team_lead, now=NOW)
    with pytest.raises(NotFoundInScopeError):
        virtual_tags(PAYMENTS)


def test_pages_answer_within_their_budget(
    staff: Client, lead: Client, finops_lead: User, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    accept_suggestions(ALL, Chosen((suggestions(ALL).rows[0].ref,)), author=finops_lead, now=NOW)
    for client, path in (
        (staff, "suggestions/"), (lead, "suggestions/"), (staff, "virtual/"),
        (staff, f"virtual/{VirtualTag.objects.get().pk}/end/"),
    ):  # fmt: skip
        with django_assert_max_num_queries(QUERIES):
            assert client.get(f"/tags/{path}").status_code == 200
    assert "find-web" not in lead.get("/tags/suggestions/").content.decode()


def test_the_page_has_both_ways_to_decide_and_files(staff: Client, lead: Client) -> None:
    page, theirs = (client.get("/tags/suggestions/").content.decode() for client in (staff, lead))
    assert 'value="accept"' in page
    assert 'value="propose"' in theirs
    assert 'value="accept"' not in theirs
    _, rows = file_of(lead.get("/tags/suggestions/?format=csv"))  # type: ignore[arg-type]
    assert [row[0] for row in rows[1:]] == ["pay-web-77"]
    script = lead.post("/tags/suggestions/export/", {"as": "tag-editor"}).content.decode()
    assert "pay-web-77" in script
    assert "find-web" not in script


def test_deciding_on_the_page(staff: Client, lead: Client) -> None:
    theirs = TagSuggestion.objects.get(audience="search").ref
    mine = TagSuggestion.objects.get(audience="payments").ref
    for action in ("accept", "dismiss", "propose"):
        assert lead.post("/tags/suggestions/decide/", {"action": action, "row": theirs}).status_code == 404
    assert lead.post("/tags/suggestions/decide/", {"action": "propose", "row": mine}).status_code == 302
    proposal = SuggestionChoice.objects.get().pk
    assert lead.post("/tags/suggestions/decide/", {"action": "dismiss", "row": f"p{proposal}"}).status_code == 404
    staff.post("/tags/suggestions/decide/", {"action": "accept", "row": f"p{proposal}", "reason": "=1+1"})
    tag = VirtualTag.objects.get()
    assert tag.reason == "=1+1"
    staff.post(f"/tags/virtual/{tag.pk}/end/", {"reason": "mistaken"})
    tag.refresh_from_db()
    assert tag.end_reason == "mistaken"
    for path in ("/tags/virtual/", f"/tags/virtual/{tag.pk}/end/"):
        assert lead.get(path).status_code == 404
    assert staff.get("/tags/virtual/999999/end/").status_code == 404


def test_what_cannot_be_asked_is_said(staff: Client) -> None:
    assert staff.get("/tags/suggestions/?key=Nope").status_code == 400
    assert staff.post("/tags/suggestions/decide/", {"action": "eat"}).status_code == 400
    for refs in ([], ["x1"], ["s1; DROP"], ["s99999999999999999999"]):
        page = staff.post("/tags/suggestions/decide/", {"action": "accept", "row": refs}, follow=True)
        assert page.status_code == 200, refs
        assert not VirtualTag.objects.exists()


def test_the_command_prints_a_table_and_json(world: None, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("suggest_tags")
    assert "Environment=Dev" in capsys.readouterr().out
    call_command("suggest_tags", "--json")
    assert '"monthly_cost": "9"' in capsys.readouterr().out


def test_the_api_lists_and_decides(staff: Client, lead: Client) -> None:
    theirs = lead.get("/api/v1/tag-suggestions/").json()
    assert [row["resource_id"] for row in theirs["results"]] == ["pay-web-77"]
    (mine,) = [row["ref"] for row in theirs["results"]]
    found = staff.get("/api/v1/tag-suggestions/?key=Environment").json()
    assert [row["value"] for row in found["results"]] == ["Dev", "Prod"]
    dearest = found["results"][0]["ref"]

    def decide(client: Client, action: str, ref: str) -> int:
        body = {"action": action, "refs": [ref]}
        return client.post("/api/v1/tag-suggestions/decide/", body, content_type="application/json").status_code

    assert decide(lead, "accept", mine) == 404
    assert decide(lead, "dismiss", dearest) == 404
    assert decide(staff, "eat", dearest) == 400
    assert decide(lead, "dismiss", mine) == 200
    assert decide(staff, "accept", dearest) == 200
    assert VirtualTag.objects.get().value == "Dev"


def test_the_api_lists_page_by_page_as_on_one(staff: Client) -> None:
    whole = [row["ref"] for row in staff.get("/api/v1/tag-suggestions/").json()["results"]]
    seen: list[str] = []
    address = "/api/v1/tag-suggestions/?page_size=1"
    while address:
        answer = staff.get(address)
        assert answer.status_code == 200, answer.content
        seen += [row["ref"] for row in answer.json()["results"]]
        address = answer.json()["next"]
    assert len(whole) > 1
    assert seen == whole


def test_staff_who_decide_twice_are_told_that_it_is_gone(staff: Client, lead: Client) -> None:
    first = staff.get("/api/v1/tag-suggestions/").json()["results"][0]["ref"]
    for says in ("1 virtual tag made", "Nothing was decided: look at the list below"):
        page = staff.post("/tags/suggestions/decide/", {"action": "accept", "row": [first]}, follow=True)
        assert says in page.content.decode()
    assert VirtualTag.objects.count() == 1
    assert lead.post("/tags/suggestions/decide/", {"action": "dismiss", "row": [first]}).status_code == 404
