"""Upkeep of allocation rules: their order, what each decides, and what a change moves."""

import json
from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from costs import figures
from costs.errors import InvalidRequestError, NotFoundInScopeError
from costs.exports import ColumnKind, ExportColumn, export_response
from costs.money import ZERO, ratio
from costs.pages import current_moment, request_scope, staff_page
from costs.periods import BillingPeriod
from costs.queries import CostQuery
from costs.scope import Scope
from costs.terms import CostMetric
from tagging import selectors, services
from tagging.conditions import FIELDS, NAME, parse_condition
from tagging.forms.rules import RuleForm
from tagging.forms.teams import team_choices
from tagging.line_links import lines_url
from tagging.owners import bare_key, kind_of, pool_owner
from tagging.results import RuleView
from tagging.results.doubts import RuleProposal
from tagging.selectors.closed import first_open_period, frozen_text
from tagging.selectors.pool_pages import pool_rows, rule_changes
from tagging.selectors.shown_tags import offered_tag_keys
from tagging.selectors.unread import unread_tags
from tagging.services import Moves
from tagging.terms import OwnerKind, RuleKind, UnreadReason

MOVED_KEY = "rules_moved"
KIND_NAMES = {
    RuleKind.TAG: "Tag value",
    RuleKind.CONDITION: "Condition",
    RuleKind.NAME: "Name",
    RuleKind.ACCOUNT: "Account",
    RuleKind.DEFAULT: "Everything else",
}
KIND_BUTTONS = {
    RuleKind.TAG: "Add tag rule",
    RuleKind.CONDITION: "Add condition",
    RuleKind.NAME: "Add name rule",
    RuleKind.ACCOUNT: "Add account rule",
    RuleKind.DEFAULT: "Add default",
}
KIND_LEADS = {
    RuleKind.TAG: "Costs that carry one of these values belong to the owner.",
    RuleKind.CONDITION: "Costs for which the whole condition holds belong to the owner.",
    RuleKind.NAME: "Costs of resources with such a name belong to the owner.",
    RuleKind.ACCOUNT: "Costs of the account that no rule before matched belong to the owner.",
    RuleKind.DEFAULT: "What no other rule matched.",
}
EXPORT_COLUMNS: tuple[ExportColumn | str, ...] = (
    ExportColumn("Order", ColumnKind.NUMBER),
    "Rule",
    "Kind",
    "Name",
    "Owner",
    "In use",
    "From",
    "Until before",
    ExportColumn("Cost", ColumnKind.MONEY),
    ExportColumn("Slices", ColumnKind.NUMBER),
    "Reason",
)


@staff_page
def rules(request: HttpRequest) -> HttpResponseBase:
    """The rules in the order they are tried, with what each decides of the newest month."""
    scope = request_scope(request)
    period = selectors.latest_period(scope)
    found, first_open = selectors.allocation_rules(scope), first_open_period()
    costs = selectors.rule_costs(scope, period, metric=CostMetric.BILLED) if period else None
    total = sum((item.cost for item in costs.by_rule.values()), ZERO) if costs else ZERO
    rows = [
        {
            "rule": rule,
            "cost": costs.of(rule.pk).cost if costs else None,
            "slices": costs.of(rule.pk).slice_count if costs else 0,
            "share": ratio(costs.of(rule.pk).cost, total) if costs else None,
            "kind_name": KIND_NAMES[rule.kind],
            "is_used": rule.is_used(first_open),
        }
        for rule in found
    ]
    if response := exported(request, rows, period):
        return response
    context = {
        "rows": rows,
        "period": period,
        "currency": costs.currency if costs else "USD",
        "unmatched": costs.by_rule.get(None) if costs else None,
        "kinds": [(kind.value, name) for kind, name in KIND_BUTTONS.items()],
        "moved": request.session.pop(MOVED_KEY, None),
        "needs_setup": selectors.needs_setup(scope),
        "unread_tags": unread_tags(scope),
        "frozen": frozen_text(scope),
        "max_reason": services.MAX_STEP_REASON,
        "has_teams": bool(selectors.visible_teams(scope)),
    }
    return render(request, "tagging/rules.html", context)


@staff_page
@require_http_methods(["GET", "POST"])
def rule_new(request: HttpRequest) -> HttpResponseBase:
    """Add a rule of the kind that the URL names."""
    kind = request.GET.get("kind", RuleKind.TAG.value)
    if kind not in {member.value for member in RuleKind}:
        raise InvalidRequestError(f"'{kind}' is not a kind of rule. Use {', '.join(KIND_NAMES)}.")
    given = {name: request.GET.get(name, "") for name in ("tag_key", "tag_values", "sub_account_id", "team_key")}
    return rule_form(request, RuleKind(kind), None, initial=given)


@staff_page
@require_http_methods(["GET", "POST"])
def rule_edit(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Change a rule in its place."""
    rule = rule_by_pk(request_scope(request), pk)
    initial = {
        "tag_key": rule.tag_key,
        "tag_values": "\n".join(rule.tag_values),
        "sub_account_id": rule.sub_account_id,
        "condition": json.dumps(rule.condition, indent=2, ensure_ascii=False),
        "team_key": rule.team_key,
        "cost_center": bare_key(rule.team_key) if kind_of(rule.team_key) is OwnerKind.COST_CENTER else "",
        "name": rule.name,
        "from_period": str(rule.from_period or ""),
        "to_period": str(rule.to_period or ""),
        "version": rule.version,
    }
    return rule_form(request, rule.kind, rule, initial=initial)


def rule_form(
    request: HttpRequest,
    kind: RuleKind,
    rule: RuleView | None,
    *,
    initial: dict[str, str],
    proposal: RuleProposal | None = None,
) -> HttpResponseBase:
    """The form; `preview` in the POST shows what would move, anything else saves. A proposal is answered by that."""
    scope = request_scope(request)
    form = form_of(request, kind, rule, initial)
    context: dict[str, Any] = {
        "form": form,
        "rule": rule,
        "kind_name": KIND_NAMES[kind],
        "title": rule.text if rule else KIND_BUTTONS[kind],
        "lead": KIND_LEADS[kind],
        "frozen": frozen_text(scope),
        **proposal_context(request, proposal),
    }
    if request.method == "POST" and form.is_valid():
        wanted = form.as_input(is_active=rule is None or rule.is_active)
        pk = rule.pk if rule else None
        try:
            if "preview" not in request.POST:
                done = f"Rule {'changed' if rule else 'added'}."
                return keep(request, saving(request, form, wanted, pk, proposal), done)
            trial = services.dry_run(trying(form, wanted, pk, proposal))
            context |= {"trial": trial, "preview": trial.moves}
        except InvalidRequestError as error:
            form.add_error(None, str(error))
    context |= {
        "tag_keys": offered_tag_keys(scope),
        "accounts": known_accounts(scope) if kind is RuleKind.ACCOUNT else (),
        "fields": (*FIELDS, NAME, "tag:KEY"),
        "changes": rule_changes(scope, rule.pk) if rule else (),
    }
    return render(request, "tagging/rule.html", context, status=400 if form.errors else 200)


def proposal_context(request: HttpRequest, proposal: RuleProposal | None) -> dict[str, Any]:
    """What the form shows of a team's doubt, with the lines of it."""
    if proposal is None:
        return {}
    doubt, answer = proposal.doubt, request.POST.get("answer", "")
    filters = [("team", doubt.team_key), *doubt.filters]
    url = lines_url(doubt.period, doubt.metric, currency=doubt.currency, filters=filters)
    text = parse_condition(dict(proposal.condition)).text
    return {"proposal": proposal, "doubted_url": url, "answer": answer, "condition_text": text}


def saving(
    request: HttpRequest, form: RuleForm, wanted: services.RuleInput, pk: int | None, proposal: RuleProposal | None
) -> Callable[[], object]:
    """What keeps the rule of a form: in its place, or in answer to a team's doubt."""
    if proposal is None:
        return lambda: services.save_rule(wanted, pk=pk, version=form.cleaned_data["version"])
    by, text, found = request.user, request.POST.get("answer", ""), proposal
    assert by.is_authenticated
    return lambda: services.accept_doubt(
        found.doubt.pk, wanted, before=found.before, answer=text, by=by, now=current_moment()
    )


def trying(
    form: RuleForm, wanted: services.RuleInput, pk: int | None, proposal: RuleProposal | None
) -> Callable[[], object]:
    """The same for a dry run: no month gets its owners again."""
    before, version = proposal.before if proposal else None, form.cleaned_data["version"]
    return lambda: services.save_rule(wanted, pk=pk, before=before, version=version, allocate=False)


def form_of(request: HttpRequest, kind: RuleKind, rule: RuleView | None, initial: dict[str, str]) -> RuleForm:
    """The form with the owners to choose from. Only what is kept needs a reason."""
    scope = request_scope(request)
    return RuleForm(
        request.POST or None,
        kind=kind,
        teams=owner_choices(scope, rule.team_key if rule else ""),
        is_trial="preview" in request.POST,
        before=rule.reason if rule else "",
        initial=initial,
    )


@staff_page
@require_POST
def rule_step(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Move a rule one place, take it out of use or into use again; each with a reason, and with the way back."""
    scope = request_scope(request)
    rule, order = rule_by_pk(scope, pk), [item.pk for item in selectors.allocation_rules(scope)]
    change, reason = request.POST.get("change", ""), request.POST.get("reason", "")
    if pk == {"up": order[0], "down": order[-1]}.get(change):
        messages.info(request, f"It is the {'first' if change == 'up' else 'last'} rule already.")
        return redirect("tagging:rules")
    if change in ("up", "down"):
        back, done = ("down" if change == "up" else "up"), "Order changed."
        return keep(request, lambda: services.move_rule(pk, up=change == "up", reason=reason), done, (rule, back))
    if change == "off":
        done = "Rule taken out of use. It can be used again any time."
        return keep(request, lambda: services.delete_rule(pk, reason=reason), done, (rule, "on"))
    if change == "on":
        return keep(request, lambda: services.use_rule_again(pk, reason=reason), "Rule in use again.", None)
    raise InvalidRequestError("Choose what to do with the rule: up, down, off or on.")


def keep(
    request: HttpRequest, change: Callable[[], object], done: str, undo: tuple[RuleView, str] | None = None
) -> HttpResponse:
    """Make the change, then show the rules with what it moved, and the step that undoes it."""
    moved = services.what_moves(change, keep=True)
    messages.success(request, done)
    request.session[MOVED_KEY] = moved_as_text(moved) | ({"undo": undo_step(*undo)} if undo else {})
    return redirect("tagging:rules")


def undo_step(rule: RuleView, back: str) -> dict[str, Any]:
    """What the form "as it was before" sends; its reason may be changed."""
    said = {"up": "Move it up again", "down": "Move it down again", "on": "Use it again"}
    return {"pk": rule.pk, "change": back, "label": said[back], "text": rule.text}


def moved_as_text(moved: Moves) -> dict[str, Any]:
    """What moved as the session keeps it until it is shown once."""
    return {
        "currency": moved.currency,
        "first": moved.first,
        "last": moved.last,
        "total": figures.money(moved.moved_cost, moved.currency),
        "unread": [
            f"{item.text}; the figures below are those after that."
            if item.reason is UnreadReason.PENDING
            else f"{item.text}: a rule on it decides nothing there."
            for item in moved.unread
        ],
        "rows": [
            {
                "owner": row.owner,
                "before": figures.money(row.before, moved.currency),
                "after": figures.money(row.after, moved.currency),
                "change": figures.change(row.change, moved.currency),
            }
            for row in moved.rows
        ],
    }


def rule_by_pk(scope: Scope, pk: int) -> RuleView:
    """One rule. Raises NotFoundInScopeError."""
    found = next((rule for rule in selectors.allocation_rules(scope) if rule.pk == pk), None)
    if found is None:
        raise NotFoundInScopeError(f"There is no rule {pk}.")
    return found


def owner_choices(scope: Scope, chosen: str = "") -> list[tuple[str, str]]:
    """Teams and pools that a rule can give to, by key; a team out of use only where the rule gives to it already."""
    teams = team_choices(selectors.visible_teams(scope), chosen=(chosen,))
    return teams + [(pool_owner(key), f"Pool {name}") for key, name in pool_choices(scope).items()]


def pool_choices(scope: Scope) -> dict[str, str]:
    """Pools that a rule can give to, by key."""
    return {row.key: row.name for row in pool_rows(scope)}


def known_accounts(scope: Scope) -> list[tuple[str, str]]:
    """Accounts of the newest month by name, for the form to offer."""
    period = selectors.latest_period(scope)
    if period is None:
        return []
    query = CostQuery(first=period, last=period, group_by="account")
    return [(row.key, row.label) for row in selectors.explore_costs(scope, query).rows if not row.is_missing]


def exported(request: HttpRequest, rows: list[dict[str, Any]], period: BillingPeriod | None) -> HttpResponseBase | None:
    """The rules as a file."""
    cells = [
        (
            number,
            row["rule"].text,
            row["kind_name"],
            row["rule"].name,
            row["rule"].team_name or "nobody",
            "yes" if row["is_used"] else "no",
            str(row["rule"].from_period or ""),
            str(row["rule"].to_period or ""),
            row["cost"],
            row["slices"],
            row["rule"].reason,
        )
        for number, row in enumerate(rows, start=1)
    ]
    title_rows = [("Allocation rules", "in the order they are tried")]
    title_rows += [("Costs of", str(period)), ("Basis", "Billed cost")] if period else []
    return export_response(request, name="allocation-rules", title_rows=title_rows, columns=EXPORT_COLUMNS, rows=cells)
