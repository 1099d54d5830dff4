"""What a change of rules would move: exact against what really moves, month by month, and kept nowhere."""

from decimal import Decimal

import pytest

from costs.errors import InvalidRequestError
from costs.models import Bill
from costs.periods import BillingPeriod
from tagging.models import AllocationRule, SharedPool, Team
from tagging.services import PoolInput, RuleInput, delete_rule, dry_run, reallocate, save_pool, save_rule, what_moves
from tagging.terms import RuleKind, SplitMethod
from tests.tagging.builders import NOVEMBER, OCTOBER, Spend, month
from tests.tagging.test_allocate import owned

pytestmark = [pytest.mark.django_db, pytest.mark.real_parts]
EC2 = {
    "all": [{"field": "service", "op": "is", "values": ["compute"]}, {"not": {"field": "tag:Team", "op": "present"}}]
}


@pytest.fixture(autouse=True)
def months(team: Team, other_team: Team) -> None:
    """Each month: payments 10 by tag, nobody 4 + 3 of compute (i-1, i-2) and 2 of storage; November nobody 1 more."""
    save_rule(RuleInput(RuleKind.TAG, tag_key="Team", tag_values=("payments",), team_key="payments"))
    common = [
        Spend("10", tags={"Team": "payments"}, resource="i-0"),
        Spend("4", resource="i-1", usage_type="a"),
        Spend("3", resource="i-2", usage_type="b"),
        Spend("2", service="Storage", resource="bucket"),
    ]
    month(common, period=OCTOBER)
    month([*common, Spend("1", category="Fee", day=2)])


def condition(owner: str, **rest: object) -> RuleInput:
    return RuleInput(RuleKind.CONDITION, condition=EC2, team_key=owner, **rest)  # type: ignore[arg-type]


def test_money_and_resources_are_counted_month_by_month_from_whom_to_whom() -> None:
    """October: 4 + 3 and two resources. November: 8 with the fee, which has no resource."""
    found = dry_run(lambda: save_rule(condition("search"), allocate=False))
    assert [(str(row.period), row.before, row.after, row.cost, row.resources) for row in found.months] == [
        ("2025-11", "Nobody (unallocated)", "Search", Decimal(8), 2),
        ("2025-10", "Nobody (unallocated)", "Search", Decimal(7), 2),
    ]
    assert (found.resources, found.moves.moved_cost) == (2, Decimal(15))
    assert AllocationRule.objects.count() == 1


@pytest.mark.parametrize("owner", ["search", "cost-center:CC 9", ""])
def test_what_would_move_is_what_then_moves(owner: str) -> None:
    change = condition(owner, from_period=NOVEMBER)
    foreseen = dry_run(lambda: save_rule(change, allocate=False)).moves
    kept = what_moves(lambda: save_rule(change), keep=True)
    assert foreseen == kept
    assert kept.moved_cost == (0 if owner == "" else 8)


def test_a_rule_turned_off_gives_its_costs_back() -> None:
    pk = AllocationRule.objects.get().pk
    (row,) = dry_run(lambda: delete_rule(pk, reason="x", allocate=False)).months[:1]
    assert (row.before, row.after, row.cost) == ("Payments", "Nobody (unallocated)", Decimal(10))


def test_a_pool_and_a_cost_centre_own_costs_under_keys_no_team_can_have() -> None:
    save_pool(PoolInput(name="Platform", method=SplitMethod.KEEP, reason="x"))
    save_rule(condition("pool:platform", to_period=NOVEMBER))
    save_rule(condition("cost-center: CC  9 ", from_period=NOVEMBER))
    october, november = imports()
    assert owned(october) == {"payments": Decimal(10), "": Decimal(2), "pool:platform": Decimal(7)}
    assert owned(november) == {"payments": Decimal(10), "": Decimal(2), "cost-center:CC 9": Decimal(8)}


def test_closed_months_stay_out_and_a_changed_rule_goes_on_as_another_row(monkeypatch: pytest.MonkeyPatch) -> None:
    """October closes. The changed rule's first row ends there; the second holds from November on."""
    pk = AllocationRule.objects.get().pk
    monkeypatch.setattr("tagging.selectors.closed.last_closed_period", lambda: OCTOBER)
    change = RuleInput(RuleKind.TAG, tag_key="Team", tag_values=("payments",), team_key="search", reason="Moved")
    found = dry_run(lambda: save_rule(change, pk=pk, allocate=False))
    assert [(str(row.period), row.cost) for row in found.months] == [("2025-11", Decimal(10))]
    new = save_rule(change, pk=pk)
    first, second = AllocationRule.objects.order_by("pk")
    assert (first.pk, first.team_id, first.from_period, first.to_period) == (pk, first.team_id, None, NOVEMBER.start)
    assert (second.pk, second.replaces_id, second.from_period, second.position) == (new, pk, NOVEMBER.start, 1)
    october, november = imports()
    assert owned(october)["payments"] == owned(november)["search"] == 10
    delete_rule(new, reason="x")
    assert owned(november) == {"": Decimal(20)}
    assert reallocate([BillingPeriod.parse("2025-10")]) == 1  # the rows tell the closed month the same again
    assert owned(october)["payments"] == 10


def test_a_pool_changes_in_open_months_only(monkeypatch: pytest.MonkeyPatch) -> None:
    save_pool(PoolInput(name="Platform", method=SplitMethod.EVEN, reason="x"))
    monkeypatch.setattr("tagging.selectors.closed.last_closed_period", lambda: OCTOBER)
    with pytest.raises(InvalidRequestError, match=r"October 2025 is closed\. A change holds from November 2025 on"):
        save_pool(PoolInput("Platform", SplitMethod.KEEP, "platform", from_period=OCTOBER, reason="y"))
    save_pool(PoolInput("Platform", SplitMethod.KEEP, "platform", reason="y"))
    rows = [(row.method, row.from_period, row.to_period) for row in SharedPool.objects.order_by("pk")]
    assert rows == [("even", None, NOVEMBER.start), ("keep", NOVEMBER.start, None)]


def imports() -> list[int]:
    """The imports of October and November."""
    return list(Bill.objects.order_by("billing_period").values_list("import_in_force_id", flat=True))
