"""Finance's close at its edges: real lines of upfront fees, several currencies, months of fees alone. By hand."""

import io
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from openpyxl import load_workbook

from costs import services as intake
from costs.money import plain
from costs.periods import BillingPeriod
from costs.scope import Scope
from costs.terms import CostMetric
from finops_site import pipeline
from tagging.models import Team
from tagging.selectors.books import journal
from tagging.selectors.finance import accrual, accrual_journal, prepaid
from tagging.services import CloseStep, close_month, finalise_month, reopen_month
from tests.conftest import ClientFor
from tests.tagging import page_world
from tests.tagging.builders import NOVEMBER, Spend, month
from tests.tagging.close_world import PAY, SEARCH, rules_by_team

pytestmark = pytest.mark.django_db
EVERYTHING, BILLED = Scope.all(), CostMetric.BILLED
STEP = CloseStep("Fiona", datetime(2026, 3, 10, 10, tzinfo=UTC), "has to be", force=True)
JANUARY = BillingPeriod.parse("2026-01")
file_of: Callable[[Any], tuple[dict[str, str], list[list[str]]]] = page_world.file_of
CUR = (
    "identity/LineItemId,bill/BillingEntity,bill/PayerAccountId,bill/InvoiceId,bill/BillingPeriodStartDate,"
    "bill/BillingPeriodEndDate,lineItem/UsageAccountId,lineItem/LineItemType,lineItem/UsageStartDate,"
    "lineItem/UsageEndDate,lineItem/ProductCode,lineItem/UsageType,lineItem/Operation,lineItem/ResourceId,"
    "lineItem/UsageAmount,lineItem/CurrencyCode,lineItem/UnblendedCost,reservation/ReservationARN,"
    "reservation/EffectiveCost,reservation/UnusedAmortizedUpfrontFeeForBillingPeriod,reservation/UnusedRecurringFee"
)


@pytest.fixture(autouse=True)
def rules(team: Team, other_team: Team) -> None:
    rules_by_team()


def reserved(
    period: BillingPeriod, kind: str, arn: str, *, cost: str = "0", effective: str = "0", unused: str = "0"
) -> str:
    """A line of a reservation: fee, covered usage or recurring fee."""
    start, end = f"{period.start}T00:00:00Z", f"{period.end}T00:00:00Z"
    day = f"{period.start:%Y-%m}-16"
    return (
        f"x,AWS,900000000001,I-1,{start},{end},111111111111,{kind},{day}T00:00:00Z,{day}T01:00:00Z,AmazonEC2,"
        f"BoxUsage,RunInstances,i-1,1,USD,{cost},{arn},{effective},{unused},0"
    )


def deliver(folder: Path, period: BillingPeriod, *rows: str) -> None:
    path = folder / f"{period}.csv"
    path.write_text("\n".join([CUR, *rows]) + "\n")
    for pk in intake.prepare_imports([path], today=date(2026, 3, 10)):
        pipeline.run_import(pk)


def deliver_two_months(tmp_path: Path) -> None:
    """What the test below says of January and February."""
    deliver(
        tmp_path,
        JANUARY,
        reserved(JANUARY, "Fee", "ri/one", cost="365"),
        reserved(JANUARY, "DiscountedUsage", "ri/one", effective="10"),
        reserved(JANUARY, "RIFee", "ri/one", unused="6"),
        reserved(JANUARY, "Fee", "ri/three", cost="1095"),
        reserved(JANUARY, "DiscountedUsage", "ri/three", effective="24"),
        reserved(JANUARY, "RIFee", "ri/three", cost="8"),
    )
    february = JANUARY.next()
    deliver(
        tmp_path,
        february,
        reserved(february, "DiscountedUsage", "ri/one", effective="28"),
        reserved(february, "RIFee", "ri/one"),
        reserved(february, "DiscountedUsage", "ri/three", effective="42"),
        reserved(february, "RIFee", "ri/three", cost="14"),
        reserved(february, "DiscountedUsage", "ri/old", effective="28"),
        reserved(february, "RIFee", "ri/old"),
    )


def test_upfront_fees_of_one_and_three_years_roll_forward_from_the_lines(tmp_path: Path) -> None:
    """One year, 365 from 16 January: 1 a day. January 16, of which 6 unused: 349 left. February 28: 321.

    Three years, 1,095 from 16 January: 1 a day, too, and 0.50 a day more recurring: billed as it comes, no prepaid fee.
    January 8 used with 8 effective of it recurring: 1,079; February 28: 1,051. A third one of before: only −28.
    """
    deliver_two_months(tmp_path)
    february = JANUARY.next()
    told = {
        (period, row.commitment_id): [
            plain(row.opening),
            plain(row.additions),
            plain(row.amortisation),
            plain(row.closing),
        ]
        for period in (JANUARY, february)
        for row in prepaid(EVERYTHING, period)
    }
    assert told == {
        (JANUARY, "ri/one"): ["0", "365", "16", "349"],
        (JANUARY, "ri/three"): ["0", "1095", "16", "1079"],
        (february, "ri/one"): ["349", "0", "28", "321"],
        (february, "ri/three"): ["1079", "0", "28", "1051"],
        (february, "ri/old"): ["0", "0", "28", "-28"],
    }


def test_entries_of_two_currencies_of_a_month_have_names_of_their_own() -> None:
    """Dollars were closed first and keep the plain name; the reversal of euros names the entry it takes back."""
    month([Spend("10", tags=PAY)])
    month([Spend("7", tags=PAY)], source="europe", currency="EUR")
    close_month(NOVEMBER, STEP, metric=BILLED)
    close_month(NOVEMBER, STEP, metric=BILLED, currency="EUR")
    for currency in ("USD", "EUR"):
        finalise_month(NOVEMBER, STEP, currency=currency)
    assert entries("USD") == ["CLOUD-2025-11-V1"]
    assert entries("EUR") == ["CLOUD-2025-11-EUR-V1"]
    reopen_month(NOVEMBER, STEP, currency="EUR")
    close_month(NOVEMBER, STEP, metric=BILLED, currency="EUR")
    assert entries("EUR") == ["CLOUD-2025-11-EUR-V1-REVERSAL-DRAFT", "CLOUD-2025-11-EUR-V2-DRAFT"]
    accruals = {line.entry for line in accrual_journal(EVERYTHING, NOVEMBER, currency="EUR").lines}
    assert accruals == {"ACCRUAL-2025-11-EUR", "REVERSAL-2025-11-EUR"}
    assert {line.entry for line in accrual_journal(EVERYTHING, NOVEMBER).lines} == {
        "ACCRUAL-2025-11",
        "REVERSAL-2025-11",
    }


def test_a_currency_that_is_alone_needs_no_name() -> None:
    month([Spend("7", tags=PAY)], currency="EUR")
    close_month(NOVEMBER, STEP, metric=BILLED)
    assert entries("EUR") == ["CLOUD-2025-11-V1-DRAFT"]
    assert {line.entry for line in accrual_journal(EVERYTHING, NOVEMBER).lines} == {
        "ACCRUAL-2025-11",
        "REVERSAL-2025-11",
    }


def entries(currency: str) -> list[str]:
    """The names of a journal's entries, in order."""
    return list(dict.fromkeys(line.entry for line in journal(EVERYTHING, NOVEMBER, currency=currency).lines))


def test_a_month_of_fees_alone_is_accrued_as_billed() -> None:
    """A fee of 100 and tax of 19 on the 1st and no usage yet: 119 of which 19 tax, and nothing to estimate from."""
    month([Spend("100", tags=PAY, category="Purchase"), Spend("19", tags=PAY, category="Tax")])
    found = accrual(EVERYTHING, NOVEMBER)
    assert (found.through, found.missing_days, found.total, found.tax, found.estimate) == (
        None, 30, Decimal(119), Decimal(19), Decimal(0),
    )  # fmt: skip
    book = accrual_journal(EVERYTHING, NOVEMBER)
    assert book.debit == book.credit == Decimal(238)


def test_an_accruals_files_have_no_more_digits_than_the_bill(finops_lead: User, client_for: ClientFor) -> None:
    """1 over 7 days is 0.1428571429 a day (rounded), for the 9 days that lack 1.2857142857: 1 ÷ 7 × 9."""
    month([Spend("1", day=15, tags=PAY), Spend("0", day=22, tags=PAY)])
    _, rows = file_of(client_for(finops_lead).get("/finance/?period=2025-11&table=accrual&format=csv"))
    assert rows[1][2:6] == ["1", "0.1428571429", "1.2857142857", "2.29"]


def test_a_credit_larger_than_all_costs_leaves_a_balanced_journal() -> None:
    """Payments 10.004 and tax 2.003, Search a credit of 50.005 and tax −1.001: −38.999 in all, 39.00 credited.

    Cents −39.00 to Payments 12.007 and Search −51.006: 12.01 and −51.01. Tax 1.002: 1.00, of 2.003 and −1.001 2.00
    and −1.00.
    """
    month(
        [
            Spend("10.004", tags=PAY),
            Spend("2.003", tags=PAY, category="Tax"),
            Spend("-50.005", tags=SEARCH, category="Credit"),
            Spend("-1.001", tags=SEARCH, category="Tax"),
        ]
    )
    close_month(NOVEMBER, STEP, metric=BILLED)
    book = journal(EVERYTHING, NOVEMBER)
    assert (book.debit, book.debit - book.credit) == (Decimal("51.01"), Decimal(0))
    told = {(line.account, line.owner): line.debit - line.credit for line in book.lines}
    assert told == {
        ("6510", "Payments"): Decimal("10.01"),
        ("6590", "Payments"): Decimal("2.00"),
        ("6510", "Search"): Decimal("-50.01"),
        ("6590", "Search"): Decimal("-1.00"),
        ("2890", "All owners"): Decimal("39.00"),
    }


def test_a_month_with_usage_of_its_first_day_alone_is_estimated_from_it() -> None:
    """7 on the 1st, which is not complete yet: 30 days at 7 are 210. Tax of 3 counts as billed: 213."""
    month([Spend("7", tags=PAY), Spend("3", tags=PAY, category="Tax")])
    found = accrual(EVERYTHING, NOVEMBER)
    assert (found.missing_days, found.total, found.tax) == (30, Decimal(213), Decimal(3))


def test_the_page_says_that_there_is_nothing_to_estimate_from(finops_lead: User, client_for: ClientFor) -> None:
    month([Spend("100", tags=PAY, category="Purchase")])
    page = client_for(finops_lead).get("/finance/?period=2025-11").content.decode()
    assert "There is no usage yet to estimate days from: what is billed so far is accrued" in page
    assert page.count("$100.00") >= 3


def test_days_of_a_journal_are_days_in_excel(finops_lead: User, client_for: ClientFor) -> None:
    month([Spend("7", tags=PAY)])
    close_month(NOVEMBER, STEP, metric=BILLED)
    response = client_for(finops_lead).get("/close/2025-11/journal/?format=xlsx")
    sheet: Any = load_workbook(io.BytesIO(response.content)).active
    header = next(row for row in sheet.iter_rows() if row[0].value == "Entry")
    day = sheet.cell(row=header[0].row + 1, column=2)
    assert (day.is_date, day.value) == (True, datetime(2025, 11, 30))


def test_the_page_offers_no_basis_for_it_is_billed_cost(finops_lead: User, client_for: ClientFor) -> None:
    """Effective is 1, billed 100: asked for effective, the page stays billed, and offers no such choice."""
    month([Spend("100", tags=PAY, effective="1")])
    page = client_for(finops_lead).get("/finance/?period=2025-11&basis=effective").content.decode()
    assert "$100.00" in page
    assert 'name="basis"' not in page
    assert 'name="period"' in page
