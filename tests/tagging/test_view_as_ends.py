"""Looking with another's eyes ends, with its log entry, when it is no longer right; nothing private is cached."""

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client
from django.urls import reverse

from tagging.access import VIEW_AS_SESSION_KEY
from tagging.models import Membership, ViewAs
from tagging.terms import FINOPS_GROUP
from tests.conftest import ClientFor
from tests.tagging.page_world import two_months

pytestmark = pytest.mark.django_db
TOLD = "Viewing as another user has ended"


@pytest.fixture
def looking(finops_lead: User, team_lead: User, client_for: ClientFor) -> Client:
    """Staff, seeing pages as the team's lead."""
    client = client_for(finops_lead)
    client.post(f"/view-as/{team_lead.pk}/")
    assert ViewAs.objects.get().ended_at is None
    return client


def is_closed(client: Client) -> bool:
    return ViewAs.objects.get().ended_at is not None and VIEW_AS_SESSION_KEY not in client.session


def test_logging_out_while_looking_closes_the_look(looking: Client) -> None:
    looking.post(reverse("account_logout"))
    assert is_closed(looking)
    assert "_auth_user_id" not in looking.session


def test_looking_ends_with_a_message_when_the_viewed_user_may_no_longer_log_in(
    looking: Client, team_lead: User
) -> None:
    User.objects.filter(pk=team_lead.pk).update(is_active=False)
    page = looking.get("/people/", follow=True)
    assert TOLD in page.content.decode()
    assert is_closed(looking)
    assert TOLD not in looking.get("/people/").content.decode()


def test_looking_ends_with_a_message_when_the_viewed_user_becomes_finops_staff(
    looking: Client, team_lead: User
) -> None:
    team_lead.groups.add(Group.objects.get_or_create(name=FINOPS_GROUP)[0])
    assert TOLD in looking.get("/explore/", follow=True).content.decode()
    assert is_closed(looking)


def test_a_write_meant_for_other_eyes_is_not_done_with_ones_own(looking: Client, team_lead: User) -> None:
    User.objects.filter(pk=team_lead.pk).update(is_active=False)
    answer = looking.post("/new-team/", {"name": "Surprise"})
    assert (answer.status_code, answer["Location"]) == (302, "/")
    assert "Surprise" not in looking.get("/teams/").content.decode()


def test_looking_ends_when_the_staff_member_is_staff_no_longer(looking: Client, finops_lead: User) -> None:
    finops_lead.groups.clear()
    looking.get("/")
    assert is_closed(looking)


def test_a_look_that_is_stopped_is_closed_and_goes_on_until_then(looking: Client) -> None:
    looking.get("/")
    assert not is_closed(looking)
    looking.post("/view-as/stop/")
    assert is_closed(looking)


@pytest.mark.parametrize("path", ["/explore/", "/explore/?format=csv", "/explore/?format=xlsx", "/tags/", "/no/page/"])
def test_nothing_a_reader_gets_is_kept_by_caches(
    path: str, team_lead: User, other_lead: User, client_for: ClientFor
) -> None:
    two_months()
    assert client_for(team_lead).get(path)["Cache-Control"] == "private, no-store"


def test_pages_seen_with_others_eyes_are_not_kept_by_caches(looking: Client) -> None:
    assert looking.get("/tags/")["Cache-Control"] == "private, no-store"


def test_the_log_of_changes_names_who_set_whose_password(
    finops_lead: User, team_lead: User, client_for: ClientFor, settings: object
) -> None:
    settings.MAIL_IS_CONFIGURED = False  # type: ignore[attr-defined]
    second = User.objects.create_user("felix", "felix@example.com", "pass-for-tests")
    second.groups.add(Group.objects.get_or_create(name=FINOPS_GROUP)[0])
    client = client_for(finops_lead)
    client.post(f"/people/{second.pk}/password/")
    client.post(f"/people/{team_lead.pk}/change/", {"change": "finops"})
    client.post(f"/people/{team_lead.pk}/change/", {"change": "not_active"})
    page = client.get("/people/").content.decode()
    log = page[page.index("Log of changes") : page.index("Log of “view as”")]
    for text in ("One-time password set", "Made FinOps staff", "Log-in stopped", "fiona", "felix", "leo"):
        assert text in log


def test_the_log_of_changes_names_password_links_sent_by_mail(
    finops_lead: User, team_lead: User, client_for: ClientFor, settings: object
) -> None:
    settings.MAIL_IS_CONFIGURED = True  # type: ignore[attr-defined]
    client = client_for(finops_lead)
    client.post(f"/people/{team_lead.pk}/password/")
    assert "Link to set a password sent" in client.get("/people/").content.decode()


def test_the_members_of_a_team_stand_beside_what_their_roles_mean(
    finops_lead: User, team_lead: User, client_for: ClientFor
) -> None:
    assert Membership.objects.exists()
    page = client_for(finops_lead).get("/teams/payments/edit/").content.decode()
    assert "Both roles see the same" in page
