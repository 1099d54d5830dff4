"""manage.py evaluate_budgets, and what evaluates budgets by itself."""

import io
import json
from datetime import date, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import time_machine
from celery.schedules import crontab
from django.core.management import CommandError, call_command
from pytest_django.fixtures import Settings

from budgets import selectors
from budgets.models import Alert, Budget, BudgetStatus
from budgets.terms import ScopeKind
from finops_site import celery, demo_budgets, pipeline, tasks
from tagging.models import Team
from tests.budgets.world import make_budget, make_rules, moment, november, october
from tests.leaks.bills import Line, write_bill

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _world(team: Team, other_team: Team) -> None:
    make_rules()
    october()
    november(14)


def run(*args: str) -> str:
    out = io.StringIO()
    call_command("evaluate_budgets", *args, stdout=out)
    return out.getvalue()


def test_command_answers_with_every_budget_and_the_alerts_it_raised(settings: Settings) -> None:
    settings.MAIL_IS_CONFIGURED = False
    make_budget()
    answer = json.loads(run("--as-of", "2025-11-15", "--json"))
    assert answer["alerts_raised"] == ["payments-monthly-2025-11-actual-50", "payments-monthly-2025-11-forecast-100"]
    row = answer["budgets"][0]
    assert (row["actual_cost"], row["forecast_cost"], row["planned_amount"]) == ("140", "300", "250")
    assert (row["state"], row["runs_out_on"], row["scope"]) == (
        "at_risk",
        "2025-11-26",
        {"kind": "team", "key": "payments"},
    )
    assert [(alert["ref"], alert["severity"], alert["overrun"]) for alert in answer["open_alerts"]] == [
        ("payments-monthly-2025-11-actual-50", "info", "-110"),
        ("payments-monthly-2025-11-forecast-100", "warning", "50"),
    ]
    assert (answer["as_of"], answer["mail_is_configured"], answer["failed"]) == ("2025-11-15", False, [])
    assert json.loads(run("--as-of", "2025-11-15", "--json"))["alerts_raised"] == []


def test_command_prints_a_table_and_says_that_mail_is_missing(settings: Settings) -> None:
    settings.MAIL_IS_CONFIGURED = False
    make_budget()
    text = run("--as-of", "2025-11-15")
    for part in ("Monthly", "$140.00", "56.0", "at risk", "2 new alerts", "Mail is not configured"):
        assert part in text


def test_command_names_a_budget_that_is_not_there() -> None:
    with pytest.raises(CommandError, match="no budget in use called nothing"):
        run("nothing", "--as-of", "2025-11-15")


def test_one_budget_that_cannot_be_read_does_not_stop_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    from budgets.services import evaluating  # noqa: PLC0415 - to be broken here
    from costs.errors import FinopsError  # noqa: PLC0415

    make_budget(name="A")
    make_budget(name="B")
    real = selectors.measure

    def broken(budget: Any, *, today: date) -> Any:
        if budget.name == "A":
            raise FinopsError("broken")
        return real(budget, today=today)

    monkeypatch.setattr(evaluating, "measure", broken)
    with pytest.raises(CommandError, match="Could not evaluate payments-a"):
        run("--as-of", "2025-11-15")
    assert set(BudgetStatus.objects.values_list("budget__key", flat=True)) == {"payments-b"}


def test_a_finished_import_is_followed_by_an_evaluation(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def chained(*steps: Any) -> Any:
        asked.extend(step.task.removeprefix("finops_site.") for step in steps)
        return SimpleNamespace(delay=lambda: None)

    def begun(pk: int, *, now: datetime) -> pipeline.Run:
        asked.append(f"import {pk}")
        return pipeline.Run(made=[pk])

    monkeypatch.setattr(pipeline, "begin_import", begun)
    monkeypatch.setattr(pipeline, "settle_delivery", lambda pk: None)
    monkeypatch.setattr(tasks, "chain", chained)
    monkeypatch.setattr(tasks.refresh_advice, "delay", lambda pk: asked.append(f"advise {pk}"))
    tasks.run_import(7)
    assert asked == [
        "import 7",
        "evaluate_budgets",
        "detect_findings",
        "measure_metrics",
        "keep_compliance",
        "suggest_tags",
        "advise 7",
    ]


def test_beat_evaluates_daily_and_sends_what_is_due_every_minute() -> None:
    scheduled = dict(celery.SCHEDULE.values())
    assert scheduled["finops_site.send_alert_mails"] == 60.0
    assert scheduled["finops_site.evaluate_budgets"] == crontab(hour=6, minute=15)


def test_import_in_line_evaluates_budgets_too(tmp_path: Path) -> None:
    make_budget(ScopeKind.TOTAL, "", amount="1", name="All")
    path = write_bill(tmp_path / "b.csv", "2025-12", [Line("i-1", "5.00", day=1, tags=(("Team", "payments"),))])
    with time_machine.travel(date(2025, 12, 3), tick=False):
        call_command("import_bill", str(path), stdout=io.StringIO())
    assert Alert.objects.filter(period_start=date(2025, 12, 1), kind="actual", percent=100).exists()


def test_the_demo_gets_its_budgets_once_and_reports_them() -> None:
    today = date(2025, 11, 15)
    made = demo_budgets.set_up_budgets(today=today)
    assert made == 4  # all spend, Search and Payments (teams there are), and the quarter of a region
    assert demo_budgets.set_up_budgets(today=today) == 0
    pipeline.evaluate_budgets(now=moment(today))
    report = demo_budgets.budget_report(today=today)
    assert "Payments, monthly" in report
    assert "No alert waits in the inbox." in report


def test_the_demos_report_names_the_month_of_an_alert() -> None:
    today = date(2025, 11, 15)
    demo_budgets.set_up_budgets(today=today)
    Budget.objects.filter(name="All spend, monthly").update(amount=1)
    pipeline.evaluate_budgets(now=moment(today))
    lines = demo_budgets.budget_report(today=today).splitlines()
    assert lines[-2:] == ["1 alert waits in the inbox:", "  critical: All spend, monthly, November 2025: 100 % spent"]


def test_a_change_of_rules_has_a_worker_look_for_findings_where_there_is_a_queue(
    monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    asked: list[str] = []
    monkeypatch.setattr(tasks.detect_findings, "delay", lambda: asked.append("detect"))
    tasks.enqueue_findings()
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    tasks.enqueue_findings()
    assert asked == ["detect"]
