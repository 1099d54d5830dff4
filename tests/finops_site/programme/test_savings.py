"""Savings by source from what the apps keep: findings that wait, findings verified, advice, commitments."""

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from costs.scope import Scope
from finops_site.metrics.terms import Metric
from finops_site.programme import selectors, services
from finops_site.programme.results import SavingRow
from finops_site.programme.savings import newest_runs, savings
from finops_site.programme.terms import SavingSource
from ri.selectors import latest_run
from ri.services import import_prices, recommend
from tagging.models import Finding, FindingMonth
from tests.finops_site.programme.world import measured
from tests.ri.world import SOURCE, eight_days, price_file

pytestmark = pytest.mark.django_db(transaction=True)
TODAY = date(2026, 3, 10)


def finding(ref: str, kind: str, state: str, saving: str, *, currency: str = "USD") -> Finding:
    return Finding.objects.create(
        ref=ref,
        kind=kind,
        subject_key=ref,
        resource_id=ref,
        owner_kind="nobody",
        currency=currency,
        period=date(2026, 2, 1),
        monthly_cost=Decimal(saving),
        monthly_saving=Decimal(saving),
        baseline_cost=Decimal(saving),
        first_seen_on=date(2026, 2, 1),
        last_seen_on=date(2026, 2, 1),
        changed_at=datetime(2026, 3, 1, tzinfo=UTC),
        state=state,
    )


def saved(found: Finding, month: date, saving: str) -> None:
    figures = {"baseline_cost": Decimal(saving), "actual_cost": Decimal(0), "saving": Decimal(saving)}
    FindingMonth.objects.create(finding=found, period=month, covered_days=28, **figures)


def rows() -> dict[SavingSource, SavingRow]:
    plan = selectors.programme(Scope.all())
    assert plan is not None
    return {row.source: row for row in savings(Scope.all(), plan, today=TODAY).rows}


def test_findings_count_by_source_a_year_planned_while_they_wait_and_measured_when_verified() -> None:
    services.start_programme(starts_on=date(2026, 1, 11))
    finding("a", "not_running", "open", "10")
    finding("b", "idle", "accepted", "5")
    finding("c", "idle", "dismissed", "100")
    finding("k", "idle", "open", "100", currency="EUR")
    finding("d", "dear_storage", "open", "2")
    done = finding("e", "not_running", "done", "7")
    saved(done, date(2026, 1, 1), "6")
    saved(done, date(2026, 2, 1), "7")
    saved(done, date(2026, 3, 1), "2")  # the running month
    found = rows()
    idle = found[SavingSource.IDLE]
    # planned (10 + 5) × 12 = 180; measured: February's 7 × 12 = 84
    assert (idle.planned, idle.measured) == (Decimal(180), Decimal(84))
    assert idle.planned_basis == "2 findings open or accepted, a month × 12"
    assert idle.measured_basis == "Findings that are done, verified on the bill of February 2026, × 12"
    assert found[SavingSource.STORAGE].planned == Decimal(24)
    assert (found[SavingSource.RATES].planned, found[SavingSource.RATES].measured) == (None, None)


def test_commitments_are_planned_by_advice_and_measured_by_the_last_full_month(tmp_path: Path) -> None:
    services.start_programme(starts_on=date(2026, 1, 11))
    eight_days(tmp_path)
    import_prices(price_file(tmp_path))
    recommend(SOURCE)
    run = latest_run(Scope.all(), SOURCE)
    assert run is not None
    assert newest_runs(Scope.all()) == (run,)
    measured(Metric.SAVING_COMMITMENTS, "2026-02-01", "100", currency="USD")
    measured(Metric.SAVING_COMMITMENTS, "2026-03-01", "999", currency="USD")
    unused = finding("u", "unused_commitment", "open", "3")
    row = rows()[SavingSource.COMMITMENTS]
    # golden of the same world: see tests/golden/api_recommendations.json; and 3 × 12 of what is paid and unused
    advised = sum((each.net_savings_annual for each in run.recommendations), Decimal(0))
    assert row.planned == advised + unused.monthly_saving * 12
    assert row.measured == Decimal(1200)
