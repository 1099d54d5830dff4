"""Is the programme worth its money? Return, payback and net present value. See docs/algorithms/business-case.md."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from costs.errors import InvalidRequestError
from costs.money import ZERO, ratio, round_money

MONTHS = 12
LONGEST_HORIZON_YEARS = 10
LONGEST_WAIT_MONTHS = 60
HALF = Decimal("0.5")


@dataclass(frozen=True)
class Assumptions:
    """What a business case takes for granted. Raises InvalidRequestError for what cannot be.

    `delay_months` are months before anything is saved; `ramp_up_months` how long the saving then takes, in a
    straight line, to reach its full height.
    """

    investment: Decimal
    discount_rate: Decimal
    ramp_up_months: int = 0
    delay_months: int = 0
    horizon_years: int = 3

    def __post_init__(self) -> None:
        if not (self.investment.is_finite() and self.investment >= 0):
            raise InvalidRequestError("An investment cannot be below zero.")
        if not (self.discount_rate.is_finite() and 0 <= self.discount_rate <= 1):
            raise InvalidRequestError("A discount rate lies between 0 and 100 % a year.")
        if not all(0 <= months <= LONGEST_WAIT_MONTHS for months in (self.ramp_up_months, self.delay_months)):
            raise InvalidRequestError(f"Ramp-up and delay lie between 0 and {LONGEST_WAIT_MONTHS} months.")
        if not 1 <= self.horizon_years <= LONGEST_HORIZON_YEARS:
            raise InvalidRequestError(f"The horizon lies between 1 and {LONGEST_HORIZON_YEARS} years.")


@dataclass(frozen=True)
class CashYear:
    """One year of cash; year 0 is the investment alone. `cumulated` and `cumulated_value` include all before."""

    year: int
    saving: Decimal
    cash: Decimal
    present_value: Decimal
    cumulated: Decimal
    cumulated_value: Decimal


@dataclass(frozen=True)
class BusinessCase:
    """What an annual saving is worth under the assumptions; ratios are None where nothing is invested.

    `payback_months` is None where the investment does not come back within the horizon. `cumulated` is the cash
    after each month, beginning with month 0, the investment.
    """

    annual_saving: Decimal
    first_year_saving: Decimal
    saving_on_investment: Decimal | None
    net_roi: Decimal | None
    payback_months: Decimal | None
    npv: Decimal
    years: tuple[CashYear, ...]
    monthly_savings: tuple[Decimal, ...]
    cumulated: tuple[Decimal, ...]


def business_case(annual_saving: Decimal, *, assumptions: Assumptions) -> BusinessCase:
    """Return, payback and net present value of a saving that may also be a loss (below zero)."""
    months = monthly_savings(annual_saving, assumptions=assumptions)
    first_year = round_money(sum(months[:MONTHS], ZERO))
    investment = assumptions.investment
    years = _years(months, assumptions)
    cumulated = [-investment]
    for saving in months:
        cumulated.append(cumulated[-1] + saving)
    return BusinessCase(
        annual_saving=annual_saving,
        first_year_saving=first_year,
        saving_on_investment=ratio(first_year, investment),
        net_roi=ratio(first_year - investment, investment),
        payback_months=payback_months(months, investment=investment),
        npv=years[-1].cumulated_value,
        years=years,
        monthly_savings=tuple(round_money(saving) for saving in months),
        cumulated=tuple(round_money(cash) for cash in cumulated),
    )


def monthly_savings(annual_saving: Decimal, *, assumptions: Assumptions) -> tuple[Decimal, ...]:
    """What each month of the horizon saves. A month of the ramp-up saves the mean of its straight line."""
    full = annual_saving / MONTHS
    return tuple(full * _share(month, assumptions) for month in range(1, assumptions.horizon_years * MONTHS + 1))


def payback_months(savings: Sequence[Decimal], *, investment: Decimal) -> Decimal | None:
    """Months until the savings sum to the investment, evenly within a month; None where they never do.

    Nothing invested is back at once, unless the programme loses money.
    """
    left = investment
    if left == 0:
        return None if sum(savings, ZERO) < 0 else ZERO
    for month, saving in enumerate(savings):
        if saving > 0 and saving >= left:
            return round_money(month + left / saving)
        left -= saving
    return None


def _share(month: int, assumptions: Assumptions) -> Decimal:
    """How much of the full saving the n-th month brings (from 1)."""
    since, ramp_up = month - assumptions.delay_months, assumptions.ramp_up_months
    if since <= 0:
        return ZERO
    return Decimal(1) if since > ramp_up else (since - HALF) / ramp_up


def _years(months: Sequence[Decimal], assumptions: Assumptions) -> tuple[CashYear, ...]:
    start = -assumptions.investment
    years = [CashYear(0, ZERO, start, start, start, start)]
    for year in range(1, assumptions.horizon_years + 1):
        saving = round_money(sum(months[(year - 1) * MONTHS : year * MONTHS], ZERO))
        value = round_money(saving / (1 + assumptions.discount_rate) ** year)
        before = years[-1]
        years.append(CashYear(year, saving, saving, value, before.cumulated + saving, before.cumulated_value + value))
    return tuple(years)
