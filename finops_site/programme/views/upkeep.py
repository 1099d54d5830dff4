"""Changing the programme: its settings, and every part of it."""

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from costs.errors import NotFoundInScopeError
from costs.figures import money, pct
from costs.pages import request_scope, staff_page
from finops_site.programme import selectors, services
from finops_site.programme.forms import (
    ClaimForm,
    PartForm,
    ProgrammeForm,
    RiskForm,
    ScenarioForm,
    StepForm,
    TargetForm,
    assumptions_as_initial,
)
from finops_site.programme.progress import goal_text, value_text
from finops_site.programme.results import Plan
from finops_site.programme.rows import part_url
from finops_site.programme.views.parts import shared


@dataclass(frozen=True)
class Kind:
    """A kind of rows that the programme is made of."""

    name: str
    title: str
    noun: str
    form: type[PartForm]
    back: str


KINDS = {
    kind.name: kind
    for kind in (
        Kind("steps", "Steps of the plan", "step", StepForm, "programme"),
        Kind("targets", "Targets", "target", TargetForm, "programme"),
        Kind("scenarios", "Scenarios", "scenario", ScenarioForm, "programme_case"),
        Kind("risks", "Risks", "risk", RiskForm, "programme_risks"),
        Kind("claims", "Claimed savings", "claim", ClaimForm, "programme_savings"),
    )
}


@staff_page
@require_http_methods(["GET", "POST"])
def settings(request: HttpRequest) -> HttpResponseBase:
    """Name, start and assumptions; and every part with the way to change it."""
    plan = _plan(request)
    initial = {
        "name": plan.name,
        "starts_on": plan.starts_on,
        "currency": plan.currency,
        **assumptions_as_initial(plan.assumptions),
    }
    form = ProgrammeForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        services.update_programme(
            name=data["name"],
            starts_on=data["starts_on"],
            currency=data["currency"],
            assumptions=form.as_assumptions(),
        )
        messages.success(request, "The programme is changed.")
        return redirect("programme_settings")
    context = {**shared(request, plan), "form": form, "kinds": _lists(plan)}
    return render(request, "programme/settings.html", context, status=400 if form.errors else 200)


@staff_page
@require_http_methods(["GET", "POST"])
def part_new(request: HttpRequest, kind: str) -> HttpResponseBase:
    """Add a row."""
    return _form(request, _kind(kind), None)


@staff_page
@require_http_methods(["GET", "POST"])
def part_edit(request: HttpRequest, kind: str, pk: int) -> HttpResponseBase:
    """Change a row."""
    found = _kind(kind)
    return _form(request, found, _part(found, pk))


@staff_page
@require_POST
def part_remove(request: HttpRequest, kind: str, pk: int) -> HttpResponseBase:
    """Take a row out."""
    found = _kind(kind)
    part = _part(found, pk)
    services.remove_part(part)
    messages.success(request, f"Removed the {found.noun} “{part}”.")
    return redirect("programme_settings")


def _form(request: HttpRequest, kind: Kind, part: Any) -> HttpResponseBase:
    plan = _plan(request)
    form = kind.form(request.POST or None, instance=part)
    if request.method == "POST" and form.is_valid():
        services.keep_part(form.instance)
        messages.success(request, f"The {kind.noun} is {'changed' if part else 'added'}.")
        return redirect(kind.back)
    context = {**shared(request, plan), "form": form, "kind": kind, "part": part}
    return render(request, "programme/part.html", context, status=400 if form.errors else 200)


def _plan(request: HttpRequest) -> Plan:
    plan = selectors.programme(request_scope(request))
    if plan is None:
        raise NotFoundInScopeError("There is no programme yet. Start it on the page Programme.")
    return plan


def _kind(name: str) -> Kind:
    if name not in KINDS:
        raise NotFoundInScopeError("Nothing here.")
    return KINDS[name]


def _part(kind: Kind, pk: int) -> Any:
    found = kind.form._meta.model.objects.filter(pk=pk).first()
    if found is None:
        raise NotFoundInScopeError(f"There is no such {kind.noun}. It may have been removed.")
    return found


def _lists(plan: Plan) -> list[dict[str, Any]]:
    """Every kind with its rows as (text, beside, address)."""
    currency = plan.currency
    rows: dict[str, list[tuple[str, str, int]]] = {
        "steps": [(step.title, goal_text(step.goal, currency) or "go/no-go", step.ref) for step in plan.steps],
        "targets": [
            (
                f"{item.aim.metric.label} by month {item.aim.month_number}",
                value_text(item.aim.metric, item.aim.value, currency),
                item.ref,
            )
            for item in plan.targets
        ],
        "scenarios": [(item.name, money(item.annual_saving, currency), item.ref) for item in plan.scenarios],
        "risks": [(item.title, pct(item.exposure.probability, 0), item.ref) for item in plan.risks],
        "claims": [
            (item.source.label, "no claim" if item.amount is None else money(item.amount, currency), item.ref)
            for item in plan.claims
        ],
    }
    return [
        {"kind": kind, "rows": [(text, beside, part_url(name, ref)) for text, beside, ref in rows[name]]}
        for name, kind in KINDS.items()
    ]
