"""The tag policy on pages: its keys, changing one, AWS documents in and out."""

import json
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from costs.errors import InvalidRequestError, NotFoundInScopeError
from costs.exports import export_response
from costs.pages import request_scope, staff_page
from costs.scope import Scope
from tagging import selectors, services
from tagging.forms.tag_policy import DocumentsForm, KeyForm, fits_form, initial_of, value_line
from tagging.forms.teams import team_choices
from tagging.policy import KeyPolicy
from tagging.policy.documents import to_document
from tagging.selectors import PolicyRow
from tagging.terms import ValueKind
from tagging.views.tag_parts import tabs, text_file

COLUMNS = ("Key", "Required", "Tracked", "Other spellings", "Values", "Case of key", "Case of values", "Applies to")


@require_safe
@login_required
def tag_policy(request: HttpRequest) -> HttpResponseBase:
    """Every key with what it asks for. Everybody may read the policy; staff change it from here."""
    scope = request_scope(request)
    rows = selectors.policy_rows(scope)
    if response := export_response(
        request, name="tag-policy", title_rows=[], columns=list(COLUMNS), rows=(_exported(row) for row in rows)
    ):
        return response
    context = {
        "rows": [
            {"row": row, "policy": row.policy, "values": values_of(row.policy), "more": _more(row.policy)}
            for row in rows
        ],
        "tabs": tabs(request),
    }
    return render(request, "tagging/tag_policy.html", context)


@require_safe
@login_required
def tag_policy_export(request: HttpRequest) -> HttpResponseBase:
    """The policy as a tag policy of AWS Organizations; what AWS cannot express is told on the import page."""
    rows = selectors.policy_rows(request_scope(request))
    document, _ = to_document((row.policy, row.enforced_for) for row in rows)
    text = json.dumps(document, indent=2, ensure_ascii=False) + "\n"
    return text_file(text, name="tag-policy", ending="json", content_type="application/json")


@staff_page
@require_http_methods(["GET", "POST"])
def tag_key_new(request: HttpRequest) -> HttpResponseBase:
    """Add a key to the policy."""
    return key_form(request, None)


@staff_page
@require_http_methods(["GET", "POST"])
def tag_key_edit(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Change a key of the policy."""
    return key_form(request, _row(request_scope(request), pk))


@staff_page
@require_POST
def tag_key_remove(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Take a key out of the policy."""
    row = _row(request_scope(request), pk)
    services.remove_key(pk)
    messages.success(request, f"{row.policy.key} taken out of the policy.")
    return redirect("tagging:tag_policy")


@staff_page
@require_http_methods(["GET", "POST"])
def tag_policy_import(request: HttpRequest) -> HttpResponseBase:
    """AWS tag policies: `preview` in the POST shows what they would change, anything else keeps it."""
    form = DocumentsForm(request.POST or None, request.FILES or None)
    rows = selectors.policy_rows(request_scope(request))
    context: dict[str, Any] = {"form": form, "tabs": tabs(request)}
    context["not_exported"] = to_document((row.policy, row.enforced_for) for row in rows)[1]
    if request.method == "POST" and form.is_valid():
        try:
            text = form.text()
            is_kept = "preview" not in request.POST
            found = services.import_policy(text, keep=is_kept)
            if is_kept:
                count = len(found.added) + len(found.changed)
                messages.success(request, f"{count} key{'' if count == 1 else 's'} of the policy changed.")
                return redirect("tagging:tag_policy")
            context |= {"found": found, "changes": _changes(found), "text": text}
            period = selectors.latest_period(request_scope(request))
            context["preview"] = services.preview_import(text, period=period) if period else None
        except InvalidRequestError as error:
            form.add_error(None, str(error))
    return render(request, "tagging/tag_policy_import.html", context, status=400 if form.errors else 200)


def key_form(request: HttpRequest, row: PolicyRow | None) -> HttpResponseBase:
    """The form of a key; `preview` in the POST shows what it would do to the newest month, anything else saves."""
    scope = request_scope(request)
    teams = team_choices(selectors.visible_teams(scope), chosen=row.policy.teams if row else ())
    initial = initial_of(row.policy) if row else {"is_tracked": True, "is_required": True}
    form = KeyForm(request.POST or None, teams=teams, initial=initial)
    context: dict[str, Any] = {"form": form, "row": row, "tabs": tabs(request)}
    if row is not None and not fits_form(row.policy):
        context["is_beyond_form"] = True
    elif request.method == "POST" and form.is_valid():
        pk = row.pk if row else None
        try:
            period = selectors.latest_period(scope)
            if "preview" not in request.POST or period is None:
                services.save_key(form.as_policy(), pk=pk)
                messages.success(request, f"{form.cleaned_data['key']} {'changed' if row else 'added'}.")
                return redirect("tagging:tag_policy")
            context["preview"] = services.preview_key(form.as_policy(), pk=pk, period=period)
        except InvalidRequestError as error:
            form.add_error(None, str(error))
    return render(request, "tagging/tag_key.html", context, status=400 if form.errors else 200)


def values_of(policy: KeyPolicy) -> str:
    """What the values of a key may be, in words."""
    if policy.kind is ValueKind.DATE:
        return "a day, as 2027-03-31"
    if policy.kind is ValueKind.NONE:
        return "no value is allowed"
    shown = [f"{each.value} (pattern)" if each.match == "pattern" else each.value for each in policy.allowed]
    return ", ".join(shown) or "any text"


def _more(policy: KeyPolicy) -> list[str]:
    """What stands under the values: other spellings of them."""
    return [value_line(each) for each in policy.allowed if each.aliases]


def _exported(row: PolicyRow) -> tuple[str, ...]:
    policy = row.policy
    return (
        policy.key,
        "yes" if policy.is_required else "no",
        "yes" if policy.is_tracked else "no",
        ", ".join(policy.aliases),
        "\n".join(map(value_line, policy.allowed)) or values_of(policy),
        "breaks the policy" if policy.exact_key else "pointed out",
        "breaks the policy" if policy.exact_value else "pointed out",
        row.applies_to,
    )


def _changes(found: services.PolicyImport) -> list[dict[str, str]]:
    added = [{"key": key.key, "what": "new", "before": "", "after": values_of(key)} for key in found.added]
    changed = [
        {"key": after.key, "what": _what_changes(before, after), "before": values_of(before), "after": values_of(after)}
        for before, after in found.changed
    ]
    return [*added, *changed]


def _what_changes(before: KeyPolicy, after: KeyPolicy) -> str:
    """In words, what documents change of a key."""
    said = {
        f"written {after.key}, before {before.key}": before.key != after.key,
        "values": (before.kind, before.allowed) != (after.kind, after.allowed),
        "letter case breaks the policy": (before.exact_key, before.exact_value) != (after.exact_key, after.exact_value),
        "required": before.is_required != after.is_required,
        "resource types": before.resource_types != after.resource_types,
    }
    return ", ".join(text for text, is_so in said.items() if is_so) or "only enforced_for"


def _row(scope: Scope, pk: int) -> PolicyRow:
    found = next((row for row in selectors.policy_rows(scope) if row.pk == pk), None)
    if found is None:
        raise NotFoundInScopeError(f"There is no key {pk} in the policy.")
    return found
