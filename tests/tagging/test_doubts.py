"""Costs in doubt: a lead says they are not the team's, the FinOps lead makes a rule of it or says why they stay.

November: payments has Compute 10 and Storage 4 in account 111111111111 and Compute 1 in 222222222222, all tagged
Team=payments; search has 5.
"""

import csv
import io
from decimal import Decimal
from urllib.parse import urlencode

import pytest
from django.contrib.auth.models import User
from django.http import HttpResponse
from django.test import Client
from pytest_django import DjangoAssertNumQueries
from rest_framework.test import APIClient

from costs.scope import Scope
from costs.terms import CostMetric
from tagging.models import AllocationRule, OwnershipDoubt
from tagging.selectors import decisions, statements
from tagging.selectors.doubts import rule_proposal
from tagging.services import RuleInput, save_rule
from tagging.terms import RuleKind
from tests.conftest import ClientFor
from tests.pages import get
from tests.tagging.builders import NOVEMBER, Spend, month
from tests.tagging.page_world import QUERIES, text_of

pytestmark = pytest.mark.django_db
EVERYTHING = Scope.all()
OWN = {"Team": "payments"}


def is_one_of(field: str, *values: str) -> dict[str, object]:
    return {"field": field, "op": "is", "values": list(values)}


THE_CONDITION = {
    "all": [is_one_of("account", "111111111111"), is_one_of("service", "Storage"), is_one_of("tag:Team", "payments")]
}


@pytest.fixture(autouse=True)
def world(team: object, other_team: object) -> None:
    for name in ("payments", "search"):
        save_rule(RuleInput(RuleKind.TAG, tag_key="Team", tag_values=(name,), team_key=name))
    month(
        [
            Spend("10", tags=OWN),
            Spend("4", tags=OWN, service="Storage"),
            Spend("1", tags=OWN, account="222222222222"),
            Spend("5", tags={"Team": "search"}),
        ]
    )


def decision(team_key: str = "payments") -> str:
    [row] = decisions(EVERYTHING, NOVEMBER, team_key=team_key, metric=CostMetric.BILLED).rows
    return row.ref


def page(action: str = "", team_key: str = "payments", **more: str) -> str:
    """The why page of the team's one decision, its Storage alone."""
    wanted = {"period": "2025-11", "service": "Storage", "decision": decision(team_key), **more}
    return f"/why/{team_key}/{action}?{urlencode(wanted)}"


def doubt(client: Client, text: str = "Search keeps its backups here.", **more: str) -> OwnershipDoubt:
    client.post(page("doubt/"), {"text": text, **more})
    return OwnershipDoubt.objects.get()


def owners() -> dict[str, str]:
    found = statements(EVERYTHING, NOVEMBER, metric=CostMetric.BILLED)
    return {row.team_key: format(row.total_cost.normalize(), "f") for row in found.rows}


def test_a_lead_says_what_is_not_the_teams_and_reads_that_it_waits(lead: Client) -> None:
    assert "This is not ours" in text_of(get(lead, page()))
    found = doubt(lead, belongs_to="the search people")
    assert (found.cost, found.rule_text, found.matched_text) == (Decimal(4), "Tag Team is payments", "Team=payments")
    text = text_of(get(lead, page()))
    assert "Search keeps its backups here." in text
    assert "has not answered yet" in text
    assert "This is not ours" not in text
    assert "the search people" in text_of(get(lead, "/disputes/"))
    assert "Make it a rule" not in text_of(get(lead, "/disputes/"))


def test_the_same_costs_are_doubted_once_and_never_without_a_reason(lead: Client) -> None:
    doubt(lead)
    assert "has been told already" in text_of(lead.post(page("doubt/"), {"text": "Again"}, follow=True))  # type: ignore[arg-type]
    lead.post(page("doubt/", service="Compute"), {"text": " "})
    assert OwnershipDoubt.objects.count() == 1


def test_only_leads_of_the_team_and_staff_doubt(viewer: User, other_lead: User, client_for: ClientFor) -> None:
    path = page("doubt/")
    for user in (viewer, other_lead):
        assert client_for(user).post(path, {"text": "Mine"}).status_code == 404
    assert "This is not ours" not in text_of(get(client_for(viewer), page()))
    assert not OwnershipDoubt.objects.exists()


def test_costs_of_another_team_cannot_be_doubted_through_ones_own(lead: Client) -> None:
    lead.post(page("doubt/", decision=decision("search")), {"text": "Whose?"})
    assert not OwnershipDoubt.objects.exists()


def test_staff_get_the_narrowest_rule_over_it(lead: Client, staff: Client) -> None:
    found = doubt(lead)
    proposal = rule_proposal(EVERYTHING, found.pk)
    assert proposal.condition == THE_CONDITION
    text = text_of(get(staff, f"/doubts/{found.pk}/rule/"))
    assert "Payments says this is not theirs" in text
    assert "$4.00" in text


def test_it_becomes_a_rule_before_the_one_that_decided_and_open_months_follow(lead: Client, staff: Client) -> None:
    """Storage's 4 go from payments (15 to 11) to search (5 to 9)."""
    found = doubt(lead)
    path = f"/doubts/{found.pk}/rule/"
    form = get(staff, path).context["form"]  # type: ignore[attr-defined]
    wanted = {"condition": form["condition"].value(), "reason": form["reason"].value(), "team_key": "search"}
    preview = text_of(staff.post(path, {**wanted, "preview": "1"}))  # type: ignore[arg-type]
    assert "−$4.00" in preview
    assert owners() == {"payments": "15", "search": "5"}
    assert staff.post(path, {**wanted, "answer": "You are right."}).status_code == 302
    assert owners() == {"payments": "11", "search": "9"}
    first = AllocationRule.objects.order_by("position")[0]
    found.refresh_from_db()
    assert (found.state, found.rule_id, first.pk) == ("accepted", first.pk, found.rule_id)
    assert first.reason == "Doubted by leo: Search keeps its backups here."
    text = text_of(get(lead, "/disputes/"))
    assert "You are right." in text
    assert "Search 9" not in text
    assert staff.post(path, wanted).status_code == 400  # answered already


def test_it_stays_when_staff_say_why(lead: Client, staff: Client) -> None:
    found = doubt(lead)
    staff.post(f"/doubts/{found.pk}/decline/", {"answer": " "})
    found.refresh_from_db()
    assert found.state == "open"
    staff.post(f"/doubts/{found.pk}/decline/", {"answer": "They carry your tag."})
    text = text_of(get(lead, page()))
    assert "They carry your tag." in text
    assert "This is not ours" in text  # it may be doubted again
    assert owners() == {"payments": "15", "search": "5"}


def test_a_doubt_that_no_cost_stands_behind_any_more_still_opens(lead: Client, staff: Client) -> None:
    found = doubt(lead)
    save_rule(RuleInput(RuleKind.TAG, tag_key="Team", tag_values=("payments",), team_key="search"),
              pk=AllocationRule.objects.get(tag_values=["payments"]).pk)  # fmt: skip
    text = text_of(get(staff, f"/doubts/{found.pk}/rule/"))
    assert "$0.00" in text
    assert "$4.00 when it was doubted" in text
    assert rule_proposal(EVERYTHING, found.pk).condition == THE_CONDITION


def test_accounts_and_services_stand_together_where_not_every_pair_is_doubted(lead: Client) -> None:
    """Compute in two accounts, Storage in one of them: not the other account's Storage."""
    lead.post(f"/why/payments/doubt/?period=2025-11&decision={decision()}", {"text": "None of it"})
    ones = {"all": [is_one_of("account", "111111111111"), is_one_of("service", "Compute", "Storage")]}
    twos = {"all": [is_one_of("account", "222222222222"), is_one_of("service", "Compute")]}
    proposal = rule_proposal(EVERYTHING, OwnershipDoubt.objects.get().pk)
    assert proposal.condition == {"all": [{"any": [ones, twos]}, is_one_of("tag:Team", "payments")]}


def test_answers_are_for_staff(lead: Client) -> None:
    found = doubt(lead)
    for path in (f"/doubts/{found.pk}/rule/", f"/doubts/{found.pk}/decline/"):
        assert lead.post(path, {"answer": "Mine now", "condition": "{}"}).status_code == 404


def test_other_teams_see_nothing_of_it(lead: Client, other_lead: User, client_for: ClientFor) -> None:
    doubt(lead)
    other = client_for(other_lead)
    assert "backups" not in text_of(get(other, "/disputes/"))
    assert other.get("/api/v1/ownership-doubts/").json()["results"] == []


def test_the_api_raises_and_answers(team_lead: User, finops_lead: User) -> None:
    client = APIClient()
    client.force_authenticate(team_lead)
    asked = {"team_key": "payments", "billing_period": "2025-11", "decision": decision(), "service": "Storage"}
    made = client.post("/api/v1/ownership-doubts/", {**asked, "text": "Not ours"}, format="json")
    assert (made.status_code, made.json()["cost"], made.json()["id"]) == (201, "4", 0)
    answer = f"/api/v1/ownership-doubts/{OwnershipDoubt.objects.get().pk}/answer/"
    assert client.post(answer, {"accept": True, "owner_key": "search"}, format="json").status_code in (403, 404)
    client.force_authenticate(finops_lead)
    done = client.post(answer, {"accept": True, "owner_key": "search"}, format="json")
    assert (done.status_code, done.json()["state"]) == (200, "accepted")
    assert owners() == {"payments": "11", "search": "9"}


def test_the_api_lists_doubts_and_disputes_page_by_page(lead: Client, staff: Client) -> None:
    found = doubt(lead)
    found.pk, found.ref = None, "another"
    found.save()
    first = staff.get("/api/v1/ownership-doubts/?page_size=1").json()
    second = staff.get(first["next"]).json()
    assert len(first["results"]) == len(second["results"]) == 1
    assert first["results"] != second["results"]
    assert second["next"] is None


def test_pages_keep_their_query_budget(
    lead: Client, staff: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    found = doubt(lead)
    paths = ((lead, page()), (lead, "/disputes/"), (staff, "/disputes/"), (staff, f"/doubts/{found.pk}/rule/"))
    for client, path in paths:
        with django_assert_max_num_queries(QUERIES + 1):
            assert client.get(path).status_code == 200, path


def test_the_file_of_disputes_holds_what_is_doubted_as_the_page_does(
    lead: Client, staff: Client, other_lead: User, client_for: ClientFor
) -> None:
    """Storage 4 of payments is in doubt, told in a word a spreadsheet would run."""
    doubt(lead, "=1+1", belongs_to="the search people")
    for client in (lead, staff):
        assert "format=csv" in text_of(get(client, "/disputes/"))
        header, row = table_of(get(client, "/disputes/?format=csv"))
        found = dict(zip(header, row, strict=True))
        assert (found["Kind"], found["Month"], found["Team"]) == ("Not theirs", "2025-11", "Payments")
        assert found["Line"] == "Tag Team is payments (Team=payments) · service Storage"
        assert (found["Amount"], found["Currency"], found["Basis"]) == ("4", "USD", "billed")
        assert (found["State"], found["What is wrong"]) == ("open", "'=1+1")
        assert (found["Whose it is"], found["Answer"], found["Answered at"]) == ("the search people", "", "")
        assert found["Raised by"]
        assert get(client, "/disputes/?format=xlsx").status_code == 200
    other = client_for(other_lead)
    assert len(table_of(get(other, "/disputes/?format=csv"))) == 1  # the header alone
    assert "Storage" not in text_of(get(other, "/disputes/"))


def test_an_answer_to_what_is_doubted_is_in_the_file_its_author_for_staff_alone(
    lead: Client, staff: Client, finops_lead: User
) -> None:
    staff.post(f"/doubts/{doubt(lead).pk}/decline/", {"answer": "It is yours."})
    for client, by in ((lead, ""), (staff, finops_lead.username)):
        header, row = table_of(get(client, "/disputes/?format=csv"))
        found = dict(zip(header, row, strict=True))
        assert (found["State"], found["Answer"], found["Answered by"]) == ("rejected", "It is yours.", by)
        assert found["Answered at"]


def table_of(response: HttpResponse) -> list[list[str]]:
    """The rows of a CSV file without a head."""
    text = b"".join(response.streaming_content).decode()  # type: ignore[attr-defined]
    return list(csv.reader(io.StringIO(text)))
