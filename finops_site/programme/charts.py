"""Charts of the programme: coverage and savings against target, cash over time, and what risks may cost."""

from decimal import Decimal

from costs import figures
from costs.charts import Bar, BarChart, LineChart, Series
from costs.periods import BillingPeriod
from finops_site.metrics.terms import Metric
from finops_site.programme.progress import Readings
from finops_site.programme.results import CaseRow, Plan
from finops_site.programme.targets import MetricRow, programme_months

HUNDRED = Decimal(100)
TICK_MONTHS = 6


def coverage_chart(rows: tuple[MetricRow, ...]) -> LineChart | None:
    """Coverage by month beside its target, in per cent; None where neither is known."""
    row = next((row for row in rows if row.metric is Metric.COVERAGE), None)
    if row is None:
        return None
    measured = tuple(_percent(cell.actual) for cell in row.cells)
    return LineChart(
        title="Commitment coverage by month",
        labels=tuple(cell.period.label for cell in row.cells),
        ticks=tuple(f"{cell.period.start:%b}" for cell in row.cells),
        current=Series("Measured", measured),
        highlight=_newest(measured),
        previous=Series("Target", tuple(_percent(cell.target) for cell in row.cells)),
        unit="%",
        label_header="Month",
        empty_text="No coverage has been measured since the start, and there is no target for it.",
    )


def saving_chart(plan: Plan, case: CaseRow | None, readings: Readings) -> LineChart:
    """What commitments and fixed findings save a month, beside the month of the scenario."""
    periods = programme_months(plan.starts_on)
    measured = tuple(_saved(readings, period) for period in periods)
    aims = case.case.monthly_savings[: len(periods)] if case else ()
    return LineChart(
        title="Savings a month against the scenario",
        labels=tuple(period.label for period in periods),
        ticks=tuple(f"{period.start:%b}" for period in periods),
        current=Series("Measured", measured),
        highlight=_newest(measured),
        previous=Series(f"{case.scenario.name} scenario", aims) if case else None,
        has_totals=False,
        currency=plan.currency,
        label_header="Month",
        empty_text="No saving has been measured since the start, and there is no scenario to hold it against.",
    )


def cash_chart(row: CaseRow, currency: str) -> LineChart:
    """Cash since the start, month by month, as it stands and with the expected loss taken off."""
    count = len(row.case.cumulated)
    return LineChart(
        title=f"Cash since the start, {row.scenario.name} scenario",
        labels=tuple(f"Month {month}" for month in range(count)),
        ticks=tuple(str(month) if month % TICK_MONTHS == 0 else "" for month in range(count)),
        current=Series(row.scenario.name, row.case.cumulated),
        previous=Series("Risk-adjusted", row.adjusted.cumulated),
        has_totals=False,
        currency=currency,
        label_header="Month",
    )


def risk_chart(plan: Plan) -> BarChart:
    """Risks that count, by what they cost on average."""
    counted = [risk for risk in plan.risks if risk.counts]
    bars = tuple(
        Bar(
            risk.title,
            risk.exposure.expected_loss,
            note=f"{figures.pct(risk.exposure.probability, 0)} × "
            f"{figures.short_money(risk.exposure.impact_amount, plan.currency)}",
        )
        for risk in counted
    )
    return BarChart(
        title="Expected loss a year by risk",
        bars=bars,
        currency=plan.currency,
        label_header="Risk",
        empty_text="No open risk costs anything on average.",
    )


def _saved(readings: Readings, period: BillingPeriod) -> Decimal | None:
    """Both savings of a month; None while one of them cannot be told yet, so that half a sum is never drawn."""
    commitments = readings.get(Metric.SAVING_COMMITMENTS, {}).get(period)
    findings = readings.get(Metric.SAVING_FINDINGS, {}).get(period)
    return None if commitments is None or findings is None else commitments + findings


def _newest(amounts: tuple[Decimal | None, ...]) -> int | None:
    """The place of the last known amount: alone it makes no line, marked it is seen."""
    return max((at for at, amount in enumerate(amounts) if amount is not None), default=None)


def _percent(share: Decimal | None) -> Decimal | None:
    return None if share is None else share * HUNDRED
