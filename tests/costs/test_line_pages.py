"""Pages of lines: in one order however the bill's files were cut, every line once, quick or not."""

from datetime import date
from pathlib import Path

import pytest

from costs import selectors
from costs.charge_store import ImportFolder, matching_tags
from costs.charge_store import lines as store_lines
from costs.line_filters import SORTS, Order, parse_condition
from costs.models import Bill
from costs.scope import Scope
from costs.selectors import BillLine, LineQuestion, active_imports, line_pages
from costs.services import prepare_imports
from costs.terms import CostMetric
from finops_site.pipeline import run_import
from tests.leaks.bills import Line, write_bill

pytestmark = [pytest.mark.django_db, pytest.mark.real_parts]
ALL, BILLED = Scope.all(), CostMetric.BILLED
TODAY = date(2025, 12, 3)
# 24 lines: 3 resources × 2 days × 2 regions, each line twice; and 6 that agree in all that pages are found by.
LINES = tuple(
    Line(f"i-{number}", "1.5", day=day, region=region, tags=(("Team", f"t{number}"), ("Note", "a")))
    for number in (3, 1, 2)
    for day in (2, 1)
    for region in ("us-east-1", "eu-west-1")
    for _ in range(2)
) + tuple(Line("i-1", cost, day=1, tags=(("Team", "t9"),)) for cost in ("9", "7", "8", "7", "9", "8"))


def bring_in(*files: Path) -> LineQuestion:
    for pk in prepare_imports(list(files), today=TODAY):
        run_import(pk)
    return LineQuestion(active_imports(ALL))


def pages(question: LineQuestion, order: Order, size: int) -> list[BillLine]:
    """All lines, page by page: the first by number, the others by place."""
    seen = list(selectors.lines_at(ALL, question, order=order, metric=BILLED, limit=size))
    place, page = None, seen
    while page:
        place = selectors.place_of(page, place, order=order, metric=BILLED)
        page = list(selectors.lines_after(ALL, question, place, order=order, metric=BILLED, limit=size))
        seen += page
    return seen


@pytest.mark.parametrize("slack", [1_000, 5, 0], ids=["quick", "now and then quick", "never quick"])
@pytest.mark.parametrize("field", SORTS)
def test_pages_of_several_files_give_every_line_once_in_one_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, field: str, slack: int
) -> None:
    monkeypatch.setattr(line_pages, "_SLACK", slack)
    cut = [write_bill(tmp_path / f"{n}.csv", "2025-11", LINES[n::3]) for n in range(3)]
    question = bring_in(*cut)
    for descending in (False, True):
        order = Order(field, descending)
        whole = selectors.lines_at(ALL, question, order=order, metric=BILLED, limit=100)
        assert len(whole) == len(LINES) == 30
        by_number = [
            line
            for first in range(0, 30, 4)
            for line in selectors.lines_at(ALL, question, order=order, metric=BILLED, limit=4, offset=first)
        ]
        assert pages(question, order, 4) == by_number == list(whole)
        values = [getattr(line, "billed_cost" if field == "cost" else field) for line in whole]
        assert values == sorted(values, reverse=descending)


def test_the_order_does_not_depend_on_how_the_files_were_cut(tmp_path: Path) -> None:
    question = bring_in(*(write_bill(tmp_path / f"{n}.csv", "2025-11", LINES[n::3]) for n in range(3)))
    cut = {order: pages(question, Order(order), 7) for order in SORTS}
    question = bring_in(write_bill(tmp_path / "whole.csv", "2025-11", LINES[::-1]))
    assert {order: pages(question, Order(order), 7) for order in SORTS} == cut


def test_pages_go_on_over_months(tmp_path: Path) -> None:
    question = bring_in(
        write_bill(tmp_path / "october.csv", "2025-10", LINES), write_bill(tmp_path / "november.csv", "2025-11", LINES)
    )
    assert Bill.objects.count() == 2
    for order in (Order(), Order("region_id"), Order("cost", descending=True)):
        seen = pages(question, order, 11)
        assert seen == list(selectors.lines_at(ALL, question, order=order, metric=BILLED, limit=100))
        assert len(seen) == 60


@pytest.mark.parametrize(
    ("asked", "count"),
    [
        ("tag:Team=t1", 8),
        ("tag:team=t9", 6),  # however the key is spelled
        ("tag:Note=(none)", 6),
        ("tag:Note!=a", 6),
        ("tag:Team~T", 30),
        ("tag:Nobody=(none)", 30),
        ("tag:Nobody=x", 0),
    ],
)
@pytest.mark.parametrize("limit", [50_000, 0], ids=["by sets of tags", "line by line"])
def test_conditions_on_tags_are_asked_of_sets_of_tags_or_of_lines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, asked: str, count: int, limit: int
) -> None:
    monkeypatch.setattr(store_lines, "_TAG_SETS_LIMIT", limit)
    found = bring_in(write_bill(tmp_path / "bill.csv", "2025-11", LINES, extra_keys=["Note"]))
    question = LineQuestion(found.items, conditions=(parse_condition(asked),))
    assert selectors.line_sums(ALL, question).count == count
    assert len(pages(question, Order(), 4)) == count
    (item,) = found.items
    matching = matching_tags([ImportFolder(item.source_name, item.period, item.pk)], "true", ())
    assert matching is None if limit == 0 else len(matching or ()) == 4  # t1, t2, t3 with a note, t9 without


def test_sums_are_those_of_the_bill_in_force_after_a_new_version(tmp_path: Path) -> None:
    first = bring_in(write_bill(tmp_path / "first.csv", "2025-11", LINES))
    assert [selectors.line_sums(ALL, first).count for _ in range(2)] == [30, 30]
    second = bring_in(write_bill(tmp_path / "second.csv", "2025-11", LINES[:3]))
    assert [selectors.line_sums(ALL, second).count for _ in range(2)] == [3, 3]
    assert selectors.line_sums(ALL, first).count == 30  # the version before is kept
