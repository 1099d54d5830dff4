"""Disputes of statement lines: raised by a team's lead from the statement, answered by the FinOps lead."""

from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from costs.errors import InvalidRequestError, NotFoundInScopeError
from costs.exports import ColumnKind, ExportColumn, export_response
from costs.pages import current_moment, request_scope, staff_page
from costs.periods import BillingPeriod
from tagging import selectors, services
from tagging.access import may_act_for
from tagging.forms.closes import AnswerForm, DisputeForm
from tagging.results import Statement, StatementLine
from tagging.results.closes import DisputeRow
from tagging.results.doubts import DoubtRow
from tagging.selectors.closed_basis import usual_basis
from tagging.selectors.disputes import disputes as found_disputes
from tagging.selectors.doubts import doubts as found_doubts

COLUMNS: tuple[ExportColumn | str, ...] = (
    "Month", "Team", "Line", ExportColumn("Amount", ColumnKind.MONEY), "Currency", "State", "What is wrong", "Answer",
    "Kind", "Basis", "Whose it is", "Raised by", "Raised at", "Answered by", "Answered at",
    "Version", "What became of the line",
)  # fmt: skip
LINE, DOUBT = "Line of a statement", "Not theirs"


@require_safe
@login_required
def disputes(request: HttpRequest) -> HttpResponseBase:
    """All disputes for FinOps staff, those of own teams for others; open ones first."""
    scope = request_scope(request)
    rows, doubts = found_disputes(scope), found_doubts(scope)
    cells = [
        *(_cells(row, row.line, LINE, "") for row in rows),
        *(_cells(row, _doubted(row), DOUBT, row.belongs_to) for row in doubts),
    ]
    if response := export_response(request, name="disputes", title_rows=[], columns=list(COLUMNS), rows=cells):
        return response
    shown = [
        (row, _statement_url(row.team_key, row.period, row.currency, row.version if row.is_reopened else 0))
        for row in rows
    ]
    doubted = [(row, _why_url(row)) for row in doubts]
    waiting = sum(row.state == "open" for row, _ in shown) + sum(row.state == "open" for row, _ in doubted)
    return render(request, "tagging/disputes.html", {"rows": shown, "doubts": doubted, "open": waiting})


def _cells(row: DisputeRow | DoubtRow, what: str, kind: str, belongs_to: str) -> list[Any]:
    """One row of the file. `Answered by` is empty for teams, as on the page; a doubt is of no version."""
    version, standing = (str(row.version), row.standing) if isinstance(row, DisputeRow) else ("", "")
    answered = "" if row.answered_at is None else f"{row.answered_at:%Y-%m-%d %H:%M}"
    return [
        str(row.period), row.team_name, what, row.cost, row.currency, row.state, row.text, row.answer,
        kind, row.metric.value, belongs_to, row.raised_by, f"{row.raised_at:%Y-%m-%d %H:%M}", row.answered_by, answered,
        version, standing,
    ]  # fmt: skip


def _doubted(row: DoubtRow) -> str:
    """What is doubted, as the page says it: what decided, and to what the team narrowed it."""
    decided = f"{row.rule_text or 'No rule'}{f' ({row.matched_text})' if row.matched_text else ''}"
    return " · ".join([decided, *(f"{name} {value}" for name, value in row.filters if name != "decision")])


@require_POST
@staff_page
def dispute_answer(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Accept or reject; the team reads the answer on its statement."""
    form = AnswerForm(request.POST)
    assert request.user.is_authenticated
    if not form.is_valid():
        messages.error(request, "An answer needs a text: the team reads it.")
        return redirect("tagging:disputes")
    try:
        services.answer_dispute(
            pk,
            accept=form.cleaned_data["accept"],
            answer=form.cleaned_data["answer"],
            by=request.user,
            now=current_moment(),
        )
    except InvalidRequestError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, "Answered. The team sees it on its statement.")
    return redirect("tagging:disputes")


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def dispute_new(request: HttpRequest, team_key: str) -> HttpResponseBase:
    """Doubt one line of a closed statement. For leads of the team and FinOps staff; not there for others."""
    scope = request_scope(request)
    team = selectors.team_by_key(scope, team_key)
    if not may_act_for(request.user, team_key):
        raise NotFoundInScopeError("Nothing here.")
    found, line = _line(request, team_key)
    form = DisputeForm(request.POST if request.method == "POST" else None)
    back = _statement_url(team_key, found.period, found.currency)
    if request.method == "POST" and form.is_valid():
        assert request.user.is_authenticated
        doubt = services.Doubt(team_key, found.period, found.currency, line.ref, form.cleaned_data["text"])
        try:
            services.raise_dispute(scope, doubt, by=request.user, now=current_moment())
        except InvalidRequestError as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, "Your FinOps lead sees the dispute and answers it.")
            return redirect(back)
    return render(
        request, "tagging/dispute.html", {"team": team, "found": found, "line": line, "form": form, "back": back}
    )


def _line(request: HttpRequest, team_key: str) -> tuple[Statement, StatementLine]:
    period, ref = request.GET.get("period", ""), request.GET.get("line", "")
    if not period or not ref:
        raise NotFoundInScopeError("Nothing here.")
    currency = request.GET.get("currency", "").strip().upper()
    scope, month = request_scope(request), BillingPeriod.parse(period)
    metric = usual_basis(scope, month, currency)
    found = selectors.statement(scope, month, team_key, metric=metric, currency=currency)
    line = next((line for line in found.lines if line.ref == ref), None)
    if line is None:
        raise NotFoundInScopeError("Nothing here.")
    return found, line


def _why_url(row: DoubtRow) -> str:
    pairs = [("period", str(row.period)), ("basis", row.metric.value), ("currency", row.currency), *row.filters]
    return f"{reverse('tagging:why', args=[row.team_key])}?{urlencode(pairs)}"


def _statement_url(team_key: str, period: BillingPeriod, currency: str, version: int = 0) -> str:
    """The statement; of a version that counts no more that version."""
    pairs = urlencode({"period": str(period), "currency": currency, **({"version": version} if version else {})})
    return f"{reverse('tagging:statement', args=[team_key])}?{pairs}" if ":" not in team_key and team_key else ""
