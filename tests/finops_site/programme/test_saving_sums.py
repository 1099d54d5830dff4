"""Claimed, planned and measured, added up by hand."""

from decimal import Decimal

import pytest

from finops_site.programme.results import ClaimRow
from finops_site.programme.saving_sums import Amount, difference_text, savings_by_source
from finops_site.programme.terms import SavingSource

COMMITMENTS, IDLE = SavingSource.COMMITMENTS, SavingSource.IDLE


def test_every_source_has_a_row_and_sums_leave_out_what_is_not_there() -> None:
    claims = [ClaimRow(1, COMMITMENTS, Decimal(30000), "Offer of May"), ClaimRow(2, IDLE, None, "No claim yet")]
    planned = {COMMITMENTS: Amount(Decimal(20000), "advice"), IDLE: Amount(Decimal(5000), "2 findings")}
    measured = {COMMITMENTS: Amount(Decimal(4000), "October × 12")}
    found = savings_by_source(claims, planned=planned, measured=measured, currency="USD")
    assert [row.source for row in found.rows] == list(SavingSource)
    assert [found.claimed, found.planned, found.measured] == [Decimal(each) for each in (30000, 25000, 4000)]
    # 30,000 − (20,000 + 4,000) = 6,000
    assert found.rows[0].difference == "The claim is $6,000.00 a year more than planned and measured together."
    assert found.rows[1].difference == "Nothing is claimed; planned and measured together come to $5,000.00 a year."


def test_sums_of_nothing_are_nothing_and_not_zero() -> None:
    found = savings_by_source([], planned={}, measured={}, currency="USD")
    assert (found.claimed, found.planned, found.measured) == (None, None, None)


@pytest.mark.parametrize(
    ("claimed", "planned", "measured", "text"),
    [
        (None, None, None, "Nothing is claimed and nothing is known."),
        (10, None, None, "No data to hold it against yet."),
        (10, 4, 6, "The claim is what planned and measured together come to."),
        (10, 8, 6, "Planned and measured together are $4.00 a year more than the claim."),
        (10, None, -2, "The claim is $12.00 a year more than planned and measured together."),
    ],
)
def test_difference_is_said_in_words(claimed: int | None, planned: int | None, measured: int | None, text: str) -> None:
    amounts = [None if amount is None else Decimal(amount) for amount in (claimed, planned, measured)]
    assert difference_text(amounts[0], amounts[1], amounts[2], "USD") == text
