"""Several at once: imports of one month, and people who read and write while one runs."""

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from costs.models import BillImport
from costs.scope import Scope
from costs.terms import CostMetric, ImportState
from finops_site import tasks
from tagging import selectors as ownership
from tagging.models import Team
from tests.leaks.bills import Line
from tests.real_parts.conftest import StartWorker
from tests.real_parts.months import (
    FIRST,
    FIRST_TOTAL,
    PERIOD,
    SECOND,
    SECOND_TOTAL,
    everything_seen,
    make_teams,
    month_in_force,
    queue_month,
    wait_for_state,
)

pytestmark = pytest.mark.real_parts
ENDED = (ImportState.IN_FORCE, ImportState.REPLACED, ImportState.SUPERSEDED, ImportState.UNCHANGED, ImportState.FAILED)


def test_newer_import_is_in_force_when_two_of_one_month_run_at_once(places: Path, start_worker: StartWorker) -> None:
    make_teams()
    older = queue_month(places / "files", FIRST, name="first")
    newer = queue_month(places / "files", SECOND, name="second")
    start_worker()
    start_worker()
    for pk in (newer, older):
        tasks.run_import.delay(pk)
    wait_for_state(newer, ImportState.IN_FORCE)
    wait_for_state(older, ImportState.SUPERSEDED, ImportState.REPLACED)
    seen = everything_seen()
    assert seen.in_force == (newer,)
    assert seen.sums["DailyCost"][0] == seen.sums["AllocatedCost"][0] == SECOND_TOTAL


def test_import_counts_once_when_it_is_handed_to_two_workers(places: Path, start_worker: StartWorker) -> None:
    make_teams()
    pk = queue_month(places / "files", FIRST, name="first")
    start_worker()
    start_worker()
    for _ in range(4):
        tasks.run_import.delay(pk)
    wait_for_state(pk, ImportState.IN_FORCE)
    seen = everything_seen()
    assert seen.sums["DailyCost"][0] == seen.sums["AllocatedCost"][0] == FIRST_TOTAL
    assert BillImport.objects.count() == 1


def test_readers_see_the_old_or_the_new_month_and_writers_get_through_while_an_import_runs(
    places: Path, start_worker: StartWorker, finops_lead: User, client_for: Callable[[User], Client]
) -> None:
    month_in_force(places / "files")
    # 3,000 lines of 0.01 over 25 days: 30.00 for payments, nothing for anybody else
    many = tuple(
        Line(f"i-{number}", "0.01", day=number % 25 + 1, tags=(("Team", "payments"),)) for number in range(3_000)
    )
    new_total = Decimal("30.00")
    pk = queue_month(places / "files", many, name="many")
    staff = client_for(finops_lead)
    start_worker()
    tasks.run_import.delay(pk)
    seen: set[Decimal | None] = set()
    rounds = 0
    while not BillImport.objects.filter(pk=pk, state__in=[state.value for state in ENDED]).exists() or rounds < 3:
        month = ownership.chargeback(Scope.all(), PERIOD, by="team", metric=CostMetric.BILLED)
        assert month.difference == 0
        seen.add(month.bill_total)
        assert staff.get(reverse("tagging:chargeback"), {"period": "2026-02"}).status_code == 200
        Team.objects.filter(key="search").update(cost_center=f"CC-{rounds}")
        rounds += 1
    assert wait_for_state(pk, *ENDED).state == ImportState.IN_FORCE
    assert seen <= {FIRST_TOTAL, new_total}
    assert everything_seen().sums["AllocatedCost"][0] == new_total
