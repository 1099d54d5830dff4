"""What overview and team page show first: where the month lands, what to do, how far the targets are."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, TypeVar, cast

import pytest
import time_machine
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from budgets.inputs import BudgetInput
from budgets.models import Budget, BudgetStatus
from budgets.services import create_budget
from budgets.terms import Cadence, ScopeKind
from finops_site.models import MonthMetric
from ri.models import Recommendation, RecommendationRun
from tagging.models import Finding, Team
from tagging.services import RuleInput, save_rule
from tagging.terms import RuleKind
from tests.conftest import ClientFor
from tests.tagging.builders import NOVEMBER, OCTOBER, Spend, month

D = Decimal
pytestmark = pytest.mark.django_db
TODAY = date(2025, 11, 21)
PAY, SEARCH = {"Team": "payments"}, {"Team": "search"}

Test = TypeVar("Test", bound=Callable[..., None])


def on(day: date) -> Callable[[Test], Test]:
    """The test lives on this day."""
    return cast("Callable[[Test], Test]", time_machine.travel(day, tick=False))


def text_of(response: Any) -> str:
    """The page with single spaces."""
    return " ".join(response.content.decode().split())


@pytest.fixture
def staff(finops_lead: User, client_for: ClientFor) -> Client:
    return client_for(finops_lead)


@pytest.fixture
def lead(team_lead: User, client_for: ClientFor) -> Client:
    return client_for(team_lead)


@pytest.fixture
def two_months(team: Team, other_team: Team) -> None:
    """October: payments 12, search 5. November: payments 30, search 5, nobody 7."""
    for name in ("payments", "search"):
        save_rule(RuleInput(RuleKind.TAG, tag_key="Team", tag_values=(name,), team_key=name))
    month([Spend("12", tags=PAY), Spend("5", tags=SEARCH)], period=OCTOBER)
    month([Spend("30", tags=PAY, day=20), Spend("5", tags=SEARCH), Spend("7")])


def plan(name: str, amount: str, *, team: str = "", cadence: Cadence = Cadence.MONTHLY) -> Budget:
    kind = ScopeKind.TEAM if team else ScopeKind.TOTAL
    wanted = BudgetInput(name, kind, D(amount), scope_key=team, cadence=cadence, starts_on=OCTOBER.start)
    return Budget.objects.get(key=create_budget(wanted, author=None, today=TODAY))


def found(budget: Budget, start: date, actual: str, forecast: str | None = None, **more: Any) -> None:
    """What an evaluation of this budget's period came to."""
    figures: dict[str, Any] = {"forecast_cost": None if forecast is None else D(forecast), **more}
    BudgetStatus.objects.create(
        budget=budget,
        period_start=start,
        planned_amount=budget.amount,
        actual_cost=D(actual),
        has_costs=True,
        evaluated_at=datetime(2025, 11, 21, tzinfo=UTC),
        **figures,
    )


def cause(key: str, label: str, cost: str, previous: str) -> dict[str, str]:
    return {"key": key, "label": label, "cost": cost, "previous": previous}


def measure(name: str, value: str | None, period: Any = NOVEMBER, currency: str = "USD") -> None:
    figure: Any = None if value is None else D(value)
    MonthMetric.objects.create(
        period=period.start,
        name=name,
        currency=currency,
        value=figure,
        measured_at=datetime(2025, 11, 21, tzinfo=UTC),
    )


def advise(source: str, *savings: str) -> None:
    run = RecommendationRun.objects.create(
        source_name=source, kind="hourly", as_of=TODAY, lookback_days=30, price_book_name="own"
    )
    some = dict.fromkeys((field.name for field in Recommendation._meta.fields if field.name not in ("id", "run")), 0)
    words = {"region_id": "r", "platform": "Linux/UNIX", "tenancy": "default", "reason": "", "regrets": []}
    words |= {"offering_class": "standard", "payment_option": "no_upfront", "confidence": "high", "pool_type": "m5.*"}
    for place, saving in enumerate(savings):
        Recommendation.objects.create(
            run=run,
            **{**some, **words, "instance_type": f"m{place}", "net_savings_annual": D(saving)},
        )


@on(TODAY)
def test_the_forecast_stands_against_the_plan_with_three_causes(two_months: None, staff: Client) -> None:
    causes = [
        cause("payments", "Payments", "30", "12"),
        cause("", "Unallocated", "7", "2"),
        cause("search", "Search", "5", "4"),
        cause("fraud", "Fraud", "3", "2"),
    ]
    small, large = plan("Small", "50"), plan("All spend", "60")
    found(small, NOVEMBER.start, "42", "66")
    found(large, NOVEMBER.start, "42", "66", forecast_low=D(63), forecast_high=D(69), causes=causes,
          runs_out_on=date(2025, 11, 27), data_through=date(2025, 11, 20))  # fmt: skip
    found(plan("Year", "900", cadence=Cadence.ANNUAL), date(2025, 1, 1), "59", "700")
    response = staff.get("/overview/")
    landing = response.context["landing"].value
    assert (landing.budget_name, landing.expected, landing.overrun, landing.overrun_ratio) == (
        "All spend",
        D(66),
        D(6),
        D("0.1"),
    )
    # 30 − 12, 7 − 2, 5 − 4; the fourth is left out.
    assert [(row.label, row.change) for row in landing.reasons] == [
        ("Payments", D(18)),
        ("Unallocated", D(5)),
        ("Search", D(1)),
    ]
    page = text_of(response)
    assert "Expected for November 2025, between" in page
    assert "The plan runs out on 27 Nov 2025." in page
    assert "Against 1–20 October 2025, effective cost without credits, refunds and tax." in page
    assert 'href="/teams/payments/?period=2025-11' in page
    assert page.index("Where the month lands") < page.index("The month in one line")


@on(TODAY)
def test_causes_that_hardly_count_are_not_named(two_months: None, staff: Client) -> None:
    causes = [cause("payments", "Payments", "300", "0"), cause("search", "Search", "5", "3")]
    found(plan("All", "60"), NOVEMBER.start, "42", "66", causes=causes, data_through=date(2025, 11, 20))
    landing = staff.get("/overview/").context["landing"].value
    assert [row.label for row in landing.reasons] == ["Payments"]


@on(TODAY)
def test_without_a_plan_the_forecast_stands_against_the_month_before_with_the_cure(
    two_months: None, staff: Client
) -> None:
    response = staff.get("/overview/")
    landing = response.context["landing"].value
    assert (landing.plan, landing.overrun, landing.actual, landing.previous) == (None, None, D(42), D(17))
    assert [row.label for row in landing.reasons] == ["Payments", "Unallocated"]
    assert "Make a budget from a template" in text_of(response)


@on(date(2025, 12, 20))
def test_a_past_month_shows_that_months_budget_period(two_months: None, staff: Client, lead: Client) -> None:
    whole, own = plan("All", "40"), plan("Payments", "25", team="payments")
    for budget, then, now in ((whole, "17", "42"), (own, "12", "30")):
        found(budget, OCTOBER.start, then)
        found(budget, NOVEMBER.start, now)
        found(budget, date(2025, 12, 1), "1", "99")
    november = staff.get("/overview/?period=2025-11").context
    landing = november["landing"].value
    assert (landing.is_over, landing.expected, landing.overrun) == (True, D(42), D(2))
    assert [row.now.actual for row in november["budgets"].value.rows] == [D(30), D(42)]
    october = lead.get("/teams/payments/?period=2025-10").context
    assert (october["landing"].value.expected, october["landing"].value.overrun) == (D(12), D(-13))
    assert [str(row.now.period) for row in october["budgets"].value.rows] == ["2025-10"]


@on(date(2025, 12, 20))
def test_a_past_month_without_a_plan_says_so(two_months: None, staff: Client, lead: Client) -> None:
    assert "November 2025 ended without a monthly plan." in text_of(staff.get("/overview/?period=2025-11"))
    page = text_of(lead.get("/teams/payments/?period=2025-11"))
    assert "November 2025 ended without a monthly plan for Payments. Ask your FinOps lead for one." in page


@on(TODAY)
def test_the_team_page_first_says_how_long_its_own_plan_lasts(two_months: None, lead: Client) -> None:
    own = plan("Payments", "40", team="payments")
    found(own, NOVEMBER.start, "30", "48", causes=[cause("Compute", "Compute", "30", "12")],
          runs_out_on=date(2025, 11, 25), data_through=date(2025, 11, 20))  # fmt: skip
    found(plan("All", "60"), NOVEMBER.start, "42", "66")
    response = lead.get("/teams/payments/")
    page = text_of(response)
    landing = response.context["landing"].value
    assert (landing.actual, landing.expected, landing.overrun) == (D(30), D(48), D(8))
    assert [(row.label, row.change) for row in landing.reasons] == [("Compute", D(18))]
    assert "The plan runs out on 25 Nov 2025." in page
    assert "$66.00" not in page
    assert "$42.00" not in page


def test_actions_are_advice_by_source_with_what_it_rests_on(two_months: None, staff: Client) -> None:
    advise("payer", "600")
    advise("payer", "120", "240")  # the newest counts
    advise("other", "36")
    advise("third", "12")
    advise("fourth", "24")
    advise("idle")
    response = staff.get("/overview/")
    rows = response.context["actions"].value.rows
    # 360 ÷ 12, 36 ÷ 12, 24 ÷ 12.
    assert [(row.title, row.monthly) for row in rows] == [
        ("Buy 2 recommended commitments", D(30)),
        ("Buy 1 recommended commitment", D(3)),
        ("Buy 1 recommended commitment", D(2)),
    ]
    assert rows[0].url == "/commitments/?source=payer#advice"
    assert rows[0].rests_on == (
        "payer, 30 days of hourly usage to 21 Nov 2025, price book own; $360.00 net a year ÷ 12"
    )
    assert "Do not add them up" in text_of(response)


def test_without_actions_the_page_says_why(two_months: None, staff: Client) -> None:
    assert "No finding is open, and nobody has asked for advice on commitments yet." in text_of(staff.get("/overview/"))
    advise("payer")
    assert "No finding is open, and the newest advice recommends no purchase." in text_of(staff.get("/overview/"))


def test_figures_stand_against_their_targets_with_links(two_months: None, staff: Client) -> None:
    measure("coverage", "0.75")
    measure("utilization", None)
    measure("utilization", "0.9", OCTOBER)
    measure("effective_savings_rate", "0.1234")
    measure("compliance", "0.5")
    measure("variance", None)
    tiles = staff.get("/overview/").context["targets"].value
    assert [(tile.label, tile.value, tile.note.replace("\xa0", " "), tile.tone) for tile in tiles] == [
        ("Commitment coverage", "75.0\xa0%", "target 70 %", "good"),
        ("Commitment utilisation", "90.0\xa0%", "target 95 %, in October 2025", "bad"),
        ("Effective savings rate", "12.3\xa0%", "", ""),
        ("Tag compliance", "50.0\xa0%", "target 95 %", "bad"),
        ("Budget variance", "n/a", "target at most 5 %, no monthly plan", ""),
        ("Active budgets", "0", "target 5", "bad"),
        ("Open alerts", "0", "nothing waits", "good"),
    ]
    assert tiles[0].href == "/commitments/?period=2025-11"
    assert tiles[3].href == "/tags/?period=2025-11"


@on(TODAY)
def test_the_pages_keep_to_their_queries_with_plans_and_figures(
    two_months: None, staff: Client, lead: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    measure("coverage", "0.75")
    advise("payer", "600")
    waste("a", "10", team="payments")
    found(plan("Payments", "40", team="payments"), NOVEMBER.start, "30", "48")
    with django_assert_max_num_queries(18):  # no plan of all spend: its forecast is worked out
        assert staff.get("/overview/").status_code == 200
    with django_assert_max_num_queries(12):
        assert lead.get("/teams/payments/").status_code == 200


@on(TODAY)
def test_a_broken_budget_list_leaves_the_rest_of_the_page(
    two_months: None, staff: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("budgets.selectors.budget_list", fail)
    page = text_of(staff.get("/overview/"))
    assert page.count("could not be shown") == 2  # where the month lands, budgets
    assert "could not be read" in page  # the tile of alerts
    assert "$42.00" in page


def waste(ref: str, saving: str, *, kind: str = "not_running", team: str = "", state: str = "open") -> None:
    Finding.objects.create(
        ref=ref,
        kind=kind,
        subject_key=ref,
        resource_id=f"i-{ref}",
        owner_kind="team" if team else "nobody",
        owner_key=team,
        currency="USD",
        period=NOVEMBER.start,
        monthly_cost=D(saving),
        monthly_saving=D(saving),
        baseline_cost=D(saving),
        reason=f"Stopped {ref}.",
        first_seen_on=TODAY,
        last_seen_on=TODAY,
        changed_at=datetime(2025, 11, 21, tzinfo=UTC),
        state=state,
    )


def test_findings_stand_among_the_actions_by_kind(two_months: None, staff: Client) -> None:
    waste("a", "10", team="payments")
    waste("b", "15")
    waste("c", "90", state="done")
    waste("d", "4", kind="idle", team="search")
    advise("payer", "240")
    advise("other", "12")
    rows = staff.get("/overview/").context["actions"].value.rows
    # Not running 10 + 15, advice 240 ÷ 12, idle 4; the advice of 12 ÷ 12 is the fourth.
    assert [(row.title, row.monthly) for row in rows] == [
        ("Not running, still paid", D(25)),
        ("Buy 1 recommended commitment", D(20)),
        ("Idle", D(4)),
    ]
    assert rows[0].rests_on == "2 findings, open or accepted, on $25.00 of effective cost a month"
    assert rows[0].url == "/findings/?kind=not_running&currency=USD"


def test_the_team_page_names_its_own_largest_finding(two_months: None, lead: Client) -> None:
    waste("small", "3", team="payments")
    waste("large", "10", team="payments", state="accepted")
    waste("done", "50", team="payments", state="done")
    waste("theirs", "900", team="search")
    response = lead.get("/teams/payments/")
    best = response.context["best"].value
    assert (best.action.title, best.action.monthly, best.action.url) == ("i-large", D(10), "/findings/large/")
    assert (best.more, best.more_monthly) == (1, D(3))
    page = text_of(response)
    assert "Stopped large." in page
    assert "theirs" not in page


def test_a_team_without_findings_reads_so(two_months: None, lead: Client) -> None:
    waste("theirs", "900", team="search")
    assert "No finding of Payments is open." in text_of(lead.get("/teams/payments/"))


def test_a_team_without_findings_is_told_of_its_costliest_tags_to_fix(two_months: None, lead: Client) -> None:
    month([Spend("30", tags=PAY, resource="i-dear"), Spend("4", tags=PAY, resource="i-cheap")], period=NOVEMBER)
    page = text_of(lead.get("/teams/payments/"))
    assert "Fix the tags of i-dear</a>" in page
    assert "CostCenter, Project missing or wrong; the costliest resource to fix" in page
    assert "Fix the tags of i-cheap" not in page
