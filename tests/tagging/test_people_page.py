"""Upkeep of teams and people, first passwords, and looking with another's eyes."""

import re

import pytest
from django.contrib.auth.models import User
from django.core import mail
from django.http import HttpResponse
from django.test import Client
from pytest_django import DjangoAssertNumQueries
from pytest_django.fixtures import Settings

from tagging.models import Membership, Team, ViewAs
from tests.conftest import ClientFor
from tests.pages import get
from tests.tagging.page_world import QUERIES, file_of, text_of, two_months

pytestmark = pytest.mark.django_db
NEW = {"username": "nina", "full_name": "Nina Noor", "email": "nina@example.com", "role": "lead"}


@pytest.fixture
def staff(finops_lead: User, client_for: ClientFor, team: Team, other_team: Team) -> Client:
    return client_for(finops_lead)


def post(client: Client, path: str, data: dict[str, str] | None = None) -> HttpResponse:
    response: HttpResponse = client.post(path, data or {})  # type: ignore[assignment]
    return response


# --- teams ----------------------------------------------------------------------------------------


def test_a_new_team_gets_a_key_from_its_name_and_stands_below_its_parent(staff: Client) -> None:
    response = post(
        staff, "/new-team/", {"name": "Fraud Desk", "cost_center": "CC-9", "parent_key": "payments", "is_active": "on"}
    )
    assert response["Location"] == "/teams/fraud-desk/edit/"
    _, rows = file_of(get(staff, "/teams/?format=csv"))
    assert rows[1:] == [
        ["payments", "Payments", "CC-100", "", "yes", ""],
        ["fraud-desk", "Fraud Desk", "CC-9", "Payments", "yes", ""],
        ["search", "Search", "CC-200", "", "yes", ""],
    ]


def test_a_team_name_that_is_taken_is_refused(staff: Client) -> None:
    response = post(staff, "/new-team/", {"name": "search"})
    assert response.status_code == 400
    assert "already" in text_of(response)


def test_a_team_cannot_stand_below_itself(staff: Client, team: Team) -> None:
    Team.objects.create(key="below", name="Below", parent=team)
    response = post(staff, "/teams/payments/edit/", {"name": "Payments", "parent_key": "below", "is_active": "on"})
    assert response.status_code == 400
    assert "below itself" in text_of(response)


def test_members_come_change_role_and_go(staff: Client, other_lead: User) -> None:
    post(staff, "/teams/payments/members/", {"username": "otto", "role": "viewer"})
    post(staff, "/teams/payments/members/", {"username": "otto", "role": "lead"})
    assert Membership.objects.get(team__key="payments", user=other_lead).role == "lead"
    assert "otto" in text_of(get(staff, "/teams/payments/edit/"))
    post(staff, "/teams/payments/members/remove/", {"username": "otto"})
    assert not Membership.objects.filter(team__key="payments").exists()


# --- people ---------------------------------------------------------------------------------------


def test_a_new_person_gets_a_password_that_is_shown_once(staff: Client, settings: Settings) -> None:
    settings.MAIL_IS_CONFIGURED = False
    response = post(staff, "/people/new/", {**NEW, "team_key": "payments"})
    found = re.search(r'class="one-time"><code>([^<]+)</code>', text_of(response))
    assert found is not None
    assert "no-store" in response["Cache-Control"]
    nina = User.objects.get(username="nina")
    assert nina.check_password(found[1])
    assert (nina.first_name, nina.last_name, nina.is_staff, nina.is_superuser) == ("Nina", "Noor", False, False)
    assert nina.memberships.get().role == "lead"
    assert found[1] not in text_of(get(staff, "/people/"))


def test_a_new_person_gets_a_link_by_mail_where_mail_works(staff: Client, settings: Settings) -> None:
    settings.MAIL_IS_CONFIGURED = True
    response = post(staff, "/people/new/", NEW)
    assert response["Location"] == "/people/"
    assert [message.to for message in mail.outbox] == [["nina@example.com"]]
    link = re.search(r"http://testserver(/accounts/password/reset/key/\S+)", str(mail.outbox[0].body))
    assert link is not None
    assert get(Client(), link[1]).status_code in {200, 302}
    assert not User.objects.get(username="nina").has_usable_password()


def test_a_user_name_or_address_that_is_taken_is_refused(staff: Client, team_lead: User) -> None:
    for change in ({"username": "leo"}, {"email": "LEO@example.com"}):
        response = post(staff, "/people/new/", {**NEW, **change})
        assert response.status_code == 400
        assert "already" in text_of(response)


def test_finops_staff_and_log_in_are_given_and_taken(staff: Client, team_lead: User, client_for: ClientFor) -> None:
    path = f"/people/{team_lead.pk}/change/"
    post(staff, path, {"change": "finops"})
    assert get(client_for(team_lead), "/rules/").status_code == 200
    post(staff, path, {"change": "not_finops"})
    assert get(client_for(team_lead), "/rules/").status_code == 404
    post(staff, path, {"change": "not_active"})
    team_lead.refresh_from_db()
    assert not team_lead.is_active
    post(staff, path, {"change": "active"})
    team_lead.refresh_from_db()
    assert team_lead.is_active


def test_nobody_changes_themselves_or_a_superuser_above_them(staff: Client, finops_lead: User) -> None:
    root = User.objects.create_superuser("root", "root@example.com", "pass-for-tests")
    for person in (finops_lead, root):
        post(staff, f"/people/{person.pk}/change/", {"change": "not_active"})
        post(staff, f"/people/{person.pk}/password/")
        person.refresh_from_db()
        assert person.is_active
        assert person.check_password("pass-for-tests")


def test_a_new_one_time_password_replaces_the_old_one(staff: Client, team_lead: User, settings: Settings) -> None:
    settings.MAIL_IS_CONFIGURED = False
    response = post(staff, f"/people/{team_lead.pk}/password/")
    assert "Shown this once" in text_of(response)
    team_lead.refresh_from_db()
    assert not team_lead.check_password("pass-for-tests")


def test_people_come_as_a_file(staff: Client, team_lead: User) -> None:
    _, rows = file_of(get(staff, "/people/?format=csv"))
    assert [row[0] for row in rows[1:]] == ["fiona", "leo"]
    assert rows[2][3] == "Payments (lead)"


# --- view as --------------------------------------------------------------------------------------


def test_view_as_shows_the_members_pages_read_only_and_is_logged(staff: Client, team_lead: User) -> None:
    two_months()
    assert post(staff, f"/view-as/{team_lead.pk}/").status_code == 302
    assert get(staff, "/statements/search/").status_code == 404
    text = text_of(get(staff, "/statements/payments/"))
    assert "You see what Leo sees" in text
    assert "$42.00" not in text
    assert post(staff, "/new-team/", {"name": "Sneaky"}).status_code == 403
    assert post(staff, "/view-as/stop/")["Location"] == "/people/"
    look = ViewAs.objects.get()
    assert (look.staff.username, look.viewed.username) == ("fiona", "leo")
    assert look.ended_at is not None
    page = text_of(get(staff, "/people/"))
    assert "fiona" in page[page.index("Log of") :]


def test_view_as_refuses_finops_staff_and_is_not_there_for_others(
    staff: Client, finops_lead: User, team_lead: User, other_lead: User, client_for: ClientFor
) -> None:
    post(staff, f"/view-as/{finops_lead.pk}/")
    assert not ViewAs.objects.exists()
    lead = client_for(team_lead)
    assert post(lead, f"/view-as/{other_lead.pk}/").status_code == 404
    assert get(lead, f"/view-as/{other_lead.pk}/").status_code == 404
    assert not ViewAs.objects.exists()


@pytest.mark.parametrize("path", ["/teams/", "/teams/payments/edit/", "/people/", "/people/new/"])
def test_pages_keep_their_query_budget(
    staff: Client, team_lead: User, django_assert_max_num_queries: DjangoAssertNumQueries, path: str
) -> None:
    with django_assert_max_num_queries(QUERIES):
        get(staff, path)
