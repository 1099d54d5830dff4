"""Disputes outlive the version of the close they were raised on: they stay listed, and hold up `final`."""

from datetime import UTC, datetime
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from costs.errors import InvalidRequestError
from costs.models import BillImport
from costs.scope import Scope
from costs.terms import CostMetric
from tagging import selectors, services
from tagging.models import Dispute, Team
from tagging.selectors.disputes import disputes, open_disputes
from tagging.selectors.month_end_view import month_end
from tagging.services import CloseRefusedError, CloseStep, RuleInput, close_month, finalise_month, reopen_month
from tagging.terms import RuleKind
from tests.conftest import ClientFor
from tests.tagging import page_world
from tests.tagging.builders import OCTOBER, Spend, month

pytestmark = [pytest.mark.django_db, pytest.mark.real_parts]
NOW = datetime(2026, 3, 10, 10, tzinfo=UTC)
STEP = CloseStep("Fiona", NOW)
AGAIN = CloseStep("Fiona", NOW, "wrong rule")
PAY, SEARCH = {"Team": "payments"}, {"Team": "search"}
OWN = Scope.teams(frozenset({"payments"}))
OTHER = Scope.teams(frozenset({"search"}))
OPEN = "Raised on version 1, which was reopened. The month is open."
KEPT = "Raised on version 1, which was reopened. Version 2 has this line, too."
GONE = "Raised on version 1, which was reopened. Version 2 has no such line any more."


@pytest.fixture(autouse=True)
def disputed(team: Team, other_team: Team, team_lead: User) -> Dispute:
    """October closes on payments' Compute 10 and search's 5; payments' lead disputes Compute."""
    for key in ("payments", "search"):
        services.save_rule(RuleInput(RuleKind.TAG, tag_key="Team", tag_values=(key,), team_key=key))
    month([Spend("10", tags=PAY), Spend("5", tags=SEARCH)], period=OCTOBER)
    close_month(OCTOBER, STEP, metric=CostMetric.BILLED)
    dispute(team_lead)
    return Dispute.objects.get()


def dispute(by: User) -> None:
    found = selectors.statement(OWN, OCTOBER, "payments", metric=CostMetric.BILLED)
    doubt = services.Doubt("payments", OCTOBER, "USD", found.lines[0].ref, "not ours")
    services.raise_dispute(OWN, doubt, by=by, now=NOW)


def close_again(*spends: Spend) -> None:
    """October comes again with these, and closes as version 2."""
    BillImport.objects.update(state="replaced")
    month(spends, period=OCTOBER)
    close_month(OCTOBER, STEP, metric=CostMetric.BILLED)


def text_of(found: Any) -> str:
    assert found.status_code == 200
    return page_world.text_of(found)


def test_an_open_dispute_stays_listed_and_holds_up_final_of_the_next_version(
    finops_lead: User, disputed: Dispute
) -> None:
    reopen_month(OCTOBER, AGAIN)
    for scope in (Scope.all(), OWN):
        (row,) = disputes(scope)
        assert (row.state, row.version, row.standing) == ("open", 1, OPEN)
    assert disputes(OTHER) == ()
    assert open_disputes(OCTOBER, "USD") == 1
    close_again(Spend("10", tags=PAY), Spend("5", tags=SEARCH))
    assert month_end(Scope.all(), OCTOBER, today=NOW.date()).open_disputes == 1
    assert [row.standing for row in disputes(OWN)] == [KEPT]
    with pytest.raises(CloseRefusedError, match="1 line is in dispute"):
        finalise_month(OCTOBER, STEP)
    services.answer_dispute(disputed.pk, accept=True, answer="Put right.", by=finops_lead, now=NOW)
    finalise_month(OCTOBER, STEP)
    (row,) = disputes(OWN)
    assert (row.state, row.answer, row.version, row.standing) == ("accepted", "Put right.", 1, KEPT)


def test_it_says_where_the_next_version_has_no_such_line() -> None:
    """Compute is now search's; payments has Storage only, and then nothing at all."""
    reopen_month(OCTOBER, AGAIN)
    close_again(Spend("1", tags=PAY, service="Storage"), Spend("14", tags=SEARCH))
    assert [row.standing for row in disputes(OWN)] == [GONE]
    reopen_month(OCTOBER, AGAIN)
    close_again(Spend("15", tags=SEARCH))
    assert [row.standing for row in disputes(OWN)] == [GONE.replace("Version 2", "Version 3")]


def test_a_line_that_waits_for_an_answer_is_not_disputed_twice_on_the_next_version(team_lead: User) -> None:
    reopen_month(OCTOBER, AGAIN)
    close_again(Spend("12", tags=PAY), Spend("5", tags=SEARCH))
    with pytest.raises(InvalidRequestError, match="in dispute already"):
        dispute(team_lead)
    reopen_month(OCTOBER, AGAIN)
    close_again(Spend("12", tags=PAY, service="Storage"))
    dispute(team_lead)
    assert open_disputes(OCTOBER, "USD") == 2


def test_pages_files_and_api_show_it_while_the_month_is_open(
    finops_lead: User, team_lead: User, other_lead: User, client_for: ClientFor
) -> None:
    staff, lead, other = (client_for(user) for user in (finops_lead, team_lead, other_lead))
    warned = text_of(staff.get("/close/2025-10/reopen/"))
    assert "1 line of this month is in dispute" in warned
    reopen_month(OCTOBER, AGAIN)
    for client in (staff, lead):
        for path in ("/disputes/", "/disputes/?format=csv", "/statements/payments/?period=2025-10"):
            assert "not ours" in body_of(client, path), path
            assert OPEN in body_of(client, path), path
        (row,) = client.get("/api/v1/disputes/").json()["results"]
        assert (row["state"], row["version"], row["standing"]) == ("open", 1, OPEN)
    assert "not ours" not in body_of(other, "/disputes/")
    assert other.get("/api/v1/disputes/").json()["results"] == []
    assert "1 line wait" in text_of(staff.get("/chargeback/?period=2025-10"))
    assert "1 line in dispute" in text_of(staff.get("/close/?period=2025-10"))
    assert staff.get("/api/v1/closes/2025-10/").json()["open_disputes"] == 1


def body_of(client: Client, path: str) -> str:
    found = client.get(path)
    assert found.status_code == 200
    return found.getvalue().decode()
