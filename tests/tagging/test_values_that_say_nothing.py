"""A tag whose value is "(none)" has no value: pages call what has none so, and the two never stand side by side."""

from decimal import Decimal
from pathlib import Path

import pytest

from costs.queries import NOT_SET, CostQuery
from costs.scope import Scope
from costs.services import prepare_imports
from finops_site import pipeline
from tagging.selectors import cost_pivot, explore_costs
from tests.leaks.bills import Line, write_bill
from tests.tagging.builders import NOVEMBER

pytestmark = [pytest.mark.django_db, pytest.mark.real_parts]


@pytest.mark.parametrize("key", ["Owner", "colour"])  # kept on slices, and read from the lines
def test_a_value_called_like_none_is_none(key: str, tmp_path: Path) -> None:
    """3 of ann, 20 of "(none)", 5 without: 25 have none, in one row, and its parts sum to it."""
    lines = [
        Line("i-1", "3.0", day=1, tags=((key, "ann"),)),
        Line("i-2", "20.0", day=1, tags=((key, "(None) "),)),
        Line("i-3", "5.0", day=1),
    ]
    for pk in prepare_imports(
        [write_bill(tmp_path / "bill.csv", "2025-11", lines, extra_keys=("colour",))], today=NOVEMBER.end
    ):
        pipeline.run_import(pk)
    query = CostQuery(NOVEMBER, NOVEMBER, group_by=f"tag:{key}")
    rows = explore_costs(Scope.all(), query).rows
    assert [(row.key, row.cost) for row in rows] == [("ann", Decimal(3)), (NOT_SET, Decimal(25))]
    pivot = cost_pivot(Scope.all(), query, "service", top=5)
    assert {name: sum(amounts) for name, amounts in pivot.rows.items()} == {"ann": Decimal(3), NOT_SET: Decimal(25)}
