"""Imports get their owners, on both databases: every cost once, the deciding rule kept, safe to repeat."""

from decimal import Decimal
from unittest.mock import patch

import pytest
from django.db.models import Sum
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from costs.models import DailyCost
from costs.terms import COST_COLUMNS
from tagging.models import AllocatedCost, Allocation, AllocationRule, Team
from tagging.services import RuleInput, allocate_import, delete_rule, reallocate, reorder_rules, save_rule
from tagging.services.allocate import AllocationDoesNotTieOutError
from tagging.terms import RuleKind
from tests.tagging.builders import NOVEMBER, OCTOBER, Spend, key_of, month

pytestmark = [pytest.mark.django_db, pytest.mark.real_parts]

SEARCH = RuleInput(RuleKind.TAG, tag_key="Team", tag_values=("Search", "search team"), team_key="search")


def owned(import_pk: int) -> dict[str, Decimal]:
    rows = AllocatedCost.objects.filter(bill_import_id=import_pk).order_by().values_list("owner_key")
    return dict(rows.annotate(Sum("billed_cost")))


def test_every_slice_keeps_its_owner_rule_and_what_it_matched(team: Team, other_team: Team) -> None:
    save_rule(SEARCH)
    save_rule(RuleInput(RuleKind.ACCOUNT, sub_account_id="222222222222", team_key="payments"))
    made = month(
        [
            Spend("1.1", tags={"Team": "SEARCH TEAM", "Environment": "production", "Project": "P1"}),
            Spend("2.2", account="222222222222", tags={"CostCenter": "CC-9", "Owner": "Ann"}),
            Spend("4.4", category="Tax"),
        ]
    )
    found = {row.slice.charge_category + row.owner_key: row for row in Allocation.objects.filter(bill_import=made)}
    by_tag, by_account, nobody = found["Usagesearch"], found["Usagepayments"], found["Tax"]
    assert (by_tag.rule_text, by_tag.matched_text) == ("Tag Team is Search or search team", "Team=SEARCH TEAM")
    assert (by_tag.environment, by_tag.project, by_tag.cost_center) == ("Prod", "P1", "CC-200")
    assert (by_account.matched_text, by_account.cost_center) == ("Account 222222222222", "CC-9")
    assert by_account.tag_owner == "Ann"
    assert (nobody.owner_kind, nobody.rule_id, nobody.rule_text) == ("nobody", None, "")
    assert owned(made.pk) == {"search": Decimal("1.1"), "payments": Decimal("2.2"), "": Decimal("4.4")}


def test_costs_are_pre_summed_by_day_and_owner_exactly_in_every_basis(team: Team) -> None:
    save_rule(RuleInput(RuleKind.ACCOUNT, sub_account_id="111111111111", team_key="payments"))
    small = "0.0000000001"
    made = month(
        [
            Spend(small, usage_type="a", effective="5"),
            Spend(small, usage_type="b"),
            Spend("-3", usage_type="c"),
            Spend("7", usage_type="a", day=2),
        ]
    )
    rows = AllocatedCost.objects.filter(bill_import=made).order_by("charge_date")
    assert [(row.charge_date.day, row.billed_cost) for row in rows] == [
        (1, Decimal("-2.9999999998")),
        (2, Decimal(7)),
    ]
    assert rows[0].effective_cost == Decimal("2.0000000001")


def test_allocating_twice_is_like_once() -> None:
    made = month([Spend("1"), Spend("2", day=2)])
    before = [Allocation.objects.count(), AllocatedCost.objects.count(), owned(made.pk)]
    allocate_import(made.pk)
    assert [Allocation.objects.count(), AllocatedCost.objects.count(), owned(made.pk)] == before


def test_a_change_of_rules_reaches_every_month_in_force_and_imports_about_to_be(other_team: Team) -> None:
    tagged = Spend("5", tags={"Team": "Search"})
    imports = [
        month([tagged], period=OCTOBER),
        month([tagged]),
        month([tagged], source="second", in_force=False),
    ]
    assert [owned(made.pk) for made in imports] == [{"": Decimal(5)}] * 3
    pk = save_rule(SEARCH)
    assert [owned(made.pk) for made in imports] == [{"search": Decimal(5)}] * 3
    delete_rule(pk, reason="Not theirs")
    assert [owned(made.pk) for made in imports] == [{"": Decimal(5)}] * 3
    assert AllocationRule.objects.get(pk=pk).is_active is False
    assert reallocate([OCTOBER]) == 1


def test_a_rule_holds_only_in_its_months(other_team: Team) -> None:
    tagged = Spend("5", tags={"Team": "Search"})
    before, after = month([tagged], period=OCTOBER), month([tagged])
    save_rule(RuleInput(RuleKind.TAG, tag_key="Team", tag_values=("search",), team_key="search", from_period=NOVEMBER))
    assert (owned(before.pk), owned(after.pk)) == ({"": Decimal(5)}, {"search": Decimal(5)})


def test_new_rules_go_to_the_end_of_their_kind_and_order_can_be_turned(team: Team, other_team: Team) -> None:
    default = save_rule(RuleInput(RuleKind.DEFAULT))
    account = save_rule(RuleInput(RuleKind.ACCOUNT, sub_account_id="111111111111", team_key="payments"))
    tag = save_rule(SEARCH)
    assert list(AllocationRule.objects.values_list("pk", flat=True)) == [tag, account, default]
    made = month([Spend("5", tags={"Team": "search"})])
    assert owned(made.pk) == {"search": Decimal(5)}
    reorder_rules([account], reason="The account goes first")
    assert owned(made.pk) == {"payments": Decimal(5)}
    assert list(AllocationRule.objects.values_list("pk", flat=True)) == [account, tag, default]


def test_nothing_changes_when_owners_and_bill_do_not_tie_out(other_team: Team) -> None:
    made = month([Spend("5", tags={"Team": "Search"})])
    with (
        patch("tagging.services.allocate.sum_up", lambda pk, groups: None),
        pytest.raises(AllocationDoesNotTieOutError, match="Owners hold 0 of 5 billed cost"),
    ):
        save_rule(SEARCH)
    assert owned(made.pk) == {"": Decimal(5)}
    assert not AllocationRule.objects.exists()


def test_allocation_takes_few_statements_however_many_slices(
    django_assert_max_num_queries: pytest.FixtureRequest,
) -> None:
    made = month([Spend("1", usage_type=f"type {n}") for n in range(60)])
    with django_assert_max_num_queries(28):  # type: ignore[operator]
        allocate_import(made.pk)


spends = st.builds(
    Spend,
    billed=st.decimals(min_value=-500, max_value=5000, places=10).map(str),
    effective=st.decimals(min_value=-500, max_value=5000, places=10).map(str),
    day=st.integers(min_value=1, max_value=30),
    tags=st.sampled_from([{}, {"Team": "Search"}, {"Team": "pay"}, {"Environment": "prod"}]),
    account=st.sampled_from(["111111111111", "222222222222"]),
    category=st.sampled_from(["Usage", "Tax", "Credit"]),
)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(spends, min_size=1, max_size=8))
def test_owners_and_nobody_sum_to_the_bill_in_every_basis(team: Team, parts: list[Spend]) -> None:
    if not AllocationRule.objects.exists():
        save_rule(RuleInput(RuleKind.TAG, tag_key="Team", tag_values=("pay",), team_key=team.key))
    made = month(parts, source=f"s{key_of(*parts) % 10**9}")
    wanted = {name: Sum(name) for name in COST_COLUMNS}
    held = AllocatedCost.objects.filter(bill_import=made).aggregate(**wanted)
    assert held == DailyCost.objects.filter(bill_import=made).aggregate(**wanted)
    assert held["billed_cost"] == sum((Decimal(part.billed) for part in parts), Decimal(0))
