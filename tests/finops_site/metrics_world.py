"""Two full months with two reservations, small enough to work out by hand.

April 2026: A, one m5.large, 720 hours bought for 36, all used (on demand 72).
May 2026: A, 744 hours for 37.20, all used (on demand 74.40).
          B, two m5.large from the 15th (ends 2027-05-15): 2 × 17 × 24 = 816 hours for 40.80; 612 used at 30.60 (on
          demand 61.20), 10.20 unused. And 400 hours on demand at 0.10 = 40.
"""

from pathlib import Path

from costs.models import BillImport
from tests.costs.bills import bring_in, line, write_csv

ARN = "arn:aws:ec2:us-east-1:000000000001:reserved-instances/"
APRIL, MAY = "2026-04", "2026-05"


def april(folder: Path) -> BillImport:
    lines = [*reservation("a", APRIL, hours="720", fee="36", used="720", value="72", cost="36")]
    return _in_force(folder, APRIL, lines)


def may(folder: Path) -> BillImport:
    lines = [
        *reservation("a", MAY, hours="744", fee="37.2", used="744", value="74.4", cost="37.2"),
        *reservation(
            "b", MAY, hours="816", fee="40.8", used="612", value="61.2", cost="30.6", unused="10.2", end="2027-05-15"
        ),
        line(last_hour(MAY), quantity="400", cost="40", public="40", resource="i-1", start=f"{MAY}-31T23:00:00Z"),
    ]
    return _in_force(folder, MAY, lines)


def fee_alone(folder: Path) -> BillImport:
    """May as it is delivered in its first hours: A's fee for all 744 hours, and nothing used yet."""
    fee = reservation("a", MAY, hours="744", fee="37.2", used="0", value="0", cost="0", unused="37.2")[1]
    return _in_force(folder, MAY, [fee])


def reservation(
    name: str,
    month: str,
    *,
    hours: str,
    fee: str,
    used: str,
    value: str,
    cost: str,
    unused: str = "0",
    end: str = "2028-01-31",
) -> list[dict[str, str]]:
    """The fee and the covered usage of one reservation in a month."""
    named = {"reservation/ReservationARN": ARN + name, "lineItem/NormalizedUsageAmount": str(4 * int(used))}
    covered = named | last_hour(month) | {"reservation/EffectiveCost": cost}
    fees = named | {
        "lineItem/UsageType": "HeavyUsage:m5.large",
        "lineItem/NormalizedUsageAmount": str(4 * int(hours)),
        "reservation/UnusedRecurringFee": unused,
        "reservation/EndTime": f"{end}T23:59:59.000Z",
    }
    start, period = f"{month}-30T23:00:00Z", f"{month}-01T00:00:00Z"
    last = f"{month}-31T23:00:00Z" if month == MAY else start
    return [
        line(covered, kind="DiscountedUsage", quantity=used, public=value, start=last, period=period, resource="i-2"),
        line(fees, kind="RIFee", quantity=hours, cost=fee, start=period, period=period),
    ]


def last_hour(month: str) -> dict[str, str]:
    return {"lineItem/UsageEndDate": "2026-06-01T00:00:00Z" if month == MAY else "2026-05-01T00:00:00Z"}


def _in_force(folder: Path, month: str, lines: list[dict[str, str]]) -> BillImport:
    (made,) = bring_in(write_csv(folder / f"{month}.csv", lines), source="payer")
    return made
