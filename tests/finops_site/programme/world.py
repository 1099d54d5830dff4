"""A programme begun on 11 January 2026 with some measured months; tests live on 10 March 2026 (day 58)."""

from datetime import UTC, date, datetime
from decimal import Decimal

from finops_site.metrics.terms import Metric
from finops_site.models import MonthMetric
from finops_site.programme import services

START = date(2026, 1, 11)
NOW = datetime(2026, 3, 10, 10, tzinfo=UTC)


def begin() -> None:
    """The default programme, with compliance, budgets, coverage and commitments measured."""
    services.start_programme(starts_on=START)
    measured(Metric.COMPLIANCE, "2026-01-01", "0.4")
    measured(Metric.COMPLIANCE, "2026-02-01", "0.6")
    measured(Metric.ACTIVE_BUDGETS, "2026-01-01", "6")
    measured(Metric.COVERAGE, "2026-02-01", "0.3", currency="USD")
    measured(Metric.UTILIZATION, "2026-02-01", None, currency="USD")
    measured(Metric.SAVING_COMMITMENTS, "2026-02-01", "100", currency="USD")


def measured(metric: Metric, day: str, value: str | None, *, currency: str = "") -> None:
    """A stored figure."""
    MonthMetric.objects.create(
        period=date.fromisoformat(day),
        name=metric.value,
        currency=currency,
        value=None if value is None else Decimal(value),  # type: ignore[misc]  # the field's type knows no None
        measured_at=NOW,
    )
