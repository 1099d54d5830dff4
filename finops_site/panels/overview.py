"""The overview's panels: the whole bill, for FinOps staff."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal

from django.urls import reverse

from costs import figures
from costs.charts import Bar, BarChart, ColumnChart, MoverChart
from costs.money import ratio
from costs.queries import NOT_SET, Granularity
from costs.scope import Scope
from costs.selectors.import_pages import (
    BillRow,
    ImportRow,
    LateSource,
    bills,
    imports_needing_attention,
    late_sources,
)
from finops_site.panels.changes import lines_now
from finops_site.panels.parts import MonthChoice, Panel, panel
from tagging import selectors as ownership
from tagging.addresses import month_path, with_params
from tagging.cost_charts import bucket_query, column_chart, explore_url, mover_chart
from tagging.cubes import CostCube
from tagging.owners import kind_of
from tagging.selectors import Mover
from tagging.terms import OwnerKind

TOP = 8
BILLS_SHOWN = 4
ACCOUNTS_SHOWN = 5


@dataclass(frozen=True)
class TeamSpend:
    """Spend by owner over time. Unallocated cost is the last series."""

    chart: ColumnChart
    granularity: Granularity


@dataclass(frozen=True)
class Unallocated:
    """What no rule gave to a team, and where it comes from."""

    cost: Decimal
    previous_cost: Decimal
    share: Decimal | None
    currency: str
    by_account: BarChart
    explore_url: str
    lines_url: str


@dataclass(frozen=True)
class ImportHealth:
    """What runs, failed or is late, and the newest bills in force."""

    attention: tuple[ImportRow, ...]
    late: tuple[LateSource, ...]
    newest: tuple[BillRow, ...]


def has_no_owners(cube: Panel[CostCube]) -> bool:
    """Whether the month's costs belong to nobody at all."""
    return cube.value is not None and all(row.is_missing for row in cube.value.by("team").rows)


@panel
def team_spend(scope: Scope, month: MonthChoice, cube: Panel[CostCube]) -> TeamSpend:
    """Stacked columns: months of the half year, or the days of this month."""
    by_day = month.granularity is Granularity.DAY
    query = month.query("team", first=None if by_day else month.first_shown, granularity=month.granularity)
    table = ownership.explore_costs(scope, query, compare=False)

    def href(key: str, start: date | None) -> str:
        if key == NOT_SET:
            return explore_url(bucket_query(query, start).narrowed_to("team", key).grouped_by("account"))
        period = str(bucket_query(query, start).last)
        return owner_page(key, {**month.page_params, "period": period})

    chart = column_chart(table, title="Spend by team", href_of=href, top=TOP)
    return TeamSpend(chart if by_day or cube.get().is_whole_month else _open_ended(chart), month.granularity)


def _open_ended(chart: ColumnChart) -> ColumnChart:
    """The chart saying of its last month that it is not over."""
    return replace(
        chart,
        labels=(*chart.labels[:-1], f"{chart.labels[-1]} so far"),
        ticks=(*chart.ticks[:-1], f"{chart.ticks[-1]} so far"),
    )


@panel
def team_movers(cube: Panel[CostCube], month: MonthChoice) -> MoverChart:
    """Teams whose costs changed most."""

    def href(key: str) -> str:
        query = month.query("service")
        if key == NOT_SET:
            return explore_url(query.narrowed_to("team", key))
        return owner_page(key, month.page_params)

    return mover_chart(cube.get().by("team"), title="Teams that changed most", href_of=href, limit=6)


@panel
def service_movers(cube: Panel[CostCube], month: MonthChoice) -> MoverChart:
    """Services whose costs changed most."""
    query = month.query("usage_type")
    return mover_chart(
        cube.get().by("service"),
        title="Services that changed most",
        href_of=lambda key: explore_url(query.narrowed_to("service", key)),
        limit=6,
    )


def owner_href(month: MonthChoice) -> Callable[[Mover], str]:
    """From an owner to its team's page, from nobody to what is unallocated."""
    href = team_href(month)
    return lambda row: href("" if row.is_missing else row.key)


def team_href(month: MonthChoice) -> Callable[[str], str]:
    """The same by key; that of nobody is empty."""

    def href(key: str) -> str:
        if key in ("", NOT_SET):
            return explore_url(month.query("account", ("team", NOT_SET)))
        return owner_page(key, month.page_params)

    return href


def owner_page(key: str, params: Mapping[str, str]) -> str:
    """A team's page; a pool's split of the month, a cost centre in the explorer."""
    return with_params(reverse("team", args=[key]) if kind_of(key) is OwnerKind.TEAM else month_path(key), params)


@panel
def top_services(cube: Panel[CostCube], month: MonthChoice) -> BarChart:
    """The largest services with their share of the month."""
    movers = cube.get().by("service")
    query = month.query("usage_type")
    largest = sorted((row for row in movers.rows if row.cost), key=lambda row: -row.cost)[:TOP]
    return BarChart(
        title="Top services",
        bars=tuple(
            Bar(
                row.label,
                row.cost,
                explore_url(query.narrowed_to("service", row.key)),
                figures.pct(ratio(row.cost, movers.total)),
            )
            for row in largest
        ),
        currency=movers.currency,
        label_header="Service",
    )


@panel
def unallocated(cube: Panel[CostCube], month: MonthChoice) -> Unallocated:
    """Nobody's costs, by the account they come from."""
    all_costs = cube.get()
    movers = all_costs.only("team", "").by("account")
    query = month.query("account", ("team", NOT_SET))
    largest = sorted((row for row in movers.rows if row.cost), key=lambda row: -row.cost)[:ACCOUNTS_SHOWN]
    bars = tuple(
        Bar(row.label, row.cost, explore_url(query.narrowed_to("account", row.key).grouped_by("service")))
        for row in largest
    )
    return Unallocated(
        cost=movers.total,
        previous_cost=movers.previous_total,
        share=ratio(movers.total, all_costs.by("team").total),
        currency=movers.currency,
        by_account=BarChart("Unallocated cost by account", bars, movers.currency, "Account"),
        explore_url=explore_url(query),
        lines_url=lines_now(movers, ("team", NOT_SET)),
    )


@panel
def import_health(scope: Scope, *, now: datetime) -> ImportHealth:
    """What needs somebody in the intake, and the newest bills."""
    rows = bills(scope)
    return ImportHealth(
        attention=imports_needing_attention(scope, now=now),
        late=late_sources(rows, today=now.date()),
        newest=rows[:BILLS_SHOWN],
    )
