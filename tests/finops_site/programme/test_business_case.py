"""The business case with numbers worked by hand."""

from decimal import Decimal

import pytest

from costs.errors import InvalidRequestError
from finops_site.programme.business_case import Assumptions, business_case, monthly_savings
from finops_site.programme.risk import Exposure, expected_loss, risk_adjusted

K = Decimal(1000)


def assumed(
    rate: str = "0", *, investment: str = "70000", ramp_up: int = 0, delay: int = 0, horizon: int = 3
) -> Assumptions:
    return Assumptions(Decimal(investment), Decimal(rate), ramp_up, delay, horizon)


def whole(value: Decimal | None) -> int:
    assert value is not None
    return int(value.quantize(Decimal(1)))


@pytest.mark.parametrize(
    ("saving", "gross", "net", "payback", "npv_0", "npv_10"),
    [
        (150, 214, 114, "5.6", 380, 303),
        (225, 321, 221, "3.7", 605, 490),
        (300, 429, 329, "2.8", 830, 676),
    ],
    ids=["150k", "225k", "300k"],
)
def test_three_scenarios_give_the_figures_of_the_report(
    saving: int, gross: int, net: int, payback: str, npv_0: int, npv_10: int
) -> None:
    # 150 ÷ 70 = 2.14; (150 − 70) ÷ 70 = 1.14; 70 ÷ 150 × 12 = 5.6; 3 × 150 − 70 = 380;
    # 150 × (1/1.1 + 1/1.21 + 1/1.331) − 70 = 150 × 2.48685 − 70 = 303.03
    found = business_case(saving * K, assumptions=assumed())
    assert found.saving_on_investment is not None
    assert whole(found.saving_on_investment * 100) == gross
    assert found.net_roi is not None
    assert whole(found.net_roi * 100) == net
    assert found.payback_months is not None
    assert found.payback_months.quantize(Decimal("0.1")) == Decimal(payback)
    assert found.npv == npv_0 * K
    assert whole(business_case(saving * K, assumptions=assumed("0.1")).npv / K) == npv_10


def test_npv_at_ten_per_cent_is_exact_to_ten_decimals() -> None:
    # 150000/1.1 = 136363.6363636364, /1.21 = 123966.9421487603, /1.331 = 112697.2201352367; sum 373027.7986476334
    found = business_case(150 * K, assumptions=assumed("0.1"))
    assert found.npv == Decimal("303027.7986476334")
    assert [year.present_value for year in found.years] == [
        Decimal(-70000),
        Decimal("136363.6363636364"),
        Decimal("123966.9421487603"),
        Decimal("112697.2201352367"),
    ]
    assert [year.cumulated for year in found.years] == [-70 * K, 80 * K, 230 * K, 380 * K]


def test_delay_and_ramp_up_move_the_saving_and_never_change_its_height() -> None:
    # 120 a year is 10 a month; 2 months nothing, then a line from 0 to 10 over 4 months: means 1.25, 3.75, 6.25, 8.75
    months = monthly_savings(Decimal(120), assumptions=assumed(delay=2, ramp_up=4, horizon=1))
    ramp = [Decimal(text) for text in ("0", "0", "1.25", "3.75", "6.25", "8.75")]
    assert list(months) == [*ramp, *[Decimal(10)] * 6]


def test_delay_and_ramp_up_in_return_payback_and_npv_as_worked_in_the_docs() -> None:
    # 120,000 a year, 1 month of delay, 2 of ramp-up: 0, 2,500, 7,500, then 10,000 a month.
    # first year 0 + 2,500 + 7,500 + 9 × 10,000 = 100,000; 100 ÷ 40 = 250 %; net 150 %
    # after month 3: 10,000; 30,000 are left = 3 months more: payback 6.0; with 35,000 invested 5.5
    # NPV at 10 %: 100,000/1.1 + 120,000/1.21 + 120,000/1.331 − 40,000
    #   = 90,909.0909090909 + 99,173.5537190083 + 90,157.7761081893 − 40,000 = 240,240.4207362885
    found = business_case(120 * K, assumptions=assumed("0.1", investment="40000", delay=1, ramp_up=2))
    assert found.first_year_saving == 100 * K
    assert found.saving_on_investment == Decimal("2.5")
    assert found.net_roi == Decimal("1.5")
    assert found.payback_months == 6
    assert found.npv == Decimal("240240.4207362885")
    assert found.cumulated[:5] == (-40 * K, -40 * K, Decimal(-37500), -30 * K, -20 * K)
    shorter = assumed("0.1", investment="35000", delay=1, ramp_up=2)
    assert business_case(120 * K, assumptions=shorter).payback_months == Decimal("5.5")


def test_payback_is_none_when_the_horizon_ends_first() -> None:
    assert business_case(Decimal(12), assumptions=assumed(investment="37")).payback_months is None
    assert business_case(Decimal(12), assumptions=assumed(investment="36")).payback_months == 36
    assert business_case(Decimal(12), assumptions=assumed(investment="36", delay=1)).payback_months is None


def test_loss_never_pays_back_and_is_not_hidden() -> None:
    found = business_case(Decimal(-12000), assumptions=assumed(investment="6000"))
    assert (found.saving_on_investment, found.net_roi) == (Decimal(-2), Decimal(-3))
    assert found.payback_months is None
    assert found.npv == -42000


def test_nothing_invested_has_no_return_to_divide_and_is_back_at_once() -> None:
    found = business_case(Decimal(12), assumptions=assumed(investment="0"))
    assert (found.saving_on_investment, found.net_roi, found.payback_months) == (None, None, Decimal(0))
    assert business_case(Decimal(-12), assumptions=assumed(investment="0")).payback_months is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"investment": "-1"},
        {"investment": "NaN"},
        {"rate": "-0.01"},
        {"rate": "1.01"},
        {"ramp_up": -1},
        {"delay": 61},
        {"horizon": 0},
        {"horizon": 11},
    ],
    ids=str,
)
def test_assumptions_that_cannot_be_are_refused(wrong: dict[str, str | int]) -> None:
    with pytest.raises(InvalidRequestError):
        assumed(**wrong)  # type: ignore[arg-type]


def test_expected_loss_is_probability_times_impact_and_lowers_every_scenario() -> None:
    risks = [Exposure(Decimal("0.25"), Decimal(30000)), Exposure(Decimal("0.4"), Decimal(15000))]
    assert [risk.expected_loss for risk in risks] == [7500, 6000]
    assert expected_loss(risks) == 13500
    # 150,000 − 13,500 = 136,500: 195 % on 70,000, payback 70 ÷ 136.5 × 12 = 6.15 months, NPV 3 × 136.5 − 70 = 339.5
    left = risk_adjusted(150 * K, exposures=risks)
    found = business_case(left, assumptions=assumed())
    assert left == 136500
    assert found.saving_on_investment == Decimal("1.95")
    assert found.payback_months is not None
    assert found.payback_months.quantize(Decimal("0.01")) == Decimal("6.15")
    assert found.npv == 339500


def test_risks_larger_than_the_saving_leave_a_loss_instead_of_zero() -> None:
    assert risk_adjusted(Decimal(1000), exposures=[Exposure(Decimal(1), Decimal(1500))]) == -500


@pytest.mark.parametrize(("probability", "impact"), [("1.5", "1"), ("-0.1", "1"), ("0.5", "-1"), ("NaN", "1")])
def test_probability_outside_0_to_1_and_negative_impact_are_refused(probability: str, impact: str) -> None:
    with pytest.raises(InvalidRequestError):
        Exposure(Decimal(probability), Decimal(impact))
