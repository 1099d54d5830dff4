"""The built-in price book: representative list prices of Linux instances, to try advice with before real prices come.

Nobody's offer: round figures of four regions and five types. A company's own price book goes before it.
"""

from collections.abc import Iterator
from decimal import Decimal

from ri.offerings import HOURS_IN_YEAR, Offer
from ri.terms import OfferingClass, PaymentOption
from ri.usage import DEFAULT_TENANCY, LINUX

NAME = "representative"
NOTE = "Representative prices that come with the product; import your own before buying."

REGIONS = ("us-east-1", "us-west-2", "eu-west-1", "ap-south-1")
# type → USD an hour on demand, in the order of REGIONS
ON_DEMAND = {
    "t3.micro": ("0.0104", "0.0104", "0.0114", "0.0088"),
    "t3.small": ("0.0208", "0.0208", "0.0228", "0.0176"),
    "m5.large": ("0.096", "0.096", "0.107", "0.091"),
    "c5.xlarge": ("0.17", "0.17", "0.187", "0.153"),
    "r5.large": ("0.126", "0.126", "0.14", "0.119"),
}
TERMS = (
    (1, PaymentOption.PARTIAL_UPFRONT),
    (1, PaymentOption.ALL_UPFRONT),
    (3, PaymentOption.PARTIAL_UPFRONT),
    (3, PaymentOption.ALL_UPFRONT),
)
# family → discount, in the order of TERMS
DISCOUNTS = {
    "t3": ("0.42", "0.46", "0.65", "0.72"),
    "m5": ("0.40", "0.43", "0.62", "0.68"),
    "c5": ("0.38", "0.41", "0.60", "0.66"),
    "r5": ("0.39", "0.42", "0.61", "0.67"),
}
# share of the term's cost that is paid upfront
UPFRONT = {PaymentOption.PARTIAL_UPFRONT: Decimal("0.5"), PaymentOption.ALL_UPFRONT: Decimal(1)}


def offers() -> Iterator[Offer]:
    """Every offer of the book."""
    for instance_type, rates in ON_DEMAND.items():
        discounts = DISCOUNTS[instance_type.partition(".")[0]]
        for region_id, rate in zip(REGIONS, rates, strict=True):
            for (years, option), discount in zip(TERMS, discounts, strict=True):
                yield _offer(region_id, instance_type, Decimal(rate), years, option, Decimal(discount))


def _offer(
    region_id: str, instance_type: str, on_demand: Decimal, years: int, option: PaymentOption, discount: Decimal
) -> Offer:
    effective, share = on_demand * (1 - discount), UPFRONT[option]
    return Offer(
        region_id=region_id,
        instance_type=instance_type,
        platform=LINUX,
        tenancy=DEFAULT_TENANCY,
        on_demand_hourly=on_demand,
        offering_class=OfferingClass.STANDARD,
        term_years=years,
        payment_option=option,
        upfront=effective * share * years * HOURS_IN_YEAR,
        hourly=effective * (1 - share),
    )
