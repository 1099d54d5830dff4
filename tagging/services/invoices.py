"""Invoices as they came in, to be matched with the bill. For FinOps staff."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from costs.errors import InvalidRequestError
from costs.periods import BillingPeriod
from tagging.models import Invoice


@dataclass(frozen=True)
class InvoiceInput:
    """One invoice of a month. No issuer means whoever the bill names."""

    period: BillingPeriod
    currency: str
    invoice_id: str
    issuer: str
    amount: Decimal | None  # None takes the entry back
    note: str = ""


def enter_invoice(invoice: InvoiceInput, *, by: str, now: datetime) -> None:
    """Enter an invoice's amount, change it, or take it back. Raises InvalidRequestError without a number."""
    number = invoice.invoice_id.strip()
    if not number:
        raise InvalidRequestError("An invoice needs its number.")
    key: dict[str, Any] = {
        "period": invoice.period.start,
        "currency": invoice.currency,
        "invoice_id": number,
        "issuer": invoice.issuer.strip(),
    }
    if invoice.amount is None:
        Invoice.objects.filter(**key).delete()
        return
    Invoice.objects.update_or_create(
        **key, defaults={"amount": invoice.amount, "note": invoice.note.strip(), "entered_by": by, "entered_at": now}
    )
