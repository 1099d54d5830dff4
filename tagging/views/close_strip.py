"""The month's close on pages of chargeback: at a glance, in files, and what a statement shows once it is closed."""

from dataclasses import dataclass
from datetime import date
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest
from django.urls import reverse

from costs.exports import TitleRow
from costs.periods import BillingPeriod
from costs.scope import Scope
from tagging.access import is_viewing_as, may_act_for
from tagging.results import CloseInfo, Statement
from tagging.selectors.closed import closed_months
from tagging.selectors.closed_currencies import MonthCurrencies, month_currencies
from tagging.selectors.disputes import disputes, open_disputes
from tagging.selectors.month_ends import Blocker, month_blockers
from tagging.selectors.versions import statement_versions
from tagging.views.closes import STEPS
from tagging.views.months import Month, version_query

NOT_KEPT = "not known: the month was closed before this was kept"
NOTHING_NOTE = "The month is closed without a statement: nothing is charged"
DRAFT_NOTE = "Draft: the month is not closed, figures may still change"


@dataclass(frozen=True)
class StepLink:
    """A button that leads to a step's confirmation."""

    button: str
    url: str
    is_danger: bool


@dataclass(frozen=True)
class CloseStrip:
    """State, what stands in the way, what is disputed, what was carried and what waits."""

    period: BillingPeriod
    label: str
    currency: str
    info: CloseInfo
    blockers: tuple[Blocker, ...]
    disputed: int
    url: str
    steps: tuple[StepLink, ...]


def close_strip(month: Month, info: CloseInfo, today: date) -> CloseStrip:
    """What the page shows of the month's close. For FinOps staff."""
    names = {"closed": ("final", "reopen"), "final": ("reopen",)}.get(info.state, ("close",))
    query = urlencode({"currency": month.currency})
    steps = (
        StepLink(
            STEPS[name].button,
            f"{reverse('tagging:close_step', args=[str(month.period), name])}?{query}",
            STEPS[name].is_danger,
        )
        for name in names
    )
    return CloseStrip(
        period=month.period,
        label=month.period.label,
        currency=month.currency,
        info=info,
        blockers=() if info.is_closed else tuple(month_blockers(month.period, month.currency, today)),
        disputed=open_disputes(month.period, month.currency),
        url=f"{reverse('tagging:close')}?{urlencode(month.params)}",
        steps=tuple(steps),
    )


def hidden_columns(request: HttpRequest, found: Statement) -> tuple[str, ...]:
    """Kinds and list prices stand on statements of closed months; a dispute is for leads, until it is final."""
    mark = () if request.GET.get("format") else ("suggested_cost",)  # a mark on the page, a column of files
    if not found.close.is_closed:
        return ("kind", "list_cost", "dispute", *mark)
    may_dispute = found.close.state == "closed" and not is_viewing_as(request)
    if may_dispute and may_act_for(request.user, found.summary.team_key):
        return mark
    return ("dispute", *mark)


def state_rows(close: CloseInfo, currencies: MonthCurrencies) -> list[TitleRow]:
    """Where the month stands, for files."""
    if not close.is_closed:
        note = DRAFT_NOTE if currencies.has_costs else f"No costs in {currencies.shown}"
        note = NOTHING_NOTE if currencies.is_closed else note
        return [("State", note), *currencies.title_rows]
    state = close.superseded or close.state.capitalize()
    rows: list[TitleRow] = [("State", state), ("Number", close.number), ("Version", str(close.version))]
    if not close.is_as_charged:
        rows.append(("Charged", f"on {close.basis} cost, or unsplit: these are not the amounts charged"))
    rows += [("Bill version", close.bill_version), ("Carried in", close.carried_in)]
    rows += [("Waits to be carried", close.pending_adjustment), ("SHA-256", close.hash)]
    return [row for row in rows if row[1] != ""] + ([] if close.is_superseded else currencies.title_rows)


def closed_parts(scope: Scope, month: Month, found: Statement) -> dict[str, Any]:
    """What the page has besides: the document of a closed month, and disputes of all versions, while it is open too."""
    team_key = found.summary.team_key
    versions = statement_versions(scope, month.period, found.currency, team_key)
    pdf = urlencode([*month.params, *version_params(found.close)])
    pdf_url = f"{reverse('tagging:statement_pdf', args=[team_key])}?{pdf}"
    return {
        "pdf_url": pdf_url if found.close.is_closed else "",
        "disputes": disputes(scope, period=month.period, currency=month.currency, team_key=team_key),
        "currencies": month_currencies(scope, month.period, month.currency),
        "versions": versions,
        "version_query": version_query(month),
    }


def version_params(close: CloseInfo) -> list[tuple[str, str]]:
    """What leads to a version that counts no more; one that counts needs no number."""
    return [("version", str(close.version))] if close.is_superseded else []


def as_closed(close: CloseInfo) -> tuple[tuple[str, str], ...]:
    """The filter of lines that reads a closed month from the bills it was closed on."""
    return (("closed", "yes"),) if close.is_closed else ()


def compared_row(compared: str, how: str = "") -> TitleRow:
    """What changes are against, for files."""
    return ("Change against", f"{compared}{how}" if compared else "nothing: the month before has no costs")


def compared_how(scope: Scope, month: Month, close: CloseInfo) -> str:
    """How an open month reads a month before that is closed; for staff, as teams are not told of others' closes."""
    if not scope.everything or close.is_closed:
        return ""
    is_closed = (month.period.previous(), month.currency) in closed_months()
    return " of the bill in force, not as it was closed" if is_closed else ""


def _suggested_rows(found: Statement) -> list[TitleRow]:
    """Direct costs in two: by virtual tags of ours, and by what the bill itself says."""
    if found.suggested_cost is None:
        return [("Direct by suggested tags", NOT_KEPT)]
    return [
        ("Direct by suggested tags", found.suggested_cost),
        ("Direct by the bill itself", found.summary.direct_cost - found.suggested_cost),
    ]


def statement_rows(found: Statement, compared: str) -> list[TitleRow]:
    """The totals of a statement, for its files."""
    summary = found.summary
    before = [(compared, summary.previous_total_cost), ("Change", summary.change)] if compared else []
    return [
        ("Cost centre", summary.cost_center),
        ("Direct", summary.direct_cost),
        *_suggested_rows(found),
        ("Shared", summary.shared_cost),
        ("Adjustments", summary.adjustment_cost),
        ("Total", summary.total_cost),
        *([] if found.booked is None else [("Booked", found.booked)]),
        compared_row(compared),
        *before,
    ]
