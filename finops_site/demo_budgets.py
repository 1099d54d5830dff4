"""The demo company's budgets: one of each kind worth showing, and what became of them."""

from datetime import date
from decimal import Decimal

from django.contrib.auth.models import User

from budgets import selectors as plans
from budgets import services as upkeep
from budgets.inputs import BudgetInput
from budgets.terms import Cadence, ScopeKind, ThresholdKind
from costs.figures import money, pct
from costs.periods import BillingPeriod
from costs.scope import Scope
from finops_site.demo_report import aligned
from tagging import selectors as ownership

# Name, team (its name; empty for the whole bill), plan for a month. Search has outgrown its plan, Data Platform is
# about to, and Storefront keeps just within it: last month it passed 80 %.
MONTHLY = (
    ("All spend", "", 64_000),
    ("Storefront", "Storefront", 12_500),
    ("Search", "Search", 9_000),
    ("Payments", "Payments", 7_400),
    ("Data Platform", "Data Platform", 12_000),
)
SINCE_LAST_MONTH = "Storefront"


def set_up_budgets(*, today: date) -> int:
    """Five monthly budgets and the quarter of one region; returns how many were made. None where there are some."""
    if plans.budget_list(Scope.all(), today=today):
        return 0
    key_of = {team.name: team.key for team in ownership.visible_teams(Scope.all())}
    lead = User.objects.filter(username="dana.reyes").first()
    month = BillingPeriod.of(today)
    wanted = [
        BudgetInput(
            name=f"{name}, monthly",
            scope_kind=ScopeKind.TEAM if team else ScopeKind.TOTAL,
            scope_key=key_of.get(team, ""),
            amount=Decimal(amount),
            owner="" if team or lead is None else lead.username,
            starts_on=month.previous().start if name == SINCE_LAST_MONTH else month.start,
        )
        for name, team, amount in MONTHLY
        if not team or team in key_of
    ]
    quarter = BudgetInput(
        name="us-west-2, quarterly",
        scope_kind=ScopeKind.REGION,
        scope_key="us-west-2",
        cadence=Cadence.QUARTERLY,
        amount=Decimal(9_000),
        owner="" if lead is None else lead.username,
        starts_on=month.start,
    )
    for item in (*wanted, quarter):
        upkeep.create_budget(item, author=lead, today=today)
    return len(wanted) + 1


def budget_report(*, today: date) -> str:
    """Every budget with its running period, and the alerts that wait."""
    rows = [
        [
            row.name,
            row.now.period.label,
            row.state.value.replace("_", " "),
            money(row.now.plan, row.currency),
            money(row.now.actual, row.currency),
            pct(row.now.used),
            money(row.now.forecast, row.currency),
        ]
        for row in plans.budget_list(Scope.all(), today=today)
        if row.now is not None
    ]
    header = ["Budget", "Period", "State", "Plan", "Spent", "Used", "Expected"]
    waiting = [row for row in plans.alerts(Scope.all(), open_only=True) if not row.told_with]
    lines = [f"Budgets as of {today}, effective cost without credits, refunds and tax", ""]
    lines += aligned(header, rows, text_columns=3)
    count = f"{len(waiting)} alert waits" if len(waiting) == 1 else f"{len(waiting)} alerts wait"
    lines += ["", f"{count} in the inbox:" if waiting else "No alert waits in the inbox."]
    for row in waiting:
        passed = "expected" if row.kind is ThresholdKind.FORECAST else "spent"
        lines.append(f"  {row.severity.value}: {row.budget_name}, {row.period.label}: {row.percent:f} % {passed}")
    return "\n".join(lines)
