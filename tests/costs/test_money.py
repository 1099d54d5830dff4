"""Rounding and splitting. Expected parts are worked by hand, as whole cents or 1e-10 units."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from costs.money import cents_that_sum, from_units, plain, ratio, round_money, round_to_cents, split_units, to_units


@pytest.mark.parametrize(
    ("total", "weights", "parts"),
    [
        pytest.param(10000, [1, 1, 1], [3334, 3333, 3333], id="100.00 evenly over three"),
        pytest.param(1001, [50, 30, 20], [501, 300, 200], id="10.01 by 50/30/20 percent"),
        pytest.param(10000, [1200, 700, 100], [6000, 3500, 500], id="by direct cost"),
        pytest.param(-700, [1, 1, 1], [-234, -233, -233], id="a credit keeps its sign"),
        pytest.param(2, [1, 1, 1], [1, 1, 0], id="fewer cents than parts"),
        pytest.param(100000, [333333, 333333, 333334], [33333, 33333, 33334], id="the larger weight wins a tie"),
        pytest.param(10, [0, 0], [5, 5], id="weights of zero split evenly"),
        pytest.param(7, [0, 3], [0, 7], id="a weight of zero gets nothing beside others"),
        pytest.param(0, [1, 2], [0, 0], id="nothing to split"),
    ],
)
def test_parts_are_the_largest_remainders(total: int, weights: list[int], parts: list[int]) -> None:
    assert split_units(total, weights) == parts


def test_a_split_over_nobody_or_by_negative_weights_is_refused() -> None:
    with pytest.raises(ValueError, match="nothing to split"):
        split_units(1, [])
    with pytest.raises(ValueError, match="negative"):
        split_units(1, [2, -1])


@given(
    st.integers(min_value=-(10**20), max_value=10**20),
    st.lists(st.integers(min_value=0, max_value=10**12), min_size=1, max_size=30),
)
def test_parts_always_sum_to_the_whole_and_stray_by_less_than_one_unit(total: int, weights: list[int]) -> None:
    parts = split_units(total, weights)
    assert sum(parts) == total
    whole = sum(weights)
    if whole:
        assert all(abs(part * whole - total * weight) < whole for part, weight in zip(parts, weights, strict=True))


def test_cents_of_a_document_sum_to_its_rounded_total() -> None:
    # 33.333 + 33.333 + 33.334 = 100.000; cut to cents 33.33 each, the missing cent goes to .334
    amounts = [Decimal("33.333"), Decimal("33.333"), Decimal("33.334")]
    assert cents_that_sum(amounts) == [Decimal("33.33"), Decimal("33.33"), Decimal("33.34")]
    # −1.005 is −1.01 and a rest of .005, 3.333 leaves .003: total 5.661 is 5.66, so one cent, and it goes to −1.01
    assert cents_that_sum([Decimal("3.333"), Decimal("3.333"), Decimal("-1.005")]) == [
        Decimal("3.33"),
        Decimal("3.33"),
        Decimal("-1.00"),
    ]


def test_a_thousand_lines_of_four_tenths_of_a_cent_are_four_dollars() -> None:
    lines = [Decimal("0.004")] * 1000
    assert round_to_cents(sum(lines, Decimal(0))) == Decimal("4.00")
    assert sum(cents_that_sum(lines)) == Decimal("4.00")


@given(st.lists(st.decimals(min_value=-(10**9), max_value=10**9, places=10), min_size=1, max_size=20))
def test_cents_always_sum_to_the_total_rounded_once(amounts: list[Decimal]) -> None:
    assert sum(cents_that_sum(amounts)) == round_to_cents(sum(amounts, Decimal(0)))


def test_rounding_is_half_away_from_zero() -> None:
    assert round_to_cents(Decimal("0.005")) == Decimal("0.01")
    assert round_to_cents(Decimal("-0.005")) == Decimal("-0.01")
    assert round_money(Decimal("0.00000000005")) == Decimal("0.0000000001")


def test_units_are_exact_both_ways_and_lose_no_digit() -> None:
    assert to_units(Decimal("64852.11")) == 648_521_100_000_000
    assert from_units(-1) == Decimal("-0.0000000001")
    with pytest.raises(ValueError, match="decimals"):
        to_units(Decimal("0.00000000001"))


def test_a_ratio_of_nothing_is_not_available() -> None:
    assert ratio(3, 0) is None
    assert ratio(3, 4) == Decimal("0.75")


@pytest.mark.parametrize(
    ("amount", "text"),
    [("1E+3", "1000"), ("0E-10", "0"), ("-0.0000", "0"), ("64852.1100", "64852.11"), ("-0.10", "-0.1")],
)
def test_plain_text_has_no_exponent_and_no_trailing_zeros(amount: str, text: str) -> None:
    assert plain(Decimal(amount)) == text
