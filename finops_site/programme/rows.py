"""Rows of the programme's tables, and the addresses they lead to."""

from datetime import date
from decimal import Decimal
from typing import Any

from django.urls import reverse

from costs.money import ZERO
from finops_site.programme.business_case import BusinessCase
from finops_site.programme.progress import Progress, goal_text
from finops_site.programme.results import CaseRow, Plan, RiskRow, SavingRow


def part_url(kind: str, ref: int) -> str:
    """Where a row of the programme is changed."""
    return reverse("programme_part", args=[kind, ref])


def step(found: Progress, plan: Plan, *, today: date) -> dict[str, Any]:
    item = found.step
    return {
        "phase": item.phase.label,
        "title": item.title,
        "url": part_url("steps", item.ref),
        "owner": item.owner or "nobody",
        "due_on": item.due_on,
        "goal": "Go/no-go point" if item.is_gate else goal_text(item.goal, plan.currency),
        "state": found.state.value,
        "reason": found.reason,
        "is_gate": item.is_gate,
        "is_due": item.due_on < today,
    }


def scenarios(rows: tuple[CaseRow, ...], plan: Plan) -> list[dict[str, Any]]:
    """Each scenario twice: as it stands, and risk-adjusted."""
    found = []
    for row in rows:
        found.append(_case(row.case, row, plan, name=row.scenario.name, basis=row.scenario.basis, is_adjusted=False))
        basis = "The saving less the expected loss of all risks that count."
        if row.adjusted.annual_saving < ZERO:
            basis = "The risks are expected to cost more than the scenario saves: a loss, shown as one."
        name = f"{row.scenario.name}, risk-adjusted"
        found.append(_case(row.adjusted, row, plan, name=name, basis=basis, is_adjusted=True))
    return found


def _case(case: BusinessCase, row: CaseRow, plan: Plan, *, name: str, basis: str, is_adjusted: bool) -> dict[str, Any]:
    return {
        "name": name,
        "url": part_url("scenarios", row.scenario.ref),
        "annual_saving": case.annual_saving,
        "first_year": case.first_year_saving,
        "saving_on_investment": case.saving_on_investment,
        "net_roi": case.net_roi,
        "payback_months": case.payback_months,
        "cash": case.years[-1].cumulated,
        "npv": case.npv,
        "basis": basis,
        "is_adjusted": is_adjusted,
        "currency": plan.currency,
    }


def years(case: BusinessCase, currency: str) -> list[dict[str, Any]]:
    return [{**vars(year), "currency": currency} for year in case.years]


def risk(row: RiskRow, plan: Plan) -> dict[str, Any]:
    return {
        "title": row.title,
        "url": part_url("risks", row.ref),
        "probability": row.exposure.probability,
        "impact_amount": row.exposure.impact_amount,
        "expected_loss": row.exposure.expected_loss if row.counts else ZERO,
        "state": row.state.value,
        "owner": row.owner or "nobody",
        "mitigation": row.mitigation,
        "currency": plan.currency,
    }


def saving(row: SavingRow, plan: Plan) -> dict[str, Any]:
    refs = {claim.source: claim.ref for claim in plan.claims}
    url = part_url("claims", refs[row.source]) if row.source in refs else ""
    return {**vars(row), "source": row.source.label, "url": url, "currency": plan.currency}


def payback_text(months: Decimal | None) -> str:
    """`5.6 months`, or that it never comes."""
    return "not within the horizon" if months is None else f"{months:.1f} months"
