"""Horizontal bars: ranked, to both sides of zero, and the parts of a whole."""

from decimal import Decimal
from html import escape

from costs import figures
from costs.charts.parts import Bar, BarChart, MoverChart, ProportionChart, legend, mark, percent, series_class
from costs.money import ratio

ZERO = Decimal(0)


def draw_bars(chart: BarChart) -> str:
    """One line each: name, bar, figure, note. Negative amounts are drawn in their own colour."""
    most = max((abs(bar.amount) for bar in chart.bars), default=ZERO)
    lines = "".join(_ranked(bar, most, chart.currency) for bar in chart.bars)
    return f'<ol class="bars" aria-label="{escape(chart.title)}">{lines}</ol>'


def draw_movers(chart: MoverChart) -> str:
    """Falls to the left of the middle, rises to the right."""
    most = max((abs(bar.amount) for bar in chart.bars), default=ZERO)
    lines = "".join(_mover(bar, most, chart.currency) for bar in chart.bars)
    return f'<ol class="bars bars-movers" aria-label="{escape(chart.title)}">{lines}</ol>'


def draw_proportion(chart: ProportionChart) -> str:
    """One bar of 100 %, with a legend of amounts and shares."""
    whole = sum((bar.amount for bar in chart.bars if bar.amount > 0), ZERO)
    at, marks, entries = ZERO, [], []
    for position, bar in enumerate(chart.bars):
        css = bar.css or series_class(position)
        share = figures.pct(ratio(bar.amount, whole))
        figure = figures.money(bar.amount, chart.currency)
        entries.append((css, bar.name, f"{figure} · {bar.note or share}", bar.href))
        if bar.amount > 0:
            shape = (
                f'<rect class="{css}" x="{percent(at, whole)}" y="0" width="{percent(bar.amount, whole)}" height="16"/>'
            )
            marks.append(mark(shape, f"{bar.name}: {figure} ({share})", bar.href))
            at += bar.amount
    drawing = (
        f'<svg class="proportion" role="group" aria-label="{escape(chart.title)}" width="100%" height="16">'
        f"{''.join(marks)}</svg>"
    )
    return drawing + legend(entries)


def _ranked(bar: Bar, most: Decimal, currency: str) -> str:
    css = "series-negative" if bar.amount < 0 else bar.css or "series-1"
    shape = f'<rect class="{css}" x="0" y="0" width="{percent(abs(bar.amount), most)}" height="8" rx="2"/>'
    return _line(bar, shape, figures.money(bar.amount, currency))


def _mover(bar: Bar, most: Decimal, currency: str) -> str:
    half = abs(bar.amount) / most * 50 if most else ZERO
    start = Decimal(50) if bar.amount >= 0 else 50 - half
    css = "move-up" if bar.amount > 0 else "move-down"
    shape = (
        f'<line class="axis-zero" x1="50%" x2="50%" y1="0" y2="8"/>'
        f'<rect class="{css}" x="{percent(start, 100)}" y="0" width="{percent(half, 100)}" height="8" rx="2"/>'
    )
    return _line(bar, shape, figures.change(bar.amount, currency))


def _line(bar: Bar, shape: str, figure: str) -> str:
    name = (
        f'<a class="bar-name" href="{escape(bar.href)}">{escape(bar.name)}</a>'
        if bar.href
        else (f'<span class="bar-name">{escape(bar.name)}</span>')
    )
    note = f'<span class="bar-note">{escape(bar.note)}</span>'
    return (
        f'<li>{name}<span class="bar-figure">{escape(figure)}</span>{note}'
        f'<svg class="bar-svg" aria-hidden="true" width="100%" height="8">{shape}</svg></li>'
    )


def draw_meter(share: Decimal | float, tone: str = "") -> str:
    """A ratio as a thin bar without text, cut to 0 … 1; `tone` is good, warn, bad or empty."""
    css = f"meter-fill tone-{escape(tone)}" if tone else "meter-fill"
    width = percent(min(max(Decimal(str(share)), ZERO), Decimal(1)), 1)
    return (
        '<svg class="meter" width="100%" height="6" aria-hidden="true">'
        '<rect class="meter-track" width="100%" height="6" rx="3"/>'
        f'<rect class="{css}" width="{width}" height="6" rx="3"/></svg>'
    )
