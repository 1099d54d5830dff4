"""Fixtures of the intake that pages and commands which join apps need too, and the API's readers and months."""

from pathlib import Path

import pytest
from django.contrib.auth.models import User

from tagging.models import Team
from tests.costs.conftest import store, store_server
from tests.finops_site.api_world import Api, two_months

__all__ = ["store", "store_server"]


@pytest.fixture
def months(team: Team, other_team: Team, tmp_path: Path) -> list[int]:
    """January and February in force; returns their imports."""
    return two_months(team, other_team, tmp_path)


@pytest.fixture
def staff(finops_lead: User) -> Api:
    return Api(finops_lead)


@pytest.fixture
def lead(team_lead: User) -> Api:
    return Api(team_lead)
