"""After the first import: teams, aliases and rules as a proposal, accepted in one step."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from costs import figures
from costs.errors import InvalidRequestError
from costs.exports import ColumnKind, ExportColumn, export_response
from costs.pages import request_scope, staff_page
from costs.terms import CostMetric
from tagging import selectors, services
from tagging.forms.setup import chosen, setup_rows
from tagging.results import SetupProposal
from tagging.views.months import chosen_month

COLUMNS: tuple[ExportColumn | str, ...] = (
    "Team",
    "Tag values",
    "Accounts",
    ExportColumn("By tag", ColumnKind.MONEY),
    ExportColumn("By account", ColumnKind.MONEY),
    ExportColumn("Total", ColumnKind.MONEY),
)


@staff_page
@require_http_methods(["GET", "POST"])
def setup(request: HttpRequest) -> HttpResponseBase:
    """The proposal with the money each team would get; accepting it makes teams and rules."""
    scope = request_scope(request)
    month = chosen_month(request, scope)
    if month is None:
        return render(request, "tagging/setup.html", {"month": None})
    key = request.POST.get("tag_key") or request.GET.get("tag_key", "")
    proposal = selectors.setup_proposal(
        scope, month.period, metric=CostMetric.BILLED, currency=month.currency, tag_key=key
    )
    if response := exported(request, proposal):
        return response
    rows = setup_rows(proposal, request.POST if request.method == "POST" else None)
    problem = ""
    if request.method == "POST":
        try:
            made = services.accept_proposal(chosen(proposal, rows))
        except InvalidRequestError as error:
            problem = str(error)
        else:
            return accepted(request, proposal, made)
    context = {
        "month": month,
        "proposal": proposal,
        "rows": rows,
        "problem": problem,
        "has_rules": bool(selectors.allocation_rules(scope)),
        "allocated_cost": proposal.total - proposal.unallocated_cost,
    }
    return render(request, "tagging/setup.html", context, status=400 if problem else 200)


def accepted(request: HttpRequest, proposal: SetupProposal, made: int) -> HttpResponseBase:
    """Say what the step did, on the month's chargeback."""
    found = selectors.statements(
        request_scope(request), proposal.period, metric=proposal.metric, currency=proposal.currency
    )
    owned = figures.money(found.total_cost, found.currency)
    rest = figures.money(found.unallocated_cost, found.currency)
    messages.success(
        request,
        f"{made} team{'' if made == 1 else 's'} made. In {proposal.period.label} {owned} has an owner now, {rest} does"
        " not. Give the teams members next.",
    )
    return redirect("tagging:chargeback")


def exported(request: HttpRequest, proposal: SetupProposal) -> HttpResponseBase | None:
    """The proposal as a file."""
    rows = [
        (
            team.name,
            ", ".join(team.tag_values),
            ", ".join(team.sub_account_ids),
            team.tag_cost,
            team.account_cost,
            team.cost,
        )
        for team in proposal.teams
    ]
    title_rows = [
        ("Month", proposal.period.label),
        ("Basis", "Billed cost"),
        ("Currency", proposal.currency),
        ("Tag key", proposal.tag_key),
    ]
    return export_response(request, name="setup-proposal", title_rows=title_rows, columns=COLUMNS, rows=rows)
