"""A measured period as a chart."""

from decimal import Decimal

from budgets.results import Measured
from costs import figures
from costs.charts import BurnChart
from costs.money import ZERO


def burn_chart(item: Measured, *, currency: str) -> BurnChart:
    """Running sums by day: spent as far as usage is known, then the forecast with its range."""
    days = list(item.period.range.days())
    path = {step.day: step for step in item.forecast.path}
    shown_through = item.data_through or days[0]
    total, actual = ZERO, list[Decimal | None]()
    for day in days:
        total += item.daily.get(day, ZERO)
        actual.append(total if day <= shown_through and item.daily else None)
    steps = [path.get(day) if day > shown_through or not item.daily else None for day in days]
    return BurnChart(
        title=f"Plan and costs, {item.period.label}",
        labels=tuple(figures.day(day) for day in days),
        ticks=tuple(f"{day.day} {day:%b}" if len(days) > 31 else str(day.day) for day in days),
        actual=tuple(actual),
        mean=tuple(None if step is None else step.mean for step in steps),
        low=tuple(None if step is None else step.low for step in steps),
        high=tuple(None if step is None else step.high for step in steps),
        plan=item.plan,
        currency=currency,
    )
