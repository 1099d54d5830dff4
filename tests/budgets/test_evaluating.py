"""Budgets measured on costs in force, and the alerts that come of it; figures worked by hand."""

from datetime import date
from decimal import Decimal

import pytest

from budgets import selectors
from budgets.evaluation import AlertStep
from budgets.inputs import BudgetInput
from budgets.models import Alert, Budget, BudgetStatus
from budgets.services import create_budget, evaluate_budgets, update_budget
from budgets.terms import Cadence, ForecastMethod, ScopeKind, Severity, ThresholdKind
from costs.errors import InvalidRequestError
from costs.scope import Scope
from costs.terms import CostMetric
from tagging.models import Team
from tests.budgets.world import START, evaluate, make_budget, make_rules, moment, november, october
from tests.tagging.builders import NOVEMBER, OCTOBER, Spend, month

pytestmark = [pytest.mark.django_db, pytest.mark.real_parts]


@pytest.fixture(autouse=True)
def _world(team: Team, other_team: Team) -> None:
    make_rules()
    october()


def status(key: str) -> BudgetStatus:
    return BudgetStatus.objects.get(budget__key=key, period_start=START)


def test_a_team_budget_has_that_teams_costs_and_a_forecast_by_weekdays() -> None:
    november(12)
    key = make_budget()
    evaluate(13)
    found = status(key)
    # payments: 12 × 10 so far; complete through the 11th (two days back), 19 more days of 10: 110 + 190
    assert (found.actual_cost, found.forecast_cost) == (Decimal(120), Decimal(300))
    assert (found.data_through, found.method) == (date(2025, 11, 12), ForecastMethod.WEEKDAYS.value)
    assert found.runs_out_on == date(2025, 11, 26)  # 260 is the first sum above 250


def fee(unused: str) -> Spend:
    """A reservation's fee of the 1st: in effective cost what it left unused so far."""
    return Spend("300", category="Purchase", usage_type="HeavyUsage", effective=unused, commitment="Unused")


def covered(through: int) -> list[Spend]:
    """10 a day of usage under the reservation, billed at nothing."""
    days = range(1, through + 1)
    return [Spend("0", day=day, usage_type="Covered", effective="10", commitment="Used") for day in days]


def test_what_a_fee_left_unused_so_far_is_not_forecast_again_as_usage() -> None:
    month([*covered(31), fee("31")], period=OCTOBER)
    month([*covered(20), fee("130")], period=NOVEMBER)
    key = make_budget(ScopeKind.TOTAL, "", amount="1000")
    evaluate(21)
    found = status(key)
    # A fee of 11 a day, 10 of them used: October left 31 of 341 unused. November's 330 stand as 20 × 10 used and 130
    # unused, and that is what November will cost: ten more days of 10 come out of the 130.
    assert (found.actual_cost, found.forecast_cost) == (Decimal(330), Decimal(330))


@pytest.mark.parametrize(
    ("kind", "key", "actual"),
    [
        (ScopeKind.TOTAL, "", "70"),
        (ScopeKind.TEAM, "search", "20"),
        (ScopeKind.SERVICE, "Storage", "20"),
        (ScopeKind.REGION, "eu-west-1", "50"),
        (ScopeKind.ACCOUNT, "111111111111", "70"),
        (ScopeKind.ENVIRONMENT, "Prod", "50"),
    ],
)
def test_each_kind_of_budget_counts_its_own_part(kind: ScopeKind, key: str, actual: str) -> None:
    november(5)
    budget = make_budget(kind, key)
    evaluate(6)
    assert status(budget).actual_cost == Decimal(actual)


def test_credits_refunds_and_tax_count_only_where_asked_for() -> None:
    # usage 14, tax 3, credit −2, refund −5; all in November
    extra = tuple(Spend(cost, category=kind) for cost, kind in (("3", "Tax"), ("-2", "Credit"), ("-5", "Adjustment")))
    november(1, more=extra)
    base = {"scope_kind": ScopeKind.TOTAL, "amount": Decimal(100)}
    wanted = [
        BudgetInput("plain", **base),  # type: ignore[arg-type]
        BudgetInput("tax", with_tax=True, **base),  # type: ignore[arg-type]
        BudgetInput("credits", with_credits=True, **base),  # type: ignore[arg-type]
        BudgetInput("refunds", with_refunds=True, **base),  # type: ignore[arg-type]
    ]
    keys = [create_budget(item, author=None, today=START) for item in wanted]
    evaluate(2)
    assert [status(key).actual_cost for key in keys] == [Decimal(14), Decimal(17), Decimal(12), Decimal(9)]


def test_the_effective_basis_is_the_default_and_another_one_can_be_chosen() -> None:
    november(0, more=(Spend("100", effective="60", tags={"Team": "payments"}),))
    billed = BudgetInput("b", ScopeKind.TEAM, Decimal(1), scope_key="payments", metric=CostMetric.BILLED)
    keys = [make_budget(), create_budget(billed, author=None, today=START)]
    evaluate(2)
    assert [status(key).actual_cost for key in keys] == [Decimal(60), Decimal(100)]


def test_a_simulated_month_of_daily_imports_gives_each_alert_exactly_once() -> None:
    make_budget()
    raised: dict[str, int] = {}
    for day in range(1, 31):
        november(day - 1)
        found = [*evaluate(day).alerts, *evaluate(day).alerts]  # after the import, and by the clock
        if day in {15, 23}:
            november(day - 6)  # a delivery that lost days: below the step again
            found += evaluate(day).alerts
        raised |= dict.fromkeys(found, day)
    # Spent at the morning of day d: 10 (d − 1). Plan 250: above 125 on the 14th, above 200 on the 22nd,
    # above 250 on the 27th. The forecast is 300 from the first day on.
    assert raised == {
        "payments-monthly-2025-11-forecast-100": 1,
        "payments-monthly-2025-11-actual-50": 14,
        "payments-monthly-2025-11-actual-80": 22,
        "payments-monthly-2025-11-actual-100": 27,
    }
    assert Alert.objects.count() == 4


def test_late_data_of_the_month_before_still_gives_its_alert() -> None:
    make_budget(amount="312")  # December is expected at 310
    november(30)
    evaluate(30)
    before = set(Alert.objects.values_list("ref", flat=True))
    november(30, more=(Spend("20", day=30, tags={"Team": "payments"}),))  # 320, known in December
    found = evaluate_budgets(today=date(2025, 12, 3), now=moment(date(2025, 12, 3)))
    assert set(found.alerts) == {"payments-monthly-2025-11-actual-100"}
    assert found.alerts[0] not in before


def test_periods_before_the_budget_was_made_give_no_alert_but_stand_in_its_history() -> None:
    november(3)
    key = make_budget(amount="20")
    evaluate(4)
    assert set(Alert.objects.values_list("period_start", flat=True)) == {START}
    past = selectors.budget(Scope.all(), key, today=date(2025, 11, 4)).past
    assert [(str(item.period), item.actual, item.variance) for item in past] == [
        ("2025-10", Decimal(310), Decimal(290)),
    ]


def test_steps_passed_at_once_are_told_with_the_severest() -> None:
    november(30)
    make_budget(amount="100")
    evaluate(30)
    told = {item.ref: item.told_with for item in Alert.objects.all()}
    loudest = "payments-monthly-2025-11-actual-100"
    assert told.pop(loudest) == ""
    assert set(told.values()) == {loudest}
    assert len(told) == 3
    assert selectors.open_alert_count(Scope.all()) == 1


def test_stale_data_gives_no_forecast_alert_while_what_is_spent_still_counts() -> None:
    november(10)
    make_budget(amount="150")  # 100 spent: above 50 %; the forecast of 300 is above 100 %
    assert evaluate(20).alerts == ("payments-monthly-2025-11-actual-50",)
    november(18)
    assert set(evaluate(20).alerts) == {
        "payments-monthly-2025-11-actual-80",
        "payments-monthly-2025-11-actual-100",
        "payments-monthly-2025-11-forecast-100",
    }


def test_changing_or_remaking_a_step_does_not_repeat_its_alert() -> None:
    november(14)
    key = make_budget()
    evaluate(15)
    stored = Budget.objects.get(key=key)
    stored.thresholds.all().delete()
    steps = (AlertStep(ThresholdKind.ACTUAL, Decimal(50), Severity.CRITICAL),)
    wanted = BudgetInput("Monthly", ScopeKind.TEAM, Decimal(200), scope_key="payments", steps=steps)
    update_budget(key, wanted, today=START)
    assert evaluate(15).alerts == ()


def test_what_a_budget_is_for_cannot_be_changed() -> None:
    key = make_budget(ScopeKind.TOTAL, "")
    wanted = BudgetInput("Monthly", ScopeKind.TEAM, Decimal(1), scope_key="payments")
    with pytest.raises(InvalidRequestError, match="stay as they are"):
        update_budget(key, wanted, today=START)


def test_the_teams_whose_costs_rose_most_are_named() -> None:
    # to the 4th: payments 4 × 25 against 4 × 10 in October, search 16 against 16
    november(4, pay="25")
    key = make_budget(ScopeKind.TOTAL, "", amount="1000")
    evaluate(5)
    cause = status(key).causes[0]
    assert cause == {"key": "payments", "label": "Payments", "cost": "100", "previous": "40"}


def test_a_team_budgets_causes_are_services_of_that_team() -> None:
    november(4, pay="25")
    key = make_budget()
    evaluate(5)
    assert [item["label"] for item in status(key).causes] == ["Compute"]


def test_a_quarterly_budget_sums_its_months() -> None:
    november(5)
    wanted = BudgetInput("Q", ScopeKind.TEAM, Decimal(900), scope_key="payments", cadence=Cadence.QUARTERLY)
    key = create_budget(wanted, author=None, today=START)
    evaluate(6)
    found = BudgetStatus.objects.get(budget__key=key)
    assert (found.period_start, found.actual_cost) == (date(2025, 10, 1), Decimal(360))


def test_a_planned_amount_holds_from_its_month_on() -> None:
    november(3)
    planned = ((date(2025, 11, 1), Decimal(40)), (date(2025, 12, 1), Decimal(900)))
    wanted = BudgetInput("P", ScopeKind.TEAM, Decimal(7), scope_key="payments", planned=planned)
    key = create_budget(wanted, author=None, today=START)
    evaluate(4)
    assert status(key).planned_amount == Decimal(40)


def test_templates_suggest_the_mean_of_the_last_full_months_and_five_per_cent() -> None:
    # October alone is full and known: all 434 × 1.05 = 455.70 → 456; payments 310 × 1.05 = 325.50 → 326
    november(5)
    found = {item.template: item for item in selectors.suggestions(Scope.all(), today=date(2025, 11, 6))}
    assert (found["total"].amount, found["total"].periods_used) == (Decimal(456), 1)
    assert (found["team"].scope_key, found["team"].amount) == ("payments", Decimal(326))
    assert found["year"].amount == Decimal(5470)  # 434 × 1.05 × 12 = 5,468.40
    assert len(found) == 5


def test_a_team_with_a_budget_is_not_suggested_again() -> None:
    make_budget()
    found = {item.template: item for item in selectors.suggestions(Scope.all(), today=date(2025, 11, 6))}
    assert found["team"].scope_key == "search"


def test_without_any_costs_a_budget_says_that_it_has_no_data() -> None:
    make_budget(ScopeKind.SERVICE, "Nothing")
    evaluate(6)
    row = selectors.budget_list(Scope.all(), today=date(2025, 11, 6))[0]
    assert row.now is not None
    assert not row.now.has_costs
