"""Explore with credits, and what its files leave out."""

from decimal import Decimal

import pytest
from django.contrib.auth.models import User

from costs.series import Line, top_and_other
from costs.tables import FinopsTable
from tagging.cubes import pivot_of
from tests.conftest import ClientFor
from tests.pages import get
from tests.tagging.builders import NOVEMBER, Spend, month
from tests.tagging.page_world import file_of

COSTS = {"a": Decimal(-1), "b": Decimal(-9), "c": Decimal(-2), "d": Decimal(-7)}


def test_the_columns_shown_are_the_largest_also_of_credits() -> None:
    """b −9 and d −7 are the largest of four credits; a −1 and c −2 are the others, in all −19."""
    cells: dict[tuple[str, ...], Decimal] = {("r", name): cost for name, cost in COSTS.items()}
    found = pivot_of(cells, {}, top=2)
    assert (found.columns, found.totals) == (("d", "b", "Other (2)"), (Decimal(-7), Decimal(-9), Decimal(-3)))


def test_the_lines_drawn_are_the_largest_also_of_credits() -> None:
    lines = [Line(name, name, (cost,)) for name, cost in COSTS.items()]
    found = [(line.label, line.total) for line in top_and_other(lines, 2)]
    assert found == [("d", Decimal(-7)), ("b", Decimal(-9)), ("Other (2)", Decimal(-3))]


@pytest.mark.django_db
def test_a_file_works_out_no_cents_for_a_screen(
    finops_lead: User, client_for: ClientFor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of 240 values by day that took eight seconds, for nothing: files are exact."""
    month([Spend("5")], period=NOVEMBER)
    monkeypatch.setattr(FinopsTable, "add_up", None)
    _, (_, *rows) = file_of(get(client_for(finops_lead), "/explore/?period=2025-11&by=service&per=day&format=csv"))
    assert [row[:2] for row in rows] == [["Compute", "5"]]
