"""Upkeep of accounts: who may log in, who is FinOps staff, whose eyes staff may look with."""

from typing import cast

from allauth.account.forms import ResetPasswordForm
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from costs.errors import InvalidRequestError
from costs.exports import export_response
from costs.pages import request_scope, staff_page
from tagging import selectors, services
from tagging.forms.teams import PersonForm, team_choices
from tagging.selectors import Person


@staff_page
def people(request: HttpRequest) -> HttpResponseBase:
    """Everybody with their teams and last log-in; the logs of changes and of view as."""
    scope = request_scope(request)
    found = selectors.people(scope)
    columns = ["User name", "Name", "Mail", "Teams", "FinOps", "May log in", "Last log-in"]
    rows = [person_cells(person) for person in found]
    if response := export_response(request, name="people", title_rows=[("People", "")], columns=columns, rows=rows):
        return response
    context = {
        "people": found,
        "changes": selectors.people_changes(scope),
        "log": selectors.view_as_log(scope),
        "mail_works": settings.MAIL_IS_CONFIGURED,
    }
    return render(request, "tagging/people.html", context)


@staff_page
@never_cache
@require_http_methods(["GET", "POST"])
def person_new(request: HttpRequest) -> HttpResponseBase:
    """Make an account; the link to set a password goes by mail, or a password is shown once."""
    scope = request_scope(request)
    form = PersonForm(
        request.POST or None,
        teams=team_choices(selectors.visible_teams(scope)),
        mail_works=settings.MAIL_IS_CONFIGURED,
        initial={"team_key": request.GET.get("team", "")},
    )
    if request.method == "POST" and form.is_valid():
        try:
            pk = services.create_person(form.as_input())
        except InvalidRequestError as error:
            form.add_error(None, str(error))
        else:
            return first_password(request, selectors.person(scope, pk))
    return render(request, "tagging/person_form.html", {"form": form}, status=400 if form.errors else 200)


@staff_page
@never_cache
@require_POST
def person_password(request: HttpRequest, pk: int) -> HttpResponseBase:
    """A new link to set a password, or a new password shown once."""
    return first_password(request, selectors.person(request_scope(request), pk))


@staff_page
@require_POST
def person_change(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Give or take FinOps membership, or the log-in; each the other's undo."""
    person = selectors.person(request_scope(request), pk)
    staff, wanted = cast("User", request.user), request.POST.get("change", "")
    try:
        if wanted in {"finops", "not_finops"}:
            services.set_finops(pk, staff=staff, is_finops=wanted == "finops")
        elif wanted in {"active", "not_active"}:
            services.set_active(pk, staff=staff, is_active=wanted == "active")
        else:
            raise InvalidRequestError(f"'{wanted}' is not a change. Use finops, not_finops, active or not_active.")
    except InvalidRequestError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, CHANGED[wanted].format(person.username))
    return redirect("tagging:people")


CHANGED = {
    "finops": "{} is FinOps staff and sees everything.",
    "not_finops": "{} is no longer FinOps staff and sees own teams only.",
    "active": "{} can log in again.",
    "not_active": "{} can no longer log in.",
}


def first_password(request: HttpRequest, person: Person) -> HttpResponseBase:
    """Send the link where mail works and there is an address; else show a generated password, this once."""
    if settings.MAIL_IS_CONFIGURED and person.email:
        mail = ResetPasswordForm(data={"email": person.email})
        if mail.is_valid():
            mail.save(request)
            services.note_password_link(person.pk, staff=cast("User", request.user))
            messages.success(request, f"A link to set a password is on its way to {person.email}.")
            return redirect("tagging:people")
    try:
        password = services.give_one_time_password(person.pk, staff=cast("User", request.user))
    except InvalidRequestError as error:
        messages.error(request, str(error))
        return redirect("tagging:people")
    return render(request, "tagging/person_password.html", {"person": person, "password": password})


def person_cells(person: Person) -> tuple[str, ...]:
    """One person as a row of a file."""
    return (
        person.username,
        person.full_name,
        person.email,
        ", ".join(f"{place.team_name} ({place.role.value})" for place in person.teams),
        "yes" if person.is_finops else "no",
        "yes" if person.is_active else "no",
        person.last_login.date().isoformat() if person.last_login else "never",
    )
