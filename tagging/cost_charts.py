"""Charts and links of what explore answers: marks lead one step deeper, colours say what is missing."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from types import MappingProxyType
from urllib.parse import urlencode

from django.urls import reverse

from costs import figures
from costs.charts import OTHER, UNALLOCATED, Bar, ColumnChart, MoverChart, Series, series_class
from costs.money import ZERO
from costs.periods import BillingPeriod
from costs.queries import CostQuery, Granularity
from costs.series import Line, top_and_other
from tagging.results import CostTable, Mover, Movers

# (key of the row, a day of the month or None for the whole row) → address.
HrefOf = Callable[[str, date | None], str]
NOTHING_CHANGED = "Nothing changed."
NOTHING_BEFORE = "There are no costs before to compare with."
# What a value is opened into, first choice first.
_STEPS = {
    "team": ("service", "account", "usage_type", "region"),
    "service": ("usage_type", "account", "region", "category"),
    "usage_type": ("account", "region", "team", "category"),
    "account": ("service", "usage_type", "region", "category"),
}


def explore_url(query: CostQuery) -> str:
    """The explore page that asks this question."""
    return f"{reverse('tagging:explore')}?{urlencode(query.params())}"


def bucket_query(query: CostQuery, start: date | None) -> CostQuery:
    """The question about the month a bucket starts in; the whole question for None."""
    if start is None:
        return query
    period = BillingPeriod.of(start)
    return replace(query, first=period, last=period)


def column_chart(
    table: CostTable, *, title: str, href_of: HrefOf, top: int = 8, cents: Mapping[str, Decimal] = MappingProxyType({})
) -> ColumnChart:
    """Stacked columns of the `top` rows, Other, and at the end the costs without a value; they sum to the total.

    `cents` are the rows' costs as a table beside it shows them, by key.
    """
    lines = [Line(row.key, row.label, row.points) for row in table.rows if not row.is_missing]
    shown = top_and_other(lines, top)
    others = {line.key for line in lines} - {line.key for line in shown}
    totals = {**cents, "": sum((cents[key] for key in others), ZERO)} if cents else {}
    series = [
        _series(line, OTHER if not line.key else series_class(at), table.bucket_starts, href_of, totals.get(line.key))
        for at, line in enumerate(shown)
    ]
    series += [
        _series(Line(row.key, row.label, row.points), UNALLOCATED, table.bucket_starts, href_of, cents.get(row.key))
        for row in table.rows
        if row.is_missing
    ]
    per = table.query.granularity
    return ColumnChart(
        title=title,
        labels=tuple(bucket_label(start, per) for start in table.bucket_starts),
        ticks=tuple(bucket_tick(start, per) for start in table.bucket_starts),
        series=tuple(series),
        currency=table.currency or "USD",
        label_header=per.value.capitalize(),
    )


def mover_chart(movers: Movers, *, title: str, href_of: Callable[[str], str], limit: int = 8) -> MoverChart:
    """The largest changes, rises to the right and falls to the left; values that did not change are left out.

    Without any cost before there is nothing to compare, and the chart says so.
    """
    return change_chart(
        [row for row in movers.rows if row.change][:limit],
        title=title,
        href_of=href_of,
        currency=movers.currency,
        nothing_before="" if movers.previous_total else NOTHING_BEFORE,
    )


def change_chart(
    rows: Sequence[Mover], *, title: str, href_of: Callable[[str], str], currency: str, nothing_before: str
) -> MoverChart:
    """These changes in their order, or the text that says why nothing is compared."""
    shown = [] if nothing_before else [row for row in rows if row.change]
    return MoverChart(
        title=title,
        bars=tuple(
            Bar(row.label, row.change, href_of(row.key), note=_moved(row.change_ratio, row.cost)) for row in shown
        ),
        currency=currency or "USD",
        empty_text=nothing_before or NOTHING_CHANGED,
    )


def bucket_label(start: date, per: Granularity) -> str:
    """`November 2026`, `Week of 2 Nov 2026`, `2 Nov 2026`."""
    if per is Granularity.MONTH:
        return BillingPeriod.of(start).label
    return f"Week of {figures.day(start)}" if per is Granularity.WEEK else figures.day(start)


def bucket_tick(start: date, per: Granularity) -> str:
    """The same for an axis: `Nov 2026`, `2 Nov`."""
    return f"{start:%b %Y}" if per is Granularity.MONTH else f"{start.day} {start:%b}"


def _series(line: Line, css: str, starts: tuple[date, ...], href_of: HrefOf, total: Decimal | None) -> Series:
    if not line.key:
        return Series(line.label, line.points, css=css, total=total)
    # Links lead to months, so the days of one share theirs.
    by_month = {BillingPeriod.of(start): start for start in starts}
    months = {period: href_of(line.key, start) for period, start in by_month.items()}
    hrefs = tuple(months[BillingPeriod.of(start)] for start in starts)
    return Series(line.label, line.points, hrefs, href_of(line.key, None), css, total)


def _moved(ratio: Decimal | None, cost: Decimal) -> str:
    if ratio is None:
        return "new"
    return figures.pct_change(ratio) if cost else "gone"


def deeper(query: CostQuery, key: str) -> CostQuery:
    """One step down: only this value, by the next dimension that still tells something."""
    narrowed = query.narrowed_to(query.group_by, key)
    known = {name for name, _ in narrowed.filters}
    after = next((name for name in _STEPS.get(query.group_by, _STEPS["team"]) if name not in known), query.group_by)
    return narrowed.grouped_by(after)
