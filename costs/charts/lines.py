"""Lines over time: one with area and ghost, and the sparkline."""

from decimal import Decimal
from html import escape as _escape

from costs import figures
from costs.charts.parts import (
    LineChart,
    Scale,
    Series,
    Sparkline,
    figure,
    grid,
    legend,
    mark,
    percent,
    plot,
    scale_for,
    x_labels,
)

LABEL_ROOM = 26
WIDE = 1000  # units across; the path is stretched to the width of its place
ZERO = Decimal(0)


def draw_line(chart: LineChart) -> str:
    """The current period over the one before."""
    known = [a for row in (chart.current, chart.previous) if row for a in row.amounts if a is not None]
    known += [chart.level.amount] if chart.level else []
    scale = scale_for(min(known), max(known), height=chart.height)
    paths = _area(chart.current, scale) + _path(chart.current, scale, "line-current")
    entries = [("series-1", chart.current.name, _sum(chart.current, chart), chart.current.href)]
    if chart.previous:
        paths = _path(chart.previous, scale, "line-previous") + paths
        entries.append(("series-ghost", chart.previous.name, _sum(chart.previous, chart), chart.previous.href))
    if chart.level:
        entries.append(("series-level", chart.level.name, "", ""))
    count = len(chart.labels)
    inner = (
        f'<svg width="100%" height="{chart.height}" viewBox="0 0 {WIDE} {chart.height}" '
        f'preserveAspectRatio="none" aria-hidden="true">{paths}</svg>'
    )
    centres = [percent(at, max(count - 1, 1)) for at in range(count)]
    labels = x_labels(chart.ticks or chart.labels, y=chart.height + 18, centres=centres)
    body = grid(scale, chart.currency, unit=chart.unit) + inner + _level(chart, scale)
    body += _points(chart, scale, centres) + labels
    return plot(chart.title, body, height=chart.height + LABEL_ROOM, kind="line") + legend(entries)


def draw_sparkline(chart: Sparkline) -> str:
    """A line of 96 × 28 with a dot on the last amount."""
    high, low = max(chart.amounts), min(chart.amounts)
    span = high - low or Decimal(1)
    last = max(len(chart.amounts) - 1, 1)
    places = [
        (
            round(Decimal(4 + 88 * at) if last == 1 else 4 + Decimal(88 * at) / last, 1),
            round(24 - (a - low) / span * 20, 1),
        )
        for at, a in enumerate(chart.amounts)
    ]
    path = " ".join(f"{x},{y}" for x, y in places)
    x, y = places[-1]
    title = _escape(
        f"{chart.title}: {figures.money(chart.amounts[0], chart.currency)} to "
        f"{figures.money(chart.amounts[-1], chart.currency)}"
    )
    return (
        f'<svg class="sparkline" role="img" aria-label="{title}" viewBox="0 0 96 28" width="96" height="28">'
        f'<polyline class="line-current" points="{path}"/><circle class="line-dot" cx="{x}" cy="{y}" r="2.5"/></svg>'
    )


def _places(row: Series, scale: Scale) -> list[list[tuple[Decimal, Decimal]]]:
    """Runs of neighbouring known amounts as (x, y)."""
    last = max(len(row.amounts) - 1, 1)
    runs: list[list[tuple[Decimal, Decimal]]] = [[]]
    for at, amount in enumerate(row.amounts):
        if amount is None:
            runs.append([])
        else:
            runs[-1].append((round(Decimal(WIDE * at) / last, 1), scale.y(amount)))
    return [run for run in runs if run]


def _path(row: Series, scale: Scale, css: str) -> str:
    return "".join(
        f'<polyline class="{css}" vector-effect="non-scaling-stroke" points="{_points_text(run)}"/>'
        for run in _places(row, scale)
    )


def _area(row: Series, scale: Scale) -> str:
    zero = scale.y(ZERO)
    return "".join(
        f'<polygon class="line-area" points="{run[0][0]},{zero} {_points_text(run)} {run[-1][0]},{zero}"/>'
        for run in _places(row, scale)
    )


def _points_text(run: list[tuple[Decimal, Decimal]]) -> str:
    return " ".join(f"{x},{y}" for x, y in run)


def _points(chart: LineChart, scale: Scale, centres: list[str]) -> str:
    out = []
    before = chart.previous.amounts if chart.previous else ()
    for at, amount in enumerate(chart.current.amounts):
        if amount is None:
            continue
        title = f"{chart.labels[at]}: {figure(amount, chart.currency, chart.unit)}"
        if chart.previous and at < len(before) and (other := before[at]) is not None:
            title += f" ({chart.previous.name}: {figure(other, chart.currency, chart.unit)})"
        y = scale.y(amount)
        css = "line-dot line-mark" if at == chart.highlight else "line-dot"
        shape = (
            f'<circle class="hit" cx="{centres[at]}" cy="{y}" r="12"/>'
            f'<circle class="{css}" cx="{centres[at]}" cy="{y}" r="{5 if at == chart.highlight else 3}"/>'
        )
        out.append(mark(shape, title, chart.current.hrefs[at] if chart.current.hrefs else ""))
    return "".join(out)


def _level(chart: LineChart, scale: Scale) -> str:
    if chart.level is None:
        return ""
    y = scale.y(chart.level.amount)
    return mark(f'<line class="line-level" x1="0" x2="100%" y1="{y}" y2="{y}"/>', chart.level.name)


def _sum(row: Series, chart: LineChart) -> str:
    if chart.unit or not chart.has_totals:
        return ""
    return figures.money(sum((amount or ZERO for amount in row.amounts), ZERO), chart.currency)
