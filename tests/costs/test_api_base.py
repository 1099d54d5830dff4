"""Cursor pages, parameters and CSV cells, without a database."""

from decimal import Decimal
from typing import cast

import pytest
from django.http import QueryDict
from hypothesis import given
from hypothesis import strategies as st

from costs.api_base import CsvRenderer, CsvTable, ParameterError, choice, page_of, parameters_of, text
from costs.api_base.paging import Key
from costs.periods import BillingPeriod

Row = tuple[Decimal, str]
KNOWN = (text("service", "", many=True), text("currency", ""), choice("per", ("day", "week"), ""))


def largest_first(row: Row) -> Key:
    return (-row[0], row[1])


ROWS: list[Row] = [(Decimal(5), "b"), (Decimal(9), "a"), (Decimal(5), "a"), (Decimal("-1.5"), "é"), (Decimal(0), "")]
RANKED = [ROWS[1], ROWS[2], ROWS[0], ROWS[4], ROWS[3]]


def test_pages_follow_the_order_and_end_without_a_next_cursor() -> None:
    first = page_of(ROWS, order=largest_first, cursor="", size=2)
    second = page_of(ROWS, order=largest_first, cursor=first.next_cursor, size=2)
    third = page_of(ROWS, order=largest_first, cursor=second.next_cursor, size=2)
    assert [*first.rows, *second.rows, *third.rows] == RANKED
    assert (first.previous_cursor, third.next_cursor) == ("", "")
    assert page_of(ROWS, order=largest_first, cursor=third.previous_cursor, size=2).rows == RANKED[2:4]


def test_pages_go_on_where_a_key_holds_a_truth_or_a_moment_in_seconds() -> None:
    rows = [(True, -1772445600.25), (False, 3.5), (True, 2.0), (False, -0.0000001)]
    first = page_of(rows, order=lambda row: row, cursor="", size=2)
    second = page_of(rows, order=lambda row: row, cursor=first.next_cursor, size=2)
    assert [*first.rows, *second.rows] == [(False, -0.0000001), (False, 3.5), (True, -1772445600.25), (True, 2.0)]
    assert page_of(rows, order=lambda row: row, cursor=second.previous_cursor, size=2).rows == first.rows


def test_a_key_that_no_cursor_can_hold_is_refused_when_it_is_written() -> None:
    with pytest.raises(TypeError, match="No cursor can hold"):
        page_of([1, 2], order=lambda row: cast("Key", ((row,),)), cursor="", size=1)


def test_page_after_a_row_that_vanished_starts_with_the_next_one() -> None:
    first = page_of(ROWS, order=largest_first, cursor="", size=2)
    left = [row for row in ROWS if row not in first.rows]
    assert page_of(left, order=largest_first, cursor=first.next_cursor, size=9).rows == RANKED[2:]


@given(
    st.lists(st.tuples(st.decimals(allow_nan=False, allow_infinity=False), st.text()), unique_by=largest_first),
    st.integers(1, 4),
)
def test_pages_put_together_are_the_sorted_list(rows: list[Row], size: int) -> None:
    seen: list[Row] = []
    cursor = ""
    while True:
        page = page_of(rows, order=largest_first, cursor=cursor, size=size)
        seen += page.rows
        cursor = page.next_cursor
        if not cursor:
            break
    assert seen == sorted(rows, key=largest_first)


@given(st.text(max_size=60))
def test_cursor_made_up_by_somebody_is_refused(cursor: str) -> None:
    if cursor:
        with pytest.raises(ParameterError):
            page_of(ROWS, order=largest_first, cursor=cursor, size=2)


def test_cursor_of_another_list_is_refused() -> None:
    other = page_of([(1, "x"), (2, "y")], order=lambda row: row, cursor="", size=1).next_cursor
    with pytest.raises(ParameterError, match="not from this list"):
        page_of(ROWS, order=largest_first, cursor=other, size=2)


def test_parameters_are_read_by_name_with_blanks_taken_off() -> None:
    found = parameters_of(QueryDict("service= EC2 &service=&service=S3&currency=eur"), known=KNOWN)
    assert found.filters(["service"]) == (("service", "EC2"), ("service", "S3"))
    assert found.currency() == "EUR"
    assert found.chosen("per", ("day", "week"), "week") == "week"


@pytest.mark.parametrize(
    ("query", "name"),
    [("sevice=EC2", "sevice"), ("per=day&per=week", "per"), ("service=a%00b", "service"), ("tag:Team=x", "tag:Team")],
)
def test_parameter_nobody_declared_is_refused_by_name(query: str, name: str) -> None:
    with pytest.raises(ParameterError) as refused:
        parameters_of(QueryDict(query), known=KNOWN)
    assert list(refused.value.fields) == [name]


def test_tags_filter_where_an_endpoint_takes_them() -> None:
    found = parameters_of(QueryDict("tag:Team=x&tag:Team=y&service=S3"), known=KNOWN, with_tags=True)
    assert found.filters(["service"]) == (("service", "S3"), ("tag:Team", "x"), ("tag:Team", "y"))


@pytest.mark.parametrize("month", ["1899-12", "3000-01", "2026-00", "2026-2", "26-02", "x"])
def test_month_outside_the_years_of_bills_is_refused(month: str) -> None:
    with pytest.raises(ParameterError):
        parameters_of(QueryDict(f"period={month}"), known=[text("period", "")]).period("period")


def test_month_is_read_as_a_billing_period() -> None:
    found = parameters_of(QueryDict("period=2026-02"), known=[text("period", "")])
    assert found.period("period") == BillingPeriod.parse("2026-02")
    assert parameters_of(QueryDict(""), known=[]).period("period") is None


def test_csv_holds_nested_values_as_json_and_neutralises_formulas() -> None:
    table = CsvTable(["a", "b", "c", "d"], [("=1+1", {"k": "v"}, True, None), ("-5.25", ["x"], False, 0)])
    assert CsvRenderer().render(table).decode() == (
        'a,b,c,d\r\n\'=1+1,"{""k"":""v""}",true,\r\n-5.25,"[""x""]",false,0\r\n'
    )
