"""The API of shared pools and rules: everybody their own parts, FinOps staff all of it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User

from tagging.inputs import PoolInput
from tagging.models import AllocationRule, Team
from tagging.services import RuleInput, reallocate, save_pool, save_rule
from tagging.terms import RuleKind, SplitMethod
from tests.finops_site.api_world import FEBRUARY, Api, import_month, rule

pytestmark = pytest.mark.django_db
QUERY_BUDGET = 20


@pytest.fixture
def pooled(team: Team, other_team: Team, tmp_path: Path) -> None:
    """Nobody's 4.125 of February in a pool, by direct cost of 15.75 (payments) and 20 (search).

    Of whole 1e-10: payments 1.8173076923 (…076), search 2.3076923077 (…692).
    """
    rule(team, "payments", 1)
    rule(other_team, "search", 2)
    import_month(tmp_path, "2026-02", FEBRUARY)
    save_pool(PoolInput(name="Platform", method=SplitMethod.PROPORTIONAL, reason="Shared by all"))
    save_rule(RuleInput(RuleKind.DEFAULT, team_key="pool:platform"))


def rows(answer: Any, *names: str) -> list[tuple[Any, ...]]:
    return [tuple(row[name] for name in names) for row in answer.json()["results"]]


def test_shares_of_a_month_sum_to_zero_for_staff_and_are_a_teams_own(
    pooled: None, finops_lead: User, team_lead: User
) -> None:
    found = Api(finops_lead).get("shares/?period=2026-02")
    assert rows(found, "owner_kind", "owner_key", "cost") == [
        ("team", "search", "2.3076923077"),
        ("team", "payments", "1.8173076923"),
        ("pool", "pool:platform", "-4.125"),
    ]
    assert found.json()["total_cost"] == "0"
    own = Api(team_lead).get("shares/?period=2026-02")
    assert rows(own, "pool_name", "method", "cost") == [("Platform", "in proportion to direct cost", "1.8173076923")]


def test_a_statement_has_its_shares(pooled: None, team_lead: User) -> None:
    """15.75 + 1.8173076923."""
    found = Api(team_lead).get("statements/payments/?period=2026-02").json()
    summary = found["summary"]
    assert (summary["shared_cost"], summary["total_cost"]) == ("1.8173076923", "17.5673076923")
    assert found["shares"] == [
        {
            "pool_key": "platform",
            "pool_name": "Platform",
            "method": "in proportion to direct cost",
            "cost": "1.8173076923",
        }
    ]


def test_chargeback_shows_the_pool_and_still_closes(pooled: None, finops_lead: User) -> None:
    found = Api(finops_lead).get("chargeback/?period=2026-02").json()
    totals = {row["key"]: (row["owner_kind"], row["shared_cost"], row["total_cost"]) for row in found["results"]}
    assert totals["pool:platform"] == ("pool", "-4.125", "0")
    assert (found["difference"], found["unallocated_cost"], found["pools_cost"]) == ("0", "0", "0")


def test_pools_and_rules_are_for_finops_staff(
    pooled: None, finops_lead: User, team_lead: User, django_assert_max_num_queries: Callable[[int], Any]
) -> None:
    api = Api(finops_lead)
    with django_assert_max_num_queries(QUERY_BUDGET):
        found = api.get("pools/?period=2026-02")
    assert rows(found, "key", "method", "got_cost", "shared_cost", "stays_cost", "reason") == [
        ("platform", "proportional", "4.125", "4.125", "0", "Shared by all")
    ]
    with django_assert_max_num_queries(QUERY_BUDGET):
        found = api.get("rules/")
    assert rows(found, "kind", "owner_key", "owner_name") == [
        ("tag", "payments", "Payments"),
        ("tag", "search", "Search"),
        ("default", "pool:platform", "Pool Platform"),
    ]
    for path in ("pools/", "rules/"):
        assert Api(team_lead).get(path).status_code == 404


def test_a_changed_pool_changes_the_answers_version(pooled: None, finops_lead: User) -> None:
    api = Api(finops_lead)
    before = api.get("shares/?period=2026-02").headers["ETag"]
    save_pool(PoolInput(name="Platform", key="platform", method=SplitMethod.KEEP, reason="Kept"))
    after = api.get("shares/?period=2026-02")
    assert after.headers["ETag"] != before
    assert rows(after, "cost") == []
    assert AllocationRule.objects.count() == 3
    assert reallocate() == 1
