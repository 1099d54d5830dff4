"""The close through the API and the command: steps, lists, disputes; who may not."""

import json
from datetime import UTC, datetime
from io import StringIO
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.test import Client

from tagging.models import Team
from tagging.services import RuleInput, save_rule
from tagging.terms import RuleKind
from tests.conftest import ClientFor
from tests.tagging.builders import OCTOBER, Spend, month

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 3, 10, 10, tzinfo=UTC)


@pytest.fixture(autouse=True)
def october(team: Team, other_team: Team) -> None:
    for key in ("payments", "search"):
        save_rule(RuleInput(RuleKind.TAG, tag_key="Team", tag_values=(key,), team_key=key))
    month([Spend("10", tags={"Team": "payments"}), Spend("5", tags={"Team": "search"}), Spend("2")], period=OCTOBER)


def post(client: Client, path: str, **body: Any) -> Any:
    return client.post(f"/api/v1/{path}", json.dumps(body), content_type="application/json")


def run(*words: str) -> Any:
    out = StringIO()
    call_command("close_month", "2025-10", *words, "--json", stdout=out)
    return json.loads(out.getvalue())


def test_steps_lists_and_disputes(finops_lead: User, team_lead: User, client_for: ClientFor) -> None:
    staff, lead = client_for(finops_lead), client_for(team_lead)
    assert staff.get("/api/v1/closes/2025-10/").json()["state"] == "open"
    closed = post(staff, "closes/2025-10/close/").json()
    assert (closed["state"], closed["bill_total"], closed["unallocated_booked"]) == ("closed", "17", "2")
    statement = lead.get("/api/v1/statements/payments/?period=2025-10").json()
    assert (statement["state"], statement["bill_version"]) == ("closed", "")
    ref = statement["results"][0]["ref"]
    doubt = {"team_key": "payments", "billing_period": "2025-10", "line_ref": ref, "text": "not ours"}
    assert post(lead, "disputes/", **doubt).status_code == 201
    assert post(lead, "disputes/", **{**doubt, "team_key": "search"}).status_code == 404
    assert lead.get("/api/v1/disputes/").json()["results"][0]["id"] == 0
    pk = staff.get("/api/v1/disputes/").json()["results"][0]["id"]
    assert post(lead, f"disputes/{pk}/answer/", answer="x").status_code == 404
    assert post(staff, "closes/2025-10/final/").status_code == 400
    assert post(staff, f"disputes/{pk}/answer/", answer="it is", accept=False).json()["state"] == "rejected"
    assert post(staff, "closes/2025-10/final/").json()["number"] == "2025-0001"
    assert post(staff, "closes/2025-10/reopen/").status_code == 400
    assert staff.get("/api/v1/closes/").json()["results"][0]["state"] == "final"
    assert staff.get("/api/v1/adjustments/").json()["results"] == []
    for path in ("closes/", "closes/2025-10/", "adjustments/"):
        assert lead.get(f"/api/v1/{path}").status_code == 404, path
    assert post(lead, "closes/2025-10/reopen/", reason="x").status_code == 404


def test_the_command_takes_every_step_and_refuses_with_one_line() -> None:
    preview = run("--step", "preview")
    assert (preview["state"], preview["bill_total"], preview["difference"]) == ("open", "17", "0")
    with pytest.raises(CommandError, match="has to be closed before it can be final"):
        run("--step", "final")
    closed = run("--step", "close")
    assert [(row["owner"], row["booked"]) for row in closed["rows"]] == [("Payments", "10.00"), ("Search", "5.00")]
    assert run("--step", "final")["number"] == "2025-0001"
    with pytest.raises(CommandError, match="needs a reason"):
        run("--step", "reopen")
    assert run("--step", "reopen", "--reason", "wrong rule")["state"] == "open"
    again = run("--step", "close")
    assert (again["version"], [event["what"] for event in again["events"]]) == (
        2, ["closed", "reopened", "final", "closed"],
    )  # fmt: skip
