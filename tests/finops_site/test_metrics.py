"""Measured months: every figure worked out by hand, kept once, read in one query, for staff only."""

import io
import json
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.test import Client
from pytest_django import DjangoAssertNumQueries
from pytest_django.fixtures import Settings

from budgets.inputs import BudgetInput
from budgets.services import create_budget, evaluate_budgets
from budgets.terms import ScopeKind
from costs.errors import NotFoundInScopeError
from costs.models import BillImport
from costs.periods import BillingPeriod
from costs.scope import Scope
from finops_site.metrics.keeping import measure_month, measure_months, record_sign_in
from finops_site.metrics.reading import metric_months
from finops_site.metrics.results import MetricValue
from finops_site.metrics.terms import Metric
from finops_site.models import MonthMetric, SignIn
from tagging.models import Finding, FindingMonth, Team
from tagging.services import RuleInput, save_rule
from tagging.terms import MANDATORY_TAGS, MemberRole, RuleKind
from tests.conftest import member_of
from tests.costs.bills import bring_in
from tests.finops_site import metrics_world as world
from tests.finops_site.api_world import Api, assert_golden
from tests.ri.world import eight_days
from tests.tagging.builders import NOVEMBER, OCTOBER, Spend, month

D = Decimal
LATER = date(2025, 12, 3)
MAY = BillingPeriod.parse(world.MAY)
FULL = dict.fromkeys(MANDATORY_TAGS, "Prod")

pytestmark = [pytest.mark.real_parts, pytest.mark.django_db(transaction=True)]


def at(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 6, tzinfo=UTC)


def measured(period: BillingPeriod, today: date = LATER, currency: str = "") -> dict[Metric, MetricValue]:
    """The month's figures after measuring it as of that day."""
    measure_month(period, today=today, now=at(today))
    found = metric_months(Scope.all(), (period,), currency)
    return {metric: months[period] for metric, months in found.items() if period in months}


def plan(name: str, amount: str, **options: Any) -> None:
    wanted = {"scope_kind": ScopeKind.TOTAL, "starts_on": NOVEMBER.start, **options}
    create_budget(BudgetInput(name=name, amount=D(amount), **wanted), author=None, today=LATER)


def test_commitments_of_a_full_month(tmp_path: Path) -> None:
    world.april(tmp_path)
    world.may(tmp_path)
    found = measured(MAY, date(2026, 6, 3))
    # Units are 4 an hour: (744 + 612) ÷ (744 + 612 + 400).
    assert found[Metric.COVERAGE].value == D("0.7722095672")
    # Unused 10.20 of 37.20 + 40.80 = 78.
    used = found[Metric.UTILIZATION]
    assert (used.value, used.numerator, used.denominator) == (D("0.8692307692"), D("67.8"), D(78))
    # List 74.40 + 61.20 + 40 = 175.60; effective 37.20 + 30.60 + 40 + 10.20 unused = 118.
    assert found[Metric.EFFECTIVE_SAVINGS_RATE].value == D("0.3280182232")
    # A 74.40 − 37.20, B 61.20 − 40.80.
    assert found[Metric.SAVING_COMMITMENTS].value == D("57.6")
    assert [found[name].meets_target for name in (Metric.COVERAGE, Metric.UTILIZATION)] == [True, False]
    assert found[Metric.SAVING_COMMITMENTS].meets_target is None


def test_what_the_month_before_does_not_hold_was_bought(tmp_path: Path) -> None:
    world.april(tmp_path)
    world.may(tmp_path)
    # B: 816 hours ÷ 408 from the 15th to the end; it is one reservation.
    bought = measured(MAY, date(2026, 6, 3))[Metric.RESERVATIONS_BOUGHT]
    assert (bought.value, bought.numerator) == (D(2), D(1))
    # Nothing is known of March.
    assert measured(MAY.previous(), date(2026, 6, 3))[Metric.RESERVATIONS_BOUGHT].value is None


def test_a_month_that_is_not_over_has_coverage_and_no_utilisation(tmp_path: Path) -> None:
    eight_days(tmp_path)
    found = measured(MAY, date(2026, 5, 9))
    assert found[Metric.COVERAGE].value == D("0.7594936709")  # 1,080 ÷ 1,422 hours
    later = (Metric.UTILIZATION, Metric.EFFECTIVE_SAVINGS_RATE, Metric.SAVING_COMMITMENTS)
    assert [found[name].value for name in later] == [None, None, None]


def test_fees_alone_on_the_first_day_of_a_month_say_nothing_of_use(tmp_path: Path) -> None:
    # The fee of 744 hours stands on the 1st with nothing used yet: 37.20 unused would be 0 % and a loss of 37.20.
    made = world.fee_alone(tmp_path)
    rates = (Metric.COVERAGE, Metric.UTILIZATION, Metric.EFFECTIVE_SAVINGS_RATE, Metric.SAVING_COMMITMENTS)
    BillImport.objects.filter(pk=made.pk).update(finished_at=at(date(2026, 5, 1)))
    found = measured(MAY, date(2026, 5, 1))
    assert [found[name].value for name in rates] == [None, None, None, None]
    # The same at the month's end is true: nothing of it was used.
    BillImport.objects.filter(pk=made.pk).update(finished_at=at(date(2026, 6, 2)))
    found = measured(MAY, date(2026, 6, 2))
    assert [found[name].value for name in rates] == [None, D(0), None, D("-37.2")]


def test_an_inventory_knows_no_commitment_and_no_list_price(tmp_path: Path) -> None:
    path = tmp_path / "inventory.csv"
    path.write_text("ResourceId,Region,CostUSD,InstanceType,State\ni-1,us-east-1,0.5,m5.large,running\n")
    bring_in(path, snapshot_on=date(2025, 11, 5))
    found = measured(NOVEMBER)
    # 720 hours under no commitment: covered 0 %; no commitment to use, and no list price to have saved on.
    rates = (Metric.COVERAGE, Metric.UTILIZATION, Metric.EFFECTIVE_SAVINGS_RATE)
    assert [found[name].value for name in rates] == [D(0), None, None]


def test_tags_count_resources_and_money(team: Team) -> None:
    month([Spend("30", tags=FULL, resource="i-1"), Spend("50", resource="i-2"), Spend("20", resource="i-3")])
    found = measured(NOVEMBER)
    by_count, by_money = found[Metric.COMPLIANCE], found[Metric.COMPLIANCE_BY_MONEY]
    assert (by_count.value, by_count.numerator, by_count.denominator) == (D("0.3333333333"), D(1), D(3))
    assert (by_money.value, by_money.numerator, by_money.denominator) == (D("0.3"), D(30), D(100))
    assert by_count.meets_target is False


def test_with_nothing_to_divide_by_there_is_no_figure() -> None:
    month([Spend("10")])
    found = measured(NOVEMBER)
    nothing = (Metric.COVERAGE, Metric.COMPLIANCE, Metric.COMPLIANCE_BY_MONEY, Metric.VARIANCE, Metric.ADOPTION)
    assert [found[name].value for name in nothing] == [None] * 5
    assert [found[name].meets_target for name in nothing] == [None] * 5


def test_variance_is_of_the_budget_of_all_spend() -> None:
    month([Spend("100")], period=OCTOBER)
    month([Spend("112")])
    plan("All", "100")
    plan("Small", "10")
    evaluate_budgets(today=LATER, now=at(LATER))
    found = measured(NOVEMBER)
    # The larger of two: |112 − 100| ÷ 100.
    variance = found[Metric.VARIANCE]
    assert (variance.value, variance.numerator, variance.denominator) == (D("0.12"), D(12), D(100))
    assert variance.meets_target is False
    assert found[Metric.ACTIVE_BUDGETS].value == D(2)
    # Neither had begun in October.
    before = measured(OCTOBER)
    assert (before[Metric.VARIANCE].value, before[Metric.ACTIVE_BUDGETS].value) == (None, D(0))


def test_without_one_variance_is_of_the_team_budgets_together(team: Team, other_team: Team) -> None:
    for name in ("payments", "search"):
        save_rule(RuleInput(RuleKind.TAG, tag_key="Team", tag_values=(name,), team_key=name))
    month([Spend("40", tags={"Team": "payments"}), Spend("56", tags={"Team": "search"}), Spend("900")])
    plan("Payments", "50", scope_kind=ScopeKind.TEAM, scope_key="payments")
    plan("Search", "50", scope_kind=ScopeKind.TEAM, scope_key="search")
    evaluate_budgets(today=LATER, now=at(LATER))
    found = measured(NOVEMBER)
    # |40 + 56 − 100| ÷ 100; what nobody owns is in no plan.
    assert (found[Metric.VARIANCE].value, found[Metric.VARIANCE].meets_target) == (D("0.04"), True)
    # Both teams' statements tie out: 40 + 56 + 900 = 996.
    assert found[Metric.STATEMENTS].value == D(2)


def test_findings_count_when_they_are_done_and_save_month_by_month() -> None:
    month([Spend("10")])
    for ref, done_on in (("a", date(2025, 11, 2)), ("b", date(2025, 10, 30)), ("c", None)):
        made = Finding.objects.create(
            ref=ref,
            kind="idle",
            subject_key=ref,
            resource_id=ref,
            owner_kind="nobody",
            currency="USD",
            period=OCTOBER.start,
            monthly_cost=9,
            monthly_saving=9,
            baseline_cost=9,
            first_seen_on=OCTOBER.start,
            last_seen_on=OCTOBER.start,
            changed_at=at(LATER),
            state="done" if done_on else "open",
            done_on=done_on,
        )
        if done_on:
            figures = {"covered_days": 30, "baseline_cost": D(9), "actual_cost": D(2), "saving": D(7)}
            FindingMonth.objects.create(finding=made, period=NOVEMBER.start, **figures)
    found = measured(NOVEMBER)
    # Done in November: a. Saved in November: 7 by each of a and b.
    assert (found[Metric.RESOURCES_FIXED].value, found[Metric.SAVING_FINDINGS].value) == (D(1), D(14))


def test_adoption_counts_leads_who_signed_in_that_month(team: Team, team_lead: User, other_lead: User) -> None:
    month([Spend("10")])
    member_of(team, "viv", MemberRole.VIEWER)
    record_sign_in(team_lead.pk, today=date(2025, 11, 4))
    record_sign_in(team_lead.pk, today=date(2025, 11, 20))
    found = measured(NOVEMBER)[Metric.ADOPTION]
    assert (found.value, found.numerator, found.denominator) == (D("0.5"), D(1), D(2))
    assert SignIn.objects.count() == 1
    # The month is over: a lead who leaves now changes nothing of it. Before the first sign-in nothing is known.
    other_lead.delete()
    assert measured(NOVEMBER)[Metric.ADOPTION].value == D("0.5")
    assert measured(OCTOBER)[Metric.ADOPTION].value is None


def test_signing_in_is_remembered_by_the_log_in_itself(team_lead: User, client: Client) -> None:
    client.post("/accounts/login/", {"login": "leo", "password": "pass-for-tests"})
    assert list(SignIn.objects.values_list("user__username", flat=True)) == ["leo"]


def test_measuring_again_keeps_one_row_with_the_newest_figure() -> None:
    month([Spend("30", tags=FULL, resource="i-1")])
    first = measured(NOVEMBER)[Metric.COMPLIANCE]
    rows = MonthMetric.objects.count()
    month([Spend("30", tags=FULL, resource="i-1"), Spend("5", resource="i-2")])
    assert (first.value, measured(NOVEMBER)[Metric.COMPLIANCE].value) == (D(1), D("0.5"))
    assert MonthMetric.objects.count() == rows


def test_what_cannot_be_measured_leaves_the_rest_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any, **__: Any) -> Any:
        raise ZeroDivisionError

    month([Spend("30", tags=FULL, resource="i-1")])
    monkeypatch.setattr("ri.selectors.coverage", broken)
    found = measured(NOVEMBER)
    assert Metric.COVERAGE not in found
    assert found[Metric.COMPLIANCE].value == D(1)


def test_currencies_stand_apart_and_dollars_come_first() -> None:
    month([Spend("30", tags=FULL, resource="i-1")])
    month([Spend("30", resource="i-2")], source="euro", currency="EUR")
    assert measured(NOVEMBER)[Metric.COMPLIANCE].value == D(1)
    assert measured(NOVEMBER, currency="EUR")[Metric.COMPLIANCE].value == D(0)


def test_all_months_are_read_in_one_query_by_staff_only(
    django_assert_num_queries: DjangoAssertNumQueries, team: Team
) -> None:
    month([Spend("1")], period=OCTOBER)
    month([Spend("1")])
    measure_months(today=LATER, now=at(LATER))
    with django_assert_num_queries(1):
        found = metric_months(Scope.all())
    # The running month has figures without a currency only.
    assert [str(period) for period in found[Metric.ACTIVE_BUDGETS]] == ["2025-10", "2025-11", "2025-12"]
    assert [str(period) for period in found[Metric.STATEMENTS]] == ["2025-10", "2025-11"]
    with pytest.raises(NotFoundInScopeError):
        metric_months(Scope.teams(frozenset({"payments"})))


def test_the_targets_are_settings(settings: Settings) -> None:
    settings.COMPLIANCE_TARGET = D("0.3")
    month([Spend("30", tags=FULL, resource="i-1"), Spend("5", resource="i-2")])
    assert measured(NOVEMBER)[Metric.COMPLIANCE].meets_target is True


def test_the_command_measures_and_prints(finops_lead: User) -> None:
    month([Spend("30", tags=FULL, resource="i-1"), Spend("5", resource="i-2")])
    out = io.StringIO()
    call_command("metrics", "2025-11", "--json", stdout=out)
    rows = {row["name"]: row for row in json.loads(out.getvalue())["metrics"]}
    assert (rows["compliance"]["value"], rows["compliance"]["target"]) == ("0.5", "0.95")
    text = io.StringIO()
    call_command("metrics", stdout=text)
    assert "Tag compliance           95.0\xa0%" in text.getvalue()
    with pytest.raises(CommandError, match="There are no costs for 2020-01"):
        call_command("metrics", "2020-01")


def test_the_api_answers_staff_and_does_not_exist_for_a_team(finops_lead: User, team_lead: User) -> None:
    month([Spend("30", tags=FULL, resource="i-1"), Spend("5", resource="i-2")])
    SignIn.objects.all().delete()
    measure_month(NOVEMBER, today=LATER, now=at(LATER))
    staff = Api(finops_lead)
    assert_golden("api_metrics", staff.get("metrics/", {"to": "2025-11"}).json())
    assert staff.get("metrics/", {"name": "compliance"}).json()["results"][0]["value"] == "0.5"
    assert staff.get("metrics/", {"name": "nonsense"}).status_code == 400
    assert staff.get("metrics/", {"from": "2025-12"}).json()["results"] == []
    assert Api(team_lead).get("metrics/").status_code == 404
