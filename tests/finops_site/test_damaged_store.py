"""A damaged file of the store: pages and API say so with 503, to staff with the cure, to teams without places."""

from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.auth.models import User

from tests.conftest import ClientFor

pytestmark = [pytest.mark.django_db, pytest.mark.real_parts]
ADDRESSES = ("/lines/?period={}", "/api/v1/lines/?period={}")


@pytest.fixture
def month(months: list[int]) -> str:
    """A month in force whose file of charges has been cut short."""
    # Earlier tests leave files of imports with the same number in the folder: ours were written last.
    found = Path(settings.CHARGE_STORE).glob(f"source=*/billing_period=*/import={months[-1]}/charges-*.parquet")
    path = max(found, key=lambda each: each.stat().st_mtime_ns)
    path.write_bytes(path.read_bytes()[:50])
    return path.parent.parent.name.removeprefix("billing_period=")


@pytest.mark.parametrize("address", ADDRESSES)
def test_staff_are_told_what_is_damaged_and_the_cure(
    address: str, month: str, finops_lead: User, client_for: ClientFor
) -> None:
    answer = client_for(finops_lead).get(address.format(month))
    assert answer.status_code == 503
    told = answer.content.decode()
    assert f"billing_period={month}/import=" in told
    assert "manage.py verify_charges says which." in told


@pytest.mark.parametrize("address", ADDRESSES)
def test_a_team_is_told_whom_to_ask_and_nothing_of_places(
    address: str, month: str, team_lead: User, client_for: ClientFor
) -> None:
    answer = client_for(team_lead).get(address.format(month))
    assert answer.status_code == 503
    told = answer.content.decode()
    assert "cannot be read just now. Your FinOps lead can find out why." in told
    assert "source=" not in told
    assert "verify_charges" not in told
