"""Rates, break-even and payback, worked by hand."""

from decimal import Decimal

import pytest

from ri.offerings import economics
from tests.ri.builders import offer

D = Decimal


@pytest.mark.parametrize(
    ("upfront", "hourly", "rate", "needs", "term", "payback", "saves"),
    [
        # on demand 0.096; a year has 8,760 hours, a month 730
        ("0", "0.061", "0.061", "63.5417", "7.625", "0", "36.4583"),
        ("257", "0.029", "0.058338", "60.7686", "7.2922", "5.2545", "39.2314"),
        ("504", "0", "0.057534", "59.9315", "7.1918", "7.1918", "40.0685"),
    ],
)
def test_an_offer_has_two_break_evens_of_different_names(
    upfront: str, hourly: str, rate: str, needs: str, term: str, payback: str, saves: str
) -> None:
    made = offer("0.096", hourly=hourly, upfront=upfront)
    assert round(made.effective_rate, 6) == D(rate)
    assert round(made.break_even_utilization * 100, 4) == D(needs)
    assert round(made.term_break_even_months, 4) == D(term)
    assert round(made.cash_payback_months() or D(0), 4) == D(payback)
    assert round(made.discount * 100, 4) == D(saves)


def test_break_even_is_the_rate_over_the_on_demand_rate() -> None:
    # 0.319 ÷ 0.398 = 80.15 % of a month of 730 hours = 585.10 hours
    made = offer("0.398", hourly="0.319")
    assert round(made.break_even_utilization * 100, 2) == D("80.15")
    assert round(made.break_even_utilization * 730, 1) == D("585.1")


def test_the_list_value_is_everything_paid_over_the_term() -> None:
    assert offer("0.1", hourly="0.007", upfront="60").list_value == D("121.32")  # 60 + 0.007 × 8,760


def test_an_offer_dearer_than_on_demand_is_never_paid_back() -> None:
    assert offer("0.05", hourly="0.06", upfront="10").cash_payback_months() is None
    assert economics(offer("0.05"), quantity=1, utilization=D(1)).payback_months is None


def test_unused_hours_are_paid_too() -> None:
    # 2 × 8,760 h at 75 % use: used 13,140 h × (0.10 − 0.06) = 525.60; unused 4,380 h × 0.06 = 262.80
    result = economics(offer(), quantity=2, utilization=D("0.75"))
    assert (result.gross, result.unused, result.net) == (D("525.6"), D("262.8"), D("262.8"))


def test_payback_is_the_upfront_payment_over_the_gross_saving_of_a_month() -> None:
    # r = 525.60 ÷ 8,760 = 0.06; gross 8,760 × 0.04 = 350.40 a year = 29.20 a month; 525.60 ÷ 29.20 = 18
    result = economics(offer(hourly="0", upfront="525.6"), quantity=1, utilization=D(1))
    assert result.payback_months == 18
