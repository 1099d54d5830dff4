"""Pages that join what all apps know: the start page, the overview and the page of a team."""

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from costs.pages import current_moment, request_scope, staff_page
from costs.periods import BillingPeriod
from costs.queries import Granularity, parse_metric
from costs.scope import Scope
from costs.terms import CostMetric
from finops_site.forms import MonthForm
from finops_site.panels import changes
from finops_site.panels import overview as whole
from finops_site.panels import team as one
from finops_site.panels.parts import MonthChoice
from finops_site.tables import ChangeTable
from tagging import selectors as ownership
from tagging.selectors import Movers, TeamView


@require_safe
@login_required
def home(request: HttpRequest) -> HttpResponse:
    """Where a reader belongs: staff to the overview, members of one team to it, of several to the list of theirs."""
    scope = request_scope(request)
    if scope.everything:
        return redirect("overview")
    teams = ownership.visible_teams(scope)
    own = [team for team in teams if not team.parent_key]
    if len(own) == 1:
        return redirect("team", own[0].key)
    month = month_choice(request, scope)
    costs = changes.changes_by(scope, month, by="team") if month and own else None
    return render(request, "dashboards/home.html", {"teams": own, "month": month, "costs": costs})


@require_safe
@staff_page
def overview(request: HttpRequest) -> HttpResponseBase:
    """The whole bill: what it comes to, why it changed, what nobody owns."""
    scope = request_scope(request)
    month = month_choice(request, scope)
    now = current_moment()
    if month is None:
        return render(request, "dashboards/overview_empty.html", {"health": whole.import_health(scope, now=now)})
    by_team = changes.changes_by(scope, month, by="team")
    by_service = changes.changes_by(scope, month, by="service")
    rows = whole.owner_rows(by_team, month)
    table = None
    if rows.value is not None:
        table = ChangeTable(
            rows.value, movers=by_team.get(), label="Owner", request=request, caption="Spend by owner", per_page=15
        )
        if response := table.export(name=f"overview-{month.period}", title_rows=title_rows(by_team.get())):
            return response
    context = {
        "month": month,
        "form": _month_form(scope, month),
        "trust": changes.trust_strip(scope, month),
        "needs_setup": ownership.needs_setup(scope),
        "headline": changes.headline(by_team),
        "spend": whole.team_spend(scope, month),
        "team_movers": whole.team_movers(by_team, month),
        "service_movers": whole.service_movers(by_service, month),
        "services": whole.top_services(by_service, month),
        "unallocated": whole.unallocated(scope, month, by_team),
        "compliance": changes.tag_compliance(scope, month),
        "health": whole.import_health(scope, now=now),
        "table": table,
    }
    return render(request, "dashboards/overview.html", context)


@require_safe
@login_required
def team(request: HttpRequest, team_key: str) -> HttpResponseBase:
    """One team's month: what it cost, why it changed, what to tag."""
    scope = request_scope(request)
    shown = ownership.team_by_key(scope, team_key)
    own = one.only(shown)
    month = month_choice(request, own)
    context: dict[str, Any] = {"team": shown, "month": month}
    if month is None:
        return render(request, "dashboards/team_empty.html", context)
    by_service = changes.changes_by(own, month, by="service")
    table = None
    if by_service.value is not None:
        table = _service_table(request, shown, month, by_service.value)
        name = f"team-{shown.key}-{month.period}"
        if response := table.export(name=name, title_rows=[("Team", shown.name), *title_rows(by_service.value)]):
            return response
    return render(
        request, "dashboards/team.html", {**context, **_team_panels(scope, shown, month, by_service), "table": table}
    )


def _team_panels(scope: Scope, team: TeamView, month: MonthChoice, by_service: Any) -> dict[str, Any]:
    own = one.only(team)
    by_usage_type = changes.changes_by(own, month, by="usage_type")
    return {
        "form": _month_form(own, month),
        "trust": changes.trust_strip(scope, month),
        "headline": changes.headline(by_service),
        "daily": one.daily_spend(own, team, month, by_service),
        "services": one.services(team, month, by_service),
        "service_movers": one.movers_chart(team, month, by_service, title="Services that changed most"),
        "usage_movers": one.movers_chart(team, month, by_usage_type, title="Usage types that changed most"),
        "resources": one.top_resources(own, team, month),
        "compliance": changes.tag_compliance(own, month),
        "sub_teams": one.sub_teams(scope, team, month),
        "members": ownership.team_members(scope, team.key) if scope.everything else (),
    }


def month_choice(request: HttpRequest, scope: Scope) -> MonthChoice | None:
    """The month, basis, currency and width of columns the URL asks for; None while the reader has no costs."""
    periods = ownership.periods_of(scope)
    if not periods:
        return None
    asked = request.GET.get("period", "")
    return MonthChoice(
        period=BillingPeriod.parse(asked) if asked else periods[0],
        metric=parse_metric(request.GET.get("basis") or CostMetric.BILLED.value),
        currency=request.GET.get("currency", "").strip().upper(),
        granularity=Granularity.DAY if request.GET.get("per") == Granularity.DAY.value else Granularity.MONTH,
        periods=periods,
    )


def title_rows(movers: Movers) -> list[tuple[str, str]]:
    """The head of an exported file."""
    return [
        ("Month", str(movers.period)),
        ("Compared with", f"{movers.previous}, first {movers.day_count} days"),
        ("Basis", f"{movers.metric.value} cost"),
        ("Currency", movers.currency),
    ]


def _month_form(scope: Scope, month: MonthChoice) -> MonthForm:
    return MonthForm(month, ownership.currencies_of(scope, (month.period,)))


def _service_table(request: HttpRequest, team: TeamView, month: MonthChoice, movers: Movers) -> ChangeTable:
    rows = changes.change_rows(movers, one.service_href(team, month))
    return ChangeTable(rows, movers=movers, label="Service", request=request, caption="Costs by service", per_page=15)
