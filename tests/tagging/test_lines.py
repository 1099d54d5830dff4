"""From a figure to the lines of the bill: tags that are not tracked, paging, and only the reader's own lines."""

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
from tagging.selectors import charge_lines, chargeback, decisions, explore_costs
from tagging.services import RuleInput, save_rule
from tagging.terms import RuleKind
from tests.leaks.bills import Line, write_bill
from tests.tagging.builders import NOVEMBER

pytestmark = pytest.mark.django_db
ALL, PAYMENTS = Scope.all(), Scope.teams(frozenset({"payments"}))
BILLED = CostMetric.BILLED


@pytest.fixture
def november(team: Team, other_team: Team, tmp_path: Path) -> None:
    """Payments: i-1 3.00 (workload Peak), i-2 2.00 (no workload). Search: i-3 7.00 (workload peak)."""
    for name in ("payments", "search"):
        save_rule(RuleInput(RuleKind.TAG, tag_key="Team", tag_values=(name,), team_key=name))
    lines = [
        Line("i-1", "1.0", day=1, tags=(("Team", "payments"), ("Workload", "Peak"))),
        Line("i-1", "2.0", day=3, tags=(("Team", "payments"), ("Workload", "Peak"))),
        Line("i-2", "2.0", day=2, tags=(("Team", "payments"), ("Workload", "NULL"))),
        Line("i-3", "7.0", day=2, tags=(("Team", "search"), ("Workload", "peak"))),
    ]
    path = write_bill(tmp_path / "bill.csv", "2025-11", lines, extra_keys=["Workload"])
    for pk in prepare_imports([path], today=NOVEMBER.end):
        run_import(pk)


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
