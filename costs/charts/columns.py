"""Stacked columns over time."""

from decimal import Decimal

from costs import figures
from costs.charts.parts import (
    ColumnChart,
    Scale,
    Series,
    grid,
    legend,
    mark,
    percent,
    plot,
    scale_for,
    series_class,
    x_labels,
)

LABEL_ROOM = 26
ZERO = Decimal(0)


def draw_columns(chart: ColumnChart) -> str:
    """Positive amounts stack upwards, negative ones downwards from zero."""
    stacks = [[row.amounts[at] or ZERO for row in chart.series] for at in range(len(chart.labels))]
    high = max((sum((a for a in stack if a > 0), ZERO) for stack in stacks), default=ZERO)
    low = min((sum((a for a in stack if a < 0), ZERO) for stack in stacks), default=ZERO)
    scale = scale_for(low, high, height=chart.height)
    count = len(chart.labels)
    marks = "".join(_column(chart, at, stack, scale) for at, stack in enumerate(stacks))
    centres = [percent(2 * at + 1, 2 * count) for at in range(count)]
    labels = x_labels(chart.ticks or chart.labels, y=chart.height + 18, centres=centres)
    body = grid(scale, chart.currency) + marks + labels
    entries = [
        (row.css or series_class(at), row.name, _total(row, chart.currency), row.href)
        for at, row in enumerate(chart.series)
    ]
    return plot(chart.title, body, height=chart.height + LABEL_ROOM, kind="columns") + legend(entries)


def _column(chart: ColumnChart, at: int, stack: list[Decimal], scale: Scale) -> str:
    count = len(chart.labels)
    gap = Decimal("0.55") if count <= 4 else Decimal("0.28") if count <= 16 else Decimal("0.18")
    x, width = percent(at + gap / 2, count), percent(1 - gap, count)
    up = down = ZERO
    parts = []
    for position, (row, amount) in enumerate(zip(chart.series, stack, strict=True)):
        if not amount:
            continue
        base = up if amount > 0 else down
        top, bottom = sorted((scale.y(base), scale.y(base + amount)))
        css = row.css or series_class(position)
        shape = f'<rect class="{css}" x="{x}" y="{top}" width="{width}" height="{max(bottom - top, Decimal("0.5"))}"/>'
        title = f"{row.name}, {chart.labels[at]}: {figures.money(amount, chart.currency)}"
        parts.append(mark(shape, title, row.hrefs[at] if row.hrefs else ""))
        up, down = (up + amount, down) if amount > 0 else (up, down + amount)
    return "".join(parts)


def _total(row: Series, currency: str) -> str:
    summed = sum((amount or ZERO for amount in row.amounts), ZERO)
    return figures.money(summed if row.total is None else row.total, currency)
