"""The inbox: alerts of the budgets a reader reaches."""

from collections.abc import Iterable

from budgets.models import Alert, Delivery
from budgets.results import AlertRow, DeliveryRow
from budgets.selectors.reach import causes_from, left_out_names, reached_alerts, scope_labels
from budgets.spans import BudgetPeriod
from budgets.terms import Cadence, DeliveryState, ScopeKind, Severity, ThresholdKind
from costs.errors import NotFoundInScopeError
from costs.scope import Scope
from costs.terms import CostMetric

SHOWN = 500


def alerts(scope: Scope, *, budget_key: str = "", open_only: bool = False) -> tuple[AlertRow, ...]:
    """Newest first, at most 500. A constant number of queries."""
    found = reached_alerts(scope)
    if budget_key:
        found = found.filter(budget__key=budget_key)
    if open_only:
        found = found.filter(acknowledged_at__isnull=True)
    return _rows(scope, found[:SHOWN])


def alert(scope: Scope, ref: str) -> AlertRow:
    """One alert. Raises NotFoundInScopeError, also for another team's."""
    found = _rows(scope, reached_alerts(scope).filter(ref=ref))
    if not found:
        raise NotFoundInScopeError("Nothing here.")
    return found[0]


def open_alert_count(scope: Scope) -> int:
    """How many nobody has acknowledged; those told with another are not counted."""
    return reached_alerts(scope).filter(acknowledged_at__isnull=True, told_with="").count()


def _rows(scope: Scope, found: Iterable[Alert]) -> tuple[AlertRow, ...]:
    items = list(found)
    names = scope_labels(scope, [item.budget for item in items])
    sent: dict[int, list[DeliveryRow]] = {}
    if scope.everything and items:
        for delivery in Delivery.objects.filter(alert__in=[item.pk for item in items]):
            sent.setdefault(delivery.alert_id, []).append(_delivery(delivery))
    return tuple(
        _row(item, names[item.budget.scope_kind, item.budget.scope_key], tuple(sent.get(item.pk, ()))) for item in items
    )


def _row(item: Alert, scope_label: str, deliveries: tuple[DeliveryRow, ...]) -> AlertRow:
    budget, by = item.budget, item.acknowledged_by
    return AlertRow(
        ref=item.ref,
        budget_key=budget.key,
        budget_name=budget.name,
        scope_kind=ScopeKind(budget.scope_kind),
        scope_key=budget.scope_key,
        scope_label=scope_label,
        metric=CostMetric(budget.metric),
        currency=budget.currency,
        left_out=left_out_names(budget),
        period=BudgetPeriod(item.period_start, Cadence(budget.cadence)),
        kind=ThresholdKind(item.kind),
        percent=item.percent.normalize(),
        severity=Severity(item.severity),
        told_with=item.told_with,
        plan=item.planned_amount,
        actual=item.actual_cost,
        forecast=item.forecast_cost,
        low=item.forecast_low,
        high=item.forecast_high,
        runs_out_on=item.runs_out_on,
        data_through=item.data_through,
        causes=causes_from(item.causes),
        created_at=item.created_at,
        acknowledged_at=item.acknowledged_at,
        acknowledged_by="" if by is None else by.get_full_name() or by.get_username(),
        note=item.note,
        deliveries=deliveries,
    )


def _delivery(item: Delivery) -> DeliveryRow:
    return DeliveryRow(item.address, DeliveryState(item.state), item.attempts, item.sent_at, item.error)
