"""Which month, basis and currency a page shows: from the URL, else the reader's newest month."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from django import forms
from django.http import HttpRequest

from costs.periods import BillingPeriod
from costs.queries import parse_metric
from costs.scope import Scope
from costs.terms import CostMetric
from tagging import selectors
from tagging.forms.months import MonthForm
from tagging.line_links import lines_url
from tagging.selectors.closed_basis import usual_basis
from tagging.selectors.closed_currencies import month_currencies
from tagging.selectors.versions import parse_version

NO_COSTS_STAFF = "Import a bill and its month appears here."
NO_COSTS_TEAM = "Nothing has been given to your team yet. Your FinOps lead imports bills and keeps the rules."


@dataclass(frozen=True)
class EmptyMonth:
    """What a page says of a month without costs, and where to go instead."""

    title: str
    text: str
    url: str
    label: str


@dataclass(frozen=True)
class Month:
    """The month shown, how it is counted, and what the reader could choose instead."""

    period: BillingPeriod
    metric: CostMetric
    currency: str
    periods: tuple[BillingPeriod, ...]
    currencies: tuple[str, ...]

    @property
    def initial(self) -> dict[str, str]:
        """What the filters show as chosen."""
        return {"period": str(self.period), "basis": self.metric.value, "currency": self.currency}

    @property
    def params(self) -> list[tuple[str, str]]:
        """The choice as URL parameters."""
        pairs = [("period", str(self.period)), ("basis", self.metric.value)]
        return [*pairs, ("currency", self.currency)] if len(self.currencies) > 1 else pairs

    @property
    def title_rows(self) -> list[tuple[str, str]]:
        """What an exported file says of itself."""
        return [("Month", self.period.label), ("Basis", f"{self.basis_name}"), ("Currency", self.currency)]

    @property
    def basis_name(self) -> str:
        return f"{self.metric.value.capitalize()} cost"


def chosen_month(
    request: HttpRequest,
    scope: Scope,
    *,
    basis: CostMetric = CostMetric.BILLED,
    as_charged: bool = False,
    version: int | None = None,
) -> Month | None:
    """The month asked for or the newest with costs; None where the reader has no costs at all.

    `basis` is the cost basis of a page that is asked for none; `as_charged` takes what a closed month (or this version
    of it) was closed on.

    Raises InvalidRequestError for a month or a basis that is none.
    """
    periods = selectors.periods_of(scope)
    asked = request.GET.get("period", "")
    period = BillingPeriod.parse(asked) if asked else next(iter(periods), None)
    metric = parse_metric(request.GET.get("basis") or basis.value)
    if period is None or not periods:
        return None
    if as_charged and not request.GET.get("basis"):
        metric = usual_basis(scope, period, asked_currency(request), version)
    currencies = selectors.currencies_of(scope, (period,))
    currency = asked_currency(request) or next(iter(currencies), "USD")
    shown = periods if period in periods else tuple(sorted({period, *periods}, reverse=True))
    return Month(period, metric, currency, shown, with_chosen(currencies, currency))


def asked_currency(request: HttpRequest) -> str:
    """The currency that is asked for; '' for the reader's main one."""
    return request.GET.get("currency", "").strip().upper()


def asked_version(request: HttpRequest) -> int | None:
    """The version of the closed month that is asked for; None for the one that counts. Raises for one that is none."""
    text = request.GET.get("version", "").strip()
    return parse_version(text) if text else None


def month_or_version(request: HttpRequest, scope: Scope, version: int | None) -> Month | None:
    """The month of a statement, as charged where no basis is asked for."""
    month = chosen_month(request, scope, as_charged=True, version=version)
    if month is not None:
        return month
    known = _month_of_version(request, scope, version)
    if known is None or version is not None:
        return known
    return known if month_currencies(scope, known.period, known.currency).is_closed else None


def _month_of_version(request: HttpRequest, scope: Scope, version: int | None) -> Month | None:
    """The month of a version for a reader without any costs today: what was charged once can still be read."""
    if not request.GET.get("period"):
        return None
    period = BillingPeriod.parse(request.GET["period"])
    currency = asked_currency(request) or "USD"
    metric = parse_metric(request.GET.get("basis") or usual_basis(scope, period, currency, version))
    return Month(period, metric, currency, (period,), (currency,))


def version_query(month: Month) -> str:
    """What leads to versions of the month: each adds the basis that it was charged on."""
    return urlencode([pair for pair in month.params if pair[0] != "basis"])


def unless_asked(request: HttpRequest, params: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Without a basis that nobody chose in the address: a closed month opens on the one it was charged on."""
    return [pair for pair in params if pair[0] != "basis" or request.GET.get("basis")]


def empty_month(scope: Scope, month: Month) -> EmptyMonth | None:
    """What is missing and where to go, where the reader has no costs in the month shown; else None."""
    currencies = selectors.currencies_of(scope, (month.period,))
    if month.currency in currencies:
        return None
    label = month.period.label
    if currencies:
        url = f"?{urlencode({'period': str(month.period), 'currency': currencies[0]})}"
        text = month_currencies(scope, month.period, month.currency).text
        return EmptyMonth(f"No costs in {month.currency} in {label}", text, url, f"Open it in {currencies[0]}")
    newest = selectors.periods_of(scope)[0]
    missing = "Its bill was not imported" if scope.everything else "Nothing of it was given to your team"
    cure = "Import it, or choose another month." if scope.everything else "Choose another month."
    return EmptyMonth(f"No costs in {label}", f"{missing}. {cure}", f"?period={newest}", f"Open {newest.label}")


def month_form(month: Month, version: int | None) -> MonthForm:
    """The filters; of a version those of its own month, so that choosing a basis stays on it."""
    if version is None:
        return MonthForm(initial=month.initial, periods=month.periods, currencies=month.currencies)
    form = MonthForm(initial=month.initial, periods=(month.period,), currencies=(month.currency,))
    form.fields["version"] = forms.CharField(widget=forms.HiddenInput, initial=str(version))
    form.fields["currency"] = forms.CharField(widget=forms.HiddenInput, initial=month.currency)
    return form


def month_lines(month: Month, *filters: tuple[str, str]) -> str:
    """The lines of the month behind a figure."""
    return lines_url(month.period, month.metric, currency=month.currency, filters=filters)


def with_chosen(currencies: Sequence[str], chosen: str) -> tuple[str, ...]:
    """The currencies to offer, the one shown among them."""
    return tuple(currencies) if chosen in currencies else (*currencies, chosen)
