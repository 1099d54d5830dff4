"""manage.py metrics [PERIOD …] [--currency USD] [--json]"""

import json
from argparse import ArgumentParser
from collections.abc import Mapping, Sequence
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from costs import selectors as intake
from costs.errors import FinopsError
from costs.money import plain
from costs.periods import BillingPeriod
from costs.scope import Scope
from costs.text_tables import aligned
from finops_site.metrics.keeping import measure_months
from finops_site.metrics.reading import Months, metric_months, target_of
from finops_site.metrics.results import MetricValue, figure
from finops_site.metrics.terms import Metric


class Command(BaseCommand):
    help = "Measure the figures success is judged by, month by month, and print them with their targets."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("periods", nargs="*", metavar="PERIOD", help="months, like 2025-11; none means all")
        parser.add_argument("--currency", default="", help="which currency, where months have several")
        parser.add_argument("--json", action="store_true", help="print JSON instead of a table")

    def handle(self, *args: Any, **options: Any) -> None:
        now = timezone.now()
        try:
            periods = sorted({BillingPeriod.parse(text) for text in options["periods"]})
            if unknown := [str(period) for period in periods if period not in intake.periods_with_costs(Scope.all())]:
                raise CommandError(f"There are no costs for {', '.join(unknown)}. Import the bill first (import_bill).")
            measure_months(today=now.date(), now=now, periods=periods or None)
            found = metric_months(Scope.all(), periods or None, options["currency"].strip().upper())
        except FinopsError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(_as_json(found) if options["json"] else _as_text(found))


def _as_json(found: Mapping[Metric, Months]) -> str:
    rows = [_row(value) for months in found.values() for value in months.values()]
    return json.dumps({"metrics": rows}, ensure_ascii=False)


def _row(value: MetricValue) -> dict[str, Any]:
    numbers = {name: getattr(value, name) for name in ("value", "numerator", "denominator", "target")}
    return {
        "period": str(value.period),
        "name": value.metric.value,
        "unit": value.metric.unit.value,
        "currency": value.currency,
        **{name: None if each is None else plain(each) for name, each in numbers.items()},
        "meets_target": value.meets_target,
        "measured_at": value.measured_at.isoformat(),
        "basis": value.metric.basis,
    }


def _as_text(found: Mapping[Metric, Months]) -> str:
    periods = sorted({period for months in found.values() for period in months})
    if not periods:
        return "Nothing is measured yet. Import a bill first (import_bill)."
    rows = [["Figure", "Target", *(str(period) for period in periods)]]
    rows += [_cells(metric, months, periods) for metric, months in found.items() if months]
    return "\n".join(["Measured by month (n/a: nothing to divide by; empty: not measured)", "", *aligned(rows, [])])


def _cells(metric: Metric, months: Months, periods: Sequence[BillingPeriod]) -> list[str]:
    target = target_of(metric)
    cells = [months[period].text if period in months else "" for period in periods]
    return [metric.label, "" if target is None else figure(metric, target), *cells]
