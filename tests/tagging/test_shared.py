"""Pools of a month on both databases: lines that sum to zero, a team's own only, and both prices of commitments."""

from collections import defaultdict
from decimal import Decimal

import pytest

from costs.periods import BillingPeriod
from costs.scope import Scope
from costs.terms import COST_COLUMNS
from tagging.models import AllocationRule, CommitmentBenefit, DriverValue, PoolDriver, SharedPool, Team
from tagging.selectors.shared import shared_lines
from tagging.services import RuleInput, save_rule
from tagging.terms import RuleKind
from tests.tagging.builders import NOVEMBER, OCTOBER, Spend, month

pytestmark = [pytest.mark.django_db, pytest.mark.real_parts]
EVERYTHING = Scope.all()


@pytest.fixture(autouse=True)
def owners(team: Team, other_team: Team) -> None:
    for key in ("payments", "search"):
        save_rule(RuleInput(RuleKind.TAG, tag_key="Team", tag_values=(key,), team_key=key))
    # as `save_rule` stores a rule that gives to a pool
    AllocationRule.objects.create(
        name="Shared", position=99, kind=RuleKind.ACCOUNT.value, sub_account_id="999999999999", target="pool:platform"
    )


def spend(team: str, billed: str, **rest: str) -> Spend:
    return Spend(billed, tags={"Team": team}, **rest)  # type: ignore[arg-type]


def shared(billed: str, **rest: str) -> Spend:
    return Spend(billed, account="999999999999", **rest)  # type: ignore[arg-type]


def platform(**settings: object) -> SharedPool:
    return SharedPool.objects.create(key="platform", name="Platform", **{"method": "proportional", **settings})


def lines(
    scope: Scope = EVERYTHING, period: BillingPeriod = NOVEMBER, basis: str = "billed_cost"
) -> dict[str, Decimal]:
    return {line.owner_key: line.costs[basis] for line in shared_lines(scope, period, "USD")}


def test_a_pool_is_split_by_direct_cost_on_each_basis_of_its_own() -> None:
    """Billed 100 by 300 and 100: 75 and 25. Effective 100 by 100 and 100: 50 each."""
    platform()
    month([shared("100"), spend("payments", "300", effective="100"), spend("search", "100")])
    assert lines() == {"payments": Decimal(75), "search": Decimal(25), "pool:platform": Decimal(-100)}
    assert lines(basis="effective_cost") == {
        "payments": Decimal(50),
        "search": Decimal(50),
        "pool:platform": Decimal(-100),
    }


def test_a_team_sees_its_own_line_with_pool_and_method_only() -> None:
    platform()
    month([shared("100"), spend("payments", "300"), spend("search", "100")])
    (own,) = shared_lines(Scope.teams(frozenset({"search"})), NOVEMBER, "USD")
    assert (own.pool_name, own.method, own.owner_key) == ("Platform", "in proportion to direct cost", "search")
    assert own.costs["billed_cost"] == 25


def test_lines_of_a_pool_sum_to_zero_on_every_basis_over_chains_and_imports() -> None:
    SharedPool.objects.create(key="network", name="Network", method="even", targets=[{"owner": "search"}])
    platform(targets=[{"owner": "payments"}, {"owner": "search"}, {"owner": "pool:network"}])
    month([shared("100.0000000001", effective="33.3333333333"), spend("payments", "2")])
    month([shared("7"), spend("search", "1", effective="0.1")], source="second")
    sums: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for line in shared_lines(EVERYTHING, NOVEMBER, "USD"):
        for basis in COST_COLUMNS:
            sums[line.pool_key, basis] += line.costs[basis]
    assert set(sums.values()) == {Decimal(0)}


def test_a_pool_is_split_by_the_cost_of_chosen_services() -> None:
    """100 by Storage only: payments 1 of 4, search 3 of 4; what they pay for Compute does not matter."""
    platform(weighing="services", services=["storage"])
    month([shared("100"), spend("payments", "500"), spend("payments", "1", service="Storage"),
           spend("search", "3", service="Storage")])  # fmt: skip
    assert lines() == {"payments": Decimal(25), "search": Decimal(75), "pool:platform": Decimal(-100)}


def test_a_pool_is_split_by_a_driver_of_that_month() -> None:
    """Headcount 3 and 2 in November: 60 and 40. None in October: nobody to split over, it stays."""
    driver = PoolDriver.objects.create(key="headcount", name="headcount")
    for owner, heads in (("payments", 3), ("search", 2)):
        DriverValue.objects.create(driver=driver, period=NOVEMBER.start, owner_key=owner, value=heads)
    platform(weighing="driver", driver=driver)
    month([shared("100")])
    month([shared("100")], period=OCTOBER)
    assert lines() == {"payments": Decimal(60), "search": Decimal(40), "pool:platform": Decimal(-100)}
    assert lines(period=OCTOBER) == {}


def test_unused_commitments_go_to_who_uses_commitments() -> None:
    """Effective: 10 unused; payments used 30, search 10 of commitments: 7.50 and 2.50. Billed: nothing to split."""
    platform(weighing="commitments")
    month([shared("0", effective="10", commitment="Unused"), spend("payments", "0", effective="30", commitment="Used"),
           spend("search", "0", effective="10", commitment="Used"), spend("search", "900")])  # fmt: skip
    assert lines(basis="effective_cost") == {
        "payments": Decimal("7.5"),
        "search": Decimal("2.5"),
        "pool:platform": Decimal(-10),
    }
    assert set(lines().values()) == {Decimal(0)}


def test_a_setting_holds_in_its_months_only() -> None:
    platform(method="even", targets=[{"owner": "search"}], to_period=NOVEMBER.start)
    platform(method="even", targets=[{"owner": "payments"}], from_period=NOVEMBER.start)
    for period in (OCTOBER, NOVEMBER):
        month([shared("10")], period=period)
    assert lines(period=OCTOBER) == {"search": Decimal(10), "pool:platform": Decimal(-10)}
    assert lines() == {"payments": Decimal(10), "pool:platform": Decimal(-10)}


def test_list_price_with_a_central_pot_moves_the_saving() -> None:
    """Commitments cover 100 at list for 60 (payments) and 50 for 45 (search): +40, +5, and −45 in the pot."""
    CommitmentBenefit.objects.create(from_period=NOVEMBER.start, policy="list")
    covered = {"commitment": "Used"}
    for period in (OCTOBER, NOVEMBER):
        month([spend("payments", "100", effective="60", **covered), spend("search", "50", effective="45", **covered),
               spend("search", "7")], period=period)  # fmt: skip
    assert lines(basis="effective_cost") == {
        "payments": Decimal(40),
        "search": Decimal(5),
        "pool:savings-pot": Decimal(-45),
    }
    assert lines(period=OCTOBER) == {}


def test_the_average_rate_is_one_for_all_who_use_a_service() -> None:
    """Compute: 105 effective of 150 at list is 70 %: payments 100 × 0.7 = 70 (+10), search 50 × 0.7 = 35 (−10)."""
    CommitmentBenefit.objects.create(from_period=OCTOBER.start, policy="average")
    month([spend("payments", "100", effective="60", commitment="Used"),
           spend("search", "50", effective="45", commitment="Used"),
           spend("search", "7", service="Storage")])  # fmt: skip
    assert lines(basis="effective_cost") == {"payments": Decimal(10), "search": Decimal(-10)}
