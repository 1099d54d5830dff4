"""The figures of a chart as a table of text."""

from decimal import Decimal

from costs import figures
from costs.charts.parts import BurnChart, Chart, ChartTable, ColumnChart, LineChart, Series, Sparkline, figure


def is_empty(chart: Chart) -> bool:
    """Whether there is nothing to draw: no amount, or zeros only (a flat line is drawn)."""
    match chart:
        case ColumnChart():
            return not any(amount for row in chart.series for amount in row.amounts)
        case LineChart():
            rows = (chart.current, chart.previous)
            return not any(amount is not None for row in rows if row for amount in row.amounts)
        case BurnChart():
            return not any(amount is not None for row in (chart.actual, chart.mean) for amount in row)
        case Sparkline():
            return not chart.amounts
        case _:
            return not any(bar.amount for bar in chart.bars)


def table_of(chart: Chart) -> ChartTable:
    """Headers and rows; amounts formatted, holes empty."""
    match chart:
        case ColumnChart():
            return _over_time(chart.label_header, chart.labels, list(chart.series), chart.currency)
        case LineChart():
            rows = [chart.current, *([chart.previous] if chart.previous else [])]
            return _over_time(chart.label_header, chart.labels, rows, chart.currency, unit=chart.unit)
        case BurnChart():
            named = (
                ("Spent", chart.actual),
                ("Expected", chart.mean),
                ("At least", chart.low),
                ("At most", chart.high),
            )
            rows = [Series(name, amounts) for name, amounts in named]
            return _over_time(chart.label_header, chart.labels, rows, chart.currency)
        case Sparkline():
            return ChartTable((chart.title,), tuple((figures.money(a, chart.currency),) for a in chart.amounts))
        case _:
            lines = tuple((bar.name, figures.money(bar.amount, chart.currency), bar.note) for bar in chart.bars)
            if not any(note for _, _, note in lines):
                return ChartTable((chart.label_header, "Amount"), tuple(line[:2] for line in lines))
            return ChartTable((chart.label_header, "Amount", "Note"), lines)


def _over_time(
    header: str, labels: tuple[str, ...], rows: list[Series], currency: str, *, unit: str = ""
) -> ChartTable:
    def text(amounts: tuple[Decimal | None, ...], at: int) -> str:
        amount = amounts[at] if at < len(amounts) else None
        return "" if amount is None else figure(amount, currency, unit)

    return ChartTable(
        (header, *(row.name for row in rows)),
        tuple((label, *(text(row.amounts, at) for row in rows)) for at, label in enumerate(labels)),
    )
