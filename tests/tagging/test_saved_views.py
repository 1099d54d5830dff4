"""Saved views: each user's own, for fixed months or the newest full ones, and nobody else's business."""

from html import unescape
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from tagging.models import SavedView
from tagging.services import saved_views
from tests.conftest import ClientFor
from tests.tagging.builders import NOVEMBER, OCTOBER, Spend, month

pytestmark = pytest.mark.django_db
DECEMBER_5 = "2025-12-05 10:00Z"
QUESTION = "from=2025-10&to=2025-11&by=account&basis=effective&service=Storage&then=region&top=15"


@pytest.fixture
def staff(finops_lead: User, client_for: ClientFor) -> Client:
    month([Spend("12")], period=OCTOBER)
    month([Spend("30")], period=NOVEMBER)
    return client_for(finops_lead)


def save(client: Client, name: str, query: str = QUESTION, *, moving: bool = False) -> Any:
    data = {"name": name, "query": query} | ({"moving": "on"} if moving else {})
    with time_machine.travel(DECEMBER_5):
        return client.post("/explore/views/", data, follow=True)


def test_a_view_of_fixed_months_opens_just_what_was_saved(staff: Client) -> None:
    page = save(staff, "  Storage   by account ")
    assert page.redirect_chain[-1][0] == (
        "/explore/?from=2025-10&to=2025-11&by=account&basis=effective&service=Storage&then=region&top=15"
    )
    assert "Saved as “Storage by account”." in unescape(page.content.decode())
    view = SavedView.objects.get()
    opened = staff.get(f"/explore/views/{view.pk}/")
    assert opened.headers["Location"] == page.redirect_chain[-1][0]


def test_a_moving_view_keeps_up_with_the_months(staff: Client) -> None:
    save(staff, "Storage", moving=True)
    view = SavedView.objects.get()
    assert (view.months, "2025" in view.params) == (2, False)
    with time_machine.travel(DECEMBER_5):
        assert "from=2025-10&to=2025-11&by=account" in staff.get(f"/explore/views/{view.pk}/").headers["Location"]
        page = staff.get("/explore/").content.decode()
    assert "the last 2 full months" in page
    month([Spend("1")], period=NOVEMBER.next())
    with time_machine.travel("2026-01-02 10:00Z"):
        assert "from=2025-11&to=2025-12&by=account" in staff.get(f"/explore/views/{view.pk}/").headers["Location"]


def test_the_same_name_again_replaces_the_question(staff: Client) -> None:
    save(staff, "Mine")
    save(staff, "Mine", "period=2025-11&by=region")
    view = SavedView.objects.get()
    assert "by=region" in view.params


@pytest.mark.parametrize(
    ("name", "query", "message"),
    [
        (" ", QUESTION, "Give the view a name of up to 80 characters."),
        ("x" * 81, QUESTION, "Give the view a name of up to 80 characters."),
        ("Mine", "&".join(f"account={number}" for number in range(400)), "too many filters"),
    ],
)
def test_what_cannot_be_saved_says_why(staff: Client, name: str, query: str, message: str) -> None:
    assert message in unescape(save(staff, name, query).content.decode())
    assert not SavedView.objects.exists()


def test_a_question_that_is_none_is_a_bad_request(staff: Client) -> None:
    response = staff.post("/explore/views/", {"name": "Mine", "query": "by=moon"})
    assert response.status_code == 400
    assert "moon" in response.content.decode()


def test_there_is_a_most(staff: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(saved_views, "MOST_VIEWS", 1)
    save(staff, "One")
    assert "You have 1 saved views already" in unescape(save(staff, "Two").content.decode())
    save(staff, "One", "period=2025-11")  # its own place is not a new one
    assert SavedView.objects.get().params.startswith("from=2025-11")


def test_views_are_their_owners_alone(staff: Client, team_lead: User, client_for: ClientFor) -> None:
    save(staff, "Secret plan")
    view = SavedView.objects.get()
    other = client_for(team_lead)
    assert "Secret plan" not in other.get("/explore/").content.decode()
    assert other.get(f"/explore/views/{view.pk}/").status_code == 404
    assert other.post(f"/explore/views/{view.pk}/remove/").status_code == 404
    assert rename(other, view.pk, "Mine").status_code == 404
    assert SavedView.objects.exists()


def test_a_view_is_removed_by_its_owner_who_is_offered_it_once_more(staff: Client) -> None:
    save(staff, "Mine", moving=True)
    with time_machine.travel(DECEMBER_5):
        page = staff.post(f"/explore/views/{SavedView.objects.get().pk}/remove/", {"query": QUESTION}, follow=True)
        assert page.redirect_chain[-1][0] == f"/explore/?{QUESTION}"
        assert "“Mine” is removed." in unescape(page.content.decode())
        assert not SavedView.objects.exists()
        form = page.context["removed"]
        assert "is removed" not in staff.get("/explore/").content.decode()
    save(staff, form["name"], form["query"], moving=form["is_moving"])  # what Undo posts
    view = SavedView.objects.get()
    assert (view.name, view.months, view.params) == (
        "Mine",
        2,
        "by=account&basis=effective&service=Storage&then=region&top=15",
    )


def rename(client: Client, pk: int, name: str) -> Any:
    with time_machine.travel(DECEMBER_5):
        return client.post(f"/explore/views/{pk}/rename/", {"name": name, "query": QUESTION}, follow=True)


def test_a_view_is_renamed_by_its_owner(staff: Client) -> None:
    save(staff, "Mine")
    page = rename(staff, SavedView.objects.get().pk, "  My   storage ")
    assert page.redirect_chain[-1][0] == f"/explore/?{QUESTION}"
    assert "The view is called “My storage” now." in unescape(page.content.decode())
    assert SavedView.objects.get().name == "My storage"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("Other", "You have a view “Other” already. Choose another name, or remove that one first."),
        (" ", "Give the view a name of up to 80 characters."),
        ("x" * 81, "Give the view a name of up to 80 characters."),
    ],
)
def test_a_name_that_cannot_be_says_why_and_changes_nothing(staff: Client, name: str, message: str) -> None:
    save(staff, "Other", "period=2025-11")
    save(staff, "Mine")
    assert message in unescape(rename(staff, SavedView.objects.get(name="Mine").pk, name).content.decode())
    assert set(SavedView.objects.values_list("name", flat=True)) == {"Mine", "Other"}


def test_without_costs_a_view_opens_the_empty_page(finops_lead: User, client_for: ClientFor) -> None:
    client = client_for(finops_lead)
    save(client, "Soon", "by=team", moving=True)
    assert client.get(f"/explore/views/{SavedView.objects.get().pk}/", follow=True).status_code == 200


def test_names_are_text_and_never_markup(staff: Client) -> None:
    save(staff, "<b>bold</b>")
    page = staff.get("/explore/").content.decode()
    assert "&lt;b&gt;bold&lt;/b&gt;" in page
    assert "<b>bold" not in page


@pytest.mark.usefixtures("team")  # a company with teams, whose outline says who is FinOps staff, too
def test_opening_a_view_takes_few_queries(staff: Client, django_assert_max_num_queries: DjangoAssertNumQueries) -> None:
    save(staff, "Mine")
    pk = SavedView.objects.get().pk
    with django_assert_max_num_queries(5):
        staff.get(f"/explore/views/{pk}/")
