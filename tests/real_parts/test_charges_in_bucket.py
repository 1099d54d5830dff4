"""Real, forked workers with their charges in an object store, also when one is killed on the way."""

from pathlib import Path

import pytest
from pytest_django.fixtures import Settings

from costs import charge_store
from costs.models import BillImport
from costs.scope import Scope
from costs.selectors.verifying import verify_charges
from costs.terms import ImportState
from finops_site import tasks
from tests.real_parts.conftest import StartWorker
from tests.real_parts.months import FIRST, FIRST_TOTAL, everything_seen, make_teams, queue_month, wait_for_state
from tests.real_parts.object_store import BUCKET, ObjectStore
from tests.real_parts.test_source_to_page import store  # noqa: F401 - the fixture

pytestmark = pytest.mark.real_parts


@pytest.mark.parametrize("die_after", ["", "load"])
def test_worker_puts_a_month_into_the_bucket_and_pages_read_it(
    die_after: str,
    places: Path,
    store: ObjectStore,  # noqa: F811
    settings: Settings,
    start_worker: StartWorker,
) -> None:
    settings.CHARGE_STORE = f"s3://{BUCKET}/charges"
    store.clear()
    make_teams()
    pk = queue_month(places / "in", FIRST, name="first")
    start_worker(die_after=die_after, pool="prefork")
    tasks.run_import.delay(pk)
    wait_for_state(pk, ImportState.IN_FORCE)
    assert (places / "died").exists() == bool(die_after)
    assert everything_seen().sums["DailyCost"][0] == FIRST_TOTAL
    found = verify_charges(Scope.all())
    assert (found.differences, found.strays, found.imports) == ([], [], 1)
    assert charge_store.landings_left() == []
    assert BillImport.objects.count() == 1
