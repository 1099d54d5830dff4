"""Budgets with their newest periods."""

from datetime import date
from typing import Any

from django.contrib.auth.models import User
from django.db.models import Count, FilteredRelation, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from budgets.evaluation import AlertStep, RunsOut
from budgets.models import Alert, Budget, BudgetStatus
from budgets.results import BudgetDetail, BudgetRow, Measured, PeriodRow
from budgets.selectors.alerts import alerts
from budgets.selectors.measuring import measure
from budgets.selectors.reach import causes_from, left_out_names, reached_budgets, scope_labels
from budgets.spans import BudgetPeriod
from budgets.terms import Cadence, ForecastMethod, ScopeKind, Severity, ThresholdKind
from costs.errors import NotFoundInScopeError
from costs.scope import Scope
from costs.terms import CostMetric


def budget_list(scope: Scope, *, today: date) -> tuple[BudgetRow, ...]:
    """Every budget the reader reaches, with the period that holds `today` as last evaluated. Largest overrun first.

    `now` is None where that period was not evaluated. A constant number of queries.
    """
    starts = {cadence.value: BudgetPeriod.of(today, cadence).start for cadence in Cadence}
    of_its_period = Q()
    for cadence, start in starts.items():
        of_its_period |= Q(cadence=cadence, statuses__period_start=start)
    running = FilteredRelation("statuses", condition=of_its_period)
    found = list(_with_counts(scope).annotate(running=running).select_related("running"))
    names = scope_labels(scope, found)
    return tuple(sorted((_row(item, names, getattr(item, "running", None)) for item in found), key=_urgency))


def budget(scope: Scope, key: str, *, today: date) -> BudgetDetail:
    """One budget with plan, steps, history and alerts. Raises NotFoundInScopeError, also for another team's."""
    found = _with_counts(scope).prefetch_related("planned", "thresholds").filter(key=key).first()
    if found is None:
        raise NotFoundInScopeError("Nothing here.")
    cadence = Cadence(found.cadence)
    start = BudgetPeriod.of(today, cadence).start
    statuses = list(found.statuses.filter(period_start__lte=start))
    running = next((item for item in statuses if item.period_start == start), None)
    return BudgetDetail(
        row=_row(found, scope_labels(scope, [found]), running),
        amount=found.amount,
        planned=tuple((item.period_start, item.amount) for item in found.planned.all()),
        steps=tuple(
            AlertStep(
                ThresholdKind(item.kind),
                item.percent.normalize(),
                Severity(item.severity),
                tuple(item.recipients) if scope.everything else (),
            )
            for item in found.thresholds.all()
        ),
        starts_on=found.starts_on,
        owner_username=found.owner.username if found.owner else "",
        created_by=_name(found.created_by),
        created_at=found.created_at,
        past=tuple(_period(item, cadence) for item in statuses if item.period_start < start),
        alerts=alerts(scope, budget_key=key),
    )


def measured(scope: Scope, key: str, *, today: date) -> tuple[Measured, ...]:
    """The budget measured afresh: the running period first, then those before. Raises NotFoundInScopeError."""
    found = reached_budgets(scope).prefetch_related("planned").filter(key=key).first()
    if found is None:
        raise NotFoundInScopeError("Nothing here.")
    return measure(found, today=today)


def _with_counts(scope: Scope) -> QuerySet[Any]:
    waiting = Alert.objects.filter(budget=OuterRef("pk"), acknowledged_at__isnull=True, told_with="").order_by()
    counted = waiting.values("budget").annotate(count=Count("pk")).values("count")
    found = reached_budgets(scope).select_related("owner", "created_by")
    return found.annotate(open_alerts=Coalesce(Subquery(counted), 0))


def _row(found: Budget, names: dict[tuple[str, str], str], status: BudgetStatus | None) -> BudgetRow:
    cadence = Cadence(found.cadence)
    return BudgetRow(
        key=found.key,
        name=found.name,
        scope_kind=ScopeKind(found.scope_kind),
        scope_key=found.scope_key,
        scope_label=names[found.scope_kind, found.scope_key],
        cadence=cadence,
        metric=CostMetric(found.metric),
        currency=found.currency,
        left_out=left_out_names(found),
        owner=_name(found.owner),
        is_active=found.is_active,
        open_alerts=found.open_alerts,  # type: ignore[attr-defined]  # annotated
        starts_on=found.starts_on,
        now=None if status is None else _period(status, cadence),
    )


def _period(status: BudgetStatus, cadence: Cadence) -> PeriodRow:
    return PeriodRow(
        period=BudgetPeriod(status.period_start, cadence),
        plan=status.planned_amount,
        actual=status.actual_cost,
        forecast=status.forecast_cost,
        low=status.forecast_low,
        high=status.forecast_high,
        method=ForecastMethod(status.method or ForecastMethod.NONE),
        runs_out=RunsOut(status.runs_out_on, status.runs_out_earliest, status.runs_out_latest),
        data_through=status.data_through,
        is_stale=status.is_stale,
        has_costs=status.has_costs,
        causes=causes_from(status.causes),
        evaluated_at=status.evaluated_at,
    )


def _name(user: User | None) -> str:
    return "" if user is None else user.get_full_name() or user.get_username()


def _urgency(row: BudgetRow) -> tuple[bool, bool, object, str]:
    overrun = -row.now.overrun if row.now else 0
    return (not row.is_active, row.now is None, overrun, row.name)
