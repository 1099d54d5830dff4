"""`{% load charts %}{% chart my_chart %}`: the drawing, and its figures as a table one click away."""

from decimal import Decimal
from typing import Any

from django import template
from django.utils.safestring import SafeString, mark_safe
from django.utils.text import slugify

from costs import charts

register = template.Library()
MANY_MARKS = 12  # more stops of the Tab key than one wants to pass through


@register.inclusion_tag("_chart.html")
def chart(chart: charts.Chart) -> dict[str, Any]:
    """A figure with drawing and table; for a sparkline use `{% sparkline %}`."""
    drawing = mark_safe(charts.draw(chart))  # noqa: S308 - charts escape every text they are given
    table = None if charts.is_empty(chart) else charts.table_of(chart)
    skip_to = f"{slugify(chart.title)}-as-table" if drawing.count('class="mark"') > MANY_MARKS else ""
    return {"title": chart.title, "drawing": drawing, "table": table, "skip_to": skip_to}


@register.simple_tag
def sparkline(chart: charts.Sparkline) -> SafeString:
    """The small line alone."""
    return mark_safe(charts.draw(chart))  # noqa: S308 - charts escape every text they are given


@register.simple_tag
def bar(value: Decimal | float | None, tone: str = "") -> SafeString:
    """A ratio (0 to 1) as a thin bar; `tone` is good, warn or bad. Nothing for None."""
    return mark_safe("" if value is None else charts.draw_meter(value, tone))  # noqa: S308 - escaped inside
