"""From a figure to the lines of the bill: tags that are not tracked, paging, and only the reader's own lines."""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from costs.errors import InvalidRequestError
from costs.queries import NOT_SET, CostQuery, Granularity
from costs.scope import Scope
from costs.services import prepare_imports
from costs.terms import CostMetric
from finops_site.pipeline import run_import
from tagging.models import Team
from tagging.selectors import (
    charge_lines,
    chargeback,
    compliance,
    cost_pivot,
    decision_slices,
    decisions,
    explore_costs,
    resources,
)
from tagging.selectors.answers import allocations
from tagging.selectors.shown_tags import offered_tag_keys
from tagging.services import RuleInput, save_rule
from tagging.terms import RuleKind
from tests.leaks.bills import Line, write_bill
from tests.tagging.builders import NOVEMBER

pytestmark = pytest.mark.django_db
ALL, PAYMENTS = Scope.all(), Scope.teams(frozenset({"payments"}))
BILLED = CostMetric.BILLED


LINES = (
    Line("i-1", "1.0", day=1, tags=(("Team", "payments"), ("Workload", "Peak"))),
    Line("i-1", "2.0", day=3, tags=(("Team", "payments"), ("Workload", "Peak"))),
    Line("i-2", "2.0", day=2, tags=(("Team", "payments"), ("Workload", "NULL"))),
    Line("i-3", "7.0", day=2, tags=(("Team", "search"), ("Workload", "peak"))),
)


def deliver(path: Path, lines: Sequence[Line], *, month: str = "2025-11") -> None:
    write_bill(path, month, lines, extra_keys=["Workload"])
    for pk in prepare_imports([path], today=NOVEMBER.end):
        run_import(pk)


@pytest.fixture
def november(team: Team, other_team: Team, tmp_path: Path) -> None:
    """Payments: i-1 3.00 (workload Peak), i-2 2.00 (no workload). Search: i-3 7.00 (workload peak)."""
    for name in ("payments", "search"):
        save_rule(RuleInput(RuleKind.TAG, tag_key="Team", tag_values=(name,), team_key=name))
    deliver(tmp_path / "bill.csv", LINES)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the same month is delivered again."""
    return tmp_path / "again.csv"


def query(**kwargs: object) -> CostQuery:
    return CostQuery(NOVEMBER, NOVEMBER, **kwargs)  # type: ignore[arg-type]


def test_a_tag_that_is_not_tracked_is_charged_back_from_the_lines(november: None) -> None:
    found = chargeback(ALL, NOVEMBER, by="tag:WORKLOAD", metric=BILLED)
    assert [(row.owner, row.total_cost) for row in found.rows] == [("peak", Decimal(7)), ("Peak", Decimal(3))]
    assert (found.unallocated_cost, found.bill_total) == (Decimal(2), Decimal(12))
    assert found.difference == 0


def test_a_team_gets_untracked_tags_of_its_own_lines_only(november: None) -> None:
    table = explore_costs(PAYMENTS, query(group_by="tag:Workload", granularity=Granularity.DAY))
    assert [(row.key, row.cost) for row in table.rows] == [("Peak", Decimal(3)), (NOT_SET, Decimal(2))]
    assert [int(point) for point in table.rows[0].points[:3]] == [1, 0, 2]


def test_an_untracked_tag_filters_another_dimension(november: None) -> None:
    table = explore_costs(ALL, query(group_by="team", filters=(("tag:workload", "Peak"), ("tag:workload", "peak"))))
    assert [(row.key, row.cost) for row in table.rows] == [("search", Decimal(7)), ("payments", Decimal(3))]
    none = explore_costs(ALL, query(group_by="team", filters=(("tag:workload", NOT_SET),)))
    assert [(row.key, row.cost) for row in none.rows] == [("payments", Decimal(2))]


def test_an_untracked_tag_cuts_another_dimension_and_the_parts_sum_to_its_rows(november: None) -> None:
    pivot = cost_pivot(ALL, query(group_by="team"), "tag:workload", top=5)
    assert pivot.columns == ("peak", "Peak", "No workload tag")
    assert dict(pivot.rows) == {
        "search": (Decimal(7), Decimal(0), Decimal(0)),
        "payments": (Decimal(0), Decimal(3), Decimal(2)),
    }
    own = cost_pivot(PAYMENTS, query(group_by="tag:Workload"), "service", top=5)
    assert dict(own.rows) == {"Peak": (Decimal(3),), NOT_SET: (Decimal(2),)}
    narrowed = cost_pivot(PAYMENTS, query(filters=(("tag:Workload", "Peak"),)), "account", top=5)
    assert narrowed.totals == (Decimal(3),)


def test_an_untracked_tag_filters_owners_and_their_rules(november: None) -> None:
    peak = (("tag:Workload", "Peak"),)
    owners = allocations(PAYMENTS, NOVEMBER, metric=BILLED, filters=peak)
    assert [(row.team_key, row.cost, dict(row.tags)) for row in owners.rows] == [
        ("payments", Decimal(3), {"Team": "payments"})
    ]
    why = decisions(PAYMENTS, NOVEMBER, team_key="payments", metric=BILLED, filters=peak)
    assert [(row.rule_text, row.cost, row.slice_count) for row in why.rows] == [("Tag Team is payments", Decimal(3), 1)]
    assert [row.cost for row in decision_slices(PAYMENTS, NOVEMBER, metric=BILLED, filters=peak)] == [Decimal(3)]
    assert allocations(ALL, NOVEMBER, metric=BILLED, filters=(("tag:Workload", "none such"),)).rows == ()


@pytest.mark.parametrize("key", ["Workload", "Unheard"])
def test_no_answer_to_a_team_says_whether_a_rule_of_others_looks_at_a_key(november: None, path: Path, key: str) -> None:
    def told() -> list[object]:
        wanted = ((f"tag:{key}", "Peak"),)
        return [
            allocations(PAYMENTS, NOVEMBER, metric=BILLED),
            allocations(PAYMENTS, NOVEMBER, metric=BILLED, filters=wanted),
            decisions(PAYMENTS, NOVEMBER, team_key="payments", metric=BILLED),
            decisions(PAYMENTS, NOVEMBER, team_key="payments", metric=BILLED, filters=wanted),
            decision_slices(PAYMENTS, NOVEMBER, metric=BILLED),
            explore_costs(PAYMENTS, query(group_by=f"tag:{key}")),
            cost_pivot(PAYMENTS, query(group_by="service"), f"tag:{key}", top=5),
            offered_tag_keys(PAYMENTS),
        ]

    before = told()
    save_rule(RuleInput(RuleKind.TAG, tag_key=key, tag_values=("secret",), team_key="search"))
    deliver(path, [*LINES, Line("i-9", "1.0", tags=(("Team", "search"), ("Workload", "secret")))])
    assert key in offered_tag_keys(ALL)
    kept = {name for row in allocations(ALL, NOVEMBER, metric=BILLED).rows for name, _ in row.tags}
    assert ("Workload" in kept) == (key == "Workload")
    assert told() == before


def test_a_shared_resource_has_the_name_its_readers_own_lines_give_it(november: None, path: Path) -> None:
    own = Line("i-5", "1.0", day=1, family="Instance", tags=(("Team", "payments"), ("Name", "ours")))
    later = Line("i-5", "4.0", day=9, family="Hidden", tags=(("Team", "search"), ("Name", "theirs")))
    deliver(path, [own, later, Line("i-6", "1.0", tags=(("Team", "payments"),))])
    deliver(path.with_name("december.csv"), [replace(later, day=2)], month="2025-12")

    def named(scope: Scope, *filters: tuple[str, str]) -> list[tuple[str, str, str]]:
        rows = resources(scope, NOVEMBER, metric=BILLED, filters=filters).rows
        return [(row.resource_id, row.name, row.resource_type) for row in rows]

    assert named(PAYMENTS) == [("i-5", "ours", "Instance"), ("i-6", "", "")]
    assert named(PAYMENTS, ("search", "theirs")) == []
    assert [(row.resource_id, row.name) for row in compliance(PAYMENTS, NOVEMBER).fixes] == [
        ("i-5", "ours"),
        ("i-6", ""),
    ]
    assert named(ALL, ("search", "i-5")) == [("i-5", "theirs", "Hidden")]


def test_a_team_is_shown_the_tags_its_own_rules_look_at(november: None, path: Path) -> None:
    save_rule(RuleInput(RuleKind.TAG, tag_key="workload", tag_values=("Peak",), team_key="payments"))
    deliver(path, [*LINES, Line("i-9", "1.0")])
    rows = allocations(PAYMENTS, NOVEMBER, metric=BILLED).rows
    assert [(dict(row.tags), row.cost) for row in rows] == [
        ({"Team": "payments", "workload": "Peak"}, Decimal(3)),
        ({"Team": "payments"}, Decimal(2)),
    ]


def test_the_lines_behind_a_figure_sum_to_it_in_order_of_time(november: None) -> None:
    found = charge_lines(PAYMENTS, NOVEMBER, metric=BILLED)
    assert [(line.resource_id, line.cost) for line in found.rows] == [
        ("i-1", Decimal(1)),
        ("i-2", Decimal(2)),
        ("i-1", Decimal(2)),
    ]
    assert (found.line_count, found.page_count) == (3, 1)
    assert found.total_cost == chargeback(PAYMENTS, NOVEMBER, metric=BILLED).total_cost == Decimal(5)
    assert dict(found.rows[0].tags) == {"Team": "payments", "Workload": "Peak"}
    assert charge_lines(ALL, NOVEMBER, metric=BILLED).total_cost == Decimal(12)


def test_lines_are_narrowed_by_resource_day_tag_decision_and_team(november: None) -> None:
    def ids(scope: Scope, *filters: tuple[str, str]) -> list[str]:
        return [line.resource_id for line in charge_lines(scope, NOVEMBER, metric=BILLED, filters=filters).rows]

    assert ids(ALL, ("resource", "i-1"), ("day", "2025-11-03")) == ["i-1"]
    assert ids(ALL, ("tag:workload", NOT_SET)) == ["i-2"]
    assert ids(ALL, ("team", "search")) == ["i-3"]
    assert ids(PAYMENTS, ("team", "search")) == []
    assert ids(PAYMENTS, ("resource", "i-3")) == []
    ref = decisions(ALL, NOVEMBER, team_key="search", metric=BILLED).rows[0].ref
    assert ids(ALL, ("decision", ref)) == ["i-3"]
    with pytest.raises(InvalidRequestError, match="YYYY-MM-DD"):
        ids(ALL, ("day", "yesterday"))


def test_a_page_past_the_last_is_empty_and_knows_the_whole(november: None) -> None:
    found = charge_lines(ALL, NOVEMBER, metric=BILLED, page=2)
    assert (found.rows, found.line_count, found.total_cost) == ((), 4, Decimal(12))
