"""A budget against the costs in force, through tagging's selectors."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal

from budgets.evaluation import plan_of, runs_out
from budgets.forecast import Forecast, History, draw_down, make_forecast, split_lumps, still_to_be_used
from budgets.models import Budget
from budgets.results import Cause, Measured
from budgets.spans import BudgetPeriod
from budgets.terms import Cadence, ForecastMethod, ScopeKind, left_out
from costs.money import ZERO
from costs.periods import BillingPeriod, DateRange
from costs.scope import Scope
from costs.terms import CostMetric
from tagging import selectors as ownership
from tagging.selectors import CostDays

HISTORY = {Cadence.MONTHLY: 12, Cadence.QUARTERLY: 5, Cadence.ANNUAL: 2}  # periods before the running one
LEARN_DAYS = 92  # what a forecast looks back on
STALE_DAYS = 4  # without newer usage for longer, forecasts are not worth a message
UNCERTAIN_DAYS = 2  # of the newest usage, bills hold only part
CAUSES = 5
Days = dict[date, Decimal]
NO_FORECAST = Forecast(ForecastMethod.NONE, None, None, None)


def scope_of_budget(budget: Budget) -> tuple[Scope, tuple[tuple[str, str], ...]]:
    """Whose eyes its costs are read with, and the filters: a team's budget sees that team's own costs only."""
    kind = ScopeKind(budget.scope_kind)
    if kind is ScopeKind.TEAM:
        return Scope.teams(frozenset({budget.scope_key})), ()
    return Scope.all(), () if kind is ScopeKind.TOTAL else ((kind.value, budget.scope_key),)


def left_out_of(budget: Budget) -> frozenset[str]:
    """Charge categories it does not count."""
    return left_out(credits_count=budget.with_credits, refunds_count=budget.with_refunds, tax_counts=budget.with_tax)


def measure(budget: Budget, *, today: date) -> tuple[Measured, ...]:
    """The running period first, then earlier ones that have costs, newest first. Four or five queries."""
    planned = {item.period_start: item.amount for item in budget.planned.all()}
    return _measured(budget, planned, today=today, earlier=HISTORY[Cadence(budget.cadence)])


def foresee(scope: Scope, *, today: date, currency: str, team_key: str = "") -> tuple[Measured, ...]:
    """The running month of all spend, or of one team, where nobody made a plan; then the month before, if it has costs.

    Effective cost without credits, refunds and tax, as a new budget would count. The plan is zero and means nothing.
    Raises NotFoundInScopeError. Three queries.
    """
    if team_key:
        scope.require_team(team_key)
    else:
        scope.require_everything()
    kind = ScopeKind.TEAM if team_key else ScopeKind.TOTAL
    budget = Budget(scope_kind=kind.value, scope_key=team_key, currency=currency, amount=ZERO)
    return _measured(budget, {}, today=today, earlier=1)


def foreseen_days(today: date) -> DateRange:
    """The days whose costs `foresee` looks at."""
    return _days_asked(BudgetPeriod.of(today, Cadence.MONTHLY).back(2), today)


def _days_asked(periods: Sequence[BudgetPeriod], today: date) -> DateRange:
    """These periods, and before them what a forecast learns from."""
    start = min(periods[0].start, today - timedelta(days=LEARN_DAYS)).replace(day=1)
    return DateRange(start, periods[-1].range.end)


def _measured(budget: Budget, planned: Mapping[date, Decimal], *, today: date, earlier: int) -> tuple[Measured, ...]:
    running = BudgetPeriod.of(today, Cadence(budget.cadence))
    periods = running.back(earlier + 1)
    scope, filters = scope_of_budget(budget)
    by = "service" if budget.scope_kind == ScopeKind.TEAM.value else "team"
    found = ownership.cost_days(
        scope,
        _days_asked(periods, today),
        ("category", by),
        metric=CostMetric(budget.metric),
        currency=budget.currency,
        filters=filters,
    )
    omitted = left_out_of(budget)
    days = {
        (day, category, value): cost
        for (category, value), costs in found.cells.items()
        if category not in omitted
        for day, cost in costs.items()
    }
    plans = {period: plan_of(planned, budget.amount, period.start) for period in periods}
    to_come = _still_to_be_used(budget, found, today=today)
    now = _running(running, plans[running], found, days, today=today, to_come=to_come)
    now_with_causes = _with_causes(now, scope, by, days)
    past = [_past(period, plans[period], found, days) for period in reversed(periods[:-1])]
    return (now_with_causes, *(item for item in past if item.has_costs))


def _still_to_be_used(budget: Budget, found: CostDays, *, today: date) -> Decimal:
    """What the rest of the newest month takes from commitments' fees that stand as unused; effective cost only."""
    if CostMetric(budget.metric) is not CostMetric.EFFECTIVE or found.last_day is None:
        return ZERO
    last_day = min(found.last_day, today)
    month = BillingPeriod.of(last_day)
    if last_day + timedelta(days=1) >= month.end or month.previous() not in found.months:
        return ZERO
    scope, filters = scope_of_budget(budget)
    span = DateRange(month.previous().start, month.end)
    cells = ownership.commitment_days(scope, span, currency=budget.currency, filters=filters)
    return still_to_be_used(cells.get("Used", {}), cells.get("Unused", {}), last_day)


def _running(
    period: BudgetPeriod,
    plan: Decimal,
    found: CostDays,
    days: Mapping[tuple[date, str, str], Decimal],
    *,
    today: date,
    to_come: Decimal,
) -> Measured:
    by_category: dict[tuple[date, str], Decimal] = {}
    for (day, category, _), cost in days.items():
        by_category[day, category] = by_category.get((day, category), ZERO) + cost
    spent = {day: cost for day, cost in _in_days(days, period.range).items() if day <= today}
    last_day = None if found.last_day is None else min(found.last_day, today)
    forecast = NO_FORECAST if last_day is None else _forecast(period, found, by_category, last_day, today=today)
    if last_day is not None and last_day in period.range:
        forecast = draw_down(forecast, to_come)
    return Measured(
        period=period,
        plan=plan,
        actual=sum(spent.values(), ZERO),
        forecast=forecast,
        runs_out=runs_out(spent, period.range, plan, forecast),
        data_through=last_day,
        is_stale=last_day is None or (today - last_day).days > STALE_DAYS,
        has_costs=bool(spent),
        causes=(),
        daily=spent,
    )


def _forecast(
    period: BudgetPeriod, found: CostDays, days: Mapping[tuple[date, str], Decimal], last_day: date, *, today: date
) -> Forecast:
    """From the unbroken run of months up to the newest, without the days that may still grow."""
    complete_through = min(last_day - timedelta(days=1), today - timedelta(days=UNCERTAIN_DAYS))
    first_day = _first_of_run(found.months, BillingPeriod.of(last_day))
    daily, recurring, once = split_lumps(days, DateRange(first_day, complete_through + timedelta(days=1)))
    forecast = make_forecast(History(daily, recurring, first_day, complete_through), period.range)
    extra = sum((cost for day, cost in once.items() if day in period.range and day <= today), ZERO)
    return _shifted(forecast, extra)


def _shifted(forecast: Forecast, extra: Decimal) -> Forecast:
    """With credits and refunds of the period, which happened and are not expected again."""
    if forecast.mean is None or forecast.low is None or forecast.high is None or not extra:
        return forecast
    path = tuple(type(step)(step.day, step.mean + extra, step.low + extra, step.high + extra) for step in forecast.path)
    return Forecast(forecast.method, forecast.mean + extra, forecast.low + extra, forecast.high + extra, path)


def _first_of_run(months: tuple[BillingPeriod, ...], newest: BillingPeriod) -> date:
    first = newest
    while first.previous() in months:
        first = first.previous()
    return first.start


def _past(
    period: BudgetPeriod, plan: Decimal, found: CostDays, days: Mapping[tuple[date, str, str], Decimal]
) -> Measured:
    spent = _in_days(days, period.range)
    actual = sum(spent.values(), ZERO)
    known = all(month in found.months for month in period.months)
    return Measured(
        period=period,
        plan=plan,
        actual=actual,
        forecast=NO_FORECAST,
        runs_out=runs_out(spent, period.range, plan, NO_FORECAST),
        data_through=found.last_day,
        is_stale=False,
        has_costs=known and bool(spent),
        causes=(),
        daily=spent,
    )


def _with_causes(now: Measured, scope: Scope, by: str, days: Mapping[tuple[date, str, str], Decimal]) -> Measured:
    """Whose costs rose most: the days of the period with data against as many of the period before."""
    if now.data_through is None or now.data_through < now.period.start:
        return now
    count = (now.data_through - now.period.start).days + 1
    before = now.period.previous().range
    spans = (DateRange(now.period.start, now.period.start + timedelta(days=count)),
             DateRange(before.start, min(before.end, before.start + timedelta(days=count))))  # fmt: skip
    sums: dict[str, list[Decimal]] = {}
    for (day, _, value), cost in days.items():
        for place, span in enumerate(spans):
            if day in span:
                sums.setdefault(value, [ZERO, ZERO])[place] += cost
    ranked = sorted(sums, key=lambda value: (-(sums[value][0] - sums[value][1]), -sums[value][0], value))[:CAUSES]
    names = ownership.value_labels(scope, by, ranked)
    causes = tuple(Cause(value, names.get(value, value), *sums[value]) for value in ranked if sums[value][0] > 0)
    return Measured(**{**vars(now), "causes": causes})


def _in_days(days: Mapping[tuple[date, str, str], Decimal], span: DateRange) -> Days:
    found: Days = {}
    for (day, _, _), cost in days.items():
        if day in span:
            found[day] = found.get(day, ZERO) + cost
    return found
