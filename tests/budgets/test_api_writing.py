"""Budgets made and changed and alerts acknowledged over the API: the rights of the pages, one shape of errors."""

from datetime import date
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import User
from django.test import Client

from budgets.models import Alert, Budget
from tagging.middleware import VIEW_AS_SESSION_KEY
from tests.finops_site.api_world import Api

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("mid_november")]
OPEN = "payments-monthly-2025-11-forecast-100"
WANTED = {"name": "Search, monthly", "scope_kind": "team", "scope_key": "search", "amount": "100.00"}

STEP = {"kind": "forecast", "percent": "90", "severity": "critical", "recipients": ["otto@example.com"]}


def test_staff_make_a_budget_that_is_evaluated_at_once(staff: Api, finops_lead: User) -> None:
    response = staff.send("budgets/", WANTED)
    assert response.status_code == 201, response.content
    made = response.json()
    assert (made["key"], made["actual_cost"], made["planned_amount"]) == ("search-monthly", "56", "100")
    assert (made["cadence"], made["basis"], made["left_out"]) == ("monthly", "effective", ["credits", "refunds", "tax"])
    assert [step["percent"] for step in made["thresholds"]] == ["50", "80", "100", "100"]
    assert made == staff.get("budgets/search-monthly/").json()
    assert Budget.objects.get(key="search-monthly").created_by == finops_lead
    assert Alert.objects.filter(budget__key="search-monthly", kind="actual", percent=50).exists()


def test_every_field_of_a_budget_can_be_given(staff: Api, other_lead: User) -> None:
    given = {
        **WANTED,
        "cadence": "quarterly",
        "currency": "USD",
        "basis": "billed",
        "left_out": ["tax"],
        "starts_on": "2025-11-20",
        "is_active": False,
        "owner_username": "otto",
        "thresholds": [STEP],
        "planned": [{"period_start": "2026-01-01", "amount": "300"}],
    }  # fmt: skip
    made = staff.send("budgets/", given).json()
    assert (made["cadence"], made["basis"], made["left_out"], made["starts_on"]) == (
        "quarterly",
        "billed",
        ["tax"],
        "2025-10-01",
    )
    assert (made["is_active"], made["owner"]) == (False, "Otto")
    assert made["thresholds"] == [STEP]
    assert made["planned"] == [{"period_start": "2026-01-01", "amount": "300"}]


def test_a_change_leaves_what_it_does_not_name(staff: Api) -> None:
    before = staff.get("budgets/payments-monthly/").json()
    changed = staff.send("budgets/payments-monthly/", {"amount": "500", "name": "Roomier"}, method="patch")
    assert changed.status_code == 200, changed.content
    after = changed.json()
    figures = ("name", "amount", "planned_amount", "overrun")
    assert [after[name] for name in figures] == ["Roomier", "500", "500", "-200"]
    for name in ("key", "thresholds", "left_out", "starts_on", "cadence", "scope_key", "is_active"):
        assert after[name] == before[name]


def test_a_budget_is_taken_out_of_use_and_its_steps_are_replaced_whole(staff: Api) -> None:
    steps = [{"kind": "actual", "percent": "75"}]
    after = staff.send("budgets/everything/", {"is_active": False, "thresholds": steps}, method="patch").json()
    assert after["is_active"] is False
    assert after["thresholds"] == [{"kind": "actual", "percent": "75", "severity": "warning", "recipients": []}]


def test_a_change_in_a_later_month_does_not_forget_the_first_period(staff: Api) -> None:
    with time_machine.travel(date(2026, 2, 3), tick=False):
        after = staff.send("budgets/payments-monthly/", {"amount": "260"}, method="patch").json()
    assert after["starts_on"] == "2025-11-01"


@pytest.mark.parametrize(
    ("change", "field", "text"),
    [
        ({"amount": "-1"}, "amount", "greater than or equal to 0"),
        ({"amount": "much"}, "amount", "valid number"),
        ({"ammount": "1"}, "ammount", "not known here. Known: name, amount"),
        ({"name": ""}, "name", "blank"),
        ({"scope_kind": "planet"}, "scope_kind", "not a valid choice"),
        ({"scope_key": "nobody"}, "", "There is no team 'nobody'."),
        ({"scope_key": ""}, "", "Say which team the budget is for."),
        ({"thresholds": [{"percent": "0"}]}, "", "above 0 %"),
        ({"thresholds": [{"percent": "80"}, {"percent": "80.00"}]}, "", "Two steps are the same"),
        ({"thresholds": [{"percent": "80", "recipients": ["leo@example.com"]}]}, "", "cannot open this budget"),
        ({"owner_username": "ghost"}, "", "There is no user 'ghost'."),
        ({"currency": "dollars"}, "currency", "does not match"),
    ],
)
def test_what_cannot_be_a_budget_is_refused_in_the_one_shape(
    change: dict[str, Any], field: str, text: str, staff: Api, team_lead: User
) -> None:
    response = staff.send("budgets/", {**WANTED, **change})
    assert response.status_code == 400
    error = response.json()["error"]
    assert (error["code"], list(error["fields"])) == ("invalid", [field] if field else [])
    assert text in error["message"]
    assert Budget.objects.count() == 2


@pytest.mark.parametrize("body", [[], "x", {}, {"scope_key": "search"}, {"cadence": "annual"}, {"thresholds": [{}]}])
def test_a_change_of_nothing_or_of_what_a_budget_is_for_is_refused(body: Any, staff: Api) -> None:
    response = staff.send("budgets/payments-monthly/", body, method="patch")
    assert response.status_code == 400
    assert response.json()["error"]["code"] == "invalid"


def test_teams_make_and_change_no_budgets_whether_it_is_theirs_or_not(lead: Api) -> None:
    keys = ("payments-monthly", "everything", "x")
    changes = [lead.send(f"budgets/{key}/", {"amount": "1"}, method="patch") for key in keys]
    answers = [lead.send("budgets/", WANTED), *changes]
    assert {answer.status_code for answer in answers} == {404}
    assert len({answer.content for answer in answers}) == 1
    assert Budget.objects.get(key="payments-monthly").amount == 250


def test_a_lead_acknowledges_an_alert_of_the_own_team_and_the_first_stays(staff: Api, lead: Api) -> None:
    answer = lead.send(f"alerts/{OPEN}/acknowledge/", {"note": "Talked to Ann."})
    assert answer.status_code == 200, answer.content
    assert (answer.json()["acknowledged_by"], answer.json()["note"]) == ("Leo", "Talked to Ann.")
    again = staff.send(f"alerts/{OPEN}/acknowledge/", {"note": "Me too."})
    assert (again.status_code, again.json()["acknowledged_by"], again.json()["note"]) == (200, "Leo", "Talked to Ann.")
    # the step told with it is taken on with it
    assert not Alert.objects.filter(budget__key="payments-monthly", acknowledged_at=None).exists()


def test_staff_acknowledge_every_alert(staff: Api) -> None:
    assert staff.send("alerts/everything-2025-11-forecast-100/acknowledge/").json()["acknowledged_by"] == "Fiona"


def test_viewers_other_teams_and_strangers_acknowledge_nothing(viewer: User, other_lead: User, lead: Api) -> None:
    answers = [
        Api(viewer).send(f"alerts/{OPEN}/acknowledge/"),
        Api(other_lead).send(f"alerts/{OPEN}/acknowledge/"),
        lead.send("alerts/everything-2025-11-forecast-100/acknowledge/"),
        lead.send("alerts/no-such-alert/acknowledge/"),
    ]
    assert {answer.status_code for answer in answers} == {404}
    assert len({answer.content for answer in answers}) == 1
    assert not Alert.objects.exclude(acknowledged_at=None).exists()


def test_nothing_is_written_while_staff_view_as_a_lead(finops_lead: User, team_lead: User) -> None:
    client = Client()
    client.force_login(finops_lead)
    session = client.session
    session[VIEW_AS_SESSION_KEY] = team_lead.pk
    session.save()
    for method, path in (
        ("post", "budgets/"),
        ("patch", "budgets/payments-monthly/"),
        ("post", f"alerts/{OPEN}/acknowledge/"),
        ("post", "commitments/recommendations/"),
        ("post", "commitments/price-books/"),
    ):
        assert getattr(client, method)(f"/api/v1/{path}", "{}", content_type="application/json").status_code == 403
    assert not Alert.objects.exclude(acknowledged_at=None).exists()


def test_addresses_take_no_other_methods_and_no_other_bodies(staff: Api) -> None:
    assert staff.get(f"alerts/{OPEN}/acknowledge/").status_code == 405
    assert staff.send("budgets/payments-monthly/", {}, method="put").status_code == 405
    assert staff.post("budgets/", {"name": "x"}).status_code == 415
    broken = staff.client.post(
        "/api/v1/budgets/", "{", content_type="application/json", headers=staff.headers({})
    )  # fmt: skip
    assert (broken.status_code, broken.json()["error"]["code"]) == (400, "invalid")


def test_what_a_write_answers_is_json_whatever_was_asked_for(staff: Api) -> None:
    response = staff.send("budgets/", WANTED, accept="text/csv")
    assert (response.status_code, response["Content-Type"]) == (201, "application/json")
