"""The whole programme as one answer, for the API and the command."""

from datetime import date
from typing import Any

from costs.money import ZERO
from costs.scope import Scope
from finops_site.programme import selectors
from finops_site.programme.business_case import Assumptions, BusinessCase
from finops_site.programme.progress import Progress
from finops_site.programme.results import CaseRow, Plan, RiskRow
from finops_site.programme.risk import expected_loss
from finops_site.programme.savings import savings
from finops_site.programme.targets import MetricRow


def programme_answer(scope: Scope, plan: Plan, *, assumptions: Assumptions, today: date) -> dict[str, Any]:
    """Plan with progress, metrics by month, business case under these assumptions, risks, savings. For staff."""
    return {
        "name": plan.name,
        "currency": plan.currency,
        "starts_on": plan.starts_on,
        "as_of": today,
        "plan": [_step(item) for item in selectors.progress(scope, plan, today=today)],
        "metrics": [_metric(row) for row in selectors.success_metrics(scope, plan, today=today)],
        "business_case": {
            "assumptions": vars(assumptions),
            "expected_loss_annual": expected_loss(plan.counted_exposures),
            "scenarios": [_scenario(row) for row in selectors.case_rows(plan, assumptions=assumptions)],
        },
        "risks": [_risk(row) for row in plan.risks],
        "savings": _savings(scope, plan, today),
    }


def _step(found: Progress) -> dict[str, Any]:
    goal = found.step.goal
    return {
        "phase": found.step.phase.value,
        "title": found.step.title,
        "owner": found.step.owner,
        "due_on": found.step.due_on,
        "is_gate": found.step.is_gate,
        "metric": goal.metric.value if goal else None,
        "comparator": goal.comparator.value if goal else None,
        "threshold": goal.threshold if goal else None,
        "state": found.state.value,
        "value": found.value,
        "measured_in": found.measured_in,
        "reached_in": found.reached_in,
        "reason": found.reason,
    }


def _metric(row: MetricRow) -> dict[str, Any]:
    return {
        "metric": row.metric.value,
        "title": row.metric.label,
        "unit": row.metric.unit.value,
        "basis": row.metric.basis,
        "smaller_is_better": row.metric.smaller_is_better,
        "months": [
            {
                "month_number": number,
                "billing_period": cell.period,
                "target": cell.target,
                "actual": cell.actual,
                "is_measured": cell.is_measured,
            }
            for number, cell in enumerate(row.cells, start=1)
        ],
    }


def _scenario(row: CaseRow) -> dict[str, Any]:
    return {
        "name": row.scenario.name,
        "basis": row.scenario.basis,
        **_case(row.case),
        "risk_adjusted": _case(row.adjusted),
    }


def _case(case: BusinessCase) -> dict[str, Any]:
    kept = ("annual_saving", "first_year_saving", "saving_on_investment", "net_roi", "payback_months", "npv")
    return {
        **{name: getattr(case, name) for name in kept},
        "net_cash": case.years[-1].cumulated,
        "years": [vars(year) for year in case.years],
    }


def _risk(row: RiskRow) -> dict[str, Any]:
    return {
        "title": row.title,
        "probability": row.exposure.probability,
        "impact_annual": row.exposure.impact_amount,
        "expected_loss_annual": row.exposure.expected_loss if row.counts else ZERO,
        "mitigation": row.mitigation,
        "owner": row.owner,
        "state": row.state.value,
    }


def _savings(scope: Scope, plan: Plan, today: date) -> dict[str, Any]:
    found = savings(scope, plan, today=today)
    return {
        "claimed_annual": found.claimed,
        "planned_annual": found.planned,
        "measured_annual": found.measured,
        "sources": [
            {
                "kind": row.source.value,
                "title": row.source.label,
                "claimed_annual": row.claimed,
                "claim_basis": row.claim_basis,
                "planned_annual": row.planned,
                "planned_basis": row.planned_basis,
                "measured_annual": row.measured,
                "measured_basis": row.measured_basis,
                "difference": row.difference,
            }
            for row in found.rows
        ],
    }
