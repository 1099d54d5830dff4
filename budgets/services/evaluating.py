"""Evaluate budgets: measure, store, and raise what is new. May run again and at once any number of times."""

import logging
import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db import DatabaseError, transaction

from budgets.evaluation import AlertStep, new_steps, steps_passed
from budgets.models import Alert, Budget, BudgetStatus, Delivery
from budgets.results import Cause, Measured
from budgets.selectors import measure, recipients_of
from budgets.spans import BudgetPeriod
from budgets.terms import Cadence, Severity, ThresholdKind
from costs.errors import FinopsError
from costs.money import plain, round_money

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Evaluation:
    """What one run did: budgets evaluated, refs of alerts it raised, keys of budgets that could not be read."""

    evaluated: tuple[str, ...]
    alerts: tuple[str, ...]
    failed: tuple[str, ...]


def evaluate_budgets(*, today: date, now: datetime, keys: Collection[str] | None = None) -> Evaluation:
    """Evaluate every budget in use (or those named) as of `today`.

    An alert is raised once for each budget, period and step, whoever else evaluates at the same time: the
    budget's row is locked, and the database refuses a second one. Each budget is a transaction of its own.
    """
    found = Budget.objects.filter(is_active=True)
    if keys is not None:
        found = found.filter(key__in=keys)
    evaluated, alerts, failed = [], [], []
    for pk, key in found.order_by("key").values_list("pk", "key"):
        try:
            alerts += _evaluate(pk, today=today, now=now)
            evaluated.append(key)
        except (FinopsError, DatabaseError):
            logger.exception("Budget %s could not be evaluated", key)
            failed.append(key)
    return Evaluation(tuple(evaluated), tuple(alerts), tuple(failed))


def _evaluate(pk: int, *, today: date, now: datetime) -> list[str]:
    with transaction.atomic():
        budget = Budget.objects.select_for_update().get(pk=pk)
        measured = measure(budget, today=today)
        for item in measured:
            _store(budget, item, now)
        alerts: list[str] = []
        for item in _that_may_alert(budget, measured):
            alerts += _raise_alerts(budget, item, now)
    return alerts


def _store(budget: Budget, item: Measured, now: datetime) -> None:
    figures = {**_figures(item), "method": item.forecast.method.value, "is_stale": item.is_stale}
    figures |= {
        "runs_out_earliest": item.runs_out.earliest,
        "runs_out_latest": item.runs_out.latest,
        "has_costs": item.has_costs,
        "evaluated_at": now,
    }
    BudgetStatus.objects.update_or_create(budget=budget, period_start=item.period.start, defaults=figures)


def _figures(item: Measured) -> dict[str, Any]:
    forecast = item.forecast
    return {
        "planned_amount": item.plan,
        "actual_cost": round_money(item.actual),
        "forecast_cost": forecast.mean,
        "forecast_low": forecast.low,
        "forecast_high": forecast.high,
        "runs_out_on": item.runs_out.expected,
        "data_through": item.data_through,
        "causes": [_cause(cause) for cause in item.causes],
    }


def _cause(cause: Cause) -> dict[str, str]:
    return {"key": cause.key, "label": cause.label, "cost": plain(cause.cost), "previous": plain(cause.previous)}


def _that_may_alert(budget: Budget, measured: Sequence[Measured]) -> list[Measured]:
    """The running period, and the one before it, whose bill may still grow; none from before the budget."""
    first = BudgetPeriod.of(budget.starts_on, Cadence(budget.cadence)).start
    recent = {measured[0].period.start, measured[0].period.previous().start}
    return [item for item in measured if item.period.start in recent and item.period.start >= first]


def _raise_alerts(budget: Budget, item: Measured, now: datetime) -> list[str]:
    forecast = None if item.is_stale else item.forecast.mean
    steps = [_step(threshold) for threshold in budget.thresholds.all()]
    passed = steps_passed(steps, plan=item.plan, actual=item.actual, forecast=forecast)
    known = Alert.objects.filter(budget=budget, period_start=item.period.start)
    already = {(ThresholdKind(kind), percent) for kind, percent in known.values_list("kind", "percent")}
    fresh = new_steps(passed, already)
    if not fresh:
        return []
    evaluation = uuid.uuid4()
    loudest = _ref(budget, item, fresh[0])
    rows = [
        Alert(
            ref=_ref(budget, item, step),
            budget=budget,
            period_start=item.period.start,
            kind=step.kind.value,
            percent=step.percent,
            severity=step.severity.value,
            told_with="" if step is fresh[0] else loudest,
            evaluation=evaluation,
            created_at=now,
            **_figures(item),
        )
        for step in fresh
    ]
    Alert.objects.bulk_create(rows, ignore_conflicts=True)
    made = list(Alert.objects.filter(evaluation=evaluation).order_by("ref"))
    for alert in made:
        if not alert.told_with:
            _queue(alert, budget, fresh[0], now)
    return [alert.ref for alert in made]


def _queue(alert: Alert, budget: Budget, step: AlertStep, now: datetime) -> None:
    Delivery.objects.bulk_create(
        [Delivery(alert=alert, address=address, next_attempt_at=now) for address in recipients_of(budget, step)],
        ignore_conflicts=True,
    )


def _step(threshold: Any) -> AlertStep:
    return AlertStep(
        ThresholdKind(threshold.kind), threshold.percent, Severity(threshold.severity), tuple(threshold.recipients)
    )


def _ref(budget: Budget, item: Measured, step: AlertStep) -> str:
    percent = f"{step.percent.normalize():f}".replace(".", "-")
    return f"{budget.key}-{item.period}-{step.kind.value}-{percent}".lower()
