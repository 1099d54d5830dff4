"""Charts of a pool: its hourly usage under the recommended line, and what every quantity would save."""

from decimal import Decimal

from costs import figures
from costs.charts import Bar, LineChart, Series
from ri.results import PoolDetail

# Hours drawn; of a longer window the last ones, so that the chart stays readable.
MOST_HOURS = 744


def usage_chart(detail: PoolDetail) -> LineChart:
    """Usage on demand by hour, with what commitments already cover as the ghost line."""
    shown = detail.hours[-MOST_HOURS:]
    advice = detail.recommendation
    level = Bar(f"Recommended: {advice.quantity}", Decimal(advice.quantity)) if advice else None
    committed = tuple(other for _, _, other in shown)
    return LineChart(
        title=f"On demand by hour, in {detail.unit}",
        labels=tuple(f"{figures.day(hour.date())} {hour:%H}:00" for hour, _, _ in shown),
        ticks=tuple(f"{hour:%d %b}".lstrip("0") for hour, _, _ in shown),
        current=Series("On demand", tuple(mine for _, mine, _ in shown)),
        previous=Series("Covered by commitments", committed) if any(committed) else None,
        level=level,
        unit=detail.unit,
        label_header="Hour (UTC)",
        empty_text="Nothing ran in these hours.",
    )


def curve_chart(detail: PoolDetail) -> LineChart:
    """Net saving a year by quantity; the top is the optimum."""
    best = max(range(len(detail.curve)), key=lambda at: detail.curve[at][1], default=None)
    return LineChart(
        title="Net saving a year by quantity",
        labels=tuple(f"{quantity} × {detail.unit}" for quantity, _ in detail.curve),
        ticks=tuple(str(quantity) for quantity, _ in detail.curve),
        current=Series("Net saving a year", tuple(net for _, net in detail.curve)),
        highlight=best,
        has_totals=False,
        currency=detail.run.currency,
        label_header="Quantity",
    )
