"""Two teams that spend every day: payments 10 (Prod), search 4; a fee, a tax and a credit where asked.

October 2025 is full. November grows day by day: `november(through=9)` has nine days.
"""

from datetime import UTC, date, datetime
from decimal import Decimal

from budgets.evaluation import AlertStep
from budgets.inputs import USUAL_STEPS, BudgetInput
from budgets.services import Evaluation, create_budget, evaluate_budgets
from budgets.terms import ScopeKind
from tagging.models import Team
from tagging.services import RuleInput, save_rule
from tagging.terms import RuleKind
from tests.tagging.builders import NOVEMBER, OCTOBER, Spend, month

PAY = {"Team": "payments", "Environment": "Prod"}
SEARCH = {"Team": "search"}
START = date(2025, 11, 1)


def make_rules() -> None:
    """Each team has what its tag says."""
    for name in ("payments", "search"):
        Team.objects.get_or_create(key=name, defaults={"name": name.title()})
        save_rule(RuleInput(RuleKind.TAG, tag_key="Team", tag_values=(name,), team_key=name))


def days_of(through: int, *, pay: str = "10", search: str = "4") -> list[Spend]:
    """What both teams spend on the first days of a month."""
    found = []
    for day in range(1, through + 1):
        found.append(Spend(pay, day=day, tags=PAY))
        found.append(Spend(search, day=day, tags=SEARCH, service="Storage", region="us-east-1"))
    return found


def october() -> None:
    """The whole month before: payments 310, search 124."""
    month(days_of(31), period=OCTOBER)


def november(through: int, *, pay: str = "10", more: tuple[Spend, ...] = ()) -> None:
    """November delivered (again) with so many days."""
    month([*days_of(through, pay=pay), *more], period=NOVEMBER)


def make_budget(
    kind: ScopeKind = ScopeKind.TEAM,
    key: str = "payments",
    *,
    amount: str = "250",
    name: str = "Monthly",
    steps: tuple[AlertStep, ...] = USUAL_STEPS,
    owner: str = "",
) -> str:
    """A monthly budget in force from November on; returns its key."""
    wanted = BudgetInput(name, kind, Decimal(amount), scope_key=key, steps=steps, owner=owner)
    return create_budget(wanted, author=None, today=START)


def moment(day: date) -> datetime:
    """Six in the morning."""
    return datetime(day.year, day.month, day.day, 6, tzinfo=UTC)


def evaluate(day: int) -> Evaluation:
    """Evaluate as of that day of November 2025."""
    today = date(2025, 11, day)
    return evaluate_budgets(today=today, now=moment(today))
