"""Finance's close: accrual with reversal, invoices, prepaid fees, account codes. Figures worked by hand."""

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from django.contrib.auth.models import User

from costs import selectors
from costs import services as intake
from costs.periods import BillingPeriod
from costs.scope import Scope
from costs.selectors import PrepaidMonth
from costs.terms import CostMetric
from finops_site import pipeline
from tagging.models import AccountCode
from tagging.selectors.books import journal
from tagging.selectors.finance import accrual, accrual_journal, invoice_matches, prepaid
from tagging.services import CloseStep, RuleInput, close_month, save_rule
from tagging.services.invoices import InvoiceInput, enter_invoice
from tagging.terms import RuleKind
from tests.conftest import ClientFor
from tests.tagging.builders import NOVEMBER, Spend, month

pytestmark = pytest.mark.django_db
EVERYTHING = Scope.all()
NOW = datetime(2026, 3, 10, 10, tzinfo=UTC)
JANUARY = BillingPeriod.parse("2026-01")
CUR = (
    "identity/LineItemId,bill/BillingEntity,bill/PayerAccountId,bill/InvoiceId,bill/BillingPeriodStartDate,"
    "bill/BillingPeriodEndDate,lineItem/UsageAccountId,lineItem/LineItemType,lineItem/UsageStartDate,"
    "lineItem/UsageEndDate,lineItem/ProductCode,lineItem/UsageType,lineItem/Operation,lineItem/ResourceId,"
    "lineItem/UsageAmount,lineItem/CurrencyCode,lineItem/UnblendedCost,lineItem/LineItemDescription,"
    "lineItem/LegalEntity,product/ProductName"
)


@pytest.fixture
def november(team: object) -> None:
    """Usage of 10 a day on 1 to 21 November, 4 on the 22nd so far, a fee of 100 on the 1st, all of Payments."""
    save_rule(RuleInput(RuleKind.TAG, tag_key="Team", tag_values=("payments",), team_key="payments"))
    own = {"Team": "payments"}
    usage = [Spend("10", day=day, tags=own) for day in range(1, 22)]
    month([*usage, Spend("4", day=22, tags=own), Spend("100", tags=own, category="Purchase")])


def bill(folder: Path, rows: list[str], *, name: str = "cur.csv") -> None:
    path = folder / name
    path.write_text("\n".join([CUR, *rows]) + "\n")
    for pk in intake.prepare_imports([path], today=date(2026, 3, 10)):
        pipeline.run_import(pk)


def line(kind: str, invoice: str, cost: str, *, issuer: str = "AWS Inc.", payer: str = "900000000001") -> str:
    return (
        f"x,AWS,{payer},{invoice},2026-01-01T00:00:00Z,2026-02-01T00:00:00Z,111111111111,{kind},"
        f"2026-01-02T00:00:00Z,2026-01-02T01:00:00Z,AmazonEC2,BoxUsage,RunInstances,i-1,1,USD,{cost},text,{issuer},"
        "Amazon Elastic Compute Cloud"
    )


def test_an_accrual_adds_the_run_rate_of_the_days_that_lack(november: None) -> None:
    """Complete through the 21st; 9 days lack: 210 + 100 + 9 × 10 = 400."""
    found = accrual(EVERYTHING, NOVEMBER)
    assert (found.through, found.missing_days, found.total) == (date(2025, 11, 21), 9, Decimal(400))
    (row,) = found.rows
    assert (row.owner, row.billed_cost, row.daily_rate, row.estimate) == (
        "Payments", Decimal(310), Decimal(10), Decimal(90),
    )  # fmt: skip


def test_the_reversal_takes_the_accrual_back_and_both_balance(november: None) -> None:
    book = accrual_journal(EVERYTHING, NOVEMBER)
    assert book.debit == book.credit == Decimal(800)
    told = [(row.entry, row.on, row.account, row.debit, row.credit) for row in book.lines]
    last, first = date(2025, 11, 30), date(2025, 12, 1)
    assert told == [
        ("ACCRUAL-2025-11", last, "6510", Decimal(400), Decimal(0)),
        ("ACCRUAL-2025-11", last, "2895", Decimal(0), Decimal(400)),
        ("REVERSAL-2025-11", first, "6510", Decimal(0), Decimal(400)),
        ("REVERSAL-2025-11", first, "2895", Decimal(400), Decimal(0)),
    ]


def test_a_cost_centre_may_have_an_account_of_its_own(november: None) -> None:
    AccountCode.objects.create(kind="direct", code="7000", name="Cloud")
    AccountCode.objects.create(kind="direct", cost_center="CC-100", code="7100")
    close_month(NOVEMBER, CloseStep("Fiona", NOW), metric=CostMetric.BILLED)
    assert {(row.account, row.account_name) for row in journal(EVERYTHING, NOVEMBER).lines} == {
        ("7100", "Cloud costs"),
        ("2890", "Cloud costs clearing"),
    }


def test_invoices_are_matched_by_number_and_issuer_in_cents(tmp_path: Path) -> None:
    """A-1 of AWS: usage 10.004 + tax 2 = 12.004, entered 12.00: matched. M-1 of a seller: 5, entered 6: 1 more."""
    bill(
        tmp_path, [line("Usage", "A-1", "10.004"), line("Tax", "A-1", "2"), line("Usage", "M-1", "5", issuer="Seller")]
    )
    for number, issuer, amount in (("A-1", "", "12.00"), ("M-1", "Seller", "6"), ("Z-9", "", "1")):
        asked = InvoiceInput(JANUARY, "USD", number, issuer, Decimal(amount))
        enter_invoice(asked, by="fiona", now=NOW)
    rows = {row.invoice_id: row for row in invoice_matches(EVERYTHING, JANUARY)}
    assert {number: row.state for number, row in rows.items()} == {
        "A-1": "matched",
        "M-1": "differs",
        "Z-9": "not in the bill",
    }
    assert (rows["A-1"].issuer, rows["A-1"].tax, rows["M-1"].difference) == ("AWS Inc.", Decimal(2), Decimal(1))
    enter_invoice(InvoiceInput(JANUARY, "USD", "M-1", "Seller", None), by="fiona", now=NOW)
    assert {row.invoice_id: row.state for row in invoice_matches(EVERYTHING, JANUARY)}["M-1"] == "to be entered"


def test_an_invoice_of_two_payers_is_one(tmp_path: Path) -> None:
    """One invoice for both payers: 10 + 5 = 15, entered 15.00."""
    bill(tmp_path, [line("Usage", "A-1", "10")])
    bill(tmp_path, [line("Usage", "A-1", "5", payer="900000000002")], name="other.csv")
    enter_invoice(InvoiceInput(JANUARY, "USD", "A-1", "", Decimal("15.00")), by="fiona", now=NOW)
    (row,) = invoice_matches(EVERYTHING, JANUARY)
    assert (row.state, row.billed_cost, row.billing_account_ids) == (
        "matched", Decimal(15), ("900000000001", "900000000002"),
    )  # fmt: skip


def test_an_entry_says_whose_invoice_it_is_where_two_issuers_have_its_number(tmp_path: Path) -> None:
    """Number 7 is of AWS, 10, and of a seller, 5. An entry of 10 without an issuer is of neither until it names one."""
    bill(tmp_path, [line("Usage", "7", "10"), line("Usage", "7", "5", issuer="Seller")])
    enter_invoice(InvoiceInput(JANUARY, "USD", "7", "", Decimal(10)), by="fiona", now=NOW)
    told = [(row.issuer, row.state, row.difference) for row in invoice_matches(EVERYTHING, JANUARY)]
    assert told == [
        ("AWS Inc.", "to be entered", None),
        ("Seller", "to be entered", None),
        ("", "issuer to be named", None),
    ]


def test_the_page_takes_an_invoice_and_gives_files(finops_lead: User, client_for: ClientFor, tmp_path: Path) -> None:
    bill(tmp_path, [line("Usage", "A-1", "10")])
    client = client_for(finops_lead)
    assert client.post("/finance/?period=2026-01", {"invoice_id": "A-1", "amount": "10.00"}).status_code == 302
    assert b"Matched" in client.get("/finance/?period=2026-01").content
    for table in ("invoices", "accrual", "accrual_journal", "prepaid"):
        assert client.get(f"/finance/?period=2026-01&table={table}&format=csv").status_code == 200, table


def test_prepaid_fees_roll_forward(monkeypatch: pytest.MonkeyPatch) -> None:
    """A fee of 120 in January, 10 used a month: 0 + 120 − 10 = 110, then 110 + 0 − 10 = 100. A hair is no fee."""
    february = JANUARY.next()
    told = (
        PrepaidMonth("a", JANUARY, Decimal(120), Decimal(10)),
        PrepaidMonth("a", february, Decimal(0), Decimal(10)),
        PrepaidMonth("b", february, Decimal(0), Decimal("0.00000001")),
    )
    monkeypatch.setattr(selectors, "prepaid_months", lambda *_: told)
    (row,) = prepaid(EVERYTHING, february)
    assert (row.opening, row.additions, row.amortisation, row.closing) == (
        Decimal(110), Decimal(0), Decimal(10), Decimal(100),
    )  # fmt: skip
