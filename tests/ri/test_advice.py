"""From demand and offers to advice, or to the reason why there is none."""

from decimal import Decimal

import pytest

from ri.advice import Advice, Rejection, advise_group, advise_hourly
from ri.screen import Candidate, Uptime, screened
from ri.terms import Confidence, PaymentOption
from ri.usage import Pool
from tests.ri.builders import hours, limits, offer

D = Decimal
FAMILY = Pool("us-east-1", "m5.*")
TYPE = Pool("us-east-1", "m5.large")
WEEK = 7 * 24


def steady(*shares: str, measured: bool = False) -> list[Candidate]:
    return [
        Candidate(f"i-{at}", TYPE, "running", None, Uptime(D(share), is_measured=measured))
        for at, share in enumerate(shares)
    ]


def advise(candidates: list[Candidate], *offers: object, max_payback: str = "18") -> Advice | Rejection:
    (group,) = screened(candidates, limits(max_payback=max_payback))
    return advise_group(group, offers, limits(max_payback=max_payback), days=30)  # type: ignore[arg-type]


def test_steady_instances_get_the_offer_that_saves_most() -> None:
    dear, cheap = offer(), offer(hourly="0.05", option=PaymentOption.PARTIAL_UPFRONT)
    found = advise(steady("0.9", "1", "0.1"), dear, cheap)
    # two steady, mean 95 %, target 70 % → 1; 8,760 × (0.95 × 0.05 − 0.05 × 0.05) = 394.20
    assert isinstance(found, Advice)
    assert (found.offer, found.quantity, found.coverage_ratio) == (cheap, 1, D("0.5"))
    assert found.result.net == D("394.2")
    assert found.confidence is Confidence.LOW
    assert found.reason.startswith("2 of 3 instances run at least 80.0 % of hours (mean 95.0 %, assumed from")


def test_an_upfront_payment_that_comes_back_too_late_is_not_recommended() -> None:
    # r = 1314 ÷ 26,280 = 0.05; gross 8,760 × 0.05 = 438 a year = 36.50 a month; 1314 ÷ 36.5 = 36 months
    late = offer(hourly="0", upfront="1314", years=3, option=PaymentOption.ALL_UPFRONT)
    found = advise(steady("1"), late)
    assert found == Rejection(TYPE, "The upfront payment takes at least 36 months to come back; the limit is 18.")
    unlimited = advise(steady("1"), late, offer(), max_payback="0")
    assert isinstance(unlimited, Advice)
    assert unlimited.offer == late


def test_pools_without_advice_say_why() -> None:
    assert advise(steady("0.45", "0.1"), offer()) == Rejection(
        TYPE, "None of 2 instances is steady: the steadiest runs 45.0 % of hours, needs 80.0 %."
    )
    assert advise(steady("1")) == Rejection(TYPE, "The price book has no offer for it.")
    assert advise(steady("0.85"), offer(hourly="0.09")) == Rejection(
        TYPE, "Runs 85.0 % of hours, needs 90.0 % of hours to save anything."
    )
    assert advise(steady("1"), offer("0.05")) == Rejection(
        TYPE, "Runs 100.0 % of hours, needs 120.0 % of hours to save anything."
    )


def test_an_instance_of_no_known_state_is_said_to_be_that() -> None:
    unknown = [Candidate("i-1", TYPE, "pending", None, Uptime(None, is_measured=False))]
    found = advise(unknown, offer())
    assert found.reason == "No uptime is measured, and none can be assumed from the state (pending)."


def test_measured_uptime_gives_high_confidence_where_it_still_saves_after_a_fall() -> None:
    # 0.8 × 0.10 = 0.08 > 0.06; at 0.82 × 0.8 = 0.656 > 0.6 it still saves, at 0.74 × 0.8 it would not
    high = advise(steady("0.82", measured=True), offer(hourly="0.06"))
    medium = advise(steady("0.82", measured=True), offer(hourly="0.07"))
    assert isinstance(high, Advice)
    assert isinstance(medium, Advice)
    assert (high.confidence, medium.confidence) == (Confidence.HIGH, Confidence.MEDIUM)


def test_a_family_is_bought_in_its_smallest_size() -> None:
    # 16 normalized units = 4 large; the xlarge offer is left aside
    usage = hours((WEEK, 16))
    found = advise_hourly(FAMILY, usage, [offer(), offer("0.2", hourly="0.10", instance_type="m5.xlarge")], limits())
    assert isinstance(found, Advice)
    assert (found.offer.instance_type, found.quantity) == ("m5.large", 4)
    assert {found.expected_utilization, found.coverage_ratio, found.steadiness} == {D(1)}
    assert [(fall, round(net, 2)) for fall, net in found.regrets] == [
        (D("0.1"), D("1051.2")),  # 4 × 8,760 × (0.9 × 0.10 − 0.06)
        (D("0.2"), D("700.8")),
        (D("0.3"), D("350.4")),
    ]
    assert found.confidence is Confidence.MEDIUM  # 7 days, not 30


def test_a_hundred_hours_more_change_quantity_saving_and_reason() -> None:
    # Eight days, 192 hours. One instance always, a second for 50 hours: number 2 is used 26 % and needs 60 %.
    before = advise_hourly(TYPE, hours((50, 2), (142, 1)), [offer()], limits())
    assert isinstance(before, Advice)
    assert (before.quantity, before.result.net) == (1, D("350.4"))  # 8,760 × (0.10 − 0.06)
    # With 100 hours more the second runs 150 of 192 = 78.125 %.
    after = advise_hourly(TYPE, hours((150, 2), (42, 1)), [offer()], limits())
    assert isinstance(after, Advice)
    # used (192 + 150) ÷ 384 = 89.0625 %; gross 17,520 × 0.890625 × 0.04 = 624.15
    # unused 17,520 × 0.109375 × 0.06 = 114.975; net 509.175
    assert after.quantity == 2
    assert after.expected_utilization == D("0.890625")
    assert (after.result.gross, after.result.unused, after.result.net) == (D("624.15"), D("114.975"), D("509.175"))
    assert after.reason == (
        "On demand ran 1 to 2 m5.large at once, 1.8 on average over 192 hours. Number 2 is used 78.1 % of hours;"
        " one more would be used 0.0 %. Each needs use in 60.0 % of hours to save, and nothing is paid upfront."
    )


@pytest.mark.parametrize(
    ("usage", "reason"),
    [
        (hours((41, 1), (127, 0)), "One m5.large would be used 24.4 % of hours, needs 60.0 %."),
        (hours((WEEK, 0)), "Nothing ran on demand."),
        (hours((30, 1)), "Hourly usage of 1 full day is known; advice needs 7."),
    ],
)
def test_hourly_pools_without_advice_say_why(usage: object, reason: str) -> None:
    assert advise_hourly(TYPE, usage, [offer()], limits()) == Rejection(TYPE, reason)  # type: ignore[arg-type]


def test_another_region_platform_or_size_has_no_offer() -> None:
    for pool in (Pool("eu-west-1", "m5.large"), Pool("us-east-1", "m5.large", "Windows"), Pool("us-east-1", "c5.*")):
        assert (
            advise_hourly(pool, hours((WEEK, 1)), [offer()], limits()).reason == "The price book has no offer for it."
        )
