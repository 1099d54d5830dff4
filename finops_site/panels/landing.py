"""Where the month lands: against its plan, or against the month before where there is none, and what moves it."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.urls import reverse

from budgets import selectors as plans
from budgets.selectors import BudgetRow, Cause
from budgets.terms import Cadence, ScopeKind
from costs.money import ratio
from costs.periods import BillingPeriod, DateRange
from costs.scope import Scope
from costs.terms import CostMetric
from finops_site.panels.parts import MonthChoice, Panel, panel
from tagging import selectors as ownership
from tagging.cubes import CostCube
from tagging.selectors import Movers

REASONS = 3
NOISE = 100
NEW_BUDGET_BASIS = "effective cost without credits, refunds and tax"
HrefOf = Callable[[str], str]


@dataclass(frozen=True)
class Reason:
    """What rose, and by how much."""

    label: str
    url: str
    change: Decimal


@dataclass(frozen=True)
class Landing:
    """A month against its plan. Without a plan `plan` and `budget_name` are empty.

    `expected` is the forecast, or the actual of a month that is over; None where there is no forecast yet.
    `previous` is the whole month before on the same basis. `compared` says what the reasons are against, and on
    which basis. `begins` is the day the budget began where that was after this month.
    """

    period: BillingPeriod
    currency: str
    basis: str
    actual: Decimal
    expected: Decimal | None
    low: Decimal | None
    high: Decimal | None
    is_over: bool
    plan: Decimal | None
    previous: Decimal | None
    runs_out: date | None
    data_through: date | None
    budget_name: str
    budget_url: str
    begins: date | None
    reasons: tuple[Reason, ...]
    compared: str

    @property
    def overrun(self) -> Decimal | None:
        """Expected − plan: positive is over. None without one of them."""
        return None if self.expected is None or self.plan is None else self.expected - self.plan

    @property
    def overrun_ratio(self) -> Decimal | None:
        return None if self.overrun is None or self.plan is None else ratio(self.overrun, self.plan)

    @property
    def change(self) -> Decimal | None:
        """Against the whole month before."""
        return None if self.expected is None or self.previous is None else self.expected - self.previous

    @property
    def has_run_out(self) -> bool:
        """Whether the plan is used up already."""
        return self.plan is not None and self.actual > self.plan


@dataclass(frozen=True)
class Asked:
    """Whose month is asked for: a team's by its key, else all spend; `href_of` leads from a reason to its page."""

    scope: Scope
    month: MonthChoice
    today: date
    href_of: HrefOf
    team_key: str = ""

    @property
    def is_running(self) -> bool:
        return self.month.period == BillingPeriod.of(self.today)

    @property
    def by(self) -> str:
        return "service" if self.team_key else "team"


@panel
def month_budgets(scope: Scope, month: MonthChoice, *, today: date) -> tuple[BudgetRow, ...]:
    """The reader's budgets with the period that holds this month: the running one, or as it ended."""
    return plans.budget_list(scope, today=min(today, month.period.range.last))


@panel
def landing(asked: Asked, rows: Panel[tuple[BudgetRow, ...]], cube: Panel[CostCube]) -> Landing:
    """From the newest evaluation of the monthly budget; without one a forecast; of a month that is over its cost."""
    budget = plan_of(rows.get(), asked)
    if budget is not None:
        return _planned(asked, budget, cube)
    return _foreseen(asked) if asked.is_running else _over(asked, cube.get().by(asked.by))


@panel
def days_ahead(asked: Asked, rows: Panel[tuple[BudgetRow, ...]]) -> None:
    """Where a forecast will be made, its days and those of the page's charts are read in one go."""
    if not asked.is_running or plan_of(rows.get(), asked) is not None:
        return
    days, month = plans.foreseen_days(asked.today), asked.month
    span = DateRange(min(days.start, month.period.previous().start), max(days.end, month.period.end))
    ownership.read_days_ahead(asked.scope, span, metrics=(month.metric, CostMetric.EFFECTIVE), currency=month.currency)


def plan_of(rows: Sequence[BudgetRow], asked: Asked) -> BudgetRow | None:
    """The monthly budget in use of what is asked for, in its currency and evaluated; the largest plan of several."""
    kind = ScopeKind.TEAM if asked.team_key else ScopeKind.TOTAL
    found = [
        (row.now.plan, row.key, row)
        for row in rows
        if row.is_active
        and (row.scope_kind, row.scope_key, row.cadence) == (kind, asked.team_key, Cadence.MONTHLY)
        and row.currency == asked.month.currency
        and row.now is not None
        and row.now.period.start == asked.month.period.start
        and (row.now.has_costs or row.now.forecast is not None)
    ]
    return max(found)[2] if found else None


def _planned(asked: Asked, row: BudgetRow, cube: Panel[CostCube]) -> Landing:
    now, basis = row.now, _basis(row)
    assert now is not None  # plan_of has looked
    running = asked.is_running
    reasons, compared = (
        (_reasons(now.causes, asked.href_of), _against(asked, now.data_through, basis))
        if running
        else _moved(asked, cube.get().by(asked.by))
    )
    return Landing(
        period=asked.month.period,
        currency=row.currency,
        basis=basis,
        actual=now.actual,
        expected=now.forecast if running else now.actual,
        low=now.low if running else None,
        high=now.high if running else None,
        is_over=not running,
        plan=now.plan,
        previous=None,
        runs_out=now.runs_out.expected,
        data_through=now.data_through,
        budget_name=row.name,
        budget_url=reverse("budgets:budget", args=[row.key]),
        begins=row.starts_on if row.starts_on >= asked.month.period.end else None,
        reasons=reasons,
        compared=compared,
    )


def _foreseen(asked: Asked) -> Landing:
    found = plans.foresee(asked.scope, today=asked.today, currency=asked.month.currency, team_key=asked.team_key)
    now, before = found[0], found[1:]
    return Landing(
        period=asked.month.period,
        currency=asked.month.currency,
        basis=NEW_BUDGET_BASIS,
        actual=now.actual,
        expected=now.forecast.mean,
        low=now.forecast.low,
        high=now.forecast.high,
        is_over=False,
        plan=None,
        previous=before[0].actual if before else None,
        runs_out=None,
        data_through=now.data_through,
        budget_name="",
        budget_url="",
        begins=None,
        reasons=_reasons(now.causes, asked.href_of),
        compared=_against(asked, now.data_through, NEW_BUDGET_BASIS),
    )


def _over(asked: Asked, movers: Movers) -> Landing:
    """A month that ended without a plan, on the page's own basis."""
    reasons, compared = _moved(asked, movers)
    return Landing(
        period=asked.month.period,
        currency=movers.currency,
        basis=f"{movers.metric.value} cost",
        actual=movers.total,
        expected=movers.total,
        low=None,
        high=None,
        is_over=True,
        plan=None,
        previous=movers.previous_total or None,
        runs_out=None,
        data_through=None,
        budget_name="",
        budget_url="",
        begins=None,
        reasons=reasons,
        compared=compared,
    )


def _moved(asked: Asked, movers: Movers) -> tuple[tuple[Reason, ...], str]:
    """What rose against the month before, and on which basis that is."""
    if not movers.previous_total:
        return (), ""
    risen = sorted((row for row in movers.rows if row.change > 0), key=lambda row: (-row.change, row.label))
    reasons = _worth_naming(Reason(row.label, asked.href_of(row.key), row.change) for row in risen)
    before = movers.previous.label if movers.is_whole_month else f"the same days of {movers.previous.label}"
    return reasons, f"{before}, {movers.metric.value} cost"


def _reasons(causes: Sequence[Cause], href_of: HrefOf) -> tuple[Reason, ...]:
    risen = (cause for cause in causes if cause.change > 0)
    return _worth_naming(Reason(cause.label, href_of(cause.key), cause.change) for cause in risen)


def _worth_naming(risen: Iterable[Reason]) -> tuple[Reason, ...]:
    """The first three, largest first, without what rose by less than a hundredth of the largest."""
    first = tuple(risen)[:REASONS]
    return tuple(reason for reason in first if reason.change * NOISE >= first[0].change)


def _against(asked: Asked, data_through: date | None, basis: str) -> str:
    """`1–22 October 2026, effective cost …`: the days of the month before that have data in this one."""
    before = asked.month.period.previous()
    if data_through is None or data_through < asked.month.period.start:
        return ""
    return f"1–{min(data_through.day, before.day_count)} {before.label}, {basis}"


def _basis(row: BudgetRow) -> str:
    without = f" without {', '.join(row.left_out[:-1])} and {row.left_out[-1]}" if len(row.left_out) > 1 else ""
    if len(row.left_out) == 1:
        without = f" without {row.left_out[0]}"
    return f"{row.metric.value} cost{without}"
