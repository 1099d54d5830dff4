"""Pages of accounts: all of them with their month, and one with its names, months and services."""

from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from costs import selectors as intake_reads
from costs import services as intake
from costs.charts import ColumnChart, Series
from costs.exports import ColumnKind, ExportColumn, export_response
from costs.money import ZERO
from costs.pages import request_scope, staff_page
from costs.periods import BillingPeriod
from costs.selectors import AccountDetail
from finops_site.estate.forms import DisplayNameForm
from finops_site.estate.tables import AccountsTable, account_url
from tagging import selectors as ownership
from tagging.forms.months import MonthForm
from tagging.line_links import lines_url
from tagging.views.months import Month, chosen_month, month_lines

MONTHS_DRAWN = 13
SERVICES_DRAWN = 6


@require_safe
@staff_page
def accounts(request: HttpRequest) -> HttpResponseBase:
    """Every account that bills in force know, dearest first."""
    scope = request_scope(request)
    month = chosen_month(request, scope)
    if month is None:
        return render(request, "estate/accounts.html", {"month": None})
    found = intake_reads.accounts(scope, month.period, metric=month.metric, currency=month.currency)
    table = AccountsTable(
        found,
        month_params=urlencode(month.params),
        lines_of=lambda key: month_lines(month, *([] if key is None else [("account", key)])),
        request=request,
        caption=f"Accounts, {month.period.label}",
        order_by=request.GET.get("sort") or "-cost",
    )
    rows = (
        [
            *(row.account_id, row.name, row.bill_name, row.payer_id, row.first_seen_on, row.last_seen_on),
            *(row.cost, row.previous_cost),
        ]
        for row in (bound.record for bound in table.rows)
    )
    if response := export_response(
        request, name=f"accounts-{month.period}", title_rows=month.title_rows, columns=_columns(), rows=rows
    ):
        return response
    context = {
        "month": month,
        "found": found,
        "table": table,
        "lines_url": month_lines(month),
        "named": sum(bool(row.account_id) for row in found.rows),
        "payers": len({row.payer_id for row in found.rows if row.payer_id}),
        "form": MonthForm(initial=month.initial, periods=month.periods, currencies=month.currencies),
        "trust": ownership.trust(scope, month.period, metric=month.metric, currency=month.currency),
    }
    return render(request, "estate/accounts.html", context)


@require_safe
@staff_page
def account(request: HttpRequest) -> HttpResponseBase:
    """One account: what it was called when, what it costs by month and service. `?id=`, as ids may hold slashes."""
    scope, account_id = request_scope(request), request.GET.get("id", "")
    month = chosen_month(request, scope)
    if month is None:
        return redirect("estate:accounts")
    asked = request.GET.get("currency", "").upper()
    found = intake_reads.account(scope, account_id, metric=month.metric, currency=asked)
    rows = [[str(period), service, cost] for period, service, cost in found.months]
    title_rows = [("Account", account_id), ("Name", found.name), ("Basis", month.basis_name)]
    if response := export_response(
        request,
        name=f"account-{account_id}",
        title_rows=[*title_rows, ("Currency", found.currency)],
        columns=[ExportColumn("Month"), ExportColumn("Service"), ExportColumn("Cost", ColumnKind.MONEY)],
        rows=rows,
    ):
        return response
    by_month = found.by_month
    kept = [("id", account_id)]
    context = {
        "month": month,
        "keep": kept,
        "found": found,
        "cost": by_month.get(month.period, ZERO),
        "previous": by_month.get(month.period.previous(), ZERO),
        "chart": _chart(found, month),
        "services": [
            (service, amount, _lines(found, month, month.period, ("service", service)))
            for service, amount in found.services(month.period).items()
        ],
        "lines_url": _lines(found, month, month.period),
        "previous_url": _lines(found, month, month.period.previous()),
        "form": MonthForm(initial=month.initial, periods=month.periods, currencies=found.currencies),
        "name_form": DisplayNameForm(initial={"display_name": found.display_name}),
        "links": _links(account_id, month),
    }
    return render(request, "estate/account.html", context)


@require_POST
@staff_page
def rename(request: HttpRequest) -> HttpResponseBase:
    """Give the account a name that bills do not change, or take it back."""
    account_id, form = request.POST.get("id", ""), DisplayNameForm(request.POST)
    if not form.is_valid():
        messages.error(request, " ".join(map(str, form.errors["display_name"])))
        return redirect(account_url(account_id))
    given = form.cleaned_data["display_name"]
    intake.set_display_name(account_id, given)
    messages.success(request, f"It is called {given} now." if given else "It is called what bills call it.")
    return redirect(account_url(account_id))


def _chart(found: AccountDetail, month: Month) -> ColumnChart:
    """The newest months up to the chosen one, by the services that cost most over them."""
    periods = month.period.back(MONTHS_DRAWN)
    costs = {(period, service): cost for period, service, cost in found.months if period in periods}
    first = next((at for at, period in enumerate(periods) if any(key[0] == period for key in costs)), 0)
    shown = periods[first:]
    totals = {service: ZERO for _, service in costs}
    for (_, service), cost in costs.items():
        totals[service] += cost
    ranked = sorted(totals, key=lambda service: (-totals[service], service))
    series = [
        Series(service or "No service", tuple(costs.get((period, service)) for period in shown))
        for service in ranked[:SERVICES_DRAWN]
    ]
    if rest := ranked[SERVICES_DRAWN:]:
        amounts = tuple(sum((costs.get((period, each), ZERO) for each in rest), ZERO) for period in shown)
        series.append(Series("Other services", amounts, css="series-other"))
    return ColumnChart(
        title=f"{month.basis_name} by month and service",
        labels=tuple(period.label for period in shown),
        ticks=tuple(f"{period.start:%b %y}" for period in shown),
        series=tuple(series) if costs else (),
        currency=found.currency,
    )


def _lines(found: AccountDetail, month: Month, period: BillingPeriod, *more: tuple[str, str]) -> str:
    """The lines of the account in a month."""
    filters = (("account", found.account_id), *more)
    return lines_url(period, month.metric, currency=found.currency, filters=filters)


def _links(account_id: str, month: Month) -> list[tuple[str, str]]:
    span = [("from", str(month.period)), ("to", str(month.period)), ("basis", month.metric.value)]
    pairs: list[Any] = [("account", account_id)]
    return [
        ("Explore its costs", f"{reverse('tagging:explore')}?{urlencode([*span, *pairs])}"),
        ("Whose it is", f"{reverse('tagging:explore')}?{urlencode([*span, ('by', 'team'), *pairs])}"),
        ("Its resources", f"{reverse('estate:resources')}?{urlencode([*month.params, *pairs])}"),
        ("Its tags", f"{reverse('tagging:resources')}?{urlencode([*month.params, *pairs])}"),
    ]


def _columns() -> list[ExportColumn | str]:
    days = [ExportColumn("First seen", ColumnKind.DATE), ExportColumn("Last seen", ColumnKind.DATE)]
    costs = [ExportColumn("Cost", ColumnKind.MONEY), ExportColumn("Month before", ColumnKind.MONEY)]
    return ["Account", "Name", "Name in bills", "Payer", *days, *costs]
