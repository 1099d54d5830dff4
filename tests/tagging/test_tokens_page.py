"""A user's own API tokens: made, shown once, revoked, and ended by a new password."""

import re

import pytest
from django.contrib.auth.models import User
from django.test import Client
from knox.models import AuthToken

from tagging import services
from tests.conftest import ClientFor
from tests.tagging.page_world import text_of

pytestmark = pytest.mark.django_db
NEW = {"oldpassword": "pass-for-tests", "password1": "another-good-1", "password2": "another-good-1"}


def made_by(client: Client) -> str:
    answer = client.post("/tokens/", {"do": "make"})
    found = re.search(r'class="one-time one-time-long"><code>([^<]+)</code>', answer.content.decode())
    assert found is not None
    assert "no-store" in answer["Cache-Control"]
    return found[1]


def status_with(token: str) -> int:
    return Client().get("/api/v1/resources/", headers={"Authorization": f"Token {token}"}).status_code


def test_a_token_is_shown_once_and_reads_the_api(team_lead: User, client_for: ClientFor) -> None:
    client = client_for(team_lead)
    token = made_by(client)
    assert status_with(token) == 200
    page = text_of(client.get("/tokens/"))  # type: ignore[arg-type]
    assert token not in page
    assert f"{token[:8]}…" in page
    assert 'href="/tokens/"' in page


def test_a_revoked_token_is_refused_and_the_other_one_works_on(viewer: User, client_for: ClientFor) -> None:
    client = client_for(viewer)
    first, second = made_by(client), made_by(client)
    client.post("/tokens/", {"do": "revoke", "token": first[:8]})
    assert (status_with(first), status_with(second)) == (401, 200)
    client.post("/tokens/", {"do": "revoke_all"})
    assert status_with(second) == 401


def test_nobody_revokes_anothers_token(team_lead: User, viewer: User, client_for: ClientFor) -> None:
    token = made_by(client_for(team_lead))
    client_for(viewer).post("/tokens/", {"do": "revoke", "token": token[:8]})
    client_for(viewer).post("/tokens/", {"do": "revoke", "token": ""})
    assert status_with(token) == 200
    assert token[:8] not in text_of(client_for(viewer).get("/tokens/"))  # type: ignore[arg-type]


def test_too_many_tokens_are_refused_with_the_cure(viewer: User, client_for: ClientFor) -> None:
    for _ in range(20):
        services.make_token(viewer)
    answer = client_for(viewer).post("/tokens/", {"do": "make"}, follow=True)
    assert "Revoke one that is not in use first" in answer.content.decode()
    assert AuthToken.objects.count() == 20


def test_an_unknown_change_of_tokens_is_a_bad_request(viewer: User, client_for: ClientFor) -> None:
    assert client_for(viewer).post("/tokens/", {"do": "explode"}).status_code == 400


def test_view_as_neither_sees_nor_makes_tokens(finops_lead: User, team_lead: User, client_for: ClientFor) -> None:
    token = services.make_token(team_lead)
    staff = client_for(finops_lead)
    staff.post(f"/view-as/{team_lead.pk}/")
    page = staff.get("/tokens/")
    assert page.status_code == 403
    assert token[:8] not in page.content.decode()
    assert staff.post("/tokens/", {"do": "make"}).status_code == 403
    assert AuthToken.objects.count() == 1


def test_a_visitor_is_sent_to_the_log_in() -> None:
    answer = Client().get("/tokens/")
    assert answer.status_code == 302
    assert answer["Location"].startswith("/accounts/login/")


def test_changing_the_password_ends_tokens_and_other_sessions(team_lead: User, client_for: ClientFor) -> None:
    here, elsewhere = client_for(team_lead), client_for(team_lead)
    token = made_by(here)
    here.post("/accounts/password/change/", NEW)
    assert status_with(token) == 401
    assert here.get("/tokens/").status_code == 200
    assert elsewhere.get("/tokens/").status_code == 302


def test_a_one_time_password_ends_tokens_and_sessions(
    finops_lead: User, team_lead: User, client_for: ClientFor
) -> None:
    client, token = client_for(team_lead), services.make_token(team_lead)
    services.give_one_time_password(team_lead.pk, staff=finops_lead)
    assert status_with(token) == 401
    assert client.get("/tokens/").status_code == 302


def test_no_log_in_ends_tokens_for_good(finops_lead: User, team_lead: User) -> None:
    token = services.make_token(team_lead)
    services.set_active(team_lead.pk, staff=finops_lead, is_active=False)
    services.set_active(team_lead.pk, staff=finops_lead, is_active=True)
    assert status_with(token) == 401


def test_logging_in_and_renaming_leave_tokens_alone(team_lead: User) -> None:
    token = services.make_token(team_lead)
    Client().post("/accounts/login/", {"login": "leo", "password": "pass-for-tests"})
    team_lead.refresh_from_db()
    team_lead.first_name = "Leonard"
    team_lead.save()
    assert status_with(token) == 200


def test_tokens_of_others_stay_when_one_password_changes(team_lead: User, viewer: User) -> None:
    token = services.make_token(viewer)
    team_lead.set_password("another-good-1")
    team_lead.save()
    assert status_with(token) == 200


def test_expired_tokens_are_named_as_ended(viewer: User, client_for: ClientFor) -> None:
    services.make_token(viewer)
    AuthToken.objects.update(expiry="2026-01-02T00:00:00Z")
    assert "ended 2 Jan 2026" in text_of(client_for(viewer).get("/tokens/"))  # type: ignore[arg-type]
