"""manage.py evaluate_budgets [KEY …] [--as-of DATE] [--json]"""

import json
from argparse import ArgumentParser
from datetime import date
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from budgets import notifications, selectors, services
from budgets.results import AlertRow, BudgetRow
from costs.errors import FinopsError
from costs.figures import money, pct
from costs.money import plain, round_money
from costs.periods import day_argument
from costs.scope import Scope
from costs.text_tables import aligned


class Command(BaseCommand):
    help = "Evaluate budgets, raise new alerts, send their mails. May be run any number of times."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("keys", nargs="*", metavar="KEY", help="budgets by their key; none means all in use")
        parser.add_argument("--as-of", type=day_argument, help="the day to evaluate as of (default: today)")
        parser.add_argument("--json", action="store_true", help="print JSON instead of a table")

    def handle(self, *args: Any, **options: Any) -> None:
        now = timezone.now()
        today = options["as_of"] or now.date()
        try:
            found = services.evaluate_budgets(today=today, now=now, keys=options["keys"] or None)
            if unknown := set(options["keys"]) - {*found.evaluated, *found.failed}:
                raise CommandError(f"There is no budget in use called {', '.join(sorted(unknown))}.")
            notifications.send_due(now=now)
            rows = [row for row in selectors.budget_list(Scope.all(), today=today) if row.key in found.evaluated]
        except FinopsError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(_as_json(rows, found, today) if options["json"] else _as_text(rows, found, today))
        if found.failed:
            raise CommandError(f"Could not evaluate {', '.join(found.failed)}; the log says why.")


def _as_json(rows: list[BudgetRow], found: services.Evaluation, today: date) -> str:
    answer = {
        "as_of": today.isoformat(),
        "mail_is_configured": settings.MAIL_IS_CONFIGURED,
        "budgets": [_row(row) for row in rows],
        "alerts_raised": list(found.alerts),
        "open_alerts": [_alert(row) for row in selectors.alerts(Scope.all(), open_only=True)],
        "failed": list(found.failed),
    }
    return json.dumps(answer, ensure_ascii=False)


def _row(row: BudgetRow) -> dict[str, Any]:
    now = row.now
    assert now is not None  # it has just been evaluated
    return {
        "key": row.key,
        "name": row.name,
        "scope": {"kind": row.scope_kind.value, "key": row.scope_key},
        "period": str(now.period),
        "basis": row.metric.value,
        "left_out": list(row.left_out),
        "currency": row.currency,
        "state": row.state.value,
        "planned_amount": plain(now.plan),
        "actual_cost": plain(now.actual),
        "burn_rate": None if now.burn_rate is None else float(round_money(now.burn_rate)),
        "variance": plain(now.variance),
        "causes": [{"key": cause.key, "label": cause.label, "change": plain(cause.change)} for cause in now.causes],
        "forecast_cost": None if now.forecast is None else plain(now.forecast),
        "forecast_low": None if now.low is None else plain(now.low),
        "forecast_high": None if now.high is None else plain(now.high),
        "forecast_method": now.method.value,
        "runs_out_on": None if now.runs_out.expected is None else now.runs_out.expected.isoformat(),
        "data_through": None if now.data_through is None else now.data_through.isoformat(),
        "open_alerts": row.open_alerts,
    }


def _alert(row: AlertRow) -> dict[str, Any]:
    return {
        "ref": row.ref,
        "budget": row.budget_key,
        "period": str(row.period),
        "kind": row.kind.value,
        "percent": plain(row.percent),
        "severity": row.severity.value,
        "currency": row.currency,
        "planned_amount": plain(row.plan),
        "actual_cost": plain(row.actual),
        "forecast_cost": None if row.forecast is None else plain(row.forecast),
        "overrun": plain(row.overrun),
        "raised_at": row.created_at.isoformat(),
        "told_with": row.told_with,
    }


def _as_text(rows: list[BudgetRow], found: services.Evaluation, today: date) -> str:
    if not rows:
        return "There is no budget in use. Make one on the page Budgets."
    head = ["Budget", "Period", "Plan", "Actual", "Used", "Forecast", "State"]
    cells = [
        [
            row.name,
            str(row.now.period),
            money(row.now.plan, row.currency),
            money(row.now.actual, row.currency),
            pct(row.now.used),
            money(row.now.forecast, row.currency),
            row.state.value.replace("_", " "),
        ]
        for row in rows
        if row.now is not None
    ]
    raised = f"{len(found.alerts)} new alert{'' if len(found.alerts) == 1 else 's'}"
    mail = "" if settings.MAIL_IS_CONFIGURED else " Mail is not configured (EMAIL_URL): alerts wait in the inbox."
    return "\n".join([f"Budgets as of {today}", "", *aligned([head, *cells], []), "", f"{raised}.{mail}"])
