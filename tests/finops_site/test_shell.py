"""The page shell and the pages every visitor may meet."""

import re

import pytest
from django.contrib.auth.models import User
from django.core import mail
from django.template.loader import render_to_string
from django.test import Client
from django.urls import reverse

from tests.conftest import ClientFor

PASSWORD_PAGE = "/accounts/password/change/"


@pytest.fixture
def anonymous(db: None) -> Client:
    return Client()


def test_the_log_in_lets_the_right_password_in(finops_lead: User, anonymous: Client) -> None:
    answer = anonymous.post(reverse("account_login"), {"login": "fiona@example.com", "password": "pass-for-tests"})
    assert (answer.status_code, answer["Location"]) == (302, "/")
    assert anonymous.session["_auth_user_id"] == str(finops_lead.pk)


def test_the_log_in_says_what_is_wrong_and_keeps_the_name(finops_lead: User, anonymous: Client) -> None:
    page = anonymous.post(reverse("account_login"), {"login": "fiona", "password": "wrong"}).content.decode()
    assert 'class="errorlist nonfield"' in page
    assert 'value="fiona"' in page


def test_nobody_signs_up(anonymous: Client) -> None:
    assert anonymous.get("/accounts/signup/").status_code == 404


def test_logging_out_takes_a_post(client_for: ClientFor, finops_lead: User) -> None:
    client = client_for(finops_lead)
    assert client.get(reverse("account_logout")).status_code == 200
    assert "_auth_user_id" in client.session
    assert client.post(reverse("account_logout")).status_code == 302
    assert "_auth_user_id" not in client.session


def test_a_forgotten_password_is_set_anew_by_mail(finops_lead: User, anonymous: Client) -> None:
    answer = anonymous.post(reverse("account_reset_password"), {"email": "fiona@example.com"}, follow=True)
    assert "Check your mail" in answer.content.decode()
    sent = mail.outbox[0]
    assert sent.subject.endswith("Set a new FinOps password")
    link = re.search(r"http://testserver(/\S+)", str(sent.body))
    assert link is not None
    form = anonymous.get(link[1], follow=True)
    assert "Set a new password" in form.content.decode()
    fresh = {"password1": "a-quite-new-one-9", "password2": "a-quite-new-one-9"}
    done = anonymous.post(form.redirect_chain[-1][0], fresh, follow=True)
    assert "Your new password is set" in done.content.decode()
    finops_lead.refresh_from_db()
    assert finops_lead.check_password("a-quite-new-one-9")


def test_an_unknown_address_gets_the_same_answer_and_no_mail(anonymous: Client) -> None:
    answer = anonymous.post(reverse("account_reset_password"), {"email": "nobody@example.com"}, follow=True)
    assert "Check your mail" in answer.content.decode()
    assert mail.outbox == []


def test_a_used_link_says_so(anonymous: Client) -> None:
    page = anonymous.get(reverse("account_reset_password_from_key", args=["1", "used-up"])).content.decode()
    assert "This link is not valid" in page


def test_a_password_is_changed_by_its_owner(client_for: ClientFor, team_lead: User) -> None:
    fields = {"oldpassword": "pass-for-tests", "password1": "another-good-1", "password2": "another-good-1"}
    assert client_for(team_lead).post(PASSWORD_PAGE, fields).status_code == 302
    team_lead.refresh_from_db()
    assert team_lead.check_password("another-good-1")


def test_the_menu_of_staff_has_upkeep_and_that_of_a_team_has_not(
    client_for: ClientFor, finops_lead: User, team_lead: User
) -> None:
    staff = client_for(finops_lead).get(PASSWORD_PAGE).content.decode()
    team = client_for(team_lead).get(PASSWORD_PAGE).content.decode()
    assert 'href="/admin/"' in staff
    assert 'href="/admin/"' not in team
    assert "Upkeep" not in team


def test_pages_have_no_inline_script_style_or_handler(client_for: ClientFor, finops_lead: User) -> None:
    answer = client_for(finops_lead).get(PASSWORD_PAGE)
    page = answer.content.decode()
    assert not re.search(r"\s(style|on[a-z]+)=\"", page)
    assert all("src=" in tag for tag in re.findall(r"<script[^>]*>", page))
    assert "unsafe" not in answer["Content-Security-Policy"]


@pytest.mark.parametrize(("cookie", "shown"), [("dark", True), ("light", True), ('"><script>', False), ("", False)])
def test_the_chosen_colours_come_from_the_server(anonymous: Client, cookie: str, shown: bool) -> None:
    if cookie:
        anonymous.cookies["theme"] = cookie
    page = anonymous.get(reverse("account_login")).content.decode()
    assert (f'data-theme="{cookie}"' in page) is shown
    assert "data-theme=" in page if shown else '<html lang="en">' in page


def test_a_page_that_is_not_there_says_so(anonymous: Client) -> None:
    answer = anonymous.get("/no/such/page/")
    assert answer.status_code == 404
    assert "There is nothing here" in answer.content.decode()


@pytest.mark.parametrize("name", ["400.html", "403.html", "403_csrf.html", "404.html", "500.html"])
def test_error_pages_stand_without_any_context(name: str) -> None:
    assert "</html>" in render_to_string(name)


def test_the_error_page_of_a_refused_write_has_the_way_back(finops_lead: User, team_lead: User) -> None:
    page = render_to_string("403_view_as.html", {"view_as": finops_lead, "user": team_lead})
    assert 'action="/view-as/stop/"' in page
    assert "You see what Leo sees" in page
