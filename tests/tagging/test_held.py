"""What a process holds of a team's figures is given up with a bill, its owners, the policy and everything else they
hang on; and it is that team's alone."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext

from costs.models import SubAccount
from costs.queries import CostQuery
from costs.reading import one_reading
from costs.scope import Scope
from costs.terms import CostMetric
from tagging.models import AllocationRule, Exemption, TagKey, Team, UntaggableCharge
from tagging.results import CostliestResources
from tagging.selectors import compliance, cost_cube
from tagging.selectors.compliance import costliest
from tagging.services import RuleInput, reallocate, save_rule
from tagging.terms import RuleKind
from tests.tagging.builders import NOVEMBER, Spend, month

pytestmark = [pytest.mark.django_db, pytest.mark.real_parts]
PAYMENTS, SEARCH = (Scope.teams(frozenset({key})) for key in ("payments", "search"))
GOOD = {"Owner": "jo", "Environment": "Dev", "Team": "payments", "CostCenter": "CC-100", "Project": "P1"}
BARE = {"Team": "payments"}
SPENDS = (
    Spend("10", day=1, tags=BARE, resource="i-1"),
    Spend("4", day=2, tags=GOOD, resource="i-2"),
    Spend("3", day=2, tags=BARE, resource="q-1", service="Queue"),
    Spend("50", day=3, tags={**GOOD, "Team": "search"}, resource="i-9"),
)


@pytest.fixture(autouse=True)
def world(team: Team, other_team: Team) -> None:
    for name in ("payments", "search"):
        save_rule(RuleInput(RuleKind.TAG, tag_key="Team", tag_values=(name,), team_key=name))
    month(SPENDS)


def _top(scope: Scope = PAYMENTS) -> CostliestResources:
    with one_reading():
        return costliest(scope, NOVEMBER, metric=CostMetric.BILLED, limit=8)


def _fixes() -> list[str]:
    return [row.resource_id for row in _top().fixes]


def _services(scope: Scope = PAYMENTS) -> dict[str, Decimal]:
    with one_reading():
        cube = cost_cube(scope, CostQuery(NOVEMBER, NOVEMBER), ("service",))
    return {cell.values[0]: cell.cost for cell in cube.cells}


def _compliant() -> Decimal:
    with one_reading():
        return compliance(PAYMENTS, NOVEMBER, metric=CostMetric.BILLED, totals_only=True).compliant_cost


def test_the_second_page_reads_neither_lines_nor_daily_costs() -> None:
    # Payments: 10 + 4 + 3 = 17, of which the 4 comply; i-1 and q-1 are to fix.
    first = _top(), _services(), _compliant()
    with CaptureQueriesContext(
        connection,
    ) as asked:
        assert (_top(), _services(), _compliant()) == first
    read = " ".join(query["sql"] for query in asked.captured_queries)
    assert "costs_resourcecost" not in read
    assert "costs_dailycost" not in read
    assert (first[0].total, first[1], first[2]) == (
        Decimal(17),
        {"Compute": Decimal(14), "Queue": Decimal(3)},
        Decimal(4),
    )
    assert _fixes() == ["i-1", "q-1"]


def test_each_team_has_its_own() -> None:
    assert [row.resource_id for row in _top().rows] == ["i-1", "i-2", "q-1"]
    assert [row.resource_id for row in _top(SEARCH).rows] == ["i-9"]
    assert (_services(), _services(SEARCH)["Compute"]) == ({"Compute": Decimal(14), "Queue": Decimal(3)}, Decimal(50))


def test_a_bill_delivered_again_is_read_again() -> None:
    _top(), _services(), _compliant()
    month([Spend("6", day=1, tags=GOOD, resource="i-1")])
    assert (_top().total, _services(), _compliant()) == (Decimal(6), {"Compute": Decimal(6)}, Decimal(6))
    assert _fixes() == []


def test_owners_given_again_are_read_again(team: Team, other_team: Team) -> None:
    _top(), _services(), _compliant()
    AllocationRule.objects.filter(team=team).update(tag_values=["nobody"])
    AllocationRule.objects.filter(team=other_team).update(team=team)
    reallocate()
    # What search had, 50, is now all that payments has.
    assert (_top().total, _services(), _compliant()) == (Decimal(50), {"Compute": Decimal(50)}, Decimal(50))


def _exempt(author: User) -> None:
    until, at = NOVEMBER.end + timedelta(days=30), "2025-11-01T00:00Z"
    Exemption.objects.create(
        since=NOVEMBER.start, until=until, reason="Agreed.", author=author, created_at=at, resource="i-1"
    )


@pytest.mark.parametrize(
    ("change", "left"),
    [
        (lambda _: UntaggableCharge.objects.create(service_name="Queue", reason="Nobody can."), ["i-1"]),
        (_exempt, ["q-1"]),
        (lambda _: TagKey.objects.exclude(key="Team").update(is_required=False), []),
    ],
)
def test_what_is_arranged_counts_at_once(finops_lead: User, change: Callable[[User], object], left: list[str]) -> None:
    assert _fixes() == ["i-1", "q-1"]
    change(finops_lead)
    assert _fixes() == left


def test_an_account_named_otherwise_is_shown_so() -> None:
    _top()
    SubAccount.objects.update_or_create(sub_account_id="111111111111", defaults={"display_name": "Shop"})
    assert {row.sub_account_name for row in _top().rows} == {"Shop"}
    SubAccount.objects.filter(sub_account_id="111111111111").update(display_name="Till")
    assert {row.sub_account_name for row in _top().rows} == {"Till"}
