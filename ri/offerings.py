"""What a reservation costs: terms, payment options, the rate of an hour, break-even. Rates are per instance-hour."""

from dataclasses import dataclass
from decimal import Decimal

from costs.money import ZERO, ratio
from ri.terms import OfferingClass, PaymentOption

HOURS_IN_YEAR = 8760
MONTHS_IN_YEAR = 12
HOURS_IN_MONTH = Decimal(HOURS_IN_YEAR) / MONTHS_IN_YEAR


@dataclass(frozen=True)
class Offer:
    """One line of a price book."""

    region_id: str
    instance_type: str
    platform: str
    tenancy: str
    on_demand_hourly: Decimal
    offering_class: OfferingClass
    term_years: int
    payment_option: PaymentOption
    upfront: Decimal
    hourly: Decimal

    @property
    def term_hours(self) -> int:
        return self.term_years * HOURS_IN_YEAR

    @property
    def effective_rate(self) -> Decimal:
        """The upfront payment spread over the term plus the hourly rate, paid used or not."""
        return self.upfront / self.term_hours + self.hourly

    @property
    def break_even_utilization(self) -> Decimal:
        """Share of hours that must be used so that nothing is lost. Above 1 the offer never pays."""
        return self.effective_rate / self.on_demand_hourly

    @property
    def discount(self) -> Decimal:
        return 1 - self.break_even_utilization

    @property
    def term_break_even_months(self) -> Decimal:
        """Months of full use after which the whole term is earned, whatever happens then."""
        return self.break_even_utilization * MONTHS_IN_YEAR * self.term_years

    @property
    def list_value(self) -> Decimal:
        """Everything paid over the term."""
        return self.upfront + self.hourly * self.term_hours

    def cash_payback_months(self, utilization: Decimal = Decimal(1)) -> Decimal | None:
        """Months until lower hourly bills have returned the upfront payment; None where they never do."""
        if not self.upfront:
            return ZERO
        monthly = (self.on_demand_hourly * utilization - self.hourly) * HOURS_IN_MONTH
        return self.upfront / monthly if monthly > 0 else None

    @property
    def name(self) -> str:
        """`3 years, all upfront, standard`."""
        years = "1 year" if self.term_years == 1 else f"{self.term_years} years"
        return f"{years}, {self.payment_option.replace('_', ' ')}, {self.offering_class}"


@dataclass(frozen=True)
class Economics:
    """A purchase over one year. `payback_months` is the upfront payment ÷ the gross saving of a month;
    None where there is no saving."""

    upfront: Decimal
    gross: Decimal
    unused: Decimal
    net: Decimal
    payback_months: Decimal | None


def economics(offer: Offer, *, quantity: int, utilization: Decimal) -> Economics:
    """Gross saving on the hours used, cost of the hours not used, and their difference, for a year of 8,760 hours."""
    hours = Decimal(quantity * HOURS_IN_YEAR)
    used = hours * utilization
    gross = used * (offer.on_demand_hourly - offer.effective_rate)
    unused = (hours - used) * offer.effective_rate
    upfront = offer.upfront * quantity
    payback = ratio(upfront * MONTHS_IN_YEAR, gross) if gross > 0 else None
    return Economics(upfront, gross, unused, gross - unused, payback)
