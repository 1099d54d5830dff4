"""Measured months as pages, the API and commands read them: one query, nothing is measured here."""

from collections.abc import Collection, Iterable, Mapping
from decimal import Decimal

from django.conf import settings

from costs.periods import BillingPeriod
from costs.scope import Scope
from finops_site.metrics.results import MetricValue
from finops_site.metrics.terms import Metric
from finops_site.models import MonthMetric

Months = Mapping[BillingPeriod, MetricValue]
MAIN_CURRENCY = "USD"


def metric_months(
    scope: Scope, periods: Collection[BillingPeriod] | None = None, currency: str = ""
) -> Mapping[Metric, Months]:
    """Every figure by month, oldest first; for FinOps staff. All months where `periods` is None.

    Money and shares of money are in `currency`, or in the main one of these months (USD where present). A figure that
    was not measured is not there.
    """
    scope.require_everything()
    found = MonthMetric.objects.filter(name__in=[metric.value for metric in Metric]).order_by("period")
    if periods is not None:
        found = found.filter(period__in=[period.start for period in periods])
    rows = list(found)
    chosen = currency or _main({row.currency for row in rows})
    answer: dict[Metric, dict[BillingPeriod, MetricValue]] = {metric: {} for metric in Metric}
    for row in rows:
        if row.currency in ("", chosen):
            value = _value(row)
            answer[value.metric][value.period] = value
    return answer


def target_of(metric: Metric) -> Decimal | None:
    """What the figure should come to; None where there is no target."""
    targets = {
        Metric.COVERAGE: settings.RI_COVERAGE_TARGET,
        Metric.UTILIZATION: settings.RI_UTILIZATION_TARGET,
        Metric.COMPLIANCE: settings.COMPLIANCE_TARGET,
        Metric.COMPLIANCE_BY_MONEY: settings.COMPLIANCE_TARGET,
        Metric.VARIANCE: settings.VARIANCE_TARGET,
        Metric.ACTIVE_BUDGETS: Decimal(settings.ACTIVE_BUDGETS_TARGET),
    }
    return targets.get(metric)


def _main(currencies: Iterable[str]) -> str:
    names = sorted(name for name in currencies if name)
    return MAIN_CURRENCY if MAIN_CURRENCY in names else next(iter(names), "")


def _value(row: MonthMetric) -> MetricValue:
    metric = Metric(row.name)
    return MetricValue(
        metric=metric,
        period=BillingPeriod(row.period),
        currency=row.currency,
        value=row.value,
        numerator=row.numerator,
        denominator=row.denominator,
        target=target_of(metric),
        measured_at=row.measured_at,
    )
