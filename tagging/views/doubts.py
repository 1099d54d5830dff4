"""Costs in doubt: raised where a page says why they are a team's; answered with a rule or with words."""

import json
from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from costs.errors import InvalidRequestError, NotFoundInScopeError
from costs.pages import current_moment, request_scope, staff_page
from tagging import selectors, services
from tagging.access import may_act_for
from tagging.forms.closes import AnswerForm
from tagging.forms.doubts import DoubtForm
from tagging.selectors.doubts import rule_proposal
from tagging.terms import RuleKind
from tagging.views.months import chosen_month
from tagging.views.rules import rule_form
from tagging.views.why import chosen_filters


@require_POST
@login_required
def doubt_new(request: HttpRequest, team_key: str) -> HttpResponseBase:
    """Doubt what one rule gave the team. For leads of the team and FinOps staff; not there for others."""
    scope = request_scope(request)
    selectors.team_by_key(scope, team_key)
    month = chosen_month(request, scope)
    if month is None or not may_act_for(request.user, team_key):
        raise NotFoundInScopeError("Nothing here.")
    form, filters = DoubtForm(request.POST), chosen_filters(request, month)
    if not form.is_valid():
        messages.error(request, "Say why these costs are not yours.")
    else:
        assert request.user.is_authenticated
        asked = services.OwnershipQuestion(
            team_key, month.period, month.currency, month.metric, filters, **form.cleaned_data
        )
        try:
            services.doubt_ownership(scope, asked, by=request.user, now=current_moment())
            messages.success(request, "Your FinOps lead sees it and answers; the answer stands on this page.")
        except InvalidRequestError as error:
            messages.error(request, str(error))
    back = urlencode([*month.params, *filters])
    return redirect(f"{reverse('tagging:why', args=[team_key])}?{back}")


@require_POST
@staff_page
def doubt_decline(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Leave it as it is, and say why."""
    form = AnswerForm(request.POST)
    assert request.user.is_authenticated
    try:
        text = form.cleaned_data["answer"] if form.is_valid() else ""
        services.decline_doubt(pk, answer=text, by=request.user, now=current_moment())
        messages.success(request, "Answered. The team reads it where it asked why.")
    except InvalidRequestError as error:
        messages.error(request, str(error))
    return redirect("tagging:disputes")


@require_http_methods(["GET", "POST"])
@staff_page
def doubt_rule(request: HttpRequest, pk: int) -> HttpResponseBase:
    """The form of a condition over what was doubted, to see what it would move, and to make it a rule."""
    proposal = rule_proposal(request_scope(request), pk)
    found = proposal.doubt
    initial = {
        "condition": json.dumps(proposal.condition, indent=2, ensure_ascii=False),
        "reason": services.reason_of(found.text, found.raised_by),
    }
    return rule_form(request, RuleKind.CONDITION, None, initial=initial, proposal=proposal)
