"""Commitments: what they save, what they leave unused, what ends next, what to buy and what not."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from costs import figures
from costs import selectors as intake
from costs.errors import InvalidRequestError
from costs.exports import TitleRows
from costs.money import plain
from costs.pages import request_scope, staff_page
from costs.periods import BillingPeriod
from costs.scope import Scope
from costs.tables import FinopsTable
from costs.terms import CostMetric
from ri import selectors, services
from ri.forms import PeriodForm, RunForm, limits_as_initial
from ri.results import Coverage, Run
from ri.tables import CommitmentTable, ReasonTable, RecommendationTable, RejectedTable
from ri.terms import confidence_means
from ri.views import rows
from tagging import selectors as ownership


@staff_page
@require_safe
def commitments(request: HttpRequest) -> HttpResponseBase:
    """Coverage and utilisation of a month, and the newest advice on a source."""
    scope = request_scope(request)
    asked = request.GET.get("period", "")
    period = BillingPeriod.parse(asked) if asked else selectors.default_period(scope)
    sources = intake.advisable_sources(scope)
    if period is None:
        return render(request, "ri/commitments.html", {"found": None})
    currency = request.GET.get("currency", "").strip().upper()
    found = selectors.coverage(scope, period, currency=currency)
    advice = selectors.latest_run(scope, request.GET.get("source", ""))
    tables = page_tables(request, found, advice)
    name = request.GET.get("table", "")
    chosen = tables.get(name, tables["recommendations"])
    titles = title_rows(found, advice, of_month=name == "commitments")
    if response := chosen.export(name=f"commitments-{name or 'recommendations'}-{period}", title_rows=titles):
        return response
    return render(request, "ri/commitments.html", page_context(request, scope, found, advice, sources) | named(tables))


@staff_page
@require_POST
def run(request: HttpRequest) -> HttpResponseBase:
    """Work advice out again, within the limits of the form."""
    scope = request_scope(request)
    form = run_form(scope, None, request.POST)
    source = request.POST.get("source", "")
    if not form.is_valid():
        texts = [f"{form.fields[name].label}: {' '.join(map(str, texts))}" for name, texts in form.errors.items()]
        messages.error(request, " ".join(texts))
        return redirect("ri:commitments")
    try:
        services.recommend(source, as_of=form.cleaned_data["as_of"], choices=form.as_choices())
    except InvalidRequestError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, f"Advice on {source} is worked out again.")
    return redirect(f"{reverse('ri:commitments')}?{urlencode({'source': source})}#advice")


def page_tables(request: HttpRequest, found: Coverage, advice: Run | None) -> dict[str, FinopsTable]:
    """The page's tables by the name its exports use. Files have every column."""
    to_file = bool(request.GET.get("format"))
    source = advice.source_name if advice else ""
    recommended = [rows.recommendation(row, source) for row in advice.recommendations] if advice else []
    refused = [rows.rejected(row, source) for row in advice.rejected] if advice else []
    held = [rows.commitment(row, found) for row in found.commitments]
    common: dict[str, Any] = {"request": request, "per_page": 25}
    currency = advice.currency if advice else found.currency
    tables: dict[str, FinopsTable] = {
        "recommendations": RecommendationTable(
            recommended, currency=currency, caption="Recommendations", prefix="r-", **common
        ),
        "reasons": ReasonTable(recommended, currency=currency, caption="Rates and reasons", prefix="w-", **common),
        "rejected": RejectedTable(refused, caption="Pools without advice", prefix="x-", **common),
        "commitments": CommitmentTable(
            held, currency=found.currency, caption="Commitments of the month", prefix="c-", **common
        ),
    }
    if to_file:
        for table in tables.values():
            for column in table.columns.columns.values():
                table.columns.show(column.name)
    return tables


def named(tables: dict[str, FinopsTable]) -> dict[str, FinopsTable]:
    return {f"{name}_table": table for name, table in tables.items()}


def page_context(
    request: HttpRequest, scope: Scope, found: Coverage, advice: Run | None, sources: Sequence[str]
) -> dict[str, Any]:
    """Everything but the tables."""
    periods = intake.periods_with_costs(scope)
    with_advice = selectors.sources_with_runs(scope)
    best = advice.recommendations[0] if advice and advice.recommendations else None
    form = PeriodForm(
        initial={
            "period": str(found.period),
            "source": advice.source_name if advice else "",
            "currency": found.currency,
        },
        periods=periods,
        sources=with_advice,
        currencies=(found.currency, *found.other_currencies),
    )
    return {
        "found": found,
        "advice": advice,
        "overtaken_by": overtaken_by(scope, advice) if advice else "",
        "best": best,
        "best_terms": rows.terms_of(best) if best else "",
        "best_worst": rows.worst_case(best) if best else None,
        "best_fall": max((fall for fall, _ in best.regrets), default=None) if best else None,
        "best_url": rows.pool_url(advice.source_name, best.pool) if advice and best else "",
        "expiring": found.expiring[:3],
        "tones": {
            "coverage": target_tone(found.coverage_units, found.coverage_target),
            "utilization": target_tone(found.utilization, found.utilization_target),
        },
        "form": form,
        "run_form": run_form(scope, advice) if sources else None,
        "confidence_means": [
            (value.value.capitalize(), text) for value, text in confidence_means(selectors.default_limits()).items()
        ],
        "trust": ownership.trust(scope, found.period, metric=CostMetric.EFFECTIVE, currency=found.currency),
    }


def run_form(scope: Scope, advice: Run | None, data: Any = None) -> RunForm:
    """The form to ask again, filled with the limits of the advice shown, else of the settings."""
    books = [book.name for book in selectors.book_rows(scope)]
    limits = limits_as_initial(selectors.default_limits())
    initial: dict[str, Any] = dict(limits)
    if advice:
        initial |= {"source": advice.source_name, "price_book": advice.price_book}
    return RunForm(data, sources=intake.advisable_sources(scope), books=books, initial=initial)


def overtaken_by(scope: Scope, advice: Run) -> str:
    """What came in after the advice was worked out, as the start of a sentence; empty where nothing did."""
    imported = intake.brought_in_at(scope, advice.source_name)
    if imported and imported > advice.made_at:
        return f"A newer import of {advice.source_name} came in on {figures.day(imported.date())}"
    book = next((row for row in selectors.book_rows(scope) if row.name == advice.price_book), None)
    if book is None:
        return f"Price book {advice.price_book} was removed"
    if book.updated_at > advice.made_at:
        return f"Price book {book.name} changed on {figures.day(book.updated_at.date())}"
    return ""


def target_tone(ratio: Any, target: Any) -> str:
    """Good from the target on, bad below half of it; nothing for n/a."""
    if ratio is None:
        return ""
    return "good" if ratio >= target else "bad" if ratio < target / 2 else "warn"


def title_rows(found: Coverage, advice: Run | None, *, of_month: bool) -> TitleRows:
    """What an exported file says of itself."""
    if of_month or advice is None:
        return [
            ("Month", found.period.label),
            ("Basis", "Effective cost"),
            ("Currency", found.currency),
            ("Unused", plain(found.unused_cost)),
        ]
    return [
        ("Source", advice.source_name),
        ("As of", advice.as_of.isoformat()),
        ("Price book", advice.price_book),
        ("Currency", advice.currency),
        *(("Note", text) for text in advice.warnings),
    ]
