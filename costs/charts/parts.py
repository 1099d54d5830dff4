"""What charts are made of: their data, and the pieces of markup they share."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from html import escape

from costs import figures

OTHER = "series-other"
UNALLOCATED = "series-unallocated"
SERIES_COUNT = 8
LETTER, LABEL_GAP = 7, 10  # pixels
PLOT_WIDTHS = (680, 420, 260)  # of the plot, for the breakpoints in charts.css
SMALL_PART = Decimal("0.5")
NO_DATA = "Nothing to show for this period."


def series_class(position: int) -> str:
    """The colour class of the n-th series (from 0): `series-1` … `series-8`, then `series-other`."""
    return f"series-{position + 1}" if position < SERIES_COUNT else OTHER


@dataclass(frozen=True)
class Series:
    """One named row of amounts, one for each label of the chart; None where there is none.

    `css` fixes the colour (`series-3`, OTHER, UNALLOCATED); empty takes the colour of its place.
    `hrefs` has one address for each amount, or is empty. `total` stands in the legend where it is not what they sum to,
    as where a table beside the chart has it in cents that add up.
    """

    name: str
    amounts: tuple[Decimal | None, ...]
    hrefs: tuple[str, ...] = ()
    href: str = ""  # of the name in the legend
    css: str = ""
    total: Decimal | None = None


@dataclass(frozen=True)
class Bar:
    """One ranked amount. `note` stands after the figure (a share, a change)."""

    name: str
    amount: Decimal
    href: str = ""
    note: str = ""
    css: str = ""


@dataclass(frozen=True)
class ColumnChart:
    """Stacked columns over time. `ticks` are the short labels of the axis (default: the labels)."""

    title: str
    labels: tuple[str, ...]
    series: tuple[Series, ...]
    ticks: tuple[str, ...] = ()
    currency: str = "USD"
    height: int = 260
    label_header: str = "Month"
    empty_text: str = NO_DATA


@dataclass(frozen=True)
class LineChart:
    """A line with its area, and the period before as a ghost line of the same length.

    `unit` makes the amounts quantities of it instead of money; `level` is a straight line across, `highlight` the
    place of one amount marked for good. `has_totals` says whether sums of the lines mean anything.
    """

    title: str
    labels: tuple[str, ...]
    current: Series
    previous: Series | None = None
    level: Bar | None = None
    highlight: int | None = None
    unit: str = ""
    has_totals: bool = True
    ticks: tuple[str, ...] = ()
    currency: str = "USD"
    height: int = 240
    label_header: str = "Day"
    empty_text: str = NO_DATA


@dataclass(frozen=True)
class BurnChart:
    """A plan being used up: running sums, one for each label; None where a row does not reach.

    `actual` is what was spent, `mean` with `low` and `high` where it is expected to go.
    """

    title: str
    labels: tuple[str, ...]
    actual: tuple[Decimal | None, ...]
    mean: tuple[Decimal | None, ...]
    low: tuple[Decimal | None, ...]
    high: tuple[Decimal | None, ...]
    plan: Decimal
    ticks: tuple[str, ...] = ()
    currency: str = "USD"
    height: int = 260
    label_header: str = "Day"
    empty_text: str = NO_DATA


@dataclass(frozen=True)
class _Bars:
    """What every chart of named bars has."""

    title: str
    bars: tuple[Bar, ...]
    currency: str = "USD"
    label_header: str = "Name"
    empty_text: str = NO_DATA


@dataclass(frozen=True)
class BarChart(_Bars):
    """Horizontal bars with their figures, in the order given."""


@dataclass(frozen=True)
class MoverChart(_Bars):
    """Changes to both sides of a middle line, in the order given; rises are the bad direction."""

    empty_text: str = "Nothing changed."


@dataclass(frozen=True)
class ProportionChart(_Bars):
    """Parts of one whole as a single bar. Negative parts are named in the legend and not drawn."""

    label_header: str = "Part"


@dataclass(frozen=True)
class Sparkline:
    """A small line without axes."""

    title: str
    amounts: tuple[Decimal, ...]
    currency: str = "USD"
    empty_text: str = ""


Chart = ColumnChart | LineChart | BurnChart | BarChart | MoverChart | ProportionChart | Sparkline


@dataclass(frozen=True)
class ChartTable:
    """A chart's figures as text, for the table under it."""

    headers: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Scale:
    """A vertical axis in pixels: rounded ticks from `low` to `high`, which always hold zero."""

    low: Decimal
    high: Decimal
    ticks: tuple[Decimal, ...]
    height: int

    def y(self, amount: Decimal) -> Decimal:
        """Distance from the top, in pixels."""
        return round((self.high - amount) / (self.high - self.low) * self.height, 2)


def scale_for(low: Decimal, high: Decimal, *, height: int) -> Scale:
    """The tightest scale around these extremes in 3 to 6 steps of 1, 2, 2.5 or 5 × 10ⁿ."""
    low, high = min(low, Decimal(0)), max(high, Decimal(0))
    if low == high:
        high = Decimal(1)
    scales = [_scale(low, high, nice_step((high - low) / steps), height) for steps in (4, 5, 3, 6)]
    return min(scales, key=lambda scale: scale.high - scale.low)


def _scale(low: Decimal, high: Decimal, step: Decimal, height: int) -> Scale:
    first = int((low / step).to_integral_value(ROUND_FLOOR))
    last = int((high / step).to_integral_value(ROUND_CEILING))
    # A little below zero gets only the room it needs, without a line of its own.
    if first == -1 and -low < step * SMALL_PART:
        return Scale(low * Decimal("1.1"), step * last, tuple(step * n for n in range(last + 1)), height)
    ticks = tuple(step * n for n in range(first, last + 1))
    return Scale(ticks[0], ticks[-1], ticks, height)


def nice_step(raw: Decimal) -> Decimal:
    """The smallest of 1, 2, 2.5, 5, 10 × 10ⁿ that is not below `raw` (> 0)."""
    power = Decimal(1).scaleb(raw.adjusted())
    factor = next(f for f in (Decimal(1), Decimal(2), Decimal("2.5"), Decimal(5), Decimal(10)) if f * power >= raw)
    return factor * power


def percent(part: Decimal | int, whole: Decimal | int) -> str:
    """`37.25%` for an attribute; `0%` of nothing."""
    share = Decimal(part) / Decimal(whole) * 100 if whole else Decimal(0)
    return f"{round(share, 3).normalize():f}%"


def mark(shape: str, title: str, href: str = "") -> str:
    """A shape with its title; a link where there is an address. `shape` is markup, the rest is text."""
    inner = f"<title>{escape(title)}</title>{shape}"
    if not href:
        return f"<g>{inner}</g>"
    return f'<a class="mark" href="{escape(href)}" aria-label="{escape(title)}">{inner}</a>'


def figure(amount: Decimal, currency: str, unit: str = "") -> str:
    """An amount of a chart as text: money, or a quantity of `unit`."""
    return f"{figures.number(amount, 1)} {unit}" if unit else figures.money(amount, currency)


def grid(scale: Scale, currency: str, *, unit: str = "") -> str:
    """Lines and labels of the vertical axis; labels stand left of the plot."""
    lines = []
    for tick in scale.ticks:
        y, css = scale.y(tick), "axis-zero" if tick == 0 else "axis-line"
        lines.append(f'<line class="{css}" x1="0" x2="100%" y1="{y}" y2="{y}"/>')
        text = escape(figures.number(tick, 1) if unit else figures.short_money(tick, currency))
        lines.append(f'<text class="axis-label" x="-8" y="{y}" dy="0.32em" text-anchor="end">{text}</text>')
    return "".join(lines)


def x_labels(ticks: Sequence[str], *, y: int, centres: Sequence[str]) -> str:
    """Labels under the plot, as many as fit; `axis-extra` and `axis-minor` give way in narrow places."""
    room = max((len(text) for text in ticks), default=1) * LETTER + LABEL_GAP
    wide, middle, narrow = (-(-len(ticks) * room // width) for width in PLOT_WIDTHS)
    middle = -(-middle // wide) * wide
    narrow = -(-narrow // middle) * middle
    out = []
    for at, (text, x) in enumerate(zip(ticks, centres, strict=True)):
        if at % wide:
            continue
        css = "axis-label axis-extra" if at % middle else "axis-label axis-minor" if at % narrow else "axis-label"
        out.append(f'<text class="{css}" x="{x}" y="{y}" text-anchor="middle">{escape(text)}</text>')
    return "".join(out)


def legend(entries: Sequence[tuple[str, str, str, str]]) -> str:
    """A list of (css, name, figure, href)."""
    items = []
    for css, name, figure, href in entries:
        label = f'<a href="{escape(href)}">{escape(name)}</a>' if href else escape(name)
        value = f' <span class="legend-value">{escape(figure)}</span>' if figure else ""
        items.append(f'<li><span class="swatch {escape(css)}"></span>{label}{value}</li>')
    return f'<ul class="legend">{"".join(items)}</ul>'


def plot(title: str, body: str, *, height: int, kind: str) -> str:
    """The drawing with an accessible name; its links stay reachable."""
    return (
        f'<div class="plot plot-{kind}"><svg class="plot-svg" role="group" aria-label="{escape(title)}" '
        f'width="100%" height="{height}">{body}</svg></div>'
    )
