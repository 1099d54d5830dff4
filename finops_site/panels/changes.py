"""Panels that overview and team page share: trust, what changed, the headline, tag compliance."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from costs.money import ratio
from costs.periods import DateRange
from costs.scope import Scope
from costs.terms import CostMetric
from finops_site.panels.parts import MonthChoice, Panel, panel
from tagging import selectors as ownership
from tagging.cubes import CostCube
from tagging.line_links import lines_of_days, lines_url
from tagging.selectors import Compliance, Mover, Movers, Trust

REASONS = 2


@dataclass(frozen=True)
class Headline:
    """So far this month against the same days before; `reasons` are the largest changes, either way."""

    movers: Movers
    change: Decimal
    change_ratio: Decimal | None
    reasons: tuple[Mover, ...]
    lines_url: str


@dataclass(frozen=True)
class ChangeRow:
    """One value in a table of costs against the month before; `url` may be empty."""

    label: str
    url: str
    cost: Decimal
    previous_cost: Decimal
    change: Decimal
    change_ratio: Decimal | None
    share: Decimal | None
    currency: str
    is_missing: bool
    lines_url: str = ""
    previous_lines_url: str = ""


@panel
def trust_strip(scope: Scope, month: MonthChoice) -> Trust:
    """Whether the month ties out."""
    return ownership.trust(scope, month.period, metric=month.metric, currency=month.currency)


@panel
def month_cube(scope: Scope, month: MonthChoice, *dimensions: str) -> CostCube:
    """The month and, like for like, the one before: the one question most panels are derived from."""
    return ownership.cost_cube(scope, month.query(dimensions[0]), dimensions)


@panel
def headline(cube: Panel[CostCube], *own: tuple[str, str], by: str) -> Headline:
    """The month in one line; the reasons are values of `by`. `own` as in `change_rows`."""
    movers = cube.get().by(by)
    change = movers.total - movers.previous_total
    moved = [row for row in movers.rows if row.change]
    share = ratio(change, abs(movers.previous_total))
    return Headline(movers, change, share, tuple(moved[:REASONS]), lines_now(movers, *own))


@panel
def tag_compliance(scope: Scope, month: MonthChoice) -> Compliance:
    """The tag policy over the month."""
    return ownership.compliance(
        scope, month.period, metric=CostMetric.EFFECTIVE, currency=month.currency, totals_only=True
    )


def lines_now(movers: Movers, *filters: tuple[str, str]) -> str:
    """The lines behind a figure of the month."""
    return lines_url(movers.period, movers.metric, currency=movers.currency, filters=filters)


def lines_before(movers: Movers, *filters: tuple[str, str]) -> str:
    """The lines behind a figure of the same days of the month before."""
    start, end = movers.previous.start, movers.previous.end
    days = DateRange(start, end if movers.is_whole_month else min(end, start + timedelta(days=movers.day_count)))
    return lines_of_days(days, movers.metric, currency=movers.currency, filters=filters)


def change_rows(movers: Movers, href_of: Callable[[Mover], str], *own: tuple[str, str]) -> tuple[ChangeRow, ...]:
    """All values, largest cost first, missing last; they sum to the movers' totals.

    `own` are (dimension, value) that all of them are of: the team whose page it is.
    """
    rows = [
        ChangeRow(
            label=row.label,
            url=href_of(row),
            cost=row.cost,
            previous_cost=row.previous_cost,
            change=row.change,
            change_ratio=row.change_ratio,
            share=ratio(row.cost, movers.total),
            currency=movers.currency,
            is_missing=row.is_missing,
            lines_url=lines_now(movers, (movers.by, row.key), *own),
            previous_lines_url=lines_before(movers, (movers.by, row.key), *own),
        )
        for row in movers.rows
    ]
    return tuple(sorted(rows, key=lambda row: (row.is_missing, -row.cost, row.label)))
