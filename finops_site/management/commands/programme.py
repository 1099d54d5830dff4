"""manage.py programme [--start DATE] [--json]"""

import json
from argparse import ArgumentParser
from datetime import date
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from costs.errors import FinopsError
from costs.figures import day, money, number, pct
from costs.periods import day_argument
from costs.scope import Scope
from costs.text_tables import aligned
from finops_site.api_programme import ProgrammeSerializer
from finops_site.programme import selectors, services
from finops_site.programme.answers import programme_answer
from finops_site.programme.progress import Progress, goal_text
from finops_site.programme.results import CaseRow, Plan, RiskRow, SavingRow, Savings
from finops_site.programme.savings import savings


class Command(BaseCommand):
    help = "Print the programme: plan with measured progress, scenarios, risks, savings. Makes it where there is none."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--start", type=day_argument, help="the day a programme that is yet to be made starts on")
        parser.add_argument("--json", action="store_true", help="print JSON instead of tables")

    def handle(self, *args: Any, **options: Any) -> None:
        today, scope = timezone.now().date(), Scope.all()
        try:
            is_new = services.start_programme(starts_on=options["start"] or today)
            plan = selectors.programme(scope)
            assert plan is not None
            if options["start"] and not is_new:
                raise CommandError(f"The programme has started on {plan.starts_on}. Change that on its page.")
            if options["json"]:
                answer = programme_answer(scope, plan, assumptions=plan.assumptions, today=today)
                self.stdout.write(json.dumps(ProgrammeSerializer(answer).data, ensure_ascii=False))
                return
            parts = [
                _plan(plan, selectors.progress(scope, plan, today=today), today),
                _scenarios(plan, selectors.case_rows(plan)),
                _risks(plan, plan.risks),
                _savings(savings(scope, plan, today=today)),
            ]
        except FinopsError as error:
            raise CommandError(str(error)) from error
        self.stdout.write("\n\n".join(parts))


def _plan(plan: Plan, progress: tuple[Progress, ...], today: date) -> str:
    rows = [["Step", "Due", "State", "Measure", "Measured"]]
    for item in progress:
        measure = "go/no-go" if item.step.is_gate else goal_text(item.step.goal, plan.currency)
        state = item.state.value.replace("_", " ")
        rows.append([item.step.title, item.step.due_on.isoformat(), state, measure, item.reason])
    head = f"{plan.name}, as of {today}, day {(today - plan.starts_on).days} since {day(plan.starts_on)}"
    return "\n".join([head, "", *(_left(rows))])


def _left(rows: list[list[str]]) -> list[str]:
    """Lines of a table of words, all to the left."""
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return [lines[0], "-" * len(lines[0]), *lines[1:]]


def _scenarios(plan: Plan, cases: tuple[CaseRow, ...]) -> str:
    assumed = plan.assumptions
    rows = [["Scenario", "Saving a year", "Saving ÷ investment", "Net ROI", "Payback", "NPV"]]
    for row in cases:
        for name, case in ((row.scenario.name, row.case), (f"{row.scenario.name}, risk-adjusted", row.adjusted)):
            payback = "never" if case.payback_months is None else f"{number(case.payback_months, 1)} months"
            shares = [pct(case.saving_on_investment, 0), pct(case.net_roi, 0)]
            amounts = [money(case.annual_saving, plan.currency), *shares, payback, money(case.npv, plan.currency)]
            rows.append([name, *amounts])
    head = (
        f"Business case: {money(assumed.investment, plan.currency)} invested, {pct(assumed.discount_rate)} a year, "
        f"{assumed.horizon_years} years, delay {assumed.delay_months} and ramp-up {assumed.ramp_up_months} months"
    )
    return "\n".join([head, "", *aligned(rows, [])])


def _risks(plan: Plan, risks: tuple[RiskRow, ...]) -> str:
    rows = [["Risk", "State", "Probability", "Impact a year", "Expected loss a year"]]
    for row in risks:
        amounts = [money(amount, plan.currency) for amount in (row.exposure.impact_amount, row.exposure.expected_loss)]
        rows.append([row.title, row.state.value, pct(row.exposure.probability, 0), *amounts])
    return "\n".join(["Risks", "", *aligned(rows, [])])


def _savings(found: Savings) -> str:
    rows = [["Saving a year", "Claimed", "Planned", "Measured"]]
    rows += [[row.source.label, *_amounts(row, found.currency)] for row in found.rows]
    total = ["Total", *_amounts(found, found.currency)]
    return "\n".join(["Savings by source (empty: none)", "", *aligned(rows, [total])])


def _amounts(row: SavingRow | Savings, currency: str) -> list[str]:
    amounts = (row.claimed, row.planned, row.measured)
    return ["" if each is None else money(each, currency) for each in amounts]
