"""A closed month charges the amounts of one basis: on any other it has no number and nothing is booked."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from io import StringIO
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client

from costs.scope import Scope
from costs.terms import CostMetric
from tagging import selectors
from tagging.documents.pdf import as_data
from tagging.models import Team
from tagging.selectors.closed_basis import usual_basis
from tagging.selectors.documents import statement_document
from tagging.services import CloseStep, RuleInput, close_month, finalise_month, save_rule
from tagging.terms import RuleKind, SplitMethod
from tests.conftest import ClientFor
from tests.tagging import page_world
from tests.tagging.builders import NOVEMBER, OCTOBER, Spend, month

pytestmark = [pytest.mark.django_db, pytest.mark.real_parts]
text_of: Callable[[Any], str] = page_world.text_of  # the test client answers are no HttpResponse to the type checker
STEP = CloseStep("Fiona", datetime(2026, 3, 10, 10, tzinfo=UTC))
PAYMENTS, SEARCH = (Scope.teams(frozenset({key})) for key in ("payments", "search"))
NUMBER, NOT_CHARGED = "2025-payments-001", "not the amounts charged"


@pytest.fixture(autouse=True)
def final_on_effective_cost(team: Team, other_team: Team) -> None:
    """October: payments 10 billed and 8 effective, nobody 2 and 3. Final on effective cost, November open."""
    save_rule(RuleInput(RuleKind.TAG, tag_key="Team", tag_values=("payments",), team_key="payments"))
    tags = {"Team": "payments"}
    month([Spend("10", effective="8", tags=tags), Spend("2", effective="3")], period=OCTOBER)
    month([Spend("5", effective="4", tags=tags)], period=NOVEMBER)
    close_month(OCTOBER, STEP, metric=CostMetric.EFFECTIVE)
    finalise_month(OCTOBER, STEP)


@pytest.fixture
def lead(team_lead: User, client_for: ClientFor) -> Client:
    return client_for(team_lead)


def answer(client: Client, path: str) -> Any:
    return client.get(f"/api/v1/{path}").json()


def test_pages_open_as_charged_and_say_where_they_are_not(
    lead: Client, finops_lead: User, client_for: ClientFor
) -> None:
    charged = text_of(lead.get("/statements/payments/?period=2025-10"))
    assert [text in charged for text in ("$8.00", "Effective cost, as booked", NUMBER)] == [True] * 3
    assert NOT_CHARGED not in charged
    other = text_of(lead.get("/statements/payments/?period=2025-10&basis=billed"))
    assert [text in other for text in ("$10.00", NOT_CHARGED, "Not as charged")] == [True] * 3
    assert [text in other for text in ("as booked", NUMBER, "nothing in it changes")] == [False] * 3
    staff = client_for(finops_lead)
    assert NOT_CHARGED not in text_of(staff.get("/chargeback/?period=2025-10"))
    assert NOT_CHARGED in text_of(staff.get("/chargeback/?period=2025-10&basis=billed"))
    assert "Billed cost" in text_of(staff.get("/chargeback/?period=2025-11"))


def test_documents_on_another_basis_carry_no_number() -> None:
    charged = as_data(statement_document(PAYMENTS, OCTOBER, "payments"))
    assert (charged["number"], charged["total"], charged["charged_on"]) == (NUMBER, "8.00", "")
    other = as_data(statement_document(PAYMENTS, OCTOBER, "payments", metric=CostMetric.BILLED))
    assert (other["number"], other["total"], other["charged_on"]) == ("", "10.00", "effective")


def test_the_api_books_on_the_basis_charged_alone(lead: Client) -> None:
    names = ("basis", "charged_basis", "number", "booked")
    charged = answer(lead, "statements/payments/?period=2025-10")
    assert [charged[name] for name in names] == ["effective", "effective", NUMBER, "8"]
    other = answer(lead, "statements/payments/?period=2025-10&basis=billed")
    assert [other[name] for name in names] == ["billed", "effective", "", None]
    still_open = answer(lead, "statements/payments/?period=2025-11")
    assert [still_open[name] for name in names] == ["billed", "", "", None]
    assert answer(lead, "chargeback/?period=2025-10")["basis"] == "effective"


def test_the_command_opens_as_charged() -> None:
    def run(*words: str) -> str:
        out = StringIO()
        call_command("chargeback", *words, stdout=out)
        return out.getvalue()

    charged = run("2025-10")
    assert "effective cost in USD, final 2025-0001" in charged
    assert NOT_CHARGED not in charged
    for words in (("--basis", "billed"), ("--split-unallocated", "even")):
        told = run("2025-10", *words)
        assert NOT_CHARGED in told
        assert "2025-0001" not in told
    found = json.loads(run("2025-10", "--basis", "billed", "--json"))
    assert (found["basis"], found["charged_basis"], found["is_as_charged"]) == ("billed", "effective", False)


def test_what_was_split_for_a_look_was_not_charged() -> None:
    found = selectors.chargeback(Scope.all(), OCTOBER, metric=CostMetric.EFFECTIVE, split_unallocated=SplitMethod.EVEN)
    assert (found.close.is_as_charged, found.close.number) == (False, "")


def test_who_has_no_part_of_a_month_is_not_told_what_it_was_closed_on() -> None:
    assert usual_basis(Scope.all(), OCTOBER) is CostMetric.EFFECTIVE
    assert usual_basis(PAYMENTS, OCTOBER) is CostMetric.EFFECTIVE
    assert usual_basis(SEARCH, OCTOBER) is CostMetric.BILLED
    assert usual_basis(Scope.all(), NOVEMBER) is CostMetric.BILLED
