"""Each kind of finding by numbers worked by hand."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from costs.detectors import (
    Commitment,
    Inventoried,
    Limits,
    ListRate,
    Spend,
    StorageMove,
    dear_storage,
    detect,
    idle,
    not_running,
    off_list_rate,
    rate_table,
    unused_commitment,
)
from costs.periods import BillingPeriod
from costs.terms import FindingKind

D = Decimal
NOVEMBER = BillingPeriod.parse("2025-11")
LIMITS = Limits(
    idle_cpu_pct=5,
    min_saving=D(1),
    rate_tolerance=D("0.25"),
    seldom_read=D("0.05"),
    moves=(StorageMove("gp2", "gp3", D("0.2"), False), StorageMove("STANDARD", "STANDARD_IA", D("0.45"), True)),
)
RATES = rate_table([ListRate("us-east-1", "m5.large", "Linux/UNIX", "default", D("0.096"), "USD", "list")])
SEEN = Inventoried(
    taken_on=date(2025, 11, 5),
    state="stopped",
    state_since=date(2025, 11, 3),
    cpu_pct=None,
    cpu_snapshots=0,
    hourly_rate=D("0.5"),
    region_id="us-east-1",
    instance_type="m5.large",
    platform="",
    tenancy="",
)
RUNNING = replace(SEEN, state="running", cpu_pct=40.0, cpu_snapshots=3)


def spend(cost: str = "360", *, days: int = 30, **more: object) -> Spend:
    return replace(Spend("i-1", "USD", NOVEMBER, days, D(cost)), **more)  # type: ignore[arg-type]


def test_a_stopped_instance_of_an_inventory_costs_its_whole_month_and_all_can_be_saved() -> None:
    found = not_running(spend(inventory=SEEN, is_inventory=True), LIMITS, {})
    assert found is not None
    assert (found.monthly_cost, found.monthly_saving, found.baseline) == (D(360), D(360), D(360))
    assert found.reason == "Stopped since 3 Nov 2025 and still costs $360.00 a month."
    assert dict(found.evidence)["Measured"] == "November 2025, at the rate of the inventory; no bill covers it"


def test_of_a_billed_month_only_the_days_after_it_stopped_count_scaled_to_the_month() -> None:
    # 3.00 on the 6 days after it was seen stopped: 0.50 a day, 15.00 in 30 days.
    found = not_running(spend("100", days=9, inventory=SEEN, after_stop=(6, D(3))), LIMITS, {})
    assert found is not None
    assert found.monthly_cost == D(15)
    assert dict(found.evidence)["Measured"] == "November 2025, effective cost of 6 of 30 days, scaled to the month"


@pytest.mark.parametrize("after", [None, (0, D(0)), (6, D(0))], ids=["no lines", "no day yet", "costs nothing"])
def test_a_stopped_instance_that_the_bill_no_longer_charges_is_no_finding(after: tuple[int, Decimal] | None) -> None:
    assert not_running(spend("100", inventory=SEEN, after_stop=after), LIMITS, {}) is None


@pytest.mark.parametrize(("cpu", "is_idle"), [(5.0, True), (5.1, False), (None, False)])
def test_an_instance_is_idle_at_or_below_the_limit(cpu: float | None, is_idle: bool) -> None:
    found = idle(spend("10", days=10, inventory=replace(RUNNING, cpu_pct=cpu)), LIMITS, {})
    assert (found is not None) is is_idle
    if found is not None:
        assert found.monthly_saving == D(30)  # 10.00 in 10 days
        assert dict(found.evidence)["CPU"] == "5 % on average of 3 inventories to 5 Nov 2025"


def test_the_unused_part_of_a_commitment_is_what_it_costs() -> None:
    owned = Commitment("reservation of c4.large", D("50"), D("40"), date(2026, 3, 1))
    found = unused_commitment(spend("40", commitment=owned), LIMITS, {})
    assert found is not None
    assert found.monthly_cost == found.monthly_saving == D(40)
    assert found.reason == "80.0\u00a0% of this reservation of c4.large is not used: $40.00 a month."
    assert unused_commitment(spend(commitment=replace(owned, unused=D(0))), LIMITS, {}) is None


def test_an_inventory_rate_above_list_saves_the_part_above_list() -> None:
    # 0.5 an hour against 0.096: of 360.00 a share of 0.404 / 0.5 is too much: 290.88.
    found = off_list_rate(spend(inventory=RUNNING, is_inventory=True), LIMITS, RATES)
    assert found is not None
    assert (found.monthly_cost, found.monthly_saving) == (D(360), D("290.88"))
    assert found.reason == "Costs 5.21 times the list price of m5.large in us-east-1."


def test_nothing_is_saved_against_a_representative_price_but_the_rate_is_still_a_finding() -> None:
    rates = rate_table([replace(RATES["USD", "us-east-1", "m5.large", "linux", "default"], is_representative=True)])
    found = detect(spend(inventory=RUNNING, is_inventory=True), LIMITS, rates)
    assert found is not None
    assert (found.kind, found.monthly_cost, found.monthly_saving) == (FindingKind.OFF_LIST_RATE, D(360), D(0))
    assert found.reason.endswith("That price is only representative: check the rate, or import your own price book.")
    assert ("Above list", "$290.88 a month; no saving is counted against a representative price") in found.evidence


def test_a_rate_a_little_above_a_representative_price_is_no_finding() -> None:
    # 0.25 a month at 0.5 an hour: 0.20 of it above list, less than the smallest saving worth a finding (1.00).
    rates = rate_table([replace(RATES["USD", "us-east-1", "m5.large", "linux", "default"], is_representative=True)])
    assert detect(spend("0.25", inventory=RUNNING, is_inventory=True), LIMITS, rates) is None


@pytest.mark.parametrize(
    "seen",
    [
        replace(RUNNING, hourly_rate=D("0.12")),  # 0.096 × 1.25: at the limit, not above it
        replace(RUNNING, instance_type="m5.xlarge"),
        replace(RUNNING, platform="Windows"),
        replace(RUNNING, hourly_rate=None),
    ],
    ids=["within tolerance", "no list rate", "another platform", "no rate"],
)
def test_a_rate_without_a_list_price_or_within_tolerance_is_no_finding(seen: Inventoried) -> None:
    assert off_list_rate(spend(inventory=seen, is_inventory=True), LIMITS, RATES) is None


def test_a_rate_in_another_currency_is_not_compared() -> None:
    assert off_list_rate(spend(currency="EUR", inventory=RUNNING, is_inventory=True), LIMITS, RATES) is None


def test_a_bill_is_held_against_its_own_list_cost() -> None:
    # 15 days: 20.00 paid for what lists at 12.00; 16.00 a month too much.
    found = off_list_rate(spend("25", days=15, above_list=(D(20), D(12))), LIMITS, {})
    assert found is not None
    assert (found.monthly_cost, found.monthly_saving, found.baseline) == (D(40), D(16), D(50))
    assert off_list_rate(spend(above_list=(D(15), D(12))), LIMITS, {}) is None  # 1.25 times: within tolerance


def test_a_gp2_volume_saves_its_share_whoever_reads_it() -> None:
    found = dear_storage(spend("50", storage={"gp2": D(50)}, reading=D(9)), LIMITS, {})
    assert found is not None
    assert (found.monthly_cost, found.monthly_saving) == (D(50), D(10))
    assert found.reason == "Kept in gp2; gp3 costs 20\u00a0% less."


@pytest.mark.parametrize(("reading", "saving"), [("5", "45"), ("5.01", None)])
def test_a_standard_bucket_saves_only_where_reading_costs_little(reading: str, saving: str | None) -> None:
    found = dear_storage(spend("105", storage={"STANDARD": D(100)}, reading=D(reading)), LIMITS, {})
    assert (None if found is None else found.monthly_saving) == (D(saving) if saving else None)
    if found is not None:
        assert found.reason == "Kept in STANDARD and seldom read; STANDARD_IA costs 45\u00a0% less."
        assert dict(found.evidence)["Reads"] == "requests and transfer cost 5.0\u00a0% of the storage"


def test_an_inventory_says_that_it_does_not_know_how_often_a_bucket_is_read() -> None:
    found = dear_storage(spend("100", storage={"STANDARD": D(100)}, is_inventory=True), LIMITS, {})
    assert found is not None
    assert found.reason == "Kept in STANDARD; STANDARD_IA costs 45\u00a0% less, if it is seldom read."
    assert dict(found.evidence)["Reads"] == "not in the inventory; check before moving"


def test_a_resource_counts_once_for_the_first_kind_that_fits() -> None:
    stopped = spend(inventory=replace(SEEN, cpu_pct=1.0), is_inventory=True)
    idles = spend(inventory=replace(RUNNING, cpu_pct=1.0), is_inventory=True)
    dear = spend(inventory=RUNNING, is_inventory=True)
    kinds = [found.kind for each in (stopped, idles, dear) if (found := detect(each, LIMITS, RATES))]
    assert kinds == [FindingKind.NOT_RUNNING, FindingKind.IDLE, FindingKind.OFF_LIST_RATE]


def test_what_saves_less_than_the_smallest_amount_is_left_out() -> None:
    assert detect(spend("0.99", inventory=SEEN, is_inventory=True), LIMITS, RATES) is None
    assert detect(spend("1", inventory=SEEN, is_inventory=True), LIMITS, RATES) is not None
