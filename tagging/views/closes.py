"""The month's close: where it stands, its steps with confirmation and reason, and its journal."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.auth.models import AbstractUser
from django.http import Http404, HttpRequest, HttpResponseBase, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from costs.adding import Booked
from costs.errors import InvalidRequestError
from costs.exports import ColumnKind, ExportColumn, TitleRow, export_response
from costs.pages import current_moment, request_scope, staff_page
from costs.periods import BillingPeriod
from costs.queries import parse_metric
from costs.scope import Scope
from costs.terms import CostMetric
from tagging import selectors, services
from tagging.access import is_viewing_as
from tagging.forms.closes import StepForm
from tagging.results.closes import AdjustmentRow, MonthEnd, MonthEndRow
from tagging.selectors.books import Journal, journal
from tagging.selectors.closed import closed_after
from tagging.selectors.closed_currencies import month_currencies
from tagging.selectors.closed_lines import booked_parts
from tagging.selectors.month_end_view import adjustments, month_end
from tagging.selectors.month_ends import basis_before
from tagging.selectors.reach import reach
from tagging.services.close_hashes import verify_month
from tagging.tables.closes import AdjustmentTable, CarriedTable, MonthEndTable
from tagging.terms import OwnerKind
from tagging.views.months import (
    NO_COSTS_STAFF,
    Month,
    asked_currency,
    asked_version,
    chosen_month,
    month_form,
    month_lines,
    version_query,
)

MONEY = ColumnKind.MONEY
JOURNAL_COLUMNS: tuple[ExportColumn | str, ...] = (
    "Entry", ExportColumn("Date", ColumnKind.DATE), "Account", "Account name", "Cost centre", "Owner", "Text",
    ExportColumn("Debit", MONEY), ExportColumn("Credit", MONEY), "Currency",
    # Others import the columns above where they stand: new ones come after them.
    "Number", "Version", "State",
)  # fmt: skip


@dataclass(frozen=True)
class Step:
    """A step as its page shows it."""

    name: str
    title: str
    text: str
    button: str
    is_danger: bool = False


STEPS = {
    "close": Step(
        "close",
        "Close {month}",
        "Freezes lines, rules and the bill versions. Teams see their statements, get a mail and may dispute lines.",
        "Close the month",
    ),
    "final": Step(
        "final",
        "Make {month} final",
        "Gives the month and its statements their numbers. Lines can no longer be disputed, and the journal keeps the"
        " account codes as they are now.",
        "Make it final",
    ),
    "reopen": Step(
        "reopen",
        "Reopen {month}",
        "The month follows its bill again; its rules can change once no later month is closed. Its statements stay as"
        " they are, marked reopened; closing makes the next version. Numbers are never given twice.",
        "Reopen the month",
        is_danger=True,
    ),
}


@require_safe
@staff_page
def close(request: HttpRequest) -> HttpResponseBase:
    """A month's close: state, what stands in the way, its documents, corrections, and who did what."""
    scope = request_scope(request)
    month = chosen_month(request, scope)
    if month is None:
        return render(request, "tagging/close.html", {"found": None, "empty_text": NO_COSTS_STAFF})
    metric = month.metric if request.GET.get("basis") else None
    today, version = current_moment().date(), asked_version(request)
    found = month_end(scope, month.period, today=today, metric=metric, currency=month.currency, version=version)
    month = Month(month.period, found.metric, found.currency, month.periods, month.currencies)
    table = _document_table(request, scope, found, month)
    rows = adjustments(scope, metric=found.metric, currency=found.currency)
    carried, own = _carried_table(request, found, rows), _corrections_table(request, found, rows)
    chosen, stem = (
        (carried, "carried-in")
        if request.GET.get("table") == "carried" and not found.is_superseded
        else (table, "close")
    )
    old = f"-version-{found.version}" if found.is_superseded else ""
    currencies = month_currencies(scope, found.period, found.currency)
    head: list[TitleRow] = [*title_rows(found), *currencies.title_rows]
    if response := chosen.export(name=f"{stem}-{found.period}{old}", title_rows=head):
        return response
    context = {
        "month": month,
        "found": found,
        "currencies": currencies,
        "bill_url": "" if found.is_superseded else month_lines(month, *_closed(found)),
        "table": table,
        "carried": carried,
        "corrections": own,
        "steps": [STEPS[name] for name in next_steps(found) if name != "close" or currencies.has_costs],
        "form": month_form(month, version),
        "trust": selectors.trust(scope, month.period, metric=month.metric, currency=month.currency),
        "query": urlencode(month.params),
        "version_query": version_query(month),
        "statements_note": "booked, in cents" if found.is_as_charged else "not booked on this basis",
        "verified": verify_month(scope, found.period, found.currency) if request.GET.get("verify") else None,
    }
    return render(request, "tagging/close.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@staff_page
def close_step(request: HttpRequest, period: str, step: str) -> HttpResponseBase:
    """Confirm a step and say why; POST takes it."""
    scope = request_scope(request)
    if step not in STEPS:
        raise Http404
    month = BillingPeriod.parse(period)
    currency = asked_currency(request) or reach(scope, (month,)).currency
    before = basis_before(month, currency)
    is_closing = step == "close" and (month, currency) not in selectors.closed_months()
    metric = _basis_asked(request, before) if is_closing else None
    found = month_end(scope, month, today=current_moment().date(), metric=metric, currency=currency)
    blocked = [item for item in found.obstacles if not item.may_be_forced]
    forced = _may_be_forced(found, step)
    form = StepForm(
        request.POST if request.method == "POST" else None,
        step=step,
        may_be_forced=forced,
        before=f"{before[0].label} was closed on {before[1]} cost." if before else "",
        initial={"basis": found.metric.value},
    )
    if request.method == "POST" and form.is_valid():
        try:
            _take(request, found, step, form.cleaned_data)
        except InvalidRequestError as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, f"{month.label} is {'open again' if step == 'reopen' else _done(step)}.")
            return redirect(f"{reverse('tagging:close')}?{urlencode({'period': month, 'currency': found.currency})}")
    shown = STEPS[step]
    context = {
        "found": found,
        "step": shown,
        "title": shown.title.format(month=month.label),
        "form": form,
        "later": closed_after(month) if step == "reopen" else (),
        "blocked": blocked,
        "is_next": step in next_steps(found) and not (step == "close" and blocked),
        "back": f"{reverse('tagging:close')}?{urlencode({'period': month, 'currency': found.currency})}",
    }
    return render(request, "tagging/close_step.html", context)


@require_safe
@staff_page
def close_journal(request: HttpRequest, period: str) -> HttpResponseBase:
    """The balanced journal of a closed month as CSV or Excel."""
    month = BillingPeriod.parse(period)
    book = journal(request_scope(request), month, currency=request.GET.get("currency", "").strip().upper())
    return journal_file(request, book, name=f"journal-{month}")


def journal_file(request: HttpRequest, book: Journal, *, name: str) -> HttpResponseBase:
    """A journal as a file; CSV where no format is asked for."""
    if not request.GET.get("format"):
        request.GET = QueryDict(f"{request.GET.urlencode()}&format=csv")
    rows = (
        [line.entry, line.on or book.period.range.last, line.account, line.account_name, line.cost_center, line.owner,
         line.text, line.debit, line.credit, book.currency, line.number, line.version or "", line.state]
        for line in book.lines
    )  # fmt: skip
    head: list[TitleRow] = [
        ("Journal", book.period.label),
        ("Basis", f"{book.metric.value.capitalize()} cost"),
        ("Currency", book.currency),
        ("Debit", book.debit),
        ("Credit", book.credit),
        ("State", book.state),
        ("Number", book.number),
        ("Version", str(book.version or "")),
        ("Tax", book.tax),
        ("Tax carried in", book.tax_carried_in),
    ]
    response = export_response(request, name=name, title_rows=head, columns=list(JOURNAL_COLUMNS), rows=rows)
    assert response is not None
    return response


def next_steps(found: MonthEnd) -> tuple[str, ...]:
    """What can be done with the month now."""
    if found.is_superseded:
        return ()
    if found.is_open:
        return ("close",)
    return ("final", "reopen") if found.state == "closed" else ("reopen",)


def title_rows(found: MonthEnd) -> list[TitleRow]:
    """What a file of the month says of itself: state, versions, the tie-out."""
    return [
        ("Month", found.period.label),
        ("State", found.superseded or found.state),
        ("Number", found.number),
        ("Version", str(found.version)),
        ("Basis", f"{found.metric.value.capitalize()} cost"),
        ("Currency", found.currency),
        ("Bill version", found.bill_version),
        ("Bill", found.bill_total),
        ("Carried in", found.carried_in),
        *_sum_rows(found),
        ("SHA-256", found.hash),
    ]


def _sum_rows(found: MonthEnd) -> list[TitleRow]:
    """The tie-out as booked; on a basis that was not charged the exact sums, and that they are not the amounts."""
    if found.owners_total is not None and found.unallocated_booked is not None and found.booked_difference is not None:
        return [
            ("Statements, booked", found.owners_total),
            ("Unallocated, booked", found.unallocated_booked),
            ("Difference, booked", found.booked_difference),
        ]
    return [
        ("Charged", f"on {found.charged_basis} cost: these are not the amounts charged"),
        ("Statements", found.owners_cost),
        ("Unallocated", found.unallocated_cost),
        ("Difference", found.difference),
    ]


def _document_table(request: HttpRequest, scope: Scope, found: MonthEnd, month: Month) -> MonthEndTable:
    parts = {}
    if not (found.is_open or found.is_superseded):
        parts = booked_parts(scope, found.period, metric=found.metric, currency=found.currency)
    return MonthEndTable(
        [_cells(row, found, month) for row in found.rows],
        [Booked(row.cents, parts.get(row.owner_key)) for row in found.rows],
        currency=found.currency,
        request=request,
        caption=f"Documents of {found.period.label}",
        exclude=("total_cost",) if found.is_as_charged else ("booked", "number"),
    )


def _cells(row: MonthEndRow, found: MonthEnd, month: Month) -> dict[str, Any]:
    is_team = row.owner_kind == OwnerKind.TEAM.value
    version = [("version", str(found.version))] if found.is_superseded else []
    query = urlencode([*month.params, *version])
    url = f"{reverse('tagging:statement', args=[row.owner_key])}?{query}" if is_team else ""
    lines = "" if found.is_superseded else month_lines(month, ("team", row.owner_key), *_closed(found))
    return {**vars(row), "url": url, "lines_url": lines}


def _closed(found: MonthEnd) -> tuple[tuple[str, str], ...]:
    """Lines of a closed month are those of the bills it was closed on."""
    return () if found.is_open else (("closed", "yes"),)


def _carried_table(request: HttpRequest, found: MonthEnd, rows: tuple[AdjustmentRow, ...]) -> CarriedTable:
    return CarriedTable(
        [row for row in rows if _is_carried_in(row, found)],
        currency=found.currency,
        request=request,
        prefix="c-",
        caption=f"Carried in by {found.period.label}",
        empty_text="Nothing of earlier months is carried in.",
    )


def _corrections_table(request: HttpRequest, found: MonthEnd, rows: tuple[AdjustmentRow, ...]) -> AdjustmentTable:
    return AdjustmentTable(
        [row for row in rows if row.origin == str(found.period)],
        currency=found.currency,
        request=request,
        prefix="a-",
        caption=f"Corrections of {found.period.label}",
        empty_text="An open month has none: what changes in its bill is in its own figures."
        if found.is_open
        else "The bill of this month has not changed since it was closed.",
    )


def _is_carried_in(row: AdjustmentRow, found: MonthEnd) -> bool:
    """A closed month carries what names it; an open one would carry what waits of months before it."""
    if found.is_open:
        return not row.to and row.origin < str(found.period)
    return row.to == str(found.period)


def _may_be_forced(found: MonthEnd, step: str) -> bool:
    if step == "close":
        return any(item.may_be_forced for item in found.obstacles)
    return step == "final" and bool(found.open_disputes)


def _basis_asked(request: HttpRequest, before: tuple[BillingPeriod, CostMetric] | None) -> CostMetric:
    """The basis the reader looked at; else that of the month before, so that the months go on adding up."""
    if asked := request.GET.get("basis"):
        return parse_metric(asked)
    return before[1] if before else CostMetric.BILLED


def _take(request: HttpRequest, found: MonthEnd, step: str, asked: dict[str, Any]) -> None:
    if is_viewing_as(request):
        raise InvalidRequestError("While viewing as somebody else nothing can be changed.")
    assert isinstance(request.user, AbstractUser)
    who = request.user.get_full_name() or request.user.get_username()
    taken = services.CloseStep(who, current_moment(), asked["reason"], force=bool(asked.get("force")))
    if step == "close":
        metric = parse_metric(asked.get("basis") or CostMetric.BILLED.value)
        services.close_month(found.period, taken, metric=metric, currency=found.currency)
    elif step == "final":
        services.finalise_month(found.period, taken, currency=found.currency)
    else:
        services.reopen_month(found.period, taken, currency=found.currency)


def _done(step: str) -> str:
    return "closed" if step == "close" else "final"
