"""Figures as people read them, and their template filters."""

from datetime import date
from decimal import Decimal

import pytest
from django.template import Context, Template

from costs import figures
from costs.periods import BillingPeriod


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [
        ("1234.56", "USD", "$1,234.56"),
        ("0", "USD", "$0.00"),
        ("-5", "USD", "−$5.00"),
        ("0.004", "USD", "<$0.01"),
        ("-0.0001", "USD", "−<$0.01"),
        ("0.005", "USD", "$0.01"),
        ("12", "EUR", "€12.00"),
        ("12", "CHF", "CHF\u00a012.00"),
        ("12", "", "$12.00"),
    ],
)
def test_money_reads_like_money_in_its_currency(amount: str, currency: str, text: str) -> None:
    assert figures.money(Decimal(amount), currency) == text


def test_money_that_is_not_known_is_not_zero() -> None:
    assert figures.money(None) == "n/a"
    assert figures.pct(None) == "n/a"


@pytest.mark.parametrize(
    ("amount", "text"),
    [("950", "$950"), ("1200", "$1.2k"), ("3450000", "$3.45M"), ("-20000", "−$20k"), ("0.5", "$0.5"), ("0", "$0")],
)
def test_short_money_keeps_what_matters(amount: str, text: str) -> None:
    assert figures.short_money(Decimal(amount)) == text


def test_changes_carry_their_sign() -> None:
    assert figures.change(Decimal(5)) == "+$5.00"
    assert figures.change(Decimal(-5)) == "−$5.00"
    assert figures.change(Decimal(0)) == "$0.00"
    assert figures.pct_change(Decimal("0.123")) == "+12.3\u00a0%"


def test_a_share_that_rounds_to_nothing_has_no_minus() -> None:
    assert figures.pct(Decimal("-0.0001")) == "0.0\u00a0%"


def test_numbers_have_thousands_and_no_trailing_zeros() -> None:
    assert figures.number(1234567) == "1,234,567"
    assert figures.number(Decimal("2.500"), 2) == "2.5"
    assert figures.number(Decimal(100), 2) == "100"


def test_periods_and_days_are_written_out() -> None:
    assert figures.period("2026-11") == "November 2026"
    assert figures.period(date(2026, 11, 1)) == "November 2026"
    assert figures.period(BillingPeriod.parse("2026-11")) == "November 2026"
    assert figures.day(date(2026, 11, 3)) == "3 Nov 2026"


def test_filters_carry_the_exact_amount_and_the_direction() -> None:
    page = Template(
        "{% load money %}{{ a|money }} {{ a|change }} {{ r|pct_change }} {{ r|pct:0 }} {{ none|money }} {{ a|exact }}"
    )
    text = page.render(Context({"a": Decimal("-1.2345678901"), "r": Decimal("0.5"), "none": None}))
    assert text == (
        '<data value="-1.2345678901">−$1.23</data> <span class="change change-down">−$1.23</span> '
        '<span class="change change-up">+50.0\u00a0%</span> 50\u00a0% n/a -1.2345678901'
    )
