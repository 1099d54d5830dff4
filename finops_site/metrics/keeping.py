"""Measure months and keep what was found. Safe to repeat, and by two at once: the last one's figures stand."""

import logging
from collections.abc import Callable, Collection, Iterable
from datetime import date, datetime

from costs import selectors as intake
from costs.money import round_money
from costs.periods import BillingPeriod
from costs.scope import Scope
from finops_site.metrics.measuring import OF_THE_DAY, WITH_CURRENCY, WITHOUT_CURRENCY, Measures, Month
from finops_site.metrics.results import Measure
from finops_site.metrics.terms import Metric
from finops_site.models import MonthMetric, SignIn

logger = logging.getLogger(__name__)


def measure_month(period: BillingPeriod, *, today: date, now: datetime) -> int:
    """Measure a month and store the figures; returns how many. What cannot be read is logged and stays as it was.

    Figures of people are taken as they are today; once measured after the month's end, they stay.
    """
    kept = 0
    for currency in intake.currencies(intake.active_imports(Scope.all(), (period,))):
        for measure in WITH_CURRENCY:
            kept += _keep(measure, Month(period, currency, today, Scope.all()), now=now)
    if period.start <= today:
        done = _done(period)
        for metric, measure in WITHOUT_CURRENCY.items():
            if metric not in done:
                kept += _keep(measure, Month(period, "", today, Scope.all()), now=now)
    return kept


def measure_months(*, today: date, now: datetime, periods: Iterable[BillingPeriod] | None = None) -> int:
    """Measure these months, or all that have costs, and the running one; returns how many figures were stored."""
    wanted = intake.periods_with_costs(Scope.all()) if periods is None else periods
    return sum(measure_month(period, today=today, now=now) for period in sorted({*wanted, BillingPeriod.of(today)}))


def record_sign_in(user_pk: int, *, today: date) -> None:
    """Remember that the user signed in this month. Does nothing from the second time on."""
    SignIn.objects.bulk_create([SignIn(user_id=user_pk, month=today.replace(day=1))], ignore_conflicts=True)


def _keep(measure: Callable[[Month], Measures], month: Month, *, now: datetime) -> int:
    try:
        return _store(month, measure(month), now)
    except Exception:
        # Whatever it is: one figure's fault must not take the others with it, nor the import it follows.
        logger.exception("%s of %s could not be measured", getattr(measure, "__name__", measure), month.period)
        return 0


def _store(month: Month, found: Measures, now: datetime) -> int:
    rows = [_row(month, metric, item, now) for metric, item in found.items()]
    MonthMetric.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["period", "name", "currency"],
        update_fields=["value", "numerator", "denominator", "measured_at"],
    )
    return len(rows)


def _row(month: Month, metric: Metric, item: Measure, now: datetime) -> MonthMetric:
    numbers = {
        name: None if number is None else round_money(number)
        for name, number in (("value", item.value), ("numerator", item.numerator), ("denominator", item.denominator))
    }
    return MonthMetric(
        period=month.period.start, name=metric.value, currency=month.currency, measured_at=now, **numbers
    )


def _done(period: BillingPeriod) -> Collection[Metric]:
    """Figures that stay: of people, measured after the month was over."""
    names = [metric.value for metric in OF_THE_DAY]
    rows = MonthMetric.objects.filter(period=period.start, name__in=names, measured_at__date__gte=period.end)
    return {Metric(name) for name in rows.values_list("name", flat=True)}
