"""What can change in a reopened month while a later one is closed."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from django.test import Client

from costs.errors import InvalidRequestError
from costs.terms import CostMetric
from tagging.inputs import PoolInput
from tagging.models import AllocationRule, CommitmentBenefit, SharedPool, Team
from tagging.services import CloseStep, RuleInput, close_month, reopen_month, save_rule
from tagging.services.charge_policies import set_benefit_policy, set_charge_policy
from tagging.services.pools import save_pool
from tagging.terms import BenefitPolicy, ChargeKind, ChargePolicy, RuleKind, SplitMethod
from tests.tagging import page_world
from tests.tagging.builders import NOVEMBER, OCTOBER, Spend, month

pytestmark = [pytest.mark.django_db, pytest.mark.real_parts]
# The test client's answers are no HttpResponse to the type checker.
text_of: Callable[[Any], str] = page_world.text_of
STEP = CloseStep("Fiona", datetime(2026, 3, 10, 10, tzinfo=UTC), "wrong rule")
REFUSED = (
    "November 2025 is closed. A change holds from December 2025 on: start there, or reopen November 2025,"
    " to change anything from October 2025 on."
)
RULE = {"tag_key": "Team", "tag_values": "search", "team_key": "search", "from_period": "2025-10", "reason": "Theirs"}


@pytest.fixture(autouse=True)
def october_open_again(team: Team, other_team: Team) -> None:
    save_rule(RuleInput(RuleKind.TAG, tag_key="Team", tag_values=("payments",), team_key="payments"))
    for period in (OCTOBER, NOVEMBER):
        month([Spend("10", tags={"Team": "payments"}), Spend("5", tags={"Team": "search"})], period=period)
        close_month(period, STEP, metric=CostMetric.BILLED)
    reopen_month(OCTOBER, STEP)


@pytest.mark.parametrize("button", [{"preview": "on"}, {}])
def test_a_rule_from_a_month_that_takes_none_is_refused_in_its_preview_and_when_it_is_kept(
    staff: Client, button: dict[str, str]
) -> None:
    answer = staff.post("/rules/new/?kind=tag", RULE | button)
    assert answer.status_code == 400
    assert REFUSED in text_of(answer)
    assert "This would move nothing" not in text_of(answer)
    assert AllocationRule.objects.count() == 1


def test_pools_and_policies_are_refused_in_the_same_words() -> None:
    for change in (
        lambda: save_pool(PoolInput("Platform", SplitMethod.KEEP, "platform", from_period=OCTOBER, reason="y")),
        lambda: set_charge_policy(ChargeKind.TAXES, ChargePolicy.CENTRAL, from_period=OCTOBER, reason="y"),
        lambda: set_benefit_policy(BenefitPolicy.LIST, from_period=OCTOBER, reason="y"),
    ):
        with pytest.raises(InvalidRequestError) as refused:
            change()
        assert str(refused.value) == REFUSED
    assert not SharedPool.objects.exists()
    assert not CommitmentBenefit.objects.exists()


def test_the_cure_works(staff: Client) -> None:
    reopen_month(NOVEMBER, STEP)
    assert staff.post("/rules/new/?kind=tag", RULE).status_code == 302
    assert AllocationRule.objects.get(tag_values=["search"]).from_period == OCTOBER.start


def test_a_rule_that_began_in_a_closed_month_is_changed_from_the_first_open_one_without_being_asked() -> None:
    """Its form sends the month it began in along, unchanged: nobody asked for that month."""
    reopen_month(NOVEMBER, STEP)
    wanted = RuleInput(RuleKind.TAG, tag_key="Team", tag_values=("search",), team_key="search", from_period=OCTOBER)
    pk = save_rule(wanted)
    for period in (OCTOBER, NOVEMBER):
        close_month(period, STEP, metric=CostMetric.BILLED)
    after = AllocationRule.objects.get(pk=save_rule(wanted, pk=pk))
    assert (after.replaces_id, after.from_period) == (pk, NOVEMBER.next().start)


def test_reopening_warns_of_the_months_closed_since(staff: Client) -> None:
    close_month(OCTOBER, STEP, metric=CostMetric.BILLED)
    october, november = (text_of(staff.get(f"/close/2025-{number}/reopen/")) for number in (10, 11))
    assert "Closed since: November 2025." in october
    assert "no change of rules, pools or policies" in october
    assert "Closed since" not in november
