"""Who asks for budgets over the API, and the month they ask about."""

from collections.abc import Iterator
from datetime import date

import pytest
import time_machine
from django.contrib.auth.models import User

from budgets.terms import ScopeKind
from tagging.models import Team
from tests.budgets.world import evaluate, make_budget, make_rules, november, october
from tests.finops_site.api_world import Api


@pytest.fixture
def mid_november(team: Team, other_team: Team) -> Iterator[None]:
    """Payments: 140 of 250 spent, 300 expected; search 56 spent; everything: 196 of 400 spent, 420 expected."""
    make_rules()
    october()
    november(14)
    make_budget()
    make_budget(ScopeKind.TOTAL, "", amount="400", name="Everything")
    with time_machine.travel(date(2025, 11, 15), tick=False):
        evaluate(15)
        yield


@pytest.fixture
def staff(finops_lead: User) -> Api:
    return Api(finops_lead)


@pytest.fixture
def lead(team_lead: User) -> Api:
    return Api(team_lead)
