"""A plan being used up: the sum so far, where it is expected to go with its range, and the plan as a line."""

from decimal import Decimal

from costs import figures
from costs.charts.parts import BurnChart, Scale, grid, legend, mark, percent, plot, scale_for, x_labels

LABEL_ROOM = 26
WIDE = 1000  # units across; paths are stretched to the width of their place
ZERO = Decimal(0)
Known = list[tuple[int, Decimal]]


def draw_burn(chart: BurnChart) -> str:
    """Days across; what is spent as an area, the expected sum dashed in its range."""
    rows = (chart.actual, chart.mean, chart.low, chart.high)
    amounts = [amount for row in rows for amount in row if amount is not None]
    scale = scale_for(min(amounts, default=ZERO), max([*amounts, chart.plan]), height=chart.height)
    count = len(chart.labels)
    inner = (
        f'<svg width="100%" height="{chart.height}" viewBox="0 0 {WIDE} {chart.height}" '
        f'preserveAspectRatio="none" aria-hidden="true">{_shapes(chart, scale)}</svg>'
    )
    centres = [percent(at, max(count - 1, 1)) for at in range(count)]
    labels = x_labels(chart.ticks or chart.labels, y=chart.height + 18, centres=centres)
    y = scale.y(chart.plan)
    title = f"Plan: {figures.money(chart.plan, chart.currency)}"
    line = mark(f'<line class="burn-plan" x1="0" x2="100%" y1="{y}" y2="{y}"/>', title)
    body = grid(scale, chart.currency) + inner + line + _points(chart, scale, centres) + labels
    return plot(chart.title, body, height=chart.height + LABEL_ROOM, kind="line") + legend(_entries(chart))


def _shapes(chart: BurnChart, scale: Scale) -> str:
    actual, mean = _known(chart.actual), _known(chart.mean)
    joined = [*actual[-1:], *mean]
    low, high = [*actual[-1:], *_known(chart.low)], [*actual[-1:], *_known(chart.high)]
    shapes = ""
    if mean:
        band = f"{_text(high, chart, scale)} {_text(low[::-1], chart, scale)}"
        shapes += f'<polygon class="burn-band" points="{band}"/>'
        shapes += _line(joined, chart, scale, "burn-mean")
    if actual:
        zero = scale.y(ZERO)
        first, last = _x(actual[0][0], chart), _x(actual[-1][0], chart)
        area = f"{first},{zero} {_text(actual, chart, scale)} {last},{zero}"
        shapes += f'<polygon class="line-area" points="{area}"/>' + _line(actual, chart, scale, "line-current")
    return shapes


def _known(row: tuple[Decimal | None, ...]) -> Known:
    return [(at, amount) for at, amount in enumerate(row) if amount is not None]


def _x(at: int, chart: BurnChart) -> Decimal:
    return round(Decimal(WIDE * at) / max(len(chart.labels) - 1, 1), 1)


def _text(points: Known, chart: BurnChart, scale: Scale) -> str:
    return " ".join(f"{_x(at, chart)},{scale.y(amount)}" for at, amount in points)


def _line(points: Known, chart: BurnChart, scale: Scale, css: str) -> str:
    text = _text(points, chart, scale)
    return f'<polyline class="{css}" vector-effect="non-scaling-stroke" points="{text}"/>'


def _points(chart: BurnChart, scale: Scale, centres: list[str]) -> str:
    out = []
    for at, label in enumerate(chart.labels):
        actual, mean = chart.actual[at], chart.mean[at]
        amount = mean if actual is None else actual
        if amount is None:
            continue
        text = f"{label}: {figures.money(amount, chart.currency)}"
        low, high = chart.low[at], chart.high[at]
        if actual is None and low is not None and high is not None:
            between = f"{figures.money(low, chart.currency)} to {figures.money(high, chart.currency)}"
            text = f"{label}: {figures.money(amount, chart.currency)} expected ({between})"
        y = scale.y(amount)
        shape = f'<circle class="hit" cx="{centres[at]}" cy="{y}" r="12"/>'
        shape += f'<circle class="line-dot" cx="{centres[at]}" cy="{y}" r="3"/>'
        out.append(mark(shape, text))
    return "".join(out)


def _entries(chart: BurnChart) -> list[tuple[str, str, str, str]]:
    entries = [("burn-swatch-plan", "Plan", figures.money(chart.plan, chart.currency), "")]
    for name, row, css in (("Spent", chart.actual, "series-1"), ("Expected", chart.mean, "series-ghost")):
        if known := _known(row):
            entries.append((css, name, figures.money(known[-1][1], chart.currency), ""))
    low, high = _known(chart.low), _known(chart.high)
    if low and high:
        between = f"{figures.money(low[-1][1], chart.currency)} to {figures.money(high[-1][1], chart.currency)}"
        entries.append(("burn-swatch-band", "80 % range", between, ""))
    return entries
