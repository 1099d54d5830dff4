"""The optimum in closed form: worked examples, and the same as trying every quantity."""

from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ri.advice import HourlyDemand
from ri.offerings import economics
from ri.optimizer import best_quantity, covered, saving, savings_curve, unit_shares, used_share
from tests.ri.builders import hours, offer

D = Decimal
RATIO = D("0.6")
DAY = hours((8, 2), (10, 5), (6, 9))


def test_units_are_bought_while_they_are_used_more_than_they_cost() -> None:
    # units 1–2 are used in 24 of 24 hours, 3–5 in 16, 6–9 in 6: more than 60 % up to number 5
    assert [round(share, 6) for share in unit_shares(DAY)] == [1, 1, *[0.666667] * 3, *[0.25] * 4]
    assert best_quantity(DAY, RATIO) == 5


@pytest.mark.parametrize(
    ("quantity", "saved"),
    [(1, "0.96"), (2, "1.92"), (3, "2.08"), (4, "2.24"), (5, "2.4"), (6, "1.56"), (9, "-0.96")],
)
def test_a_quantity_saves_its_covered_hours_less_all_its_hours(quantity: int, saved: str) -> None:
    assert saving(DAY, quantity, offer()) == D(saved)


def test_the_optimum_of_the_example_saves_a_fifth() -> None:
    # on demand 120 instance-hours × 0.10 = 12; saved 2.40; 5 × 24 × 80 % = 96 hours used
    assert saving(DAY, 5, offer()) / 12 == D("0.2")
    assert used_share(DAY, 5) == D("0.8")
    yearly = economics(offer(), quantity=5, utilization=used_share(DAY, 5))
    assert yearly.net / 12 == 73  # 2.40 ÷ 24 h × 730 h


def test_a_unit_that_only_breaks_even_is_not_bought() -> None:
    assert best_quantity(hours((6, 1), (4, 0)), RATIO) == 0


def test_hours_without_usage_count() -> None:
    assert best_quantity(hours((6, 1)), RATIO) == 1


def test_parts_of_an_hour_count_as_parts() -> None:
    # 12 × 0.5 + 12 × 1 = 18 of 24 hours for the first unit, 12 × 0.5 = 6 for the second
    usage = hours((12, 0.5), (12, 1.5))
    assert best_quantity(usage, RATIO) == 1
    assert saving(usage, 1, offer()) == D("0.36")
    assert saving(usage, 2, offer()) - saving(usage, 1, offer()) == D("-0.84")


def test_reservations_held_are_taken_off_before() -> None:
    left = np.maximum(DAY - 3, 0)
    assert best_quantity(left, RATIO) == 2
    assert saving(left, 2, offer()) == D("0.32")
    assert saving(DAY, 5, offer()) - saving(DAY, 3, offer()) == D("0.32")


@pytest.mark.parametrize(("ran", "quantity"), [(15, 2), (16, 6)])
def test_a_large_instance_is_covered_by_small_ones_from_its_break_even_on(ran: int, quantity: int) -> None:
    # two large all day and a 2xlarge (= 4 large) for some hours; 0.061 ÷ 0.096 × 24 = 15.25 hours
    usage = hours((ran, 6), (24 - ran, 2))
    made = offer("0.096", hourly="0.061")
    assert best_quantity(usage, made.break_even_utilization) == quantity
    # 2 × 24 × 0.035 = 1.68; with the other four 0.096 × 4 × 16 − 0.061 × 4 × 24 = 0.288 more
    assert saving(usage, quantity, made) == (D("1.968") if quantity == 6 else D("1.68"))


@pytest.mark.parametrize(
    ("fall", "left"), [("0", "2.4"), ("0.1", "1.74"), ("0.25", "0.75"), ("0.5", "-1.2"), ("1", "-7.2")]
)
def test_falling_usage_eats_the_saving(fall: str, left: str) -> None:
    used = HourlyDemand(DAY).used_share(5, fall=D(fall))
    result = economics(offer(), quantity=5, utilization=used)
    assert result.net * 24 / 8760 == D(left)


def test_the_saving_of_flat_usage_vanishes_at_one_minus_its_cost() -> None:
    # 1 − 0.6 × 8 ÷ 8 = 0.40 and 1 − 0.6 × 6 ÷ 8 = 0.55
    flat = HourlyDemand(hours((24, 8)))
    for quantity, fall in ((8, "0.40"), (6, "0.55")):
        assert economics(offer(), quantity=quantity, utilization=flat.used_share(quantity, fall=D(fall))).net == 0


def test_no_usage_buys_nothing() -> None:
    assert best_quantity(hours((24, 0)), RATIO) == 0
    assert best_quantity(hours((0, 0)), RATIO) == 0


def test_the_curve_starts_at_nothing_and_holds_the_optimum() -> None:
    usage = hours((100, 1000), (68, 3))
    curve = dict(savings_curve(usage, offer(upfront="0", hourly="0.05"), points=20))
    assert curve[0] == 0
    assert len(curve) <= 22
    assert max(curve, key=lambda quantity: curve[quantity]) == best_quantity(usage, D("0.5")) == 1000


@given(
    st.lists(st.integers(0, 40), min_size=1, max_size=60),
    st.integers(1, 99),
)
def test_the_optimum_is_the_best_of_all_quantities(eighths: list[int], percent: int) -> None:
    """In eighths of an instance, so that both sides are exact."""
    usage = np.array(eighths, dtype=np.float64) / 8
    ratio = Fraction(percent, 100)

    def saved(quantity: int) -> Fraction:
        return sum((min(Fraction(each, 8), Fraction(quantity)) for each in eighths), Fraction(0)) - (
            ratio * quantity * len(eighths)
        )

    found = best_quantity(usage, D(percent) / 100)
    tried = {quantity: saved(quantity) for quantity in range(8)}
    best = max(tried.values())
    assert found == min(quantity for quantity, value in tried.items() if value == best)
    assert Fraction(float(covered(usage, np.array([found]))[0])) - ratio * found * len(eighths) == best


@given(st.lists(st.integers(0, 30), min_size=2, max_size=40))
def test_saving_is_concave_in_the_quantity(usage: list[int]) -> None:
    shares = unit_shares(np.array(usage, dtype=np.float64))
    assert all(later <= earlier for earlier, later in pairwise(shares))
