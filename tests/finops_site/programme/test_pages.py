"""Pages of the programme: for FinOps staff, not there for anybody else."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import User
from django.http import HttpResponse
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from costs.periods import BillingPeriod
from costs.scope import Scope
from finops_site.metrics.terms import Metric
from finops_site.models import PlanStep, Programme, Risk, SavingClaim, Scenario, Target
from finops_site.programme import defaults, selectors, services
from finops_site.programme.charts import saving_chart
from finops_site.programme.progress import Readings
from tests.conftest import ClientFor
from tests.finops_site.programme.world import NOW, START, begin
from tests.tagging.page_world import QUERIES, file_of, text_of

pytestmark = pytest.mark.django_db
PAGES = ("", "business-case/", "risks/", "savings/", "edit/", "edit/steps/new/")
ACTIONS = ("start/", "business-case/save/", "edit/risks/1/remove/")
WHAT_IF = {
    "investment": "70000",
    "discount_pct": "10",
    "ramp_up_months": "0",
    "delay_months": "0",
    "horizon_years": "3",
}


@pytest.fixture(autouse=True)
def _clock() -> Any:
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def staff(finops_lead: User, client_for: ClientFor) -> Client:
    return client_for(finops_lead)


def get(client: Client, path: str) -> HttpResponse:
    response: HttpResponse = client.get(f"/programme/{path}")  # type: ignore[assignment]
    return response


def post(client: Client, path: str, data: dict[str, str]) -> HttpResponse:
    response: HttpResponse = client.post(f"/programme/{path}", data, follow=True)  # type: ignore[assignment]
    return response


def text(client: Client, path: str) -> str:
    return text_of(get(client, path)).replace("\u00a0", " ")


def table(client: Client, path: str) -> list[dict[str, str]]:
    _, rows = file_of(get(client, path))
    return [dict(zip(rows[0], row, strict=True)) for row in rows[1:]]


@pytest.mark.parametrize("path", [*PAGES, "edit/risks/1/"])
def test_pages_do_not_exist_for_team_lead_and_viewer(
    path: str, team_lead: User, viewer: User, client_for: ClientFor
) -> None:
    begin()
    for user in (team_lead, viewer):
        assert get(client_for(user), path).status_code == 404
    assert Client().get(f"/programme/{path}").status_code == 302


@pytest.mark.parametrize("path", ACTIONS)
def test_actions_do_not_exist_for_a_team_lead(path: str, team_lead: User, client_for: ClientFor) -> None:
    begin()
    assert client_for(team_lead).post(f"/programme/{path}", WHAT_IF).status_code == 404


def test_looking_makes_no_programme_and_a_button_does(staff: Client) -> None:
    assert "No programme yet" in text(staff, "")
    assert not Programme.objects.exists()
    assert "Give the day" in text_of(post(staff, "start/", {"starts_on": "soon"}))
    page = text_of(post(staff, "start/", {"starts_on": "2026-01-11"}))
    assert "Day 58 since 11 Jan 2026" in page
    assert "There is a programme already." in text_of(post(staff, "start/", {"starts_on": "2026-02-01"}))
    assert Programme.objects.get().starts_on == START
    assert [PlanStep.objects.count(), Risk.objects.count(), Scenario.objects.count()] == [17, 6, 3]


def test_plan_shows_states_by_due_date_and_gates_with_reasons(staff: Client) -> None:
    begin()
    rows = {row["Step"]: row for row in table(staff, "?format=csv")}
    states = [row["State"] for row in rows.values()]
    # compliance is known from January, 6 budgets from January; findings were never measured → week 1 is no go
    assert states[:4] == ["done_on_time", "done_on_time", "not_measurable", "no_go"]
    half = rows["Half of all resources carry every required tag"]
    assert (half["Due"], half["State"]) == ("2026-02-01", "done_on_time")  # 60 % in February, due on 1 February
    covered = rows["Coverage of at least 40 %"]
    assert (covered["Due"], covered["State"]) == ("2026-04-11", "on_track")
    assert covered["Measured"].replace("\u00a0", " ") == "30.0 % in February 2026"
    page = text(staff, "")
    assert "No go" in page
    assert "Day 58 since 11 Jan 2026: 4 of 13 steps reached" in page


def test_metrics_show_target_and_actual_by_month(staff: Client) -> None:
    begin()
    rows = {row["Metric"]: row for row in table(staff, "?format=csv&table=metrics")}
    coverage = rows["Commitment coverage"]
    assert (coverage["Jan 2026, actual"], coverage["Feb 2026, actual"]) == ("", "0.3")
    assert (coverage["Feb 2026, target"], coverage["Mar 2026, target"], coverage["Jun 2026, target"]) == (
        "",
        "0.45",
        "0.7",
    )
    page = text(staff, "")
    for part in (">60.0 %</span>", "target 50.0 %", "n/a", "not measured yet", "Coverage against target"):
        assert part in page, part


def test_business_case_gives_the_figures_of_the_report(staff: Client) -> None:
    begin()
    rows = {row["Scenario"]: row for row in table(staff, "business-case/?format=csv")}
    assert [rows[name]["Saving ÷ investment"] for name in ("Conservative", "Likely", "Optimistic")] == [
        "2.142857",
        "3.214286",
        "4.285714",
    ]
    assert rows["Conservative"]["NPV"] == "303027.7986476334"
    assert rows["Conservative"]["Net cash, undiscounted"] == "380000"
    # risks: 7,500 + 7,000 + 6,000 + 3,000 + 3,000 + 1,000 = 27,500
    assert rows["Likely, risk-adjusted"]["Saving a year"] == "197500"
    page = text(staff, "business-case/")
    for part in ("214 %", "114 %", "429 %", "3.7 months", "$489.5k", "$27.5k"):
        assert part in page, part
    years = table(staff, "business-case/?format=csv&table=years&discount_pct=0")
    assert [row["Present value so far"] for row in years] == ["-70000", "155000", "380000", "605000"]


def test_what_if_is_in_the_address_and_changes_nothing_until_it_is_saved(staff: Client) -> None:
    begin()
    page = get(staff, "business-case/?investment=140000&discount_pct=0&scenario=Optimistic")
    shown = text_of(page).replace("\u00a0", " ")
    # 300 ÷ 140 = 214 %, 140 ÷ 300 × 12 = 5.6 months, 900 − 140 = 760
    for part in ("Optimistic scenario", "214 %", "5.6 months", "$760k", "Reset", "Save as the programme's assumptions"):
        assert part in shown, part
    assert Programme.objects.get().investment == 70000
    saved = post(staff, "business-case/save/", WHAT_IF | {"investment": "140000", "discount_pct": "7.5"})
    assert "assumptions now." in text_of(saved)
    kept = Programme.objects.get()
    assert (kept.investment, kept.discount_rate) == (Decimal(140000), Decimal("0.075"))
    assert kept.history.count() == 2


@pytest.mark.parametrize(
    "query",
    ["investment=-1", "discount_pct=101", "ramp_up_months=61", "delay_months=x", "horizon_years=0", "investment=NaN"],
)
def test_what_cannot_be_assumed_is_refused_and_the_programme_s_own_are_shown(query: str, staff: Client) -> None:
    begin()
    page = get(staff, f"business-case/?{query}")
    assert page.status_code == 400
    assert 'class="errorlist"' in page.content.decode()
    assert "321" in text_of(page)
    name, value = query.split("=")
    refused = post(staff, "business-case/save/", WHAT_IF | {name: value})
    assert "assumptions now." not in text_of(refused)
    assert Programme.objects.get().investment == 70000


def test_risks_come_largest_expected_loss_first_and_closed_ones_cost_nothing(staff: Client) -> None:
    begin()
    Risk.objects.filter(title__startswith="Usage falls").update(state="closed")
    rows = table(staff, "risks/?format=csv")
    assert [row["Expected loss a year"] for row in rows] == ["0", "7000", "6000", "3000", "3000", "1000"]
    assert "$20,000.00</data> a year" in text(staff, "risks/")


def test_savings_stand_side_by_side_with_their_basis(staff: Client) -> None:
    begin()
    SavingClaim.objects.filter(source="commitments").update(claimed_amount=Decimal(27000), basis="Report of May")
    rows = {row["Source"]: row for row in table(staff, "savings/?format=csv")}
    own = rows["Reservations and plans"]
    # February's 100 × 12 = 1,200; 27,000 − 1,200 = 25,800
    assert (own["Claimed"], own["Planned"], own["Measured"]) == ("27000", "", "1200")
    assert own["How they compare"] == "The claim is $25,800.00 a year more than planned and measured together."
    assert own["Basis of the claim"] == "Report of May"
    assert rows["Storage classes"]["Basis of the claim"] == defaults.NO_CLAIM
    assert "no claim" in text(staff, "savings/")


GOOD = {
    "scenarios": {"name": "Bold", "annual_saving": "400000", "basis": "Board of June"},
    "steps": {
        "title": "Budgets everywhere", "phase": "week_4", "due_offset_days": "28", "owner": "Ann",
        "metric": "active_budgets", "comparator": "at_least", "threshold": "10",
    },
    "targets": {"metric": "adoption", "month_number": "2", "value": "0.9", "note": ""},
    "risks": {"title": "Key people leave", "probability": "0.1", "impact_amount": "50000", "state": "open"},
}  # fmt: skip


@pytest.mark.parametrize("kind", GOOD)
def test_parts_are_added_changed_and_removed(kind: str, staff: Client) -> None:
    begin()
    model: Any = {"scenarios": Scenario, "steps": PlanStep, "targets": Target, "risks": Risk}[kind]
    count = model.objects.count()
    assert "is added." in text_of(post(staff, f"edit/{kind}/new/", GOOD[kind]))
    made = model.objects.latest("pk")
    changed = GOOD[kind] | ({"note": "soon"} if kind == "targets" else {"title": "Other", "name": "Other"})
    assert "is changed." in text_of(post(staff, f"edit/{kind}/{made.pk}/", changed))
    made.refresh_from_db()
    assert (made.note if kind == "targets" else str(made)) in ("soon", "Other")
    assert "Removed the" in text_of(post(staff, f"edit/{kind}/{made.pk}/remove/", {}))
    assert model.objects.count() == count


BAD = [
    ("scenarios", {"annual_saving": "-1"}),
    ("scenarios", {"name": "Likely"}),
    ("scenarios", {"basis": ""}),
    ("steps", {"due_offset_days": "40"}),
    ("steps", {"threshold": ""}),
    ("steps", {"metric": ""}),
    ("steps", {"metric": "compliance", "threshold": "95"}),
    ("targets", {"value": "1.5"}),
    ("targets", {"month_number": "0"}),
    ("targets", {"month_number": "1"}),
    ("risks", {"probability": "1.5"}),
    ("risks", {"probability": "-0.1"}),
    ("risks", {"impact_amount": "-5"}),
]


@pytest.mark.parametrize(("kind", "wrong"), BAD, ids=[f"{kind} {wrong}" for kind, wrong in BAD])
def test_nonsense_is_refused(kind: str, wrong: dict[str, str], staff: Client) -> None:
    begin()
    answer = post(staff, f"edit/{kind}/new/", GOOD[kind] | wrong)
    assert answer.status_code == 400
    assert 'class="errorlist"' in answer.content.decode()


def test_claim_needs_its_basis(staff: Client) -> None:
    begin()
    claim = SavingClaim.objects.get(source="idle")
    wrong = post(staff, f"edit/claims/{claim.pk}/", {"source": "idle", "claimed_amount": "5000", "basis": " "})
    assert "A claim needs its basis" in text_of(wrong)
    right = {"source": "idle", "claimed_amount": "5000", "basis": "Inventory of May"}
    assert "The claim is changed." in text_of(post(staff, f"edit/claims/{claim.pk}/", right))


def test_settings_move_the_due_dates(staff: Client) -> None:
    begin()
    page = post(staff, "edit/", WHAT_IF | {"name": "Save more", "starts_on": "2026-02-01", "currency": "USD"})
    assert "The programme is changed." in text_of(page)
    assert table(staff, "?format=csv")[0]["Due"] == "2026-02-04"  # three days after the start
    assert post(staff, "edit/", WHAT_IF | {"name": "", "starts_on": "2026-02-01", "currency": "usd"}).status_code == 400


def test_what_is_not_due_is_neither_on_its_way_nor_lost(staff: Client) -> None:
    begin()
    page = text_of(get(staff, ""))
    # On day 58 coverage of 30 % has until 11 April (90 days) to come to 40 %.
    assert "Not yet due" in page
    assert "No go yet" in page
    assert "On track" not in page
    assert {row["State"] for row in table(staff, "?format=csv")} >= {"on_track", "no_go"}


def test_half_a_saving_is_a_gap_in_the_chart() -> None:
    full, running, alone = (BillingPeriod.parse(f"2026-{month}") for month in ("01", "02", "03"))
    readings: Readings = {
        Metric.SAVING_COMMITMENTS: {full: Decimal(100), running: None},
        Metric.SAVING_FINDINGS: {full: Decimal("20.5"), running: Decimal(7), alone: Decimal(7)},
    }
    services.start_programme(starts_on=START)
    plan = selectors.programme(Scope.all())
    assert plan
    drawn = saving_chart(plan, None, readings).current.amounts
    assert drawn == (Decimal("120.5"), None, None, None, None, None)


def test_unknown_kinds_and_rows_are_not_found(staff: Client) -> None:
    assert get(staff, "edit/").status_code == 404
    begin()
    for path in ("edit/nothing/new/", "edit/risks/999999/"):
        assert get(staff, path).status_code == 404


def test_programme_is_in_the_menu_of_staff_only(staff: Client, team_lead: User, client_for: ClientFor) -> None:
    assert 'href="/programme/"' in get(staff, "").content.decode()
    assert "/programme/" not in client_for(team_lead).get("/chargeback/").content.decode()


@pytest.mark.parametrize("path", PAGES)
def test_pages_keep_to_the_query_budget(
    path: str, staff: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    begin()
    get(staff, path)
    with django_assert_max_num_queries(QUERIES):
        assert get(staff, path).status_code == 200


def test_every_table_comes_as_a_file_in_both_formats(staff: Client) -> None:
    begin()
    paths = ("?table=plan", "?table=metrics", "business-case/?", "business-case/?table=years", "risks/?", "savings/?")
    for path in paths:
        for file_format in ("csv", "xlsx"):
            answer = get(staff, f"{path}&format={file_format}")
            assert answer.status_code == 200, path
            assert answer["Content-Disposition"].endswith(f'.{file_format}"')


def test_admin_lists_every_part(staff: Client) -> None:
    begin()
    for name in ("programme", "scenario", "planstep", "target", "risk", "savingclaim"):
        assert staff.get(f"/admin/finops_site/{name}/").status_code == 200, name
    assert staff.get("/admin/finops_site/risk/add/").status_code == 200
    assert staff.get("/admin/finops_site/programme/add/").status_code == 403


@pytest.mark.real_parts
def test_programme_is_made_once_with_every_amount_as_written() -> None:
    assert services.start_programme(starts_on=date(2026, 1, 11))
    assert not services.start_programme(starts_on=date(2026, 5, 1))
    amounts = Scenario.objects.values_list("annual_saving", flat=True)
    assert list(amounts) == [Decimal(150000), Decimal(225000), Decimal(300000)]
    assert set(SavingClaim.objects.values_list("claimed_amount", flat=True)) == {None}
