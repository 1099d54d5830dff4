"""A bill of eight days with a reservation, small enough to work out by hand.

May 2026, account 000000000002, us-east-1, m5 family, 192 hours to the end of the 8th:

    on demand     one m5.large always, a second one for 150 hours: 342 hours at 0.096 = 32.832
    reserved      two m5.large bought for 1,440 hours (fee 28.80, upfront share 32.876712 = 61.676712);
                  used 1,080 hours (on demand 103.68) at 46.257534; unused 8.219178 + 7.20 = 15.419178
    database      one db.m5.large, which does not count
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

from costs.models import BillImport
from tests.costs.bills import bring_in, line, write_csv
from tests.ri.builders import PRICES

START = datetime(2026, 5, 1)
SOURCE = "payer"
ARN = "arn:aws:ec2:us-east-1:000000000001:reserved-instances/5d1c07aa"
ROWS = "us-east-1,m5.large,Linux/UNIX,default,0.10,standard,1,no_upfront,0,0.06\n"
NAMED = {"reservation/ReservationARN": ARN, "lineItem/NormalizedUsageAmount": "0", "reservation/EndTime": ""}


def eight_days(folder: Path) -> BillImport:
    """The bill in force, and a price book with one offer: 0.10 on demand, 0.06 reserved."""
    (made,) = bring_in(write_csv(folder / "bill.csv", list(lines())), source=SOURCE)
    return made


def price_file(folder: Path, rows: str = ROWS) -> Path:
    path = folder / "own.csv"
    path.write_text(PRICES + rows)
    return path


def lines() -> Iterator[dict[str, str]]:
    for hour in range(192):
        yield on_demand(hour, "1")
    for hour in range(150):
        yield on_demand(hour, "1", resource="i-2")
    yield line(
        {"lineItem/UsageType": "InstanceUsage:db.m5.large", "lineItem/ProductCode": "AmazonRDS"},
        cost="5",
        public="5",
        operation="CreateDBInstance:0002",
    )
    yield line(
        NAMED | {"reservation/EffectiveCost": "46.257534", "lineItem/NormalizedUsageAmount": "4320"},
        kind="DiscountedUsage",
        quantity="1080",
        public="103.68",
        start="2026-05-01T00:00:00Z",
    )
    yield line(
        NAMED
        | {
            "lineItem/UsageType": "HeavyUsage:m5.large",
            "lineItem/NormalizedUsageAmount": "5760",
            "reservation/AmortizedUpfrontFeeForBillingPeriod": "32.876712",
            "reservation/UnusedAmortizedUpfrontFeeForBillingPeriod": "8.219178",
            "reservation/UnusedRecurringFee": "7.2",
            "reservation/EndTime": "2026-08-15T23:59:59.000Z",
        },
        kind="RIFee",
        quantity="1440",
        cost="28.8",
        start="2026-05-01T00:00:00Z",
    )


def on_demand(hour: int, quantity: str, resource: str = "i-1") -> dict[str, str]:
    start = START + timedelta(hours=hour)
    return line(
        {"lineItem/UsageEndDate": f"{start + timedelta(hours=1):%Y-%m-%dT%H:%M:%SZ}"},
        start=f"{start:%Y-%m-%dT%H:%M:%SZ}",
        quantity=quantity,
        cost="0.096",
        public="0.096",
        resource=resource,
    )
