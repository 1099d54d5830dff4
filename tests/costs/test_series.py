"""Buckets without gaps, top and Other that add up, rounding that sums to the whole."""

from datetime import date
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from costs.money import ZERO, round_money
from costs.periods import BillingPeriod, DateRange
from costs.queries import Granularity
from costs.series import Line, bucket_starts, change, fill, fit_to_total, top_and_other

NOVEMBER = BillingPeriod.parse("2025-11").range
amounts = st.decimals(min_value=-1000, max_value=1000, places=14)


def test_weeks_start_on_monday_and_the_first_is_cut_to_the_range() -> None:
    # 1 November 2025 is a Saturday.
    starts = bucket_starts(NOVEMBER, Granularity.WEEK)
    assert starts == (date(2025, 11, 1), *(date(2025, 11, day) for day in (3, 10, 17, 24)))


def test_months_and_days_have_no_gaps() -> None:
    winter = DateRange(date(2025, 11, 1), date(2026, 2, 1))
    assert bucket_starts(winter, Granularity.MONTH) == (date(2025, 11, 1), date(2025, 12, 1), date(2026, 1, 1))
    assert len(bucket_starts(winter, Granularity.DAY)) == 30 + 31 + 31


def test_costs_fall_into_the_bucket_of_their_day_and_empty_buckets_are_zero() -> None:
    costs = {date(2025, 11, 2): Decimal(1), date(2025, 11, 3): Decimal(2), date(2025, 11, 9): Decimal(4)}
    points = fill(costs, bucket_starts(NOVEMBER, Granularity.WEEK))
    assert points == (Decimal(1), Decimal(6), ZERO, ZERO, ZERO)


def test_other_takes_the_rest_point_by_point() -> None:
    lines = [Line(name, name, (Decimal(first), Decimal(second))) for name, first, second in
             (("a", 5, 5), ("b", 1, 0), ("c", 3, 3), ("d", 0, 2))]  # fmt: skip
    shown = top_and_other(lines, 2)
    assert [(line.label, line.points) for line in shown] == [
        ("a", (Decimal(5), Decimal(5))),
        ("c", (Decimal(3), Decimal(3))),
        ("Other (2)", (Decimal(1), Decimal(2))),
    ]


def test_a_single_line_is_never_hidden_in_other() -> None:
    lines = [Line(name, name, (Decimal(1),)) for name in "abc"]
    assert [line.label for line in top_and_other(lines, 2)] == ["a", "b", "c"]


def test_change_is_relative_to_what_was_before_and_none_where_there_was_nothing() -> None:
    assert change(Decimal(150), Decimal(100)).ratio == Decimal("0.5")
    assert change(Decimal(-150), Decimal(-100)).ratio == Decimal("-0.5")
    assert change(Decimal(5), ZERO).ratio is None


@given(st.lists(amounts, min_size=1, max_size=30))
def test_rounded_parts_sum_to_the_rounded_whole(parts: list[Decimal]) -> None:
    whole = round_money(sum(parts, ZERO))
    fitted = fit_to_total(parts, whole)
    assert sum(fitted, ZERO) == whole
    assert all(abs(fit - part) <= Decimal("1e-10") for fit, part in zip(fitted, parts, strict=True))


def test_a_real_difference_stays_visible() -> None:
    assert fit_to_total([Decimal("1"), Decimal("2")], Decimal("4")) == [Decimal("1"), Decimal("2")]


@given(st.lists(st.tuples(amounts, amounts), max_size=25), st.integers(min_value=1, max_value=8))
def test_top_and_other_sum_to_all_lines_at_every_point(points: list[tuple[Decimal, Decimal]], limit: int) -> None:
    lines = [Line(str(at), str(at), pair) for at, pair in enumerate(points)]
    shown = top_and_other(lines, limit)
    for at in range(2):
        assert sum((line.points[at] for line in shown), ZERO) == sum((pair[at] for pair in points), ZERO)
