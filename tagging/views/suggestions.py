"""Suggested tags: look, export, accept, dismiss, propose; the virtual tags that came of them, and their end."""

from decimal import Decimal
from functools import partial
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from costs.errors import InvalidRequestError, NotFoundInScopeError
from costs.pages import current_moment, request_scope, staff_page
from costs.scope import Scope
from tagging import selectors, services
from tagging.access import is_finops, led_keys
from tagging.policy.fixes import Fix
from tagging.results.suggestions import SuggestionRow, SuggestionTable, VirtualTagRow
from tagging.tables.compliance import ShownCells
from tagging.tables.suggestions import SuggestionTable as Table
from tagging.tables.suggestions import VirtualTagTable
from tagging.views.tag_findings import EXPORTS, MOST_EXPORTED, fix_file
from tagging.views.tag_parts import tabs

ACTIONS = ("accept", "dismiss", "propose")
PER_PAGE = 25


@require_safe
@login_required
def suggestions(request: HttpRequest) -> HttpResponseBase:
    """What could be set on untagged resources, dearest first, with how sure it is and why."""
    scope = request_scope(request)
    found = _found(request, scope)
    may_choose = is_finops(request.user) or bool(led_keys(request.user))
    table = Table(
        ShownCells(found.rows, partial(_cells, found=found)),
        choosing=may_choose,
        currency=found.currency,
        request=request,
        caption="Suggested tags, dearest first",
        per_page=PER_PAGE,
    )
    head = (
        [("Month", found.period.label), ("Currency", found.currency), ("Basis", "Effective cost")]
        if found.period
        else []
    )
    if response := table.export(name=f"tag-suggestions-{found.period or 'none'}", title_rows=head):
        return response
    context = {
        "found": found,
        "table": table,
        "key": request.GET.get("key", ""),
        "may_choose": may_choose,
        "precision": int(settings.TAG_SUGGESTION_PRECISION * 100),
        "exports": EXPORTS.items(),
        "query": _query(request),
        "tabs": tabs(request),
    }
    return render(request, "tagging/suggestions.html", context)


@login_required
@require_POST
def suggestions_decide(request: HttpRequest) -> HttpResponseBase:
    """Accept (staff), dismiss, or propose (leads) the suggestions ticked."""
    scope, action = request_scope(request), request.POST.get("action", "")
    assert request.user.is_authenticated
    if action not in ACTIONS:
        raise InvalidRequestError(f"'{action}' is nothing that can be done. Use {', '.join(ACTIONS)}.")
    author, now = request.user, current_moment()
    try:
        chosen = services.chosen_by_ref(request.POST.getlist("row"), request.POST.get("reason", ""))
        if action == "accept":
            scope.require_everything()
            count = services.accept_suggestions(scope, chosen, author=author, now=now)
            text = f"{count} virtual tag{'s' if count != 1 else ''} made. Open months are being rolled up again."
        elif action == "dismiss":
            count = services.dismiss_suggestions(scope, chosen, led=led_keys(request.user), author=author, now=now)
            text = f"{count} dismissed: {'these values do' if count != 1 else 'this value does'} not come back."
        else:
            count = services.propose_suggestions(scope, chosen, led=led_keys(request.user), author=author, now=now)
            text = f"{count} proposed to FinOps, who see {'them' if count != 1 else 'it'} first."
    except InvalidRequestError as error:
        messages.error(request, str(error))
    except NotFoundInScopeError as error:
        if not scope.everything:  # what is another's and what is gone are the same to a team
            raise
        messages.error(request, f"{error} Nothing was decided: look at the list below and choose again.")
    else:
        messages.success(request, text)
    return redirect(f"{reverse('tagging:suggestions')}{_query(request)}")


@login_required
@require_POST
def suggestions_export(request: HttpRequest) -> HttpResponseBase:
    """The suggestions as a file for a program that sets tags. Nothing is decided by it."""
    scope, wanted = request_scope(request), request.POST.get("as", "")
    if wanted not in EXPORTS:
        raise InvalidRequestError(f"'{wanted}' is no such file. Use {', '.join(EXPORTS)}.")
    found = _found(request, scope)
    fixes = [fix_of_suggestion(row) for row in found.rows if not row.proposed_by][:MOST_EXPORTED]
    if not fixes:
        raise InvalidRequestError("There is no suggestion to export.")
    title = f"Suggested tags, {found.period.label if found.period else ''}: {len(fixes)}. Read them before you set them"
    return fix_file(wanted, fixes, title, f"tag-suggestions-{found.period}")


@require_safe
@staff_page
def virtual_tags(request: HttpRequest) -> HttpResponseBase:
    """Every virtual tag: who, when, why, from and until, what it is about, whether the real tag has come."""
    scope = request_scope(request)
    rows = selectors.virtual_tags(scope)
    table = VirtualTagTable(
        [_virtual_cells(row) for row in rows],
        currency="USD",
        request=request,
        caption="Virtual tags",
        per_page=PER_PAGE,
    )
    if response := table.export(name="virtual-tags", title_rows=[]):
        return response
    return render(request, "tagging/virtual_tags.html", {"rows": rows, "table": table, "tabs": tabs(request)})


@staff_page
@require_http_methods(["GET", "POST"])
def virtual_tag_end(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Ask why, then end a virtual tag in every open month."""
    scope = request_scope(request)
    row = next((each for each in selectors.virtual_tags(scope) if each.pk == pk), None)
    if row is None:
        raise NotFoundInScopeError(f"There is no virtual tag {pk}.")
    error = ""
    if request.method == "POST":
        assert request.user.is_authenticated
        try:
            services.end_virtual_tag(
                scope, pk, reason=request.POST.get("reason", ""), author=request.user, now=current_moment()
            )
        except InvalidRequestError as refused:
            error = str(refused)
        else:
            messages.success(request, "Virtual tag ended. Open months are being rolled up again without it.")
            return redirect("tagging:virtual_tags")
    context = {"row": row, "error": error, "tabs": tabs(request)}
    return render(request, "tagging/virtual_tag_end.html", context, status=400 if error else 200)


def fix_of_suggestion(row: SuggestionRow) -> Fix:
    """A suggestion as what other programs need of it."""
    return Fix(row.resource_id, row.service_name, row.region_id, row.sub_account_id, row.key, row.value)


def _found(request: HttpRequest, scope: Scope) -> SuggestionTable:
    key, currency = request.GET.get("key", ""), request.GET.get("currency", "").upper()
    return selectors.suggestions(scope, key=key, currency=currency)


def _query(request: HttpRequest) -> str:
    kept = [(name, request.GET[name]) for name in ("key", "currency") if request.GET.get(name)]
    return f"?{urlencode(kept)}" if kept else ""


def _cells(row: SuggestionRow, found: SuggestionTable) -> dict[str, Any]:
    search = urlencode([("period", str(found.period)), ("basis", "effective"), ("search", row.resource_id)])
    return {
        **vars(row),
        "pick": row.ref,
        "tag": f"{row.key}={row.value}",
        "why": row.evidence,
        "evidence_text": "; ".join(row.evidence),
        "like_cases": row.like_cases,
        "confidence": Decimal(str(row.confidence)),
        "team_name": row.team_name or "nobody",
        "name": row.name if row.name != row.resource_id else "",
        "url": f"{reverse('tagging:resources')}?{search}",
    }


def _virtual_cells(row: VirtualTagRow) -> dict[str, Any]:
    by = f", proposed by {row.proposed_by}" if row.proposed_by else ""
    why = f": {row.reason}" if row.reason else ""
    ended = f"by {row.ended_by} on {row.ended_at:%Y-%m-%d}: {row.end_reason}" if row.ended_at else ""
    return {
        **vars(row),
        "tag": f"{row.key}={row.value}",
        "from_period": str(row.from_period),
        "to_period": str(row.to_period or ""),
        "story": f"accepted by {row.author} on {row.created_at:%Y-%m-%d}{by}{why}",
        "evidence_text": "; ".join(row.evidence),
        "ended_text": ended,
        "state": row.state,
        "end_url": reverse("tagging:virtual_tag_end", args=[row.pk]),
    }
