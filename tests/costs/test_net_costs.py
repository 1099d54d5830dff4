"""Bills with costs after negotiated discounts: what is inside a line, and what counts as a line of its own."""

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from costs import charge_store
from tests.costs.bills import line, write_csv
from tests.costs.test_cost_bases import COSTS, landed


@pytest.fixture
def duck() -> Iterator[charge_store.Connection]:
    with charge_store.connect() as connection:
        yield connection


def test_net_columns_bring_discounts_into_the_lines_and_discount_lines_count_nothing(
    duck: charge_store.Connection, tmp_path: Path
) -> None:
    # 10.00 at list and unblended, 9.00 after a negotiated discount of 1.00 that also stands as a line.
    usage = line({"lineItem/LineItemDescription": "a"}, cost="10", net="9", public="10")
    discount = line({"lineItem/LineItemDescription": "b"}, kind="EdpDiscount", cost="-1")
    path = write_csv(tmp_path / "bill.csv", [usage, discount])
    ten, nine, nothing = Decimal(10), Decimal(9), Decimal(0)
    assert landed(duck, path, *COSTS) == [
        (nine, nine, ten, nine, ten),
        (nothing, nothing, Decimal(-1), nothing, Decimal(-1)),
    ]


def test_discount_lines_count_as_themselves_where_no_line_tells_its_cost_after_discounts(
    duck: charge_store.Connection, tmp_path: Path
) -> None:
    # 10.00 of usage and a discount of 1.00: 9.00 in every basis, though the file has a net column.
    usage = line({"lineItem/LineItemDescription": "a"}, cost="10", net="", public="10")
    discount = line({"lineItem/LineItemDescription": "b"}, kind="edpdiscount", cost="-1", net="")
    rows = landed(duck, write_csv(tmp_path / "bill.csv", [usage, discount]), *COSTS, "discounting")
    assert rows == [(*[Decimal(10)] * 5, ""), (*[Decimal(-1)] * 5, "apart")]


def test_each_month_decides_for_itself_whether_discounts_are_inside(
    duck: charge_store.Connection, tmp_path: Path
) -> None:
    april = {"bill/BillingPeriodStartDate": "2026-04-01T00:00:00Z"}
    lines = [
        line(april | {"lineItem/LineItemDescription": "1"}, cost="10", net="9"),
        line(april | {"lineItem/LineItemDescription": "2"}, kind="EdpDiscount", cost="-1", net=""),
        line({"lineItem/LineItemDescription": "3"}, cost="10", net=""),
        line({"lineItem/LineItemDescription": "4"}, kind="EdpDiscount", cost="-1", net=""),
    ]
    rows = landed(duck, write_csv(tmp_path / "bill.csv", lines), "billed_cost", "effective_cost")
    assert rows == [(Decimal(amount), Decimal(amount)) for amount in ("9", "0", "10", "-1")]


def net_plan(**cells: str) -> dict[str, str]:
    """The plan columns of a net bill, named in short."""
    names = {
        "used_net": "savingsPlan/NetSavingsPlanEffectiveCost",
        "used": "savingsPlan/SavingsPlanEffectiveCost",
        "upfront_net": "savingsPlan/NetAmortizedUpfrontCommitmentForBillingPeriod",
        "recurring_net": "savingsPlan/NetRecurringCommitmentForBillingPeriod",
        "total": "savingsPlan/TotalCommitmentToDate",
        "total_used": "savingsPlan/UsedCommitment",
        "text": "lineItem/LineItemDescription",
    }
    return {names[short]: value for short, value in cells.items()}


def test_plan_of_a_net_bill_keeps_its_commitment_after_discounts_minus_what_covered_lines_used(
    duck: charge_store.Connection, tmp_path: Path
) -> None:
    # A tenth off: committed 0.45 of upfront share and 0.90 recurring, 1.35; covered 1.08; unused 0.27.
    fee = net_plan(upfront_net="0.45", recurring_net="0.90", total="1.50", total_used="1.20", text="1")
    covered = net_plan(used="1.20", used_net="1.08", text="2")
    lines = [
        line(fee, kind="SavingsPlanRecurringFee", cost="1.00", net="0.90"),
        line(covered, kind="SavingsPlanCoveredUsage", cost="2.00", net="1.80"),
        line(net_plan(text="3"), kind="SavingsPlanNegation", cost="-2.00", net="-1.80"),
    ]
    rows = landed(duck, write_csv(tmp_path / "bill.csv", lines), "billed_cost", "effective_cost", "commitment_cost")
    assert rows == [
        (Decimal("0.90"), Decimal("0.27"), Decimal("1.35")),
        (Decimal("1.80"), Decimal("1.08"), Decimal(0)),
        (Decimal("-1.80"), Decimal(0), Decimal(0)),
    ]


def test_net_columns_that_a_line_leaves_empty_leave_it_with_its_gross_ones(
    duck: charge_store.Connection, tmp_path: Path
) -> None:
    fee = net_plan(upfront_net="", recurring_net="", total="1.50", total_used="1.20", text="1")
    covered = net_plan(used="1.20", used_net="", text="2")
    lines = [
        line(fee, kind="SavingsPlanRecurringFee", cost="1.50", net=""),
        line(covered, kind="SavingsPlanCoveredUsage", cost="2.00", net=""),
    ]
    rows = landed(duck, write_csv(tmp_path / "bill.csv", lines), "effective_cost", "commitment_cost")
    assert rows == [(Decimal("0.30"), Decimal("1.50")), (Decimal("1.20"), Decimal(0))]


def test_plan_fees_that_tell_their_use_are_left_alone_beside_one_that_does_not(
    duck: charge_store.Connection, tmp_path: Path
) -> None:
    # Fees 1.00 told with 0.25 unused and 1.00 untold; covered 1.50: 2.00 − 1.50 − 0.25 = 0.25 for the untold one.
    lines = [
        line(net_plan(total="1.00", total_used="0.75", text="1"), kind="SavingsPlanRecurringFee", cost="1.00"),
        line(net_plan(text="2"), kind="SavingsPlanRecurringFee", cost="1.00"),
        line(net_plan(used="1.50", text="3"), kind="SavingsPlanCoveredUsage", cost="2"),
    ]
    rows = landed(duck, write_csv(tmp_path / "bill.csv", lines), "effective_cost")
    assert [row[0] for row in rows] == [Decimal("0.25"), Decimal("0.25"), Decimal("1.50")]


def test_reservation_of_a_net_bill_takes_the_columns_after_discounts(
    duck: charge_store.Connection, tmp_path: Path
) -> None:
    fee = {
        "reservation/NetUnusedAmortizedUpfrontFeeForBillingPeriod": "1.80",
        "reservation/UnusedAmortizedUpfrontFeeForBillingPeriod": "2.00",
        "reservation/NetUnusedRecurringFee": "1.35",
        "reservation/UnusedRecurringFee": "1.50",
        "reservation/NetAmortizedUpfrontFeeForBillingPeriod": "9",
        "reservation/AmortizedUpfrontFeeForBillingPeriod": "10",
        "lineItem/LineItemDescription": "1",
    }
    used = {"reservation/NetEffectiveCost": "41.85", "reservation/EffectiveCost": "46.50"}
    lines = [
        line(fee, kind="RIFee", cost="40", net="36"),
        line(used | {"lineItem/LineItemDescription": "2"}, kind="DiscountedUsage", cost="0", net="0"),
    ]
    # Committed 36 + 9 = 45; unused 1.80 + 1.35 = 3.15; used 41.85.
    rows = landed(duck, write_csv(tmp_path / "bill.csv", lines), "billed_cost", "effective_cost", "commitment_cost")
    assert rows == [
        (Decimal(36), Decimal("3.15"), Decimal(45)),
        (Decimal(0), Decimal("41.85"), Decimal(0)),
    ]
