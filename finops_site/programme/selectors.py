"""All reads of the programme; for FinOps staff."""

from datetime import date, timedelta

from costs.reading import read_once
from costs.scope import Scope
from finops_site.metrics.reading import metric_months
from finops_site.metrics.terms import Metric
from finops_site.models import Programme
from finops_site.programme.business_case import Assumptions, business_case
from finops_site.programme.progress import Goal, Progress, Readings, Step, plan_progress
from finops_site.programme.results import CaseRow, ClaimRow, Plan, RiskRow, ScenarioRow, TargetRow
from finops_site.programme.risk import Exposure, risk_adjusted
from finops_site.programme.targets import Aim, MetricRow, metric_rows
from finops_site.programme.terms import Comparator, Phase, RiskState, SavingSource

# The figures success is judged by, in the order they are shown.
SUCCESS_METRICS = (
    Metric.COVERAGE,
    Metric.UTILIZATION,
    Metric.COMPLIANCE,
    Metric.VARIANCE,
    Metric.ACTIVE_BUDGETS,
    Metric.RESERVATIONS_BOUGHT,
    Metric.RESOURCES_FIXED,
    Metric.ADOPTION,
    Metric.STATEMENTS,
    Metric.SAVING_COMMITMENTS,
    Metric.SAVING_FINDINGS,
)


def programme(scope: Scope) -> Plan | None:
    """The programme as it is kept; None before it was started."""
    scope.require_everything()
    row = Programme.objects.first()
    return None if row is None else _plan(row)


def readings_of(scope: Scope, plan: Plan) -> Readings:
    """What every month was found to be, money in the programme's currency. Read once for a page."""
    scope.require_everything()

    def read() -> Readings:
        found = metric_months(scope, currency=plan.currency)
        return {metric: {period: item.value for period, item in months.items()} for metric, months in found.items()}

    return read_once(("programme readings", plan.currency), read)


def progress(scope: Scope, plan: Plan, *, today: date) -> tuple[Progress, ...]:
    """Every step of the plan with its state, by due date."""
    readings = readings_of(scope, plan)
    return plan_progress(plan.steps, readings=readings, starts_on=plan.starts_on, today=today, currency=plan.currency)


def success_metrics(scope: Scope, plan: Plan, *, today: date) -> tuple[MetricRow, ...]:
    """Targets and actual figures by month of the programme."""
    aims = [target.aim for target in plan.targets]
    shown = dict.fromkeys([*SUCCESS_METRICS, *(aim.metric for aim in aims)])
    readings = readings_of(scope, plan)
    return metric_rows(list(shown), aims, readings=readings, starts_on=plan.starts_on, today=today)


def case_rows(plan: Plan, *, assumptions: Assumptions | None = None) -> tuple[CaseRow, ...]:
    """Every scenario worked out, under these assumptions or the programme's own."""
    used = assumptions or plan.assumptions
    return tuple(
        CaseRow(
            scenario=row,
            case=business_case(row.annual_saving, assumptions=used),
            adjusted=business_case(
                risk_adjusted(row.annual_saving, exposures=plan.counted_exposures), assumptions=used
            ),
        )
        for row in plan.scenarios
    )


def _plan(row: Programme) -> Plan:
    risks = [
        RiskRow(
            ref=risk.pk,
            title=risk.title,
            exposure=Exposure(risk.probability, risk.impact_amount),
            mitigation=risk.mitigation,
            owner=risk.owner,
            state=RiskState(risk.state),
        )
        for risk in row.risks.all()
    ]
    claims = {claim.source: claim for claim in row.claims.all()}
    return Plan(
        name=row.name,
        currency=row.currency,
        starts_on=row.starts_on,
        assumptions=_assumptions(row),
        scenarios=tuple(
            ScenarioRow(item.pk, item.name, item.annual_saving, item.basis) for item in row.scenarios.all()
        ),
        steps=_steps(row),
        targets=tuple(
            TargetRow(item.pk, Aim(Metric(item.metric), item.month_number, item.value), item.note)
            for item in row.targets.all()
        ),
        risks=tuple(sorted(risks, key=lambda risk: (-risk.exposure.expected_loss, risk.title))),
        claims=tuple(
            ClaimRow(claims[source].pk, source, claims[source].claimed_amount, claims[source].basis)
            for source in SavingSource
            if source in claims
        ),
    )


def _assumptions(row: Programme) -> Assumptions:
    return Assumptions(
        investment=row.investment,
        discount_rate=row.discount_rate,
        ramp_up_months=row.ramp_up_months,
        delay_months=row.delay_months,
        horizon_years=row.horizon_years,
    )


def _steps(row: Programme) -> tuple[Step, ...]:
    return tuple(
        Step(
            title=item.title,
            phase=Phase(item.phase),
            due_on=row.starts_on + timedelta(days=item.due_offset_days),
            owner=item.owner,
            goal=Goal(Metric(item.metric), Comparator(item.comparator), item.threshold)
            if item.metric and item.threshold is not None
            else None,
            is_gate=item.is_gate,
            ref=item.pk,
        )
        for item in row.steps.all()
    )
