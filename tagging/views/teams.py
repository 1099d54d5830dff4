"""Upkeep of teams and their members."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from costs import figures
from costs.errors import InvalidRequestError
from costs.exports import export_response
from costs.pages import request_scope, staff_page
from costs.scope import Scope
from tagging import selectors, services
from tagging.forms.teams import MemberForm, TeamForm, team_choices
from tagging.results import TeamView
from tagging.results.closes import OwnerOutOfUse
from tagging.selectors.inactive import still_given
from tagging.terms import MemberRole


@staff_page
def teams(request: HttpRequest) -> HttpResponseBase:
    """Every team under the team it is part of, with its members."""
    scope = request_scope(request)
    members = members_by_team(scope)
    found = in_order(selectors.visible_teams(scope))
    rows = [{"team": team, "depth": depth, "members": members.get(team.key, [])} for team, depth in found]
    columns = ["Key", "Name", "Cost centre", "Part of", "In use", "Members"]
    cells = [team_cells(team, members.get(team.key, [])) for team, _ in found]
    if response := export_response(request, name="teams", title_rows=[("Teams", "")], columns=columns, rows=cells):
        return response
    context = {"rows": rows, "needs_setup": selectors.needs_setup(scope)}
    return render(request, "tagging/teams.html", context)


@staff_page
@require_http_methods(["GET", "POST"])
def team_new(request: HttpRequest) -> HttpResponseBase:
    """Make a team."""
    parents = parent_choices(selectors.visible_teams(request_scope(request)))
    form = TeamForm(request.POST or None, parents=parents)
    if request.method == "POST" and form.is_valid():
        try:
            key = services.create_team(form.as_input())
        except InvalidRequestError as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, "Team made. Now give it members, and costs by a rule.")
            return redirect("tagging:team_edit", key)
    context = {"form": form, "team": None}
    return render(request, "tagging/team_form.html", context, status=400 if form.errors else 200)


@staff_page
@require_http_methods(["GET", "POST"])
def team_edit(request: HttpRequest, team_key: str) -> HttpResponseBase:
    """Change a team; its members stand beside the form."""
    scope = request_scope(request)
    team = selectors.team_by_key(scope, team_key)
    initial = {
        "name": team.name,
        "cost_center": team.cost_center,
        "parent_key": team.parent_key,
        "is_active": team.is_active,
    }
    parents = parent_choices(selectors.visible_teams(scope), but=team_key, chosen=team.parent_key)
    given = still_given(scope, team)
    form = TeamForm(
        request.POST or None, parents=parents, initial=initial, given=given_text(given) if team.is_active else ""
    )
    if request.method == "POST" and form.is_valid():
        try:
            services.update_team(team_key, form.as_input())
        except InvalidRequestError as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, f"{form.cleaned_data['name']} changed.")
            if team.is_active and not form.cleaned_data["is_active"] and given.has_any:
                messages.warning(request, f"{form.cleaned_data['name']} goes on getting costs; see below.")
            return redirect("tagging:team_edit", team_key)
    members = selectors.team_members(scope, team_key)
    context = {
        "form": form,
        "team": team,
        "members": members,
        "member_form": MemberForm(people=people_choices(scope, but={member.username for member in members})),
        "given": None if team.is_active or not given.has_any else given,
        "rules": [rule for rule in selectors.allocation_rules(scope) if rule.team_key == team_key],
    }
    return render(request, "tagging/team_form.html", context, status=400 if form.errors else 200)


@staff_page
@require_POST
def member_set(request: HttpRequest, team_key: str) -> HttpResponseBase:
    """Make somebody a member, or change their role."""
    scope = request_scope(request)
    team = selectors.team_by_key(scope, team_key)
    form = MemberForm(request.POST, people=people_choices(scope))
    if form.is_valid():
        name, role = form.cleaned_data["username"], MemberRole(form.cleaned_data["role"])
        services.set_member(team_key, name, role=role)
        messages.success(request, f"{name} is {role.value} of {team.name}.")
    else:
        messages.error(request, "Choose a person and a role.")
    return redirect("tagging:team_edit", team_key)


@staff_page
@require_POST
def member_remove(request: HttpRequest, team_key: str) -> HttpResponseBase:
    """End a membership; it can be given again at once."""
    team = selectors.team_by_key(request_scope(request), team_key)
    name = request.POST.get("username", "")
    services.remove_member(team_key, name)
    messages.success(request, f"{name} is no longer a member of {team.name}.")
    return redirect("tagging:team_edit", team_key)


def in_order(found: tuple[TeamView, ...]) -> list[tuple[TeamView, int]]:
    """Teams by name, each followed by the teams below it, with their depth."""
    below: dict[str, list[TeamView]] = {}
    for team in found:
        below.setdefault(team.parent_key, []).append(team)
    ordered: list[tuple[TeamView, int]] = []
    waiting = [(team, 0) for team in reversed(below.get("", []))]
    while waiting:
        team, depth = waiting.pop()
        ordered.append((team, depth))
        waiting += [(child, depth + 1) for child in reversed(below.get(team.key, []))]
    return ordered


def members_by_team(scope: Scope) -> dict[str, list[dict[str, Any]]]:
    """Everybody's memberships, by team."""
    found: dict[str, list[dict[str, Any]]] = {}
    for person in selectors.people(scope):
        for place in person.teams:
            entry = {"username": person.username, "name": person.full_name or person.username, "role": place.role.value}
            found.setdefault(place.team_key, []).append(entry)
    return found


def team_cells(team: TeamView, members: list[dict[str, Any]]) -> tuple[str, ...]:
    """One team as a row of a file."""
    names = ", ".join(f"{member['username']} ({member['role']})" for member in members)
    in_use = "yes" if team.is_active else "no"
    return (team.key, team.name, team.cost_center, team.parent_name, in_use, names)


def parent_choices(found: tuple[TeamView, ...], *, but: str = "", chosen: str = "") -> list[tuple[str, str]]:
    """Teams that another could be part of; one out of use only where it is part of that already."""
    return team_choices([team for team in found if team.key != but], chosen=(chosen,))


def given_text(given: OwnerOutOfUse) -> str:
    """What the box "In use" says before somebody takes a team out of use."""
    month = given.period.label if given.period else ""
    costs = f"{figures.money(given.cost, given.currency)} of {month} is its. " if given.cost else ""
    ways = f"{given.given_by} " if given.given_by else ""
    if not (costs or ways):
        return ""
    return (
        f"{costs}{ways}Out of use, it goes on getting them, and its members no longer see them: change the rules first."
    )


def people_choices(scope: Scope, *, but: set[str] | None = None) -> list[tuple[str, str]]:
    """Everybody who can log in, by user name, with their full name; `but` leaves members out."""
    found = [person for person in selectors.people(scope) if person.is_active and person.username not in (but or set())]
    return [
        (item.username, f"{item.username} ({item.full_name})" if item.full_name else item.username) for item in found
    ]
