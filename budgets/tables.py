"""Tables of budgets, their periods and alerts."""

from datetime import date
from typing import Any

import django_tables2 as tables
from django.utils.html import format_html
from django.utils.safestring import SafeString

from budgets.evaluation import RunsOut
from budgets.results import BudgetState, PeriodRow
from costs import figures
from costs.tables import BadgeColumn, BarColumn, FinopsTable, LinkColumn, MoneyColumn, PctColumn

STATE_TONES = {
    BudgetState.OVER.value: "bad",
    BudgetState.AT_RISK.value: "warn",
    BudgetState.ON_TRACK.value: "good",
}
SEVERITY_TONES = {"critical": "bad", "warning": "warn", "info": "info"}
TONES = {BudgetState.OVER: "bad", BudgetState.AT_RISK: "warn", BudgetState.ON_TRACK: "good", BudgetState.NO_DATA: ""}


class DecisionTable(FinopsTable):
    """What needs a decision: projected overrun, who answers, why."""

    name = LinkColumn(verbose_name="Budget", url="url")
    overrun = MoneyColumn("Over plan by", currency_of="currency", signed=True)
    expected = MoneyColumn("Expected", currency_of="currency")
    plan = MoneyColumn("Plan", currency_of="currency")
    runs_out = tables.Column("Runs out", attrs={"td": {"class": "nowrap"}})
    owner = tables.Column("Answers for it")
    reason = tables.Column("Because", attrs={"td": {"class": "wrap"}}, orderable=False)


class BudgetTable(FinopsTable):
    """Every budget with its running period."""

    name = LinkColumn(verbose_name="Budget", url="url")
    scope = tables.Column("For")
    period = tables.Column("Period")
    used = BarColumn("Spent of plan", tone=lambda row: row["tone"])
    actual = MoneyColumn("Spent", currency_of="currency", lines="lines_url")
    plan = MoneyColumn("Plan", currency_of="currency")
    expected = MoneyColumn("Expected", currency_of="currency")
    overrun = MoneyColumn("Over plan by", currency_of="currency", signed=True)
    owner = tables.Column("Answers for it")
    state = BadgeColumn("State", tones=STATE_TONES)

    def render_name(self, value: str, record: Any) -> SafeString | str:
        return value if record["is_active"] else format_html('{} <span class="badge">Out of use</span>', value)


class PastTable(FinopsTable):
    """Earlier periods of a budget."""

    period = tables.Column("Period")
    actual = MoneyColumn("Cost", currency_of="currency", lines="lines_url")
    plan = MoneyColumn("Plan", currency_of="currency")
    variance = MoneyColumn("Variance", currency_of="currency", signed=True)
    variance_ratio = PctColumn("Variance %", signed=True)


class AlertTable(FinopsTable):
    """Alerts as rows of a file."""

    created_at = tables.Column("Raised")
    budget = tables.Column("Budget")
    period = tables.Column("Period")
    step = tables.Column("Step")
    severity = BadgeColumn("Severity", tones=SEVERITY_TONES)
    value = MoneyColumn("Cost", currency_of="currency")
    plan = MoneyColumn("Plan", currency_of="currency")
    overrun = MoneyColumn("Over plan by", currency_of="currency", signed=True)
    acknowledged = tables.Column("Acknowledged")


def runs_out_text(found: RunsOut, data_through: date | None) -> str:
    """`23 Nov 2026, between 21 Nov 2026 and 26 Nov 2026`; `used up 13 Nov 2026`; empty where the plan lasts."""
    if found.expected is None:
        return ""
    text = figures.day(found.expected)
    if data_through is not None and found.expected <= data_through:
        return f"used up {text}"
    if found.earliest == found.latest:
        return text
    last = f" and {figures.day(found.latest)}" if found.latest else " and never"
    return f"{text}, between {figures.day(found.earliest or found.expected)}{last}"


def reason_text(period: PeriodRow, currency: str) -> str:
    """The largest rises in words, with what they are compared with."""
    rises = [cause for cause in period.causes if cause.change > 0][:3]
    if not rises:
        return ""
    parts = [f"{cause.label} {figures.change(cause.change, currency)}" for cause in rises]
    return f"{', '.join(parts)} against as many days of {period.period.previous().label}"
