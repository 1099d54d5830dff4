"""Pages of budgets and alerts: for staff, for a team's lead and viewer, and not for others."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import User
from django.http import HttpResponse
from django.test import Client
from pytest_django import DjangoAssertNumQueries
from pytest_django.fixtures import Settings

from budgets import selectors
from budgets.models import Alert, Budget, Threshold
from budgets.terms import ScopeKind
from costs.scope import Scope
from tagging.models import Team
from tests.budgets.world import evaluate, make_budget, make_rules, november, october
from tests.conftest import ClientFor
from tests.tagging.page_world import QUERIES, file_of, text_of

pytestmark = pytest.mark.django_db
FORM = {
    "name": "Storage",
    "scope": "service:Storage",
    "cadence": "monthly",
    "amount": "100",
    "planned": "2025-12 120",
    "currency": "USD",
    "metric": "effective",
    "owner": "",
    "steps-TOTAL_FORMS": "2",
    "steps-INITIAL_FORMS": "0",
    "steps-0-percent": "75",
    "steps-0-kind": "actual",
    "steps-0-severity": "critical",
    "steps-0-recipients": "list@example.org",
    "steps-1-percent": "",
}


@pytest.fixture(autouse=True)
def _world(team: Team, other_team: Team) -> Any:
    make_rules()
    october()
    november(14)
    with time_machine.travel(date(2025, 11, 15), tick=False):
        yield


@pytest.fixture
def budgets(finops_lead: User) -> None:
    """Payments is heading over its 250; search (4 a day, 120 expected) is not; the whole bill is."""
    make_budget(owner="fiona")
    make_budget(key="search", amount="200", name="Search secret")
    make_budget(ScopeKind.TOTAL, "", amount="400", name="Everything")
    evaluate(15)


@pytest.fixture
def staff(finops_lead: User, client_for: ClientFor) -> Client:
    return client_for(finops_lead)


@pytest.fixture
def lead(team_lead: User, client_for: ClientFor) -> Client:
    return client_for(team_lead)


def get(client: Client, path: str) -> HttpResponse:
    response: HttpResponse = client.get(path)  # type: ignore[assignment]
    return response


def test_budgets_show_first_what_needs_a_decision_by_projected_overrun(budgets: None, staff: Client) -> None:
    # payments: 300 expected of 250; all: 434 − 14 = 420 of 400; search: 120 of 200
    _, rows = file_of(get(staff, "/budgets/?format=csv&table=decisions"))
    over = rows[0].index("Over plan by")
    assert [(row[0], row[over]) for row in rows[1:]] == [("Monthly", "50"), ("Everything", "20")]
    text = text_of(get(staff, "/budgets/"))
    assert text.index("Needs a decision today") < text.index("All budgets")
    for part in ("+$50.00", "Fiona", "26 Nov 2025"):
        assert part in text


def test_all_budgets_are_in_the_export_with_their_figures(budgets: None, staff: Client) -> None:
    _, rows = file_of(get(staff, "/budgets/?format=csv"))
    found = {row[0]: dict(zip(rows[0], row, strict=True)) for row in rows[1:]}
    assert found["Search secret"]["Spent"] == "56"
    assert found["Search secret"]["Over plan by"] == "-80"
    assert found["Search secret"]["State"] == "on_track"


def test_budget_page_shows_burn_down_causes_steps_alerts_and_history(budgets: None, staff: Client) -> None:
    text = text_of(get(staff, "/budgets/payments-monthly/"))
    for part in (
        "Expected in November 2025",
        "$300.00",
        "$140.00",
        "burn-band",
        "Runs out",
        "100 % expected",
        "October",
    ):
        assert part in text
    head, rows = file_of(get(staff, "/budgets/payments-monthly/?format=csv"))
    assert head["Basis"] == "Effective cost without credits, refunds, tax"
    assert rows[1] == ["October 2025", "310", "250", "60", "0.24"]


def test_team_lead_sees_own_budgets_and_nothing_of_others(budgets: None, lead: Client) -> None:
    text = text_of(get(lead, "/budgets/"))
    assert "Monthly" in text
    for hidden in ("Search secret", "Everything", "Make a budget", "Start from what is spent"):
        assert hidden not in text
    assert get(lead, "/budgets/payments-monthly/").status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        "/budgets/search-secret/",
        "/budgets/everything/",
        "/budgets/no-such/",
        "/budgets/new/",
        "/budgets/payments-monthly/edit/",
    ],
)
def test_what_is_not_theirs_is_not_there_for_a_team_lead(path: str, budgets: None, lead: Client) -> None:
    response = get(lead, f"/budgets/{path}")
    assert response.status_code == 404
    assert "Search" not in text_of(response)


def test_a_plan_that_is_used_up_is_not_said_to_run_out_later(staff: Client) -> None:
    # 10 a day: 100 is passed on the eleventh day, 250 would be on the 26th
    make_budget(amount="100", name="Tight")
    make_budget(amount="250", name="Wide")
    evaluate(15)
    inbox = text_of(staff.get("/alerts/"))  # type: ignore[arg-type]
    assert "Used up on 11 Nov 2025." in inbox
    assert "Runs out on 26 Nov 2025." in inbox
    assert "used up 11 Nov 2025" in text_of(staff.get("/budgets/"))  # type: ignore[arg-type]


def test_inbox_holds_the_alerts_of_the_readers_budgets(budgets: None, staff: Client, lead: Client) -> None:
    assert "Everything" in text_of(get(staff, "/alerts/"))
    text = text_of(get(lead, "/alerts/"))
    assert "Monthly" in text
    assert "Everything" not in text
    assert "Search secret" not in text
    assert "example.com" not in text.partition('id="main"')[2]  # addresses are staff's to see


def test_a_lead_acknowledges_an_alert_with_a_note(budgets: None, lead: Client) -> None:
    ref = _open_ref("payments-monthly")
    assert lead.post(f"/alerts/{ref}/acknowledge/", {"note": "Shrinking the fleet"}).status_code == 302
    found = Alert.objects.get(ref=ref)
    assert (found.note, found.acknowledged_by and found.acknowledged_by.username) == ("Shrinking the fleet", "leo")
    assert not Alert.objects.filter(budget__key="payments-monthly", acknowledged_at=None).exists()
    text = text_of(get(lead, "/alerts/"))
    assert "Shrinking the fleet" in text
    assert "Nothing open" in text


def test_a_second_acknowledgement_changes_nothing(budgets: None, lead: Client, staff: Client) -> None:
    ref = _open_ref("payments-monthly")
    lead.post(f"/alerts/{ref}/acknowledge/", {"note": "first"})
    staff.post(f"/alerts/{ref}/acknowledge/", {"note": "second"})
    assert Alert.objects.get(ref=ref).note == "first"


def test_a_viewer_reads_alerts_and_acknowledges_none(budgets: None, viewer: User, client_for: ClientFor) -> None:
    client = client_for(viewer)
    ref = _open_ref("payments-monthly")
    assert "Acknowledge<" not in text_of(get(client, "/alerts/"))
    assert client.post(f"/alerts/{ref}/acknowledge/").status_code == 404
    assert Alert.objects.get(ref=ref).acknowledged_at is None


def test_another_teams_alert_is_not_there_for_a_lead(budgets: None, lead: Client) -> None:
    assert lead.post(f"/alerts/{_open_ref('everything')}/acknowledge/").status_code == 404


def test_staff_make_a_budget_that_is_measured_at_once(staff: Client) -> None:
    response = staff.post("/budgets/new/", FORM)
    assert response.status_code == 302
    found = Budget.objects.get(key="storage")
    assert (found.scope_kind, found.scope_key, found.amount) == ("service", "Storage", Decimal(100))
    assert found.created_by is not None
    assert [item.amount for item in found.planned.all()] == [Decimal(120)]
    assert [(item.percent, item.recipients) for item in found.thresholds.all()] == [(Decimal(75), ["list@example.org"])]
    row = selectors.budget_list(Scope.all(), today=date(2025, 11, 15))[0]
    assert row.now is not None
    assert row.now.actual == Decimal(56)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"amount": "-1"}, "greater than or equal to 0"),
        ({"scope": "team:nobody"}, "Select a valid choice"),
        ({"planned": "soon 12"}, "is not a month and an amount"),
        ({"steps-0-recipients": "no address"}, "valid email"),
        ({"steps-0-percent": "0"}, "share above 0"),
    ],
)
def test_a_budget_that_cannot_be_is_refused_beside_the_field(
    change: dict[str, str], message: str, staff: Client
) -> None:
    response: Any = staff.post("/budgets/new/", {**FORM, **change})
    assert response.status_code == 400
    assert message in text_of(response)
    assert not Budget.objects.exists()


def test_changing_a_budget_keeps_author_history_and_what_it_is_for(budgets: None, staff: Client) -> None:
    page = text_of(get(staff, "/budgets/payments-monthly/edit/"))
    assert 'value="250.00"' in page
    changed = {**FORM, "name": "Monthly", "amount": "900", "scope": "total:", "is_active": "on"}
    assert staff.post("/budgets/payments-monthly/edit/", changed).status_code == 302
    found = Budget.objects.get(key="payments-monthly")
    assert (found.amount, found.scope_kind, found.scope_key) == (Decimal(900), "team", "payments")
    last = found.history.latest()
    assert last.history_user is not None
    assert last.history_user.username == "fiona"
    assert Threshold.history.filter(history_type="-").count() == 4


def test_a_team_out_of_use_gets_no_new_budget_and_an_old_one_is_marked(
    budgets: None, staff: Client, other_team: Any
) -> None:
    assert '<option value="team:payments">' in text_of(get(staff, "/budgets/new/"))
    type(other_team).objects.filter(key="payments").update(is_active=False)
    assert '<option value="team:payments"' not in text_of(get(staff, "/budgets/new/"))
    assert "Payments (inactive)" in text_of(get(staff, "/budgets/payments-monthly/edit/"))


def test_templates_lead_to_a_filled_form(staff: Client) -> None:
    page = text_of(get(staff, "/budgets/"))
    assert "scope=team%3Apayments" in page
    form = text_of(get(staff, "/budgets/new/?name=Payments&scope=team:payments&cadence=monthly&amount=326"))
    assert 'value="326"' in form
    assert '<option value="team:payments" selected>' in form


def test_missing_mail_is_shown_to_staff_until_it_is_configured(
    budgets: None, staff: Client, lead: Client, settings: Settings
) -> None:
    settings.MAIL_IS_CONFIGURED = False
    assert "Mail is not configured" in text_of(get(staff, "/budgets/"))
    assert "Mail is not configured" not in text_of(get(lead, "/budgets/"))
    settings.MAIL_IS_CONFIGURED = True
    assert "Mail is not configured" not in text_of(get(staff, "/budgets/"))


@pytest.mark.parametrize("path", ["/budgets/", "/budgets/payments-monthly/", "/alerts/"])
def test_pages_stay_within_their_query_budget(
    path: str, budgets: None, staff: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(5):
        make_budget(ScopeKind.TOTAL, "", name=f"More {number}", amount="1")
    evaluate(15)
    with django_assert_max_num_queries(QUERIES):
        assert get(staff, path).status_code == 200


@pytest.mark.parametrize("path", ["/budgets/", "/alerts/"])
def test_pages_without_any_budget_say_what_to_do(path: str, staff: Client, lead: Client) -> None:
    assert "No budget yet" in text_of(get(staff, path)) or "No alert yet" in text_of(get(staff, path))
    assert get(lead, path).status_code == 200


def test_finops_staff_keep_budgets_in_the_admin(budgets: None, staff: Client) -> None:
    for model in ("budget", "threshold", "alert", "delivery"):
        assert get(staff, f"/admin/budgets/{model}/").status_code == 200
    pk = Budget.objects.get(key="payments-monthly").pk
    assert get(staff, f"/admin/budgets/budget/{pk}/change/").status_code == 200
    assert get(staff, "/admin/budgets/alert/add/").status_code == 403


def _open_ref(budget_key: str) -> str:
    return Alert.objects.get(budget__key=budget_key, told_with="").ref
