"""Billing periods: names, ends, neighbours."""

from argparse import ArgumentTypeError
from datetime import date

import pytest

from costs.errors import InvalidRequestError
from costs.periods import BillingPeriod, DateRange, day_argument

FEBRUARY = BillingPeriod(date(2024, 2, 1))


def test_a_month_ends_where_the_next_begins() -> None:
    assert FEBRUARY.end == date(2024, 3, 1)
    assert FEBRUARY.day_count == 29
    assert date(2024, 2, 29) in FEBRUARY.range
    assert date(2024, 3, 1) not in FEBRUARY.range
    assert len(list(FEBRUARY.range.days())) == 29


def test_neighbours_cross_the_year() -> None:
    december = BillingPeriod.parse("2025-12")
    assert str(december.next()) == "2026-01"
    assert str(BillingPeriod.parse("2025-01").previous()) == "2024-12"
    assert [str(period) for period in december.back(3)] == ["2025-10", "2025-11", "2025-12"]


def test_a_day_belongs_to_its_month() -> None:
    assert BillingPeriod.of(date(2025, 11, 5)) == BillingPeriod.parse(" 2025-11 ")
    assert BillingPeriod.of(date(2025, 11, 5)).label == "November 2025"


@pytest.mark.parametrize("text", ["2025", "2025-13", "2025-00", "25-11", "2025-11-05", "", "abc", "0001-01", "9999-12"])
def test_what_is_no_month_is_refused_with_its_own_text(text: str) -> None:
    with pytest.raises(InvalidRequestError, match=f"'{text}'"):
        BillingPeriod.parse(text)


def test_a_period_starts_on_the_first() -> None:
    with pytest.raises(InvalidRequestError, match="first day"):
        BillingPeriod(date(2025, 11, 2))


def test_a_range_is_half_open() -> None:
    span = DateRange(date(2025, 1, 1), date(2025, 1, 3))
    assert list(span.days()) == [date(2025, 1, 1), date(2025, 1, 2)]


@pytest.mark.parametrize(
    ("start", "end", "label"),
    [
        (date(2026, 10, 1), date(2026, 11, 1), "October 2026"),
        (date(2026, 10, 1), date(2026, 10, 23), "October 2026, 1–22"),
        (date(2026, 8, 1), date(2026, 10, 1), "August 2026 to September 2026"),
        (date(2026, 8, 1), date(2026, 9, 23), "1 August 2026 to 22 September 2026"),
        (date(2026, 8, 5), date(2026, 8, 8), "5 August 2026 to 7 August 2026"),
    ],
)
def test_a_range_names_its_days_for_people(start: date, end: date, label: str) -> None:
    assert DateRange(start, end).label == label


def test_a_day_given_to_a_command_is_read_or_refused_with_the_cure() -> None:
    assert day_argument("2025-11-05") == date(2025, 11, 5)
    with pytest.raises(ArgumentTypeError, match=r"'5 November' is not a day. Write it as YYYY-MM-DD"):
        day_argument("5 November")
