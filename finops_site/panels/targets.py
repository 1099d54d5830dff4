"""Figures against their targets: one row of tiles, read from what was measured."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from django.conf import settings
from django.urls import reverse
from django.utils.http import urlencode

from budgets.selectors import BudgetRow
from costs import figures
from costs.scope import Scope
from finops_site.metrics.reading import Months, metric_months, target_of
from finops_site.metrics.results import MetricValue, figure
from finops_site.metrics.terms import Metric
from finops_site.panels.parts import MonthChoice, Panel, panel

SHOWN = {
    Metric.COVERAGE: "ri:commitments",
    Metric.UTILIZATION: "ri:commitments",
    Metric.EFFECTIVE_SAVINGS_RATE: "ri:commitments",
    Metric.COMPLIANCE: "tagging:tags",
    Metric.VARIANCE: "budgets:budgets",
    Metric.ACTIVE_BUDGETS: "budgets:budgets",  # the last: see _in_use
}
# What a month that is not over has no figure for: the month before stands in, and is named.
OF_FULL_MONTHS = frozenset({Metric.UTILIZATION, Metric.EFFECTIVE_SAVINGS_RATE})
NOT_MEASURED = "not measured yet"
WITHOUT = {
    Metric.COVERAGE: "no usage of instances in a bill",
    Metric.UTILIZATION: "no commitments",
    Metric.EFFECTIVE_SAVINGS_RATE: "no usage of instances in a bill",
    Metric.COMPLIANCE: "nothing to tag",
    Metric.VARIANCE: "no monthly plan",
}


@dataclass(frozen=True)
class Tile:
    """One figure. `tone` is good, bad or nothing."""

    label: str
    value: str
    note: str
    href: str
    tone: str


@panel
def target_tiles(scope: Scope, month: MonthChoice, rows: Panel[tuple[BudgetRow, ...]]) -> tuple[Tile, ...]:
    """The month's figures against their targets, and the open alerts. One query."""
    found = metric_months(scope, (month.period.previous(), month.period), month.currency)
    tiles = [_tile(metric, found[metric], month) for metric in SHOWN]
    if rows.value is not None:
        tiles[-1] = _in_use(rows.value, month)
    return (*tiles, _alerts(rows.value))


def _tile(metric: Metric, months: Months, month: MonthChoice) -> Tile:
    measured = _measured(metric, months, month)
    notes = [_target(metric), *_of_which(measured, metric, month)]
    return Tile(
        label=metric.label,
        value=measured.text if measured and measured.value is not None else figures.NOT_AVAILABLE,
        note=", ".join(note for note in notes if note),
        href=_href(SHOWN[metric], metric, month),
        tone=_tone(measured),
    )


def _in_use(rows: tuple[BudgetRow, ...], month: MonthChoice) -> Tile:
    """Active budgets as they stand now: a budget that was just made counts at once."""
    metric, target = Metric.ACTIVE_BUDGETS, settings.ACTIVE_BUDGETS_TARGET
    count = sum(1 for row in rows if row.is_active and row.starts_on < month.period.end)
    tone = "good" if count >= target else "bad"
    return Tile(metric.label, str(count), _target(metric), reverse(SHOWN[metric]), tone)


def _measured(metric: Metric, months: Months, month: MonthChoice) -> MetricValue | None:
    found = months.get(month.period)
    if metric in OF_FULL_MONTHS and (found is None or found.value is None):
        before = months.get(month.period.previous())
        return before if before and before.value is not None else found
    return found


def _of_which(measured: MetricValue | None, metric: Metric, month: MonthChoice) -> list[str]:
    if measured is None:
        return [NOT_MEASURED]
    if measured.value is None:
        return [WITHOUT.get(metric, "")]
    return [] if measured.period == month.period else [f"in {measured.period.label}"]


def _target(metric: Metric) -> str:
    target: Decimal | None = target_of(metric)
    if target is None:
        return ""
    text = figures.pct(target, 0) if metric.unit.value == "ratio" else figure(metric, target)
    return f"target {'at most ' if metric.smaller_is_better else ''}{text}"


def _tone(measured: MetricValue | None) -> str:
    meets = measured.meets_target if measured else None
    return "" if meets is None else ("good" if meets else "bad")


def _href(name: str, metric: Metric, month: MonthChoice) -> str:
    if name == "budgets:budgets":
        return reverse(name)
    params: Mapping[str, str] = {"period": str(month.period)}
    if metric in OF_FULL_MONTHS or metric is Metric.COVERAGE:
        params = {**params, **({"currency": month.currency} if len(month.currencies) > 1 else {})}
    return f"{reverse(name)}?{urlencode(params)}"


def _alerts(rows: tuple[BudgetRow, ...] | None) -> Tile:
    if rows is None:
        return Tile("Open alerts", figures.NOT_AVAILABLE, "could not be read", reverse("budgets:inbox"), "")
    waiting = sum(row.open_alerts for row in rows)
    of = sum(1 for row in rows if row.open_alerts)
    note = f"on {of} budget{'' if of == 1 else 's'}" if waiting else "nothing waits"
    return Tile("Open alerts", str(waiting), note, reverse("budgets:inbox"), "warn" if waiting else "good")
