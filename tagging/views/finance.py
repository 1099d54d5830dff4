"""Finance's close: invoices matched, accrual with reversal, prepaid fees; each as a table and a file."""

from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.models import AbstractUser
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from costs.errors import InvalidRequestError
from costs.exports import ColumnKind, ExportColumn, TitleRow, export_response
from costs.money import ZERO
from costs.pages import current_moment, request_scope, staff_page
from costs.terms import CostMetric
from tagging import selectors
from tagging.access import is_viewing_as
from tagging.forms.months import BilledMonthForm
from tagging.selectors.closed_currencies import month_currencies
from tagging.selectors.finance import (
    Accrual,
    InvoiceMatch,
    PrepaidRow,
    accrual,
    accrual_journal,
    invoice_matches,
    prepaid,
)
from tagging.services.invoices import InvoiceInput, enter_invoice
from tagging.views.closes import journal_file
from tagging.views.months import NO_COSTS_STAFF, Month, chosen_month, empty_month

MONEY = ColumnKind.MONEY
# Columns, rows, and what the file says of itself.
Table = tuple[list[ExportColumn | str], list[list[Any]], list[TitleRow]]
TABLES = ("invoices", "accrual", "accrual_journal", "prepaid")


class InvoiceForm(forms.Form):
    """An invoice as it came in."""

    invoice_id = forms.CharField(label="Invoice number", max_length=120)
    issuer = forms.CharField(label="Issuer", required=False, max_length=200, help_text="Empty: whoever the bill names.")
    amount = forms.DecimalField(
        label="Amount with tax", required=False, max_digits=18, decimal_places=2,
        help_text="Empty takes the entry back.",
    )  # fmt: skip


@require_http_methods(["GET", "HEAD", "POST"])
@staff_page
def finance(request: HttpRequest) -> HttpResponseBase:
    """The month for the books; POST enters an invoice's amount."""
    scope = request_scope(request)
    month = chosen_month(request, scope)
    if month is None:
        return render(request, "tagging/finance.html", {"month": None, "empty_text": NO_COSTS_STAFF})
    form = InvoiceForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        return _enter(request, month, form.cleaned_data)
    wanted = request.GET.get("table", "invoices")
    if wanted not in TABLES:
        raise InvalidRequestError(f"'{wanted}' is no table of this page. Use {', '.join(TABLES)}.")
    if request.GET.get("format"):
        return _file(request, month, wanted)
    matches = invoice_matches(scope, month.period, currency=month.currency)
    context = {
        "month": month,
        "matches": matches,
        "billed": sum((row.billed_cost for row in matches), ZERO),
        "tax": sum((row.tax for row in matches), ZERO),
        "to_do": sum(
            row.state in ("differs", "to be entered", "not in the bill", "issuer to be named") for row in matches
        ),
        "accrual": accrual(scope, month.period, currency=month.currency),
        "prepaid": prepaid(scope, month.period, currency=month.currency),
        "empty": empty_month(scope, month),
        "currencies": month_currencies(scope, month.period, month.currency),
        "is_closed": (month.period, month.currency) in selectors.closed_months(),
        "form": BilledMonthForm(initial=month.initial, periods=month.periods, currencies=month.currencies),
        "invoice_form": form,
        "trust": selectors.trust(scope, month.period, metric=CostMetric.BILLED, currency=month.currency),
    }
    return render(request, "tagging/finance.html", context)


def _enter(request: HttpRequest, month: Month, asked: dict[str, Any]) -> HttpResponseBase:
    if is_viewing_as(request):
        raise InvalidRequestError("While viewing as somebody else nothing can be changed.")
    assert isinstance(request.user, AbstractUser)
    entered = InvoiceInput(month.period, month.currency, asked["invoice_id"], asked["issuer"], asked["amount"])
    enter_invoice(entered, by=request.user.get_username(), now=current_moment())
    messages.success(
        request, f"Invoice {asked['invoice_id']} is {'entered' if asked['amount'] is not None else 'gone'}."
    )
    return redirect(f"{reverse('tagging:finance')}?period={month.period}&currency={month.currency}")


def _file(request: HttpRequest, month: Month, wanted: str) -> HttpResponseBase:
    scope, name = request_scope(request), f"{wanted.replace('_', '-')}-{month.period}"
    if wanted == "accrual_journal":
        return journal_file(request, accrual_journal(scope, month.period, currency=month.currency), name=name)
    columns, rows, head = _table(request, month, wanted)
    head = [*head, *month_currencies(scope, month.period, month.currency).title_rows]
    response = export_response(
        request,
        name=name,
        title_rows=[("Month", month.period.label), ("Currency", month.currency), *head],
        columns=columns,
        rows=rows,
    )
    assert response is not None
    return response


def _table(request: HttpRequest, month: Month, wanted: str) -> Table:
    scope = request_scope(request)
    if wanted == "invoices":
        return _invoices(invoice_matches(scope, month.period, currency=month.currency))
    if wanted == "accrual":
        return _accrual(accrual(scope, month.period, currency=month.currency))
    return _prepaid(prepaid(scope, month.period, currency=month.currency))


def _money(*headers: str) -> list[ExportColumn | str]:
    return [ExportColumn(header, MONEY) for header in headers]


def _invoices(rows: tuple[InvoiceMatch, ...]) -> Table:
    columns: list[ExportColumn | str] = [
        "Invoice",
        "Issuer",
        "Payer",
        *_money("Bill", "Of it tax", "Entered", "Difference"),
        "State",
    ]
    cells = [
        [row.invoice_id, row.issuer, ", ".join(row.billing_account_ids), row.billed_cost, row.tax,
         row.entered, row.difference, row.state]
        for row in rows
    ]  # fmt: skip
    return columns, cells, [("Basis", "Billed cost")]


def _accrual(found: Accrual) -> Table:
    columns: list[ExportColumn | str] = [
        "Owner",
        "Cost centre",
        *_money("Billed so far", "Usage a day", "Estimate of days missing", "Accrued", "Of it tax"),
    ]
    cells = [
        [row.owner, row.cost_center, row.billed_cost, row.daily_rate, row.estimate, row.booked, row.tax]
        for row in found.rows
    ]
    measured = found.measured.label if found.measured else "no usage"
    return (
        columns,
        cells,
        [
            ("Days missing", str(found.missing_days)),
            ("Estimated at the mean of", measured),
            ("Accrued", found.total),
            ("Of it tax", found.tax),
        ],
    )


def _prepaid(rows: tuple[PrepaidRow, ...]) -> Table:
    columns: list[ExportColumn | str] = ["Commitment", *_money("Opening", "Additions", "Amortisation", "Closing")]
    cells = [[row.commitment_id, row.opening, row.additions, row.amortisation, row.closing] for row in rows]
    return columns, cells, [("Identity", "opening + additions − amortisation = closing")]
