"""The journal of a closed month: tax apart on every line, entries with version and state, reversals. By hand."""

from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client

from costs.periods import BillingPeriod
from costs.scope import Scope
from costs.terms import CostMetric
from tagging.closing import TaxPart, tax_cents
from tagging.models import AccountCode, Close, Team
from tagging.selectors.books import Journal, JournalLine, journal
from tagging.selectors.finance import accrual, accrual_journal
from tagging.services import CloseStep, close_month, finalise_month, reopen_month
from tests.tagging import page_world
from tests.tagging.builders import NOVEMBER, OCTOBER, Spend, month
from tests.tagging.close_world import PAY, SEARCH, SHARED, october_again, rules_by_team, shared_pool

pytestmark = [pytest.mark.django_db, pytest.mark.real_parts]
EVERYTHING = Scope.all()
STEP = CloseStep("Fiona", datetime(2026, 3, 10, 10, tzinfo=UTC), "wrong rule")
file_of: Callable[[Any], tuple[dict[str, str], list[list[str]]]] = page_world.file_of
Rows = list[tuple[str, str, str, Decimal]]


@pytest.fixture(autouse=True)
def rules(team: Team, other_team: Team) -> None:
    rules_by_team()


def close(period: BillingPeriod) -> Close:
    return close_month(period, STEP, metric=CostMetric.BILLED)


def told(lines: Iterable[JournalLine]) -> Rows:
    return sorted((line.account, line.owner, line.text, line.debit - line.credit) for line in lines)


def on_account(book: Journal, account: str) -> Decimal:
    return sum((line.debit - line.credit for line in book.lines if line.account == account), Decimal(0))


def test_tax_without_an_owner_is_tax_too() -> None:
    """Payments 10 and tax 2, nobody 3 and tax 1.50: tax 3.50 as on the invoice, 6599 only 3.00; all 16.50."""
    month(
        [
            Spend("10", tags=PAY), Spend("2", tags=PAY, category="Tax"),
            Spend("3"), Spend("1.50", category="Tax"),
        ],
        period=OCTOBER,
    )  # fmt: skip
    close(OCTOBER)
    book = journal(EVERYTHING, OCTOBER)
    assert (book.debit, book.credit, book.tax, book.tax_carried_in) == (
        Decimal("16.5"), Decimal("16.5"), Decimal("3.5"), Decimal(0),
    )  # fmt: skip
    assert [(*row[:2], row[3]) for row in told(book.lines)] == [
        ("2890", "All owners", Decimal("-16.5")),
        ("6510", "Payments", Decimal(10)),
        ("6590", "Payments", Decimal(2)),
        ("6590", "Unallocated", Decimal("1.5")),
        ("6599", "Unallocated", Decimal(3)),
    ]


def test_tax_sums_to_the_bills_tax_to_the_cent_and_each_document_keeps_its_total() -> None:
    """Tax 0.335 each of payments, search and nobody: 1.005 is 1.01, as on the invoice. Usage 1, 1 and 0.004.

    Documents 1.335, 1.335, 0.339: 3.009 is 3.01; cut to 1.33, 1.33, 0.33 two cents lack and go to the largest
    remainders: nobody (0.9) 0.34, then payments (0.5) 1.34. Tax: nobody, payments, search 0.34, 0.34, 0.33. So
    payments books 1.00, search 1.33 − 0.33 = 1.00 and nobody 0.34 − 0.34 = 0.
    """
    spends = [Spend("0.335", tags=tags, category="Tax") for tags in (PAY, SEARCH, {})]
    month([*spends, Spend("1", tags=PAY), Spend("1", tags=SEARCH), Spend("0.004")], period=OCTOBER)
    close(OCTOBER)
    book = journal(EVERYTHING, OCTOBER)
    assert (book.tax, on_account(book, "6590"), book.debit) == (Decimal("1.01"), Decimal("1.01"), Decimal("3.01"))
    assert [(*row[:2], row[3]) for row in told(book.lines) if row[0] != "2890"] == [
        ("6510", "Payments", Decimal(1)),
        ("6510", "Search", Decimal(1)),
        ("6590", "Payments", Decimal("0.34")),
        ("6590", "Search", Decimal("0.33")),
        ("6590", "Unallocated", Decimal("0.34")),
    ]


def test_what_is_nothing_but_tax_is_booked_as_its_document_has_it() -> None:
    """Tax 0.335 twice is 0.67. One document is all tax and books 0.34; the other has 0.33 of it."""
    half = Decimal("0.335")
    parts = [TaxPart(half, Decimal("0.34"), is_all=True), TaxPart(half, Decimal("9.00"), is_all=False)]
    assert tax_cents(parts) == [Decimal("0.34"), Decimal("0.33")]
    assert tax_cents([TaxPart(Decimal(0), Decimal(5), is_all=False)]) == [Decimal(0)]


def test_shares_move_no_tax_and_tax_carried_in_stands_apart() -> None:
    """October: payments 10, tax 3 of a pool that is split over payments alone. Closed: tax 3 stays with the pool,
    whose share −3 and payments' +3 are shared costs. It comes again with tax 5 of nobody besides.

    November: payments 20, tax 4. Tax of its bill 4, carried in 5: 6590 is 9.
    """
    shared_pool("Platform")
    own = [Spend("10", tags=PAY), Spend("3", tags=SHARED, category="Tax")]
    month(own, period=OCTOBER)
    close(OCTOBER)
    first = journal(EVERYTHING, OCTOBER)
    assert (first.tax, on_account(first, "6590"), on_account(first, "6520")) == (Decimal(3), Decimal(3), Decimal(0))
    october_again(*own, Spend("5", category="Tax"))
    month([Spend("20", tags=PAY), Spend("4", tags=PAY, category="Tax")])
    close(NOVEMBER)
    second = journal(EVERYTHING, NOVEMBER)
    assert (second.tax, second.tax_carried_in, on_account(second, "6590")) == (Decimal(4), Decimal(5), Decimal(9))
    assert ("6590", "Unallocated", "Statement version 1, tax of earlier months", Decimal(5)) in told(second.lines)
    assert second.debit == second.credit == Decimal(29)


def test_the_accrual_has_its_tax_apart() -> None:
    """November: 10 a day on 1 to 29, tax 12 of payments and 5 of nobody. The 29th is not complete: its 10 go, 28 days
    are 280, two lack at 10: 300 + 12 + 5 = 317, of it tax 17 as billed."""
    usage = [Spend("10", day=day, tags=PAY) for day in range(1, 30)]
    month([*usage, Spend("12", tags=PAY, category="Tax"), Spend("5", category="Tax")])
    found = accrual(EVERYTHING, NOVEMBER)
    assert (found.total, found.tax) == (Decimal(317), Decimal(17))
    book = accrual_journal(EVERYTHING, NOVEMBER)
    on_last = [line for line in book.lines if line.on == date(2025, 11, 30)]
    assert [(*row[:2], row[3]) for row in told(on_last)] == [
        ("2895", "All owners", Decimal(-317)),
        ("6510", "Payments", Decimal(300)),
        ("6590", "Payments", Decimal(12)),
        ("6590", "Unallocated", Decimal(5)),
    ]
    assert {line.state for line in book.lines} == {"estimate"}
    assert (book.debit, on_account(book, "6590")) == (Decimal(634), Decimal(0))  # with its reversal


def test_an_entry_says_its_version_and_whether_it_is_a_draft(staff: Client) -> None:
    month([Spend("10", tags=PAY)], period=OCTOBER)
    close(OCTOBER)
    head, rows = file_of(staff.get("/close/2025-10/journal/"))
    assert (head["State"], head["Number"], head["Version"]) == ("draft", "", "1")
    assert rows[0] == [
        "Entry", "Date", "Account", "Account name", "Cost centre", "Owner", "Text", "Debit", "Credit", "Currency",
        "Number", "Version", "State",
    ]  # fmt: skip
    assert {(row[0], *row[10:]) for row in rows[1:]} == {("CLOUD-2025-10-V1-DRAFT", "", "1", "draft")}
    finalise_month(OCTOBER, STEP)
    head, rows = file_of(staff.get("/close/2025-10/journal/"))
    assert (head["State"], head["Number"], head["Version"]) == ("final", "2025-0001", "1")
    assert {(row[0], *row[10:]) for row in rows[1:]} == {("CLOUD-2025-10-V1", "2025-0001", "1", "final")}


def test_a_new_version_takes_back_what_was_booked_on_the_same_accounts() -> None:
    """October 10 is final, opens again and is 12. Account codes change in between: the reversal meets the old ones.

    Debit 6510 10 / credit 2890 10 was booked. Version 2: credit 6510 10 / debit 2890 10, then 7000 12 / 2890 12.
    """
    month([Spend("10", tags=PAY)], period=OCTOBER)
    close(OCTOBER)
    finalise_month(OCTOBER, STEP)
    booked = journal(EVERYTHING, OCTOBER)
    AccountCode.objects.create(kind="direct", code="7000")
    assert journal(EVERYTHING, OCTOBER) == booked
    reopen_month(OCTOBER, STEP)
    october_again(Spend("12", tags=PAY))
    close(OCTOBER)
    draft = journal(EVERYTHING, OCTOBER)
    assert {line.entry for line in draft.lines} == {"CLOUD-2025-10-V1-REVERSAL-DRAFT", "CLOUD-2025-10-V2-DRAFT"}
    finalise_month(OCTOBER, STEP)
    book = journal(EVERYTHING, OCTOBER)
    by_entry = {
        entry: [line for line in book.lines if line.entry == entry] for entry in {ln.entry for ln in book.lines}
    }
    assert set(by_entry) == {"CLOUD-2025-10-V1-REVERSAL", "CLOUD-2025-10-V2"}
    taken_back = by_entry["CLOUD-2025-10-V1-REVERSAL"]
    assert [(line.account, line.debit, line.credit, line.number, line.version) for line in taken_back] == [
        (line.account, line.credit, line.debit, "2025-0001", 1) for line in booked.lines
    ]
    assert {(line.account, line.debit - line.credit) for line in by_entry["CLOUD-2025-10-V2"]} == {
        ("7000", Decimal(12)), ("2890", Decimal(-12)),
    }  # fmt: skip
    assert {(line.number, line.version) for line in by_entry["CLOUD-2025-10-V2"]} == {("2025-0002", 2)}
    assert (on_account(book, "6510"), book.debit, book.credit) == (Decimal(-10), Decimal(22), Decimal(22))


def test_a_draft_that_was_never_booked_is_not_reversed() -> None:
    month([Spend("10", tags=PAY)], period=OCTOBER)
    close(OCTOBER)
    reopen_month(OCTOBER, STEP)
    close(OCTOBER)
    assert {line.entry for line in journal(EVERYTHING, OCTOBER).lines} == {"CLOUD-2025-10-V2-DRAFT"}
