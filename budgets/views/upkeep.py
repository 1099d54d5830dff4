"""Making and changing budgets; FinOps staff only."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from budgets import selectors, services
from budgets.evaluation import AlertStep
from budgets.forms import BudgetForm, StepFormSet, step_initial
from budgets.inputs import USUAL_STEPS
from budgets.results import BudgetDetail
from budgets.terms import Cadence, ScopeKind
from budgets.views.parts import mail_is_missing
from costs.errors import InvalidRequestError
from costs.pages import current_moment, request_scope, staff_page
from costs.scope import Scope
from costs.terms import CostMetric
from tagging import selectors as ownership

STARTS = ("name", "scope", "cadence", "amount")


@staff_page
@require_http_methods(["GET", "POST"])
def budget_new(request: HttpRequest) -> HttpResponseBase:
    """Make a budget; a template's link fills the form."""
    initial = {name: request.GET[name] for name in STARTS if request.GET.get(name)}
    start = {"cadence": Cadence.MONTHLY.value, "metric": CostMetric.EFFECTIVE.value, "currency": "USD"} | initial
    return _form(request, None, start, USUAL_STEPS)


@staff_page
@require_http_methods(["GET", "POST"])
def budget_edit(request: HttpRequest, budget_key: str) -> HttpResponseBase:
    """Change plan, steps and who answers for it."""
    found = selectors.budget(request_scope(request), budget_key, today=current_moment().date())
    row = found.row
    initial = {
        "name": row.name,
        "scope": f"{row.scope_kind.value}:{row.scope_key}",
        "cadence": row.cadence.value,
        "amount": f"{found.amount:.2f}",
        "planned": "\n".join(f"{day:%Y-%m} {amount:.2f}" for day, amount in found.planned),
        "currency": row.currency,
        "metric": row.metric.value,
        "owner": found.owner_username,
        "is_active": row.is_active,
        **{f"with_{name}": name not in row.left_out for name in ("credits", "refunds", "tax")},
    }
    return _form(request, found, initial, found.steps)


def _form(
    request: HttpRequest, found: BudgetDetail | None, initial: dict[str, Any], steps: tuple[AlertStep, ...]
) -> HttpResponseBase:
    scope, today = request_scope(request), current_moment().date()
    choices = list(selectors.scope_choices(scope, today=today))
    if found and found.row.scope_kind is not ScopeKind.TOTAL:
        kind, key, label = found.row.scope_kind, found.row.scope_key, found.row.scope_label
        teams = ownership.visible_teams(scope) if kind is ScopeKind.TEAM else ()
        inactive = any(team.key == key and not team.is_active for team in teams)
        own = (kind, key, f"{label} (inactive)" if inactive else label)
        choices += [] if own in choices else [own]
    form = BudgetForm(
        request.POST or None,
        initial=initial,
        choices=choices,
        people=_people(scope),
        currencies=dict.fromkeys(["USD", initial["currency"], *_currencies(scope)]),
        exists=found is not None,
    )
    rows = StepFormSet(request.POST or None, initial=step_initial(steps), prefix="steps")
    if request.method == "POST" and form.is_valid() and rows.is_valid():
        wanted = form.as_input(tuple(step for row in rows if (step := row.as_step()) is not None))
        try:
            return _save(request, found, wanted)
        except InvalidRequestError as error:
            form.add_error(None, str(error))
    is_bad = request.method == "POST"
    context = {"form": form, "rows": rows, "found": found, "mail_is_missing": mail_is_missing(scope)}
    return render(request, "budgets/budget_form.html", context, status=400 if is_bad else 200)


def _save(request: HttpRequest, found: BudgetDetail | None, wanted: Any) -> HttpResponseBase:
    now = current_moment()
    if found is None:
        author: Any = request.user
        key = services.create_budget(wanted, author=author, today=now.date())
        messages.success(request, f"{wanted.name} made. It is evaluated after every import and every morning.")
    else:
        key = found.row.key
        services.update_budget(key, wanted, today=now.date())
        messages.success(request, f"{wanted.name} changed.")
    services.evaluate_budgets(today=now.date(), now=now, keys=[key])
    return redirect("budgets:budget", key)


def _people(scope: Scope) -> list[tuple[str, str]]:
    found = [person for person in ownership.people(scope) if person.is_active]
    return [
        (item.username, f"{item.full_name} ({item.username})" if item.full_name else item.username) for item in found
    ]


def _currencies(scope: Scope) -> tuple[str, ...]:
    return ownership.currencies_of(scope, ownership.periods_of(scope))
