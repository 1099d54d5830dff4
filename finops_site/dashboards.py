"""Pages that join what all apps know: the start page, the overview and the page of a team."""

from datetime import date
from typing import Any
from urllib.parse import urlencode

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from costs.pages import current_moment, request_scope, staff_page
from costs.periods import BillingPeriod
from costs.queries import Granularity
from costs.scope import Scope
from finops_site.panels import actions, changes, landing, plans, targets
from finops_site.panels import overview as whole
from finops_site.panels import team as one
from finops_site.panels.parts import MonthChoice, Panel
from finops_site.tables import ChangeTable, before_label
from tagging import selectors as ownership
from tagging.cubes import CostCube
from tagging.forms.months import MonthForm
from tagging.selectors import Movers, TeamView
from tagging.views.months import chosen_month


@require_safe
@login_required
def home(request: HttpRequest) -> HttpResponseBase:
    """Where a reader belongs: staff to the overview, members of one team to it, of several to the list of theirs."""
    scope = request_scope(request)
    if scope.everything:
        return redirect("overview")
    teams = ownership.visible_teams(scope)
    own = [team for team in teams if not team.parent_key]
    if len(own) == 1:
        return redirect("team", own[0].key)
    month = month_choice(request, scope)
    if month is None:
        return render(request, "dashboards/home.html", {"teams": own})
    cube = changes.month_cube(scope, month, "team")
    if cube.value is not None:
        movers = cube.value.by("team")
        rows = changes.change_rows(movers, whole.owner_href(month))
        table = ChangeTable(rows, movers=movers, label="Team", request=request, caption="My teams")
        if response := table.export(name=f"teams-{month.period}", title_rows=title_rows(movers)):
            return response
    context = {
        "teams": own,
        "month": month,
        "form": month_form(month),
        "trust": changes.trust_strip(scope, month),
        "costs": one.team_list(cube, teams),
    }
    return render(request, "dashboards/home.html", context)


@require_safe
@staff_page
def overview(request: HttpRequest) -> HttpResponseBase:
    """The whole bill: what it comes to, why it changed, what nobody owns."""
    scope = request_scope(request)
    month = month_choice(request, scope)
    now = current_moment()
    if month is None:
        return render(request, "dashboards/overview_empty.html", {"health": whole.import_health(scope, now=now)})
    cube = changes.month_cube(scope, month, "team", "service", "account")
    table = None
    if cube.value is not None:
        movers = cube.value.by("team")
        rows = changes.change_rows(movers, whole.owner_href(month))
        table = ChangeTable(rows, movers=movers, label="Owner", request=request, caption="Spend by owner")
        if response := table.export(name=f"overview-{month.period}", title_rows=title_rows(movers)):
            return response
    context = {
        "month": month,
        "form": month_form(month),
        **links(month, cube),
        "trust": changes.trust_strip(scope, month),
        "needs_setup": whole.has_no_owners(cube) and ownership.needs_setup(scope),
        "headline": changes.headline(cube, by="team"),
        "spend": whole.team_spend(scope, month, cube),
        "team_movers": whole.team_movers(cube, month),
        "service_movers": whole.service_movers(cube, month),
        "services": whole.top_services(cube, month),
        "unallocated": whole.unallocated(cube, month),
        "health": whole.import_health(scope, now=now),
        **_overview_plans(scope, month, cube, today=now.date()),
        "table": table,
    }
    return render(request, "dashboards/overview.html", context)


def _overview_plans(scope: Scope, month: MonthChoice, cube: Panel[CostCube], *, today: date) -> dict[str, Any]:
    """What comes first: where the month lands, what to do, how far the targets are."""
    rows = landing.month_budgets(scope, month, today=today)
    asked = landing.Asked(scope, month, today, whole.team_href(month))
    return {
        "landing": landing.landing(asked, rows, cube),
        "actions": actions.best_actions(scope, month),
        "targets": targets.target_tiles(scope, month, rows),
        "budgets": plans.outlook(rows),
    }


@require_safe
@login_required
def team(request: HttpRequest, team_key: str) -> HttpResponseBase:
    """One team's month: what it cost, why it changed, what to tag."""
    scope = request_scope(request)
    shown = ownership.team_by_key(scope, team_key)
    lower = one.below(shown, ownership.visible_teams(scope))
    ownership.read_months_ahead(scope)
    month = month_choice(request, one.with_sub_teams(shown, lower))
    if month is None:
        return render(request, "dashboards/team_empty.html", {"team": shown})
    family = changes.month_cube(one.with_sub_teams(shown, lower), month, "team", "service", "usage_type")
    own = one.own_part(shown, family)
    table = None
    if own.value is not None:
        movers = own.value.by("service")
        rows = changes.change_rows(movers, one.service_href(shown, month), ("team", shown.key))
        table = ChangeTable(
            rows,
            movers=movers,
            label="Service",
            own=(("team", shown.key),),
            request=request,
            caption="Costs by service",
        )
        name = f"team-{shown.key}-{month.period}"
        if response := table.export(name=name, title_rows=[("Team", shown.name), *title_rows(movers)]):
            return response
    context = {
        "team": shown,
        "month": month,
        "form": month_form(month),
        **links(month, own),
        **_team_panels(scope, shown, month, own),
        "sub_teams": one.sub_teams(shown, month, lower, family),
        "table": table,
    }
    return render(request, "dashboards/team.html", context)


def _team_panels(scope: Scope, team: TeamView, month: MonthChoice, cube: Panel[CostCube]) -> dict[str, Any]:
    own, today = one.only(team), current_moment().date()
    rows = landing.month_budgets(own, month, today=today)
    asked = landing.Asked(own, month, today, one.service_url(team, month), team.key)
    landing.days_ahead(asked, rows)
    return {
        "trust": changes.trust_strip(scope, month),
        "headline": changes.headline(cube, ("team", team.key), by="service"),
        "daily": one.daily_spend(own, team, month, cube),
        "services": one.services(team, month, cube),
        "service_movers": one.movers_chart(team, month, cube, by="service"),
        "usage_movers": one.movers_chart(team, month, cube, by="usage_type"),
        "resources": one.top_resources(own, team, month),
        "compliance": changes.tag_compliance(own, month),
        "landing": landing.landing(asked, rows, cube),
        "best": actions.best_finding(own, month),
        "shares": one.shares(team, month),
        "budgets": plans.outlook(rows, team_key=team.key),
        "members": ownership.team_members(scope, team.key) if scope.everything else (),
    }


def month_choice(request: HttpRequest, scope: Scope) -> MonthChoice | None:
    """The month, basis, currency and width of columns the URL asks for; None while the reader has no costs."""
    month = chosen_month(request, scope)
    if month is None:
        return None
    return MonthChoice(
        period=month.period,
        metric=month.metric,
        currency=month.currency,
        granularity=_width(request, month.periods),
        periods=month.periods,
        currencies=month.currencies,
        is_basis_asked=bool(request.GET.get("basis")),
    )


def _width(request: HttpRequest, periods: tuple[BillingPeriod, ...]) -> Granularity:
    """Days or months as asked; days of the first month there is, since its column would stand alone."""
    asked = request.GET.get("per")
    if asked in (Granularity.DAY.value, Granularity.MONTH.value):
        return Granularity(asked)
    return Granularity.DAY if len(periods) == 1 else Granularity.MONTH


def title_rows(movers: Movers) -> list[tuple[str, str]]:
    """The head of an exported file."""
    return [
        ("Month", str(movers.period)),
        ("Compared with", f"{movers.previous}, first {movers.day_count} days"),
        ("Basis", f"{movers.metric.value} cost"),
        ("Currency", movers.currency),
    ]


def month_form(month: MonthChoice) -> MonthForm:
    """The filters of a dashboard."""
    shown = {"period": str(month.period), "basis": month.metric.value, "currency": month.currency}
    return MonthForm(initial=shown, periods=month.periods, currencies=month.currencies)


def links(month: MonthChoice, cube: Panel[CostCube]) -> dict[str, Any]:
    """Addresses and texts that several panels show."""
    before = cube.value.by(cube.value.dimensions[0]) if cube.value else None
    return {
        "month_params": urlencode(month.params),
        "statement_params": urlencode(month.page_params),
        "before": f"against {before_label(before)}" if before else "",
        "has_before": bool(before and before.previous_total),
        "widths": [
            (per, label, f"?{urlencode({**month.params, 'per': per.value})}")
            for per, label in ((Granularity.MONTH, "Months"), (Granularity.DAY, "Days"))
        ],
        "kept": [("per", month.granularity.value)],
    }
