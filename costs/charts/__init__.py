"""Charts as SVG: data in, text out. Every mark is a link with a title; colours are CSS classes.

A chart is a frozen dataclass; `draw(chart)` gives its markup, `table_of(chart)` the same figures as rows
for the table under it. Widths are percentages of the place the chart stands in, heights are pixels,
so text keeps its size on a phone. In templates: `{% load charts %}{% chart my_chart %}`.
"""

from html import escape as _escaped

from costs.charts.bars import draw_bars, draw_meter, draw_movers, draw_proportion
from costs.charts.burn import draw_burn
from costs.charts.columns import draw_columns
from costs.charts.lines import draw_line, draw_sparkline
from costs.charts.parts import (
    OTHER,
    UNALLOCATED,
    Bar,
    BarChart,
    BurnChart,
    Chart,
    ChartTable,
    ColumnChart,
    LineChart,
    MoverChart,
    ProportionChart,
    Series,
    Sparkline,
    series_class,
)
from costs.charts.tables import is_empty, table_of

__all__ = [
    "OTHER",
    "UNALLOCATED",
    "Bar",
    "BarChart",
    "BurnChart",
    "Chart",
    "ChartTable",
    "ColumnChart",
    "LineChart",
    "MoverChart",
    "ProportionChart",
    "Series",
    "Sparkline",
    "draw",
    "draw_meter",
    "is_empty",
    "series_class",
    "table_of",
]


def draw(chart: Chart) -> str:
    """The chart's markup, all text escaped; a sentence instead where there is nothing to draw."""
    if is_empty(chart):
        return f'<p class="chart-empty">{_escaped(chart.empty_text)}</p>'
    match chart:
        case ColumnChart():
            markup = draw_columns(chart)
        case LineChart():
            markup = draw_line(chart)
        case BurnChart():
            markup = draw_burn(chart)
        case BarChart():
            markup = draw_bars(chart)
        case MoverChart():
            markup = draw_movers(chart)
        case ProportionChart():
            markup = draw_proportion(chart)
        case Sparkline():
            markup = draw_sparkline(chart)
    return markup
