"""The demo company's programme: begun sixty days ago, so that there is progress to see; and what came of it."""

from datetime import date, timedelta
from textwrap import fill

from costs.figures import day, money, number, pct
from costs.scope import Scope
from finops_site.demo_report import aligned
from finops_site.programme import selectors, services
from finops_site.programme.progress import Progress
from finops_site.programme.terms import StepState

DAYS_UNDER_WAY = 60
LINE_WIDTH = 110


def set_up_programme(*, today: date) -> bool:
    """Make the programme with its defaults; False where there is one already."""
    return services.start_programme(starts_on=today - timedelta(days=DAYS_UNDER_WAY))


def _verdict(item: Progress, today: date) -> str:
    """Go or no go; not for good before the day it is due."""
    is_early = item.state is StepState.NO_GO and item.step.due_on >= today
    return f"{item.state.value.replace('_', ' ')}{' yet' if is_early else ''}"


def programme_report(*, today: date) -> str:
    """The plan's progress and the scenarios, in a few lines."""
    plan = selectors.programme(Scope.all())
    if plan is None:
        return "There is no programme."
    progress = selectors.progress(Scope.all(), plan, today=today)
    states = dict.fromkeys(item.state for item in progress if not item.step.is_gate)
    counts = ", ".join(
        f"{sum(item.state is state and not item.step.is_gate for item in progress)} {state.value.replace('_', ' ')}"
        for state in states
    )
    lines = [f"{plan.name}, day {(today - plan.starts_on).days} since {day(plan.starts_on)}: {counts}"]
    lines += [
        fill(
            f"{item.step.phase.label}: {_verdict(item, today)}. {item.reason}",
            width=LINE_WIDTH,
            initial_indent="  ",
            subsequent_indent="    ",
        )
        for item in progress
        if item.step.is_gate
    ]
    header = ["Scenario", "Saving ÷ investment", "Net ROI", "Payback", f"{plan.assumptions.horizon_years}-year NPV"]
    rows = [
        [
            row.scenario.name,
            pct(row.case.saving_on_investment, 0),
            pct(row.case.net_roi, 0),
            f"{number(row.case.payback_months, 1)} months",
            money(row.case.npv, plan.currency),
        ]
        for row in selectors.case_rows(plan)
    ]
    return "\n".join([*lines, "", *aligned(header, rows)])
