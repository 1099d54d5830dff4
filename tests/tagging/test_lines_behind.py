"""Every figure is the sum of its lines, to the last digit, on every basis, by every dimension, for every reader."""

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from costs.charge_store import ImportFolder, query_charges
from costs.errors import InvalidRequestError, NotFoundInScopeError
from costs.line_filters import Order
from costs.queries import DIMENSIONS, NOT_SET, CostQuery, Granularity
from costs.scope import Scope
from costs.selectors import active_imports, place_of
from costs.terms import CostMetric
from tagging.models import Allocation, Team
from tagging.selectors import (
    LinesAsked,
    chargeback,
    decisions,
    explore_costs,
    lines_after_place,
    lines_behind,
    lines_page,
    resources,
)
from tests.tagging.builders import NOVEMBER, OCTOBER
from tests.tagging.lines_world import import_months

pytestmark = [pytest.mark.django_db, pytest.mark.real_parts]
ALL, PAYMENTS = Scope.all(), Scope.teams(frozenset({"payments"}))
BY = (*DIMENSIONS, "tag:Team", "tag:Workload")


@pytest.fixture(autouse=True)
def world(team: Team, other_team: Team, tmp_path: Path) -> None:
    import_months(tmp_path)


def query(**kwargs: object) -> CostQuery:
    return replace(CostQuery(OCTOBER, NOVEMBER), **kwargs)  # type: ignore[arg-type]


@pytest.mark.parametrize("by", BY)
@pytest.mark.parametrize("scope", [ALL, PAYMENTS], ids=["staff", "team"])
def test_the_lines_of_every_row_add_up_to_its_figure_on_every_basis(scope: Scope, by: str) -> None:
    for metric in CostMetric:
        asked = query(group_by=by, metric=metric)
        table = explore_costs(scope, asked, compare=False)
        assert table.rows
        counted = 0
        for row in table.rows:
            found = lines_behind(scope, LinesAsked(asked.narrowed_to(by, row.key)))
            is_known_to_lines_only = by == "tag:Workload"
            assert found.figure == (None if is_known_to_lines_only else row.cost)
            assert found.ties_out
            assert abs(row.cost - found.total) <= Decimal("0.0000000001") * found.sums.count
            counted += found.sums.count
        whole = lines_behind(scope, LinesAsked(asked))
        assert (whole.figure, whole.sums.count) == (table.total, counted)


def test_digits_past_the_tenth_are_told_as_rounding() -> None:
    # One month of payments: 1.00000000004 + 1.00000000004 + 2 = 4.00000000008, kept as 4.0000000001.
    found = lines_behind(ALL, LinesAsked(CostQuery(NOVEMBER, NOVEMBER, filters=(("team", "payments"),))))
    assert found.total == Decimal("4.00000000008")
    assert found.figure == Decimal("4.0000000001")
    assert found.rounding == Decimal("0.00000000002")


def test_days_and_resources_are_figures_too() -> None:
    by_day = explore_costs(ALL, CostQuery(NOVEMBER, NOVEMBER, granularity=Granularity.DAY), compare=False)
    second = sum((row.points[1] for row in by_day.rows), Decimal(0))
    found = lines_behind(ALL, LinesAsked(CostQuery(NOVEMBER, NOVEMBER), (("day", "2025-11-02"),)))
    assert found.figure == second == Decimal("12.5")  # 2 + 7 − 0.5 + 4
    for row in resources(ALL, NOVEMBER, metric=CostMetric.BILLED).rows:
        more = (("resource", row.resource_id), ("taggable", "yes"))
        asked = CostQuery(NOVEMBER, NOVEMBER, filters=(("team", row.team_key or NOT_SET),))
        behind = lines_behind(ALL, LinesAsked(asked, more))
        assert (behind.figure, behind.ties_out) == (row.cost, True)


def test_chargeback_and_rules_lead_to_lines_that_sum_to_them() -> None:
    for owner in chargeback(ALL, NOVEMBER, by="team", metric=CostMetric.BILLED).rows:
        asked = CostQuery(NOVEMBER, NOVEMBER, filters=(("team", owner.key),))
        assert lines_behind(ALL, LinesAsked(asked)).figure == owner.direct_cost
    for row in decisions(ALL, NOVEMBER, team_key="payments", metric=CostMetric.BILLED).rows:
        asked = CostQuery(NOVEMBER, NOVEMBER, filters=(("team", "payments"),))
        assert lines_behind(ALL, LinesAsked(asked, (("decision", row.ref),))).figure == row.cost


def test_sums_are_those_of_the_charge_store() -> None:
    (item,) = (item for item in active_imports(ALL) if item.period == NOVEMBER)
    folder = ImportFolder(item.source_name, item.period, item.pk)
    count, cost = query_charges(
        [folder],
        "SELECT count(*), sum(effective_cost) FROM charges WHERE service_name = 'Amazon Elastic Compute Cloud'",
    )[0]
    asked = CostQuery(NOVEMBER, NOVEMBER, filters=(("service", "Amazon Elastic Compute Cloud"),))
    found = lines_behind(ALL, LinesAsked(asked))
    assert (found.sums.count, found.sums.costs[CostMetric.EFFECTIVE]) == (count, cost)


def test_a_team_sees_lines_of_its_own_slices_only() -> None:
    found = lines_behind(PAYMENTS, LinesAsked(query()))
    assert {line.resource_id for line in lines_page(found, order=Order(), limit=100)} == {"i-1", "i-2"}
    for more in (("resource", "i-3"), ("text", "i-3"), ("payer", "x")):
        assert lines_behind(PAYMENTS, LinesAsked(query(), (more,))).sums.count == 0
    assert lines_behind(PAYMENTS, LinesAsked(query(filters=(("account", "222222222222"),)))).sums.count == 0
    assert lines_behind(PAYMENTS, LinesAsked(query(filters=(("team", "search"),)))).sums.count == 0
    with pytest.raises(NotFoundInScopeError):
        lines_behind(PAYMENTS, LinesAsked(query(), (("source", "aws-900000000001"),)))
    assert lines_behind(Scope.teams(frozenset()), LinesAsked(query())).sums.count == 0


def test_a_slice_that_changed_hands_gives_each_month_to_its_owner_of_that_month() -> None:
    november = next(item.pk for item in active_imports(ALL) if item.period == NOVEMBER)
    Allocation.objects.filter(bill_import_id=november, owner_key="payments").update(owner_key="search")
    assert lines_behind(PAYMENTS, LinesAsked(query())).total == Decimal("4.00000000008")


@pytest.mark.parametrize("order", [Order(), Order("cost", descending=True), Order("resource_id")])
def test_pages_by_place_give_every_line_once_in_order(order: Order) -> None:
    found = lines_behind(ALL, LinesAsked(query()))
    whole = lines_page(found, order=order, limit=100)
    assert len(whole) == found.sums.count == 16
    seen, place = list(lines_page(found, order=order, limit=3)), None
    while len(seen) < found.sums.count:
        place = place_of(seen[-3:], place, order=order, metric=CostMetric.BILLED)
        seen += lines_after_place(found, place, order=order, limit=3)
    assert tuple(seen) == whole


def test_what_cannot_be_asked_is_said() -> None:
    for more in ((("day", "soon"),), (("taggable", "maybe"),), (("day", "2025-11-03"), ("until", "2025-11-01"))):
        with pytest.raises(InvalidRequestError):
            lines_behind(ALL, LinesAsked(query(), more))
