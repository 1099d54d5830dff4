"""What commitments cost is told with every import: identities with difference and lines, never a refusal."""

from decimal import Decimal
from pathlib import Path

import pytest

from costs.models import BillImport
from tests.costs.bills import bring_in, bring_in_lines, cur2_line, line, write_cur2

pytestmark = pytest.mark.django_db(transaction=True)

RESERVATION = {"reservation/ReservationARN": "arn:r"}
FEE = RESERVATION | {
    "reservation/AmortizedUpfrontFeeForBillingPeriod": "10",
    "reservation/UnusedAmortizedUpfrontFeeForBillingPeriod": "2",
    "reservation/UnusedRecurringFee": "8",
}


def reserved(used: str) -> list[dict[str, str]]:
    """120 paid upfront, a fee of 40 with 10 of upfront share, 10 of both unused; `used` should be 40."""
    return [
        line(RESERVATION, kind="Fee", cost="120"),
        line(FEE, kind="RIFee", cost="40"),
        line(RESERVATION | {"reservation/EffectiveCost": used}, kind="DiscountedUsage"),
    ]


def told(made: BillImport) -> dict[str, tuple[str, str, int]]:
    """Severity, difference and lines by code."""
    return {item["code"]: (item["severity"], item["difference"], item["lines"]) for item in made.findings}


def test_identities_that_close_are_stored_with_their_lines(tmp_path: Path) -> None:
    # Fees 40 + 10 = used 40 + unused 10. Billed 160 − 120 + 10 = effective 50.
    made = bring_in_lines(tmp_path, *reserved("40"), line(cost="1"))
    found = told(made)
    assert (made.billed_cost, made.effective_cost) == (Decimal(161), Decimal(51))
    assert found["commitments_close"] == ("info", "0", 2)
    assert found["amortisation_closes"] == ("info", "0", 4)
    (text,) = (item["text"] for item in made.findings if item["code"] == "amortisation_closes")
    assert text == (
        "Billed cost 161 without upfront fees of 120, with the month's share of 10, is 51; effective cost comes to 51."
    )


@pytest.mark.parametrize(
    ("used", "severity", "difference"),
    [("39.99", "info", "0.01"), ("40.000005", "info", "-0.000005"), ("39.98", "warning", "0.02")],
)
def test_identity_missed_by_more_than_a_cent_is_a_warning_and_the_bill_is_in_force(
    tmp_path: Path, used: str, severity: str, difference: str
) -> None:
    made = bring_in_lines(tmp_path, *reserved(used))
    found = told(made)
    assert made.state == "in_force"
    assert found["commitments_do_not_close"] == (severity, difference, 2)
    assert found["amortisation_does_not_close"] == (severity, difference, 3)


def test_refund_of_a_plan_s_upfront_fee_takes_back_an_upfront_fee(tmp_path: Path) -> None:
    # Billed 100 − 100 + 5; upfront 0; effective 5.
    refund = {
        "lineItem/ProductCode": "ComputeSavingsPlans",
        "lineItem/LineItemDescription": "Refund for one-time fee for Savings Plan ID x",
    }
    made = bring_in_lines(
        tmp_path,
        line(kind="SavingsPlanUpfrontFee", cost="100"),
        line(refund, kind="Refund", cost="-100"),
        line(cost="5"),
    )
    assert (made.billed_cost, made.effective_cost) == (Decimal(5), Decimal(5))
    assert told(made)["amortisation_closes"] == ("info", "0", 3)


def test_bill_without_commitments_has_no_identity(tmp_path: Path) -> None:
    assert not {code for code in told(bring_in_lines(tmp_path, line(cost="1"))) if "close" in code}


def test_rows_of_containers_count_in_no_total_and_no_identity(tmp_path: Path) -> None:
    pod = {"splitLineItem/ParentResourceId": "i-1", "splitLineItem/SplitCost": "3", "splitLineItem/UnusedCost": "1"}
    made = bring_in_lines(tmp_path, *reserved("40"), line(pod, operation="ECSTask-EC2", cost="4"))
    assert (made.billed_cost, made.effective_cost, made.rows) == (Decimal(160), Decimal(50), 4)
    assert told(made)["amortisation_closes"] == ("info", "0", 3)
    assert told(made)["split_rows"] == ("info", "", 1)


def test_discounts_that_count_as_themselves_are_told(tmp_path: Path) -> None:
    lines = [
        cur2_line(row, resource_tags="{}", line_item_net_unblended_cost="")
        for row in (line(cost="10"), line(kind="EdpDiscount", cost="-1.5"))
    ]
    (made,) = bring_in(write_cur2(tmp_path / "bill.csv", lines))
    assert (made.billed_cost, told(made)["discounts_counted"]) == (Decimal("8.5"), ("info", "-1.5", 0))


def test_net_columns_full_of_zeros_are_told(tmp_path: Path) -> None:
    made = bring_in_lines(tmp_path, line(cost="10", net="0"))
    assert (made.billed_cost, told(made)["net_cost_is_zero"]) == (Decimal(0), ("warning", "10", 0))
