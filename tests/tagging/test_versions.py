"""Versions of a month that were reopened: still there to read, in every form, and whether their hashes hold."""

import io
import json
from datetime import UTC, datetime
from io import StringIO
from typing import Any

import pypdf
import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.test import Client

from costs.errors import NotFoundInScopeError
from costs.models import BillImport
from costs.money import plain
from costs.scope import Scope
from costs.terms import CostMetric
from tagging import selectors
from tagging.models import Close, Statement, StatementLine, Team
from tagging.services import CloseStep, RuleInput, close_month, finalise_month, reopen_month, save_rule
from tagging.services.close_hashes import verify_month
from tagging.terms import RuleKind
from tests.conftest import ClientFor
from tests.tagging.builders import OCTOBER, Spend, month

pytestmark = [pytest.mark.django_db, pytest.mark.real_parts]
NOW = datetime(2026, 3, 10, 10, tzinfo=UTC)
STEP = CloseStep("Fiona", NOW)
PAY, SEARCH = {"Team": "payments"}, {"Team": "search"}
PAGE = "/statements/payments/?period=2025-10"
API = "/api/v1/statements/payments/?period=2025-10"
PDF = "/statements/payments/pdf/?period=2025-10"
OPEN = "Version 1, reopened on 10 March 2026; there is no later version of it"
REPLACED = "Version 1, reopened on 10 March 2026; replaced by version 2"


@pytest.fixture(autouse=True)
def reopened(team: Team, other_team: Team) -> None:
    """October becomes final as 2025-payments-001 with payments 10 and search 5, and is reopened."""
    for key in ("payments", "search"):
        save_rule(RuleInput(RuleKind.TAG, tag_key="Team", tag_values=(key,), team_key=key))
    month([Spend("10", tags=PAY), Spend("5", tags=SEARCH, service="Hush")], period=OCTOBER)
    close_month(OCTOBER, STEP, metric=CostMetric.BILLED)
    finalise_month(OCTOBER, STEP)
    reopen_month(OCTOBER, CloseStep("Fiona", NOW, "wrong rule"))


def close_again(*spends: Spend) -> None:
    BillImport.objects.update(state="replaced")
    month(spends, period=OCTOBER)
    close_month(OCTOBER, STEP, metric=CostMetric.BILLED)


def body_of(client: Client, path: str) -> str:
    found: Any = client.get(path)
    assert found.status_code == 200, path
    return str(found.getvalue().decode())


def pdf_text(client: Client, path: str) -> str:
    found: Any = client.get(path)
    assert found.status_code == 200, path
    text = "".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(found.content)).pages)
    return " ".join(text.split())


def test_a_numbered_statement_opens_while_its_month_is_open_again(
    finops_lead: User, team_lead: User, client_for: ClientFor
) -> None:
    for client in (client_for(finops_lead), client_for(team_lead)):
        page = body_of(client, f"{PAGE}&version=1")
        assert OPEN in page
        assert "2025-payments-001" in page
        assert "Why is this mine?" not in page
        assert "version=1" in body_of(client, PAGE)  # the list of versions leads there
        assert OPEN in body_of(client, f"{PAGE}&version=1&format=csv")
        text = pdf_text(client, f"{PDF}&version=1")
        assert OPEN in text
        assert "REOPENED, COUNTS NO MORE" in text
        assert "2025-payments-001" in text
        found = client.get(f"{API}&version=1").json()
        assert (found["state"], found["version"], found["number"]) == ("reopened", 1, "2025-payments-001")
        assert (found["replaced_by"], found["booked"]) == (0, "10")
        assert found["reopened_at"].startswith("2026-03-10T10:00")
        assert client.get(f"{PAGE}&version=1&format=xlsx").status_code == 200
    assert client_for(team_lead).get(PDF).status_code == 404


def test_an_old_version_keeps_its_figures_and_names_what_replaced_it(team_lead: User, client_for: ClientFor) -> None:
    """Version 1: 10. The month comes again with 12, which is version 2."""
    client = client_for(team_lead)
    close_again(Spend("12", tags=PAY), Spend("5", tags=SEARCH, service="Hush"))
    totals = {name: client.get(f"{API}{more}").json() for name, more in
              (("1", "&version=1"), ("2", "&version=2"), ("now", ""))}  # fmt: skip
    assert {name: found["booked"] for name, found in totals.items()} == {"1": "10", "2": "12", "now": "12"}
    assert {name: found["state"] for name, found in totals.items()} == {"1": "reopened", "2": "closed", "now": "closed"}
    assert totals["1"]["results"][0]["cost"] == "10"
    assert totals["1"]["pending_adjustment"] == "0"
    page = body_of(client, f"{PAGE}&version=1")
    assert REPLACED in page
    assert "Hush" not in page
    assert "lines/?" not in page.split("<main", 1)[-1]
    assert "Dispute" not in page.split("<thead", 1)[-1].split("</thead>", 1)[0]
    text = body_of(client, PAGE)
    assert "Version 2" in text
    assert "number 2025-payments-001" in text
    assert "counts no more" not in text


def test_an_unknown_version_and_one_of_others_are_not_there(
    finops_lead: User, team_lead: User, other_lead: User, client_for: ClientFor
) -> None:
    """Version 2 has no statement of payments: nothing was left of it."""
    close_again(Spend("15", tags=SEARCH))
    staff, lead, other = (client_for(user) for user in (finops_lead, team_lead, other_lead))
    for path in (PAGE, API, PDF):
        for version in ("0", "2", "3", "99999", "4" * 30):
            for client in (staff, lead):
                assert client.get(f"{path}&version={version}").status_code == 404, (path, version)
        assert lead.get(f"{path}&version=x").status_code == 400
        assert other.get(f"{path}&version=1").status_code == 404
        assert lead.get(f"{path}&version=1").status_code == 200
    # that the month was closed again without payments is not told
    assert OPEN in body_of(lead, f"{PAGE}&version=1")
    own = Scope.teams(frozenset({"search"}))
    with pytest.raises(NotFoundInScopeError):
        selectors.statement(own, OCTOBER, "payments", metric=CostMetric.BILLED, version=1)


def test_the_close_page_and_its_endpoint_open_every_version(finops_lead: User, client_for: ClientFor) -> None:
    staff = client_for(finops_lead)
    close_again(Spend("12", tags=PAY), Spend("5", tags=SEARCH, service="Hush"))
    page = body_of(staff, "/close/?period=2025-10&version=1")
    assert REPLACED.replace(";", " for: wrong rule;") in page
    assert "/statements/payments/?period=2025-10&amp;basis=billed&amp;version=1" in page
    assert "Reopen the month" not in page
    assert "Version 1, number 2025-0001" in body_of(staff, "/close/?period=2025-10")
    found = staff.get("/api/v1/closes/2025-10/?version=1").json()
    assert (found["state"], found["number"], found["bill_total"]) == ("reopened", "2025-0001", "15")
    assert found["superseded"] == REPLACED.replace(";", " for: wrong rule;")
    assert staff.get("/api/v1/closes/2025-10/?version=3").status_code == 404
    assert staff.get("/close/?period=2025-10&version=3").status_code == 404


def test_hashes_of_every_version_are_verified(finops_lead: User, client_for: ClientFor) -> None:
    close_again(Spend("12", tags=PAY), Spend("5", tags=SEARCH, service="Hush"))
    out = StringIO()
    call_command("close_month", "2025-10", "--verify", stdout=out)
    assert out.getvalue().splitlines() == [
        "Version 2 (closed): all hashes hold, 2 statements",
        "Version 1 (reopened): all hashes hold, 2 statements",
    ]
    page = body_of(client_for(finops_lead), "/close/?period=2025-10&verify=yes")
    assert page.count("every hash of its 2 statements is that of the close") == 2


@pytest.mark.parametrize(
    ("change", "faults"),
    [
        (
            lambda: StatementLine.objects.filter(statement__close__version=1, service_name="Compute").update(
                service_name="Computer"
            ),
            [
                "Statement of Payments, number 2025-payments-001: its lines are not those that were hashed.",
                "The hash of the whole version does not hold.",
            ],
        ),
        (
            lambda: Statement.objects.filter(close__version=1, owner_key="payments").update(billed_cost=11),
            ["Statement of Payments, number 2025-payments-001: its total is not the sum of its lines (billed_cost)."],
        ),
        (
            lambda: Close.objects.filter(version=1).update(data_hash="0" * 64),
            ["The hash of the whole version does not hold."],
        ),
    ],
)
def test_a_stored_row_that_was_changed_is_named(
    finops_lead: User, client_for: ClientFor, change: Any, faults: list[str]
) -> None:
    assert change() == 1
    (found,) = verify_month(Scope.all(), OCTOBER, "USD")
    assert list(found.faults) == faults
    out = StringIO()
    with pytest.raises(CommandError, match="were changed since") as raised:
        call_command("close_month", "2025-10", "--verify", "--json", stdout=out)
    assert raised.value.returncode == 1
    told = json.loads(out.getvalue())["versions"]
    assert [(item["version"], item["holds"], item["faults"]) for item in told] == [(1, False, faults)]
    assert faults[0] in body_of(client_for(finops_lead), "/close/?period=2025-10&verify=yes")


def test_a_month_that_was_never_closed_has_nothing_to_verify() -> None:
    with pytest.raises(CommandError, match="never closed"):
        call_command("close_month", "2025-09", "--verify", "--currency", "USD")


def test_a_statement_that_was_charged_once_is_still_found_by_its_number() -> None:
    number = Statement.objects.get(owner_key="payments").number
    assert number == "2025-payments-001"
    found = selectors.statement(
        Scope.teams(frozenset({"payments"})), OCTOBER, "payments", metric=CostMetric.BILLED, version=1
    )
    assert (found.close.number, plain(found.summary.total_cost)) == (number, "10")


def test_why_a_version_was_reopened_is_told_to_staff_alone(
    finops_lead: User, team_lead: User, client_for: ClientFor
) -> None:
    """It is a text by FinOps staff, and may name other teams."""
    why = ": wrong rule"
    assert why in body_of(client_for(finops_lead), PAGE)
    lead = client_for(team_lead)
    for path in (PAGE, f"{PAGE}&version=1", f"{PAGE}&version=1&format=csv", f"{API}&version=1"):
        assert "wrong rule" not in body_of(lead, path), path
    assert "wrong rule" not in pdf_text(lead, f"{PDF}&version=1")
