"""Fixtures for every test: three roles, a logged-in client, and a frozen day."""

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client

from costs.reading import forget_versions
from tagging.models import Membership, Team
from tagging.terms import FINOPS_GROUP, MemberRole

ClientFor = Callable[[User], Client]


@pytest.fixture(autouse=True)
def nothing_kept() -> Iterator[None]:
    """What a process holds of versions of bills is of this test's database."""
    forget_versions()
    yield
    forget_versions()


@pytest.fixture
def today() -> date:
    """The day tests live on."""
    return date(2026, 3, 10)


@pytest.fixture
def now(today: date) -> datetime:
    """Ten in the morning of that day."""
    return datetime(today.year, today.month, today.day, 10, tzinfo=UTC)


@pytest.fixture
def finops_lead(db: None) -> User:
    """A member of the FinOps group, not a superuser: sees everything."""
    user = User.objects.create_user("fiona", "fiona@example.com", "pass-for-tests", first_name="Fiona")
    user.groups.add(Group.objects.get_or_create(name=FINOPS_GROUP)[0])
    return user


@pytest.fixture
def team(db: None) -> Team:
    """The team that `team_lead` leads and `viewer` looks at."""
    return Team.objects.create(key="payments", name="Payments", cost_center="CC-100")


@pytest.fixture
def other_team(db: None) -> Team:
    """A team nobody of `team` may see anything of."""
    return Team.objects.create(key="search", name="Search", cost_center="CC-200")


@pytest.fixture
def team_lead(team: Team) -> User:
    """Leads `team` and nothing else."""
    return member_of(team, "leo", MemberRole.LEAD)


@pytest.fixture
def viewer(team: Team) -> User:
    """May look at `team` and change nothing."""
    return member_of(team, "vera", MemberRole.VIEWER)


@pytest.fixture
def other_lead(other_team: Team) -> User:
    """Leads `other_team` and nothing else."""
    return member_of(other_team, "otto", MemberRole.LEAD)


@pytest.fixture
def client_for() -> ClientFor:
    """A browser in which this user is logged in."""

    def logged_in(user: User) -> Client:
        client = Client()
        client.force_login(user)
        return client

    return logged_in


@pytest.fixture
def staff(finops_lead: User, client_for: ClientFor) -> Client:
    """The FinOps lead's browser."""
    return client_for(finops_lead)


@pytest.fixture
def lead(team_lead: User, client_for: ClientFor) -> Client:
    """The team lead's browser."""
    return client_for(team_lead)


def member_of(team: Team, username: str, role: MemberRole) -> User:
    user = User.objects.create_user(username, f"{username}@example.com", "pass-for-tests", first_name=username.title())
    Membership.objects.create(team=team, user=user, role=role.value)
    return user
