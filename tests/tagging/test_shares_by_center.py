"""Shares of pools by cost centre: the same figures the day before a close and the day after. Worked by hand."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from costs.money import plain
from costs.periods import BillingPeriod
from costs.scope import Scope
from costs.terms import CostMetric
from tagging import selectors
from tagging.inputs import TeamInput
from tagging.models import AllocationRule, SharedPool, Statement, Team
from tagging.owners import cost_center_owner
from tagging.results import Chargeback
from tagging.services import CloseStep, close_month, reallocate, update_team
from tagging.terms import RuleKind, SplitMethod
from tests.conftest import ClientFor
from tests.tagging import page_world
from tests.tagging.builders import NOVEMBER, OCTOBER, Spend, month
from tests.tagging.close_world import PAY, SEARCH, SHARED, rules_by_team, shared_pool

pytestmark = [pytest.mark.django_db, pytest.mark.real_parts]
EVERYTHING, BILLED = Scope.all(), CostMetric.BILLED
STEP = CloseStep("Fiona", datetime(2026, 3, 10, 10, tzinfo=UTC))
Parts = dict[str, tuple[str, str, str]]  # direct, shared, total
text_of: Callable[[Any], str] = page_world.text_of
file_of: Callable[[Any], tuple[dict[str, str], list[list[str]]]] = page_world.file_of


@pytest.fixture(autouse=True)
def rules(team: Team, other_team: Team) -> None:
    """Payments is CC-100, Search CC-200; what is tagged SHARED goes to a pool split by direct cost."""
    shared_pool("Platform")
    rules_by_team()


def found(
    by: str = "cost_center",
    *,
    scope: Scope = EVERYTHING,
    period: BillingPeriod = NOVEMBER,
    metric: CostMetric = BILLED,
    split: SplitMethod | None = None,
) -> Chargeback:
    return selectors.chargeback(scope, period, by=by, metric=metric, split_unallocated=split)


def parts(month: Chargeback) -> Parts:
    """By value, '' for what has none; rows and the rest tie out to the bill."""
    if month.bill_total is not None:
        assert month.difference == 0
        assert month.total_cost + month.missing_cost == month.bill_total
    rows = {row.key: (plain(row.direct_cost), plain(row.shared_cost), plain(row.total_cost)) for row in month.rows}
    direct = month.missing_cost - month.missing_shared_cost
    return rows | {"": (plain(direct), plain(month.missing_shared_cost), plain(month.missing_cost))}


def before_and_after_the_close(by: str = "cost_center", scope: Scope = EVERYTHING) -> Parts:
    """The month's figures, which closing it does not move."""
    draft = parts(found(by, scope=scope))
    close_month(NOVEMBER, STEP, metric=BILLED)
    assert parts(found(by, scope=scope)) == draft
    return draft


def test_each_cost_centre_has_its_direct_costs_and_its_shares() -> None:
    """40 of a pool by 30 and 10: 30 and 10. Nobody's 5 is all that has no cost centre: 30 + 30 + 10 + 10 + 5 = 85."""
    month([Spend("30", tags=PAY), Spend("10", tags=SEARCH), Spend("40", tags=SHARED), Spend("5")])
    assert before_and_after_the_close() == {
        "CC-100": ("30", "30", "60"),
        "CC-200": ("10", "10", "20"),
        "": ("45", "-40", "5"),
    }


def test_what_stays_in_a_pool_has_no_cost_centre() -> None:
    """40 of which Payments takes at most 12, all else stays: 28."""
    SharedPool.objects.filter(key="platform").update(
        method="even", targets=[{"owner": "payments", "cap": "12"}], rest_to=""
    )
    month([Spend("30", tags=PAY), Spend("40", tags=SHARED)])
    assert before_and_after_the_close() == {"CC-100": ("30", "12", "42"), "": ("40", "-12", "28")}


def test_costs_of_a_pool_tagged_with_a_cost_centre_are_not_charged_twice() -> None:
    """Of the pool's 40, 30 are tagged CC-900: all 40 leave it, 30 of them from CC-900, which bears nothing then."""
    tagged = {**SHARED, "CostCenter": "CC-900"}
    month([Spend("30", tags=PAY), Spend("10", tags=SEARCH), Spend("30", tags=tagged), Spend("10", tags=SHARED)])
    assert before_and_after_the_close() == {
        "CC-100": ("30", "30", "60"),
        "CC-200": ("10", "10", "20"),
        "CC-900": ("30", "-30", "0"),
        "": ("10", "-10", "0"),
    }


def test_half_of_a_pool_leaves_by_halves_from_where_its_costs_stand_credits_too() -> None:
    """The pool holds CC-900 12 and, without a cost centre, a credit of 2: 10 in all. Payments takes at most 5, half.

    So 6 leave CC-900 and −1 leaves the rest: 6 and −1 stay there.
    """
    SharedPool.objects.filter(key="platform").update(method="even", targets=[{"owner": "payments", "cap": "5"}])
    tagged = {**SHARED, "CostCenter": "CC-900"}
    month([Spend("30", tags=PAY), Spend("12", tags=tagged), Spend("-2", tags=SHARED, category="Credit")])
    assert before_and_after_the_close() == {
        "CC-100": ("30", "5", "35"),
        "CC-900": ("12", "-6", "6"),
        "": ("-2", "1", "-1"),
    }


def test_a_pool_of_credits_is_taken_from_where_it_stands() -> None:
    """A credit of 7 tagged CC-900, by 30 and 10: −5.25 and −1.75; CC-900 gets 7 back."""
    tagged = {**SHARED, "CostCenter": "CC-900"}
    month([Spend("30", tags=PAY), Spend("10", tags=SEARCH), Spend("-7", tags=tagged, category="Credit")])
    assert before_and_after_the_close() == {
        "CC-100": ("30", "-5.25", "24.75"),
        "CC-200": ("10", "-1.75", "8.25"),
        "CC-900": ("-7", "7", "0"),
        "": ("0", "0", "0"),
    }


def test_cents_that_do_not_divide_sum_to_the_last_digit() -> None:
    """1 over two centres of a pool, of which a third leaves, 0.3333333333: thirds of it that sum to all of it."""
    SharedPool.objects.filter(key="platform").update(
        method="even", targets=[{"owner": "payments", "cap": "0.3333333333"}]
    )
    spends = [
        Spend(cost, tags={**SHARED, "CostCenter": name}) for name, cost in (("A", "0.5"), ("B", "0.25"), ("C", "0.25"))
    ]
    month([Spend("30", tags=PAY), *spends])
    left = {row.key: row.shared_cost for row in found().rows if row.key in "ABC"}
    assert sum(left.values()) == Decimal("-0.3333333333")
    for name, exact in (("A", "0.16666666665"), ("B", "0.083333333325"), ("C", "0.083333333325")):
        assert abs(left[name] + Decimal(exact)) <= Decimal("1e-10")


def test_chains_take_from_the_pool_that_has_the_costs() -> None:
    """Platform's 40 go to Network, which has 8 of CC-900 of its own and gives all 48 to Search.

    Platform's stand nowhere: 40 leave the rest. Network gets 40 and gives 48: 8 leave CC-900.
    """
    SharedPool.objects.create(key="network", name="Network", method="even", targets=[{"owner": "search"}])
    SharedPool.objects.filter(key="platform").update(method="even", targets=[{"owner": "pool:network"}])
    AllocationRule.objects.create(
        name="Network", position=0, kind=RuleKind.TAG.value, tag_key="Project", tag_values=["net"],
        target="pool:network",
    )  # fmt: skip
    month(
        [
            Spend("10", tags=SEARCH),
            Spend("40", tags=SHARED),
            Spend("8", tags={"Project": "net", "CostCenter": "CC-900"}),
        ]
    )
    assert before_and_after_the_close() == {
        "CC-200": ("10", "48", "58"),
        "CC-900": ("8", "-8", "0"),
        "": ("40", "-40", "0"),
    }


def test_a_cost_centre_that_owns_costs_itself_bears_its_share_under_its_name() -> None:
    """CC-777 owns 20, Payments 20: a pool of 10 is split 5 and 5."""
    AllocationRule.objects.create(
        name="Direct", position=0, kind=RuleKind.TAG.value, tag_key="Department", tag_values=["law"],
        target=cost_center_owner("CC-777"),
    )  # fmt: skip
    month([Spend("20", tags={"Department": "law"}), Spend("20", tags=PAY), Spend("10", tags=SHARED)])
    assert before_and_after_the_close() == {
        "CC-100": ("20", "5", "25"),
        "CC-777": ("20", "5", "25"),
        "": ("10", "-10", "0"),
    }
    assert Statement.objects.get(owner_key="cost-center:CC-777").cost_center == "CC-777"


@pytest.mark.parametrize("by", ["project", "environment", "tag:Team", "service", "account"])
def test_by_anything_else_a_share_stands_with_what_has_no_value(by: str) -> None:
    """For FinOps shares sum to nothing; Payments' 30 of the pool stand under '' beside its own 30."""
    month([Spend("30", tags={**PAY, "Environment": "Prod"}), Spend("10", tags=SEARCH), Spend("40", tags=SHARED)])
    staff, own = found(by), found(by, scope=Scope.teams(frozenset({"payments"})))
    assert staff.missing_shared_cost == 0
    assert {row.shared_cost for row in (*staff.rows, *own.rows)} == {Decimal(0)}
    assert (own.missing_shared_cost, own.total_cost + own.missing_cost) == (Decimal(30), Decimal(60))
    draft = parts(staff), parts(own)
    close_month(NOVEMBER, STEP, metric=BILLED)
    again = parts(found(by)), parts(found(by, scope=Scope.teams(frozenset({"payments"}))))
    assert [{key: row for key, row in each.items() if row[2] != "0" or not key} for each in draft] == [*again]


def test_a_team_sees_its_own_cost_centre_alone() -> None:
    """Payments: 30 of its own, 30 of the pool. Nothing of Search or of what the pool holds."""
    tagged = {**SHARED, "CostCenter": "CC-900"}
    month([Spend("30", tags=PAY), Spend("10", tags=SEARCH), Spend("40", tags=tagged)])
    own = before_and_after_the_close(scope=Scope.teams(frozenset({"payments"})))
    assert own == {"CC-100": ("30", "30", "60"), "": ("0", "0", "0")}


def test_the_total_is_that_of_all_teams_on_every_basis() -> None:
    """Billed 75 + 5, effective 65 + 5: by team owners and pools have it, by cost centre as much less what stays."""
    month([Spend("30", effective="20", tags=PAY), Spend("5", tags=SEARCH), Spend("40", tags=SHARED), Spend("5")])
    for metric, whole in ((BILLED, Decimal(80)), (CostMetric.EFFECTIVE, Decimal(70))):
        for by in ("team", "cost_center"):
            table = found(by, metric=metric)
            assert (table.bill_total, table.total_cost, table.missing_cost) == (whole, whole - 5, Decimal(5))


def test_the_month_before_has_its_shares_too() -> None:
    """October: 10 and a pool of 4, all Payments'. November as much: no change."""
    for period in (OCTOBER, NOVEMBER):
        month([Spend("10", tags=PAY), Spend("4", tags=SHARED)], period=period)
    (row,) = found().rows
    assert (row.total_cost, row.previous_total_cost) == (Decimal(14), Decimal(14))


def test_a_closed_month_before_keeps_the_cost_centres_it_was_closed_with() -> None:
    """October closes with Payments as CC-100; it is CC-555 from then on. October's 14 stay with CC-100."""
    for period in (OCTOBER, NOVEMBER):
        month([Spend("10", tags=PAY), Spend("4", tags=SHARED)], period=period)
    close_month(OCTOBER, STEP, metric=BILLED)
    update_team("payments", TeamInput(name="Payments", cost_center="CC-555"))
    reallocate([NOVEMBER])
    rows = {row.key: (row.total_cost, row.previous_total_cost) for row in found().rows}
    assert rows == {"CC-555": (Decimal(14), Decimal(0)), "CC-100": (Decimal(0), Decimal(14))}


def test_what_nobody_owns_is_split_over_cost_centres_as_before_the_close_so_after() -> None:
    """60 and 20 with shares; nobody's 5 by direct cost, 30 to 10: 3.75 and 1.25."""
    month([Spend("30", tags=PAY), Spend("10", tags=SEARCH), Spend("40", tags=SHARED), Spend("5")])
    draft = parts(found(split=SplitMethod.PROPORTIONAL))
    assert draft == {"CC-100": ("30", "33.75", "63.75"), "CC-200": ("10", "11.25", "21.25"), "": ("45", "-45", "0")}
    close_month(NOVEMBER, STEP, metric=BILLED)
    assert parts(found(split=SplitMethod.PROPORTIONAL)) == draft


def test_page_files_api_and_command_have_the_same_figures(
    finops_lead: User, client_for: ClientFor, capsys: pytest.CaptureFixture[str]
) -> None:
    month([Spend("30", tags=PAY), Spend("10", tags=SEARCH), Spend("40", tags=SHARED), Spend("5")])
    staff, path = client_for(finops_lead), "/chargeback/?period=2025-11&by=cost_center"
    wanted = [["CC-100", "30", "30", "60"], ["CC-200", "10", "10", "20"], ["Unallocated", "45", "-40", "5"]]
    _, rows = file_of(staff.get(f"{path}&format=csv"))
    at = [rows[0].index(name) for name in ("Owner", "Direct", "Shared", "Total")]
    assert sorted([row[place] for place in at] for row in rows[1:]) == wanted
    page = text_of(staff.get(path))
    assert all(f"${figure}.00" in page for figure in ("30", "10", "60", "20", "5", "85"))
    api = staff.get("/api/v1/chargeback/?period=2025-11&by=cost_center").json()
    names = ("owner", "direct_cost", "shared_cost", "total_cost")
    assert [[row[name] for name in names] for row in api["results"]] == wanted[:2]
    assert (api["missing_cost"], api["difference"]) == ("5", "0")
    call_command("chargeback", "2025-11", "--by", "cost_center")
    printed = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert "CC-100 $30.00 $30.00 $0.00 $60.00" in printed


def shares_page(client: Client, query: str = "") -> list[list[str]]:
    """Cost centre, owner, pool and amount of the page's file."""
    _, rows = file_of(client.get(f"/chargeback/shares/?period=2025-11&format=csv{query}"))
    return rows[1:]


def test_the_column_shared_opens_whose_parts_of_which_pools_it_is(finops_lead: User, client_for: ClientFor) -> None:
    """30 and 10 of the pool's 40, of which 24 are tagged CC-900: they leave it there, 16 where nothing is said."""
    tagged = {**SHARED, "CostCenter": "CC-900"}
    month([Spend("30", tags=PAY), Spend("10", tags=SEARCH), Spend("24", tags=tagged), Spend("16", tags=SHARED)])
    staff, path = client_for(finops_lead), "/chargeback/?period=2025-11&by=cost_center"
    wanted = [
        ["CC-100", "Payments", "Platform", "30"],
        ["CC-900", "Pool Platform", "what left it", "-24"],
        ["No cost centre", "Pool Platform", "what left it", "-16"],
        ["CC-200", "Search", "Platform", "10"],
    ]
    for is_closed in (False, True):
        if is_closed:
            close_month(NOVEMBER, STEP, metric=BILLED)
        page = text_of(staff.get(path))
        for center in ("CC-100", "CC-900", "%28none%29"):
            assert f"/chargeback/shares/?period=2025-11&amp;basis=billed&amp;center={center}" in page
        assert shares_page(staff) == wanted
        assert shares_page(staff, "&center=CC-100") == wanted[:1]
        assert shares_page(staff, "&center=(none)") == [wanted[2]]
        shown = text_of(staff.get("/chargeback/shares/?period=2025-11&center=CC-100"))
        assert "/statements/payments/?period=2025-11" in shown
        assert "/pools/platform/?period=2025-11" in shown


def test_a_team_lead_opens_own_parts_alone(team_lead: User, client_for: ClientFor) -> None:
    month([Spend("30", tags=PAY), Spend("10", tags=SEARCH), Spend("40", tags={**SHARED, "CostCenter": "CC-900"})])
    lead = client_for(team_lead)
    assert shares_page(lead) == [["CC-100", "Payments", "Platform", "30"]]
    page = text_of(lead.get("/chargeback/?period=2025-11&by=cost_center"))
    assert "/chargeback/shares/?period=2025-11&amp;basis=billed&amp;center=CC-100" in page
    assert "CC-900" not in page
    by_project = text_of(lead.get("/chargeback/?period=2025-11&by=project"))
    assert "Your parts of shared pools have no project" in by_project
    assert "/chargeback/shares/?period=2025-11&amp;basis=billed" in by_project


def test_a_team_s_total_has_what_has_no_project(team_lead: User, client_for: ClientFor) -> None:
    """30 of a project, 7 and the team's part of the pool without one: 37/47 of 47 are 37, so 74 in all."""
    month(
        [
            Spend("30", tags={**PAY, "Project": "scoring"}),
            Spend("7", tags=PAY),
            Spend("10", tags=SEARCH),
            Spend("47", tags=SHARED),
        ]
    )
    page = text_of(client_for(team_lead).get("/chargeback/?period=2025-11&by=project"))
    tiles = re.findall(r'class="stat-label">([^<]+)</p>\s*<p class="stat-value">.*?(\$[\d.]+)', page)
    assert tiles == [("Total", "$74.00"), ("Without project", "$44.00")]
    assert "$74.00" in page[page.index("<tfoot>") : page.index("</tfoot>")]


def test_pages_by_project_say_that_shares_have_none_where_there_are_pools(
    finops_lead: User, client_for: ClientFor
) -> None:
    month([Spend("30", tags=PAY), Spend("40", tags=SHARED)])
    staff, path = client_for(finops_lead), "/chargeback/?period=2025-11&by=project"
    assert "Parts of shared pools have no project" in text_of(staff.get(path))
    assert "Parts of shared pools" not in text_of(staff.get(path.replace("project", "cost_center")))
    SharedPool.objects.all().delete()
    assert "Parts of shared pools" not in text_of(staff.get(path))


@pytest.mark.parametrize(
    "path", ["/chargeback/?by=cost_center", "/chargeback/shares/", "/chargeback/shares/?center=CC-100"]
)
def test_pages_by_cost_centre_ask_few_questions(
    finops_lead: User,
    client_for: ClientFor,
    django_assert_max_num_queries: DjangoAssertNumQueries,
    path: str,
) -> None:
    for period in (OCTOBER, NOVEMBER):
        month([Spend("30", tags=PAY), Spend("10", tags=SEARCH), Spend("40", tags=SHARED)], period=period)
    staff = client_for(finops_lead)
    with django_assert_max_num_queries(page_world.QUERIES):
        assert staff.get(path).status_code == 200


def test_without_shares_the_page_says_so(finops_lead: User, client_for: ClientFor) -> None:
    staff = client_for(finops_lead)
    assert staff.get("/chargeback/shares/")["Location"] == "/chargeback/"
    month([Spend("30", tags=PAY)])
    assert "Nobody bears a part of a pool here" in text_of(staff.get("/chargeback/shares/"))
