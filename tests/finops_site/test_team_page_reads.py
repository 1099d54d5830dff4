"""The team page asks little of the database whatever there is to show, and its figures stay what they were."""

from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from typing import TypeVar, cast
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from costs.periods import BillingPeriod, DateRange
from costs.reading import one_reading
from costs.scope import Scope
from costs.terms import CostMetric
from tagging import selectors
from tagging.models import DriverValue, Exemption, Membership, PoolDriver, SharedPool, Team, UntaggableCharge
from tagging.pools import Target
from tagging.selectors.arrangements import arrangements
from tagging.selectors.policy import excuses, untaggable_charges
from tagging.selectors.pools import pools_of
from tagging.services import PoolInput, RuleInput, save_pool, save_rule
from tagging.terms import MemberRole, RuleKind, SplitMethod, Weighing
from tests.conftest import ClientFor
from tests.tagging.builders import NOVEMBER, OCTOBER, Spend, month

pytestmark = [pytest.mark.django_db, pytest.mark.real_parts]
D = Decimal
MOST = 15
PAY, SEARCH, FRAUD = {"Team": "payments"}, {"Team": "search"}, {"Team": "fraud"}
MOMENT = datetime(2025, 11, 21, tzinfo=ZoneInfo("UTC"))

Test = TypeVar("Test", bound=Callable[..., None])


def on_the_21st(test: Test) -> Test:
    """The test lives on 21 November 2025, with the month's costs known through the day before."""
    return cast("Test", time_machine.travel(date(2025, 11, 21), tick=False)(test))


@pytest.fixture
def everything(team: Team, other_team: Team, team_lead: User, finops_lead: User) -> None:
    """Whatever makes the page ask for more: teams below and beside, pools by cost and headcount, exemptions, no plan.

    November: payments 10 + 20, fraud 4, search 5, the pool of Support 7. October: payments 12.
    """
    Team.objects.create(key="fraud", name="Fraud", parent=team)
    Membership.objects.create(team=other_team, user=team_lead, role=MemberRole.VIEWER.value)
    driver = PoolDriver.objects.create(key="headcount", name="Headcount")
    for key, count in (("payments", 3), ("search", 4)):
        DriverValue.objects.create(driver=driver, period=NOVEMBER.start, owner_key=key, value=count)
    key = save_pool(PoolInput("Support", SplitMethod.PROPORTIONAL, weighing=Weighing.DRIVER, driver_key="headcount"))
    tree = {"field": "service", "op": "is", "values": ["Support"]}
    save_rule(RuleInput(RuleKind.CONDITION, condition=tree, team_key=f"pool:{key}"))
    for name in ("payments", "search", "fraud"):
        save_rule(RuleInput(RuleKind.TAG, tag_key="Team", tag_values=(name,), team_key=name))
    Exemption.objects.create(
        resource="bucket-*", team=team, keys=["Owner"], reason="Shared.", since=date(2025, 1, 1),
        until=date(2026, 1, 1), author=finops_lead, created_at=MOMENT,
    )  # fmt: skip
    UntaggableCharge.objects.create(service_name="Support", usage_type="*", reason="Nobody can.")
    month([Spend("12", tags=PAY)], period=OCTOBER)
    month(
        [
            Spend("10", tags=PAY, day=3, resource="i-pay", effective="8"),
            Spend("20", tags=PAY, day=20, service="Storage", usage_type="TimedStorage", resource="bucket-pay"),
            Spend("4", tags=FRAUD, day=4),
            Spend("5", tags=SEARCH),
            Spend("7", service="Support"),
        ]
    )


@pytest.mark.parametrize("who", ["team_lead", "finops_lead"])
@pytest.mark.parametrize("asked", ["", "?basis=effective", "?period=2025-10"])
@on_the_21st
def test_the_team_page_keeps_to_fifteen_queries_with_all_there_is_to_show(
    everything: None,
    who: str,
    asked: str,
    request: pytest.FixtureRequest,
    client_for: ClientFor,
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    client = client_for(request.getfixturevalue(who))
    with django_assert_max_num_queries(MOST):
        page = client.get(f"/teams/payments/{asked}")
    assert page.status_code == 200
    assert "could not be shown" not in page.content.decode()


@on_the_21st
def test_panels_that_share_a_read_show_the_same_month(everything: None, team_lead: User, client_for: ClientFor) -> None:
    found: Client = client_for(team_lead)
    context = found.get("/teams/payments/").context
    # 10 + 20 in November through the 20th; Support's 7 split 3 : 4 by heads gives payments 3.
    assert context["headline"].value.movers.total == D(30)
    assert sum(amount for amount in context["daily"].value.current.amounts if amount) == D(30)
    assert [(share.pool_name, share.cost) for share in context["shares"].value] == [("Support", D(3))]
    # The forecast counts effective cost: 8 + 20.
    assert context["landing"].value.actual == D(28)
    assert [(row.name, row.cost) for row in context["sub_teams"].value.rows] == [("Fraud", D(4))]
    top = context["resources"].value
    assert [(row.resource_id, row.cost) for row in top.rows] == [("bucket-pay", D(20)), ("i-pay", D(10))]
    assert (top.total, top.count) == (D(30), 2)
    assert context["trust"].value.ties_out


def test_what_is_arranged_comes_back_as_it_was_stored(everything: None, team: Team) -> None:
    found = arrangements()
    assert [(pool.name, pool.driver and pool.driver.name) for pool in found.pools] == [("Support", "Headcount")]
    assert [(pool.key, pool.driver) for pool in pools_of(NOVEMBER)] == [("support", "Headcount")]
    (excuse,) = excuses()
    assert (excuse.since, excuse.until, excuse.keys, excuse.team) == (
        date(2025, 1, 1),
        date(2026, 1, 1),
        ("Owner",),
        "payments",
    )
    assert ("Support", "*") in [(item.service, item.usage_type) for item in untaggable_charges()]
    assert [key.key for key in found.tag_keys] == [key.key for key in selectors.policy_keys()]


def test_pools_come_in_their_order_and_keep_targets_and_months(team: Team) -> None:
    save_pool(PoolInput("Late", SplitMethod.EVEN, targets=(Target("payments", cap=D("1.5")),)))
    SharedPool.objects.filter(key="late").update(position=2, from_period=date(2025, 10, 1))
    SharedPool.objects.create(key="early", name="Early", position=1, method=SplitMethod.EVEN.value)
    SharedPool.objects.create(key="off", name="Off", position=0, method=SplitMethod.EVEN.value, is_active=False)
    assert [pool.key for pool in arrangements().pools] == ["early", "late"]
    assert arrangements().pools[1].from_period == date(2025, 10, 1)
    (late,) = [pool for pool in pools_of(NOVEMBER) if pool.key == "late"]
    assert late.targets == (Target("payments", cap=D("1.5")),)


def test_days_read_ahead_answer_as_if_they_were_asked_for(everything: None) -> None:
    scope = Scope.teams(frozenset({"payments"}))
    wide = DateRange(BillingPeriod.parse("2025-08").start, NOVEMBER.end)
    narrow = DateRange(OCTOBER.start, NOVEMBER.end)

    def asked(metric: CostMetric) -> selectors.CostDays:
        return selectors.cost_days(scope, narrow, ("category", "service"), metric=metric, currency="USD")

    plain = [asked(metric) for metric in CostMetric]
    with one_reading():
        selectors.read_days_ahead(scope, wide, metrics=(CostMetric.BILLED, CostMetric.EFFECTIVE), currency="USD")
        assert [asked(metric) for metric in CostMetric] == plain
    assert plain[0].last_day == date(2025, 11, 20)


def test_a_part_of_a_scope_is_not_given_the_months_of_the_rest(everything: None) -> None:
    both, search = Scope.teams(frozenset({"payments", "search"})), Scope.teams(frozenset({"search"}))
    with one_reading():
        selectors.read_months_ahead(both)
        assert selectors.periods_of(both) == (NOVEMBER, OCTOBER)
        assert selectors.periods_of(search) == (NOVEMBER,)
