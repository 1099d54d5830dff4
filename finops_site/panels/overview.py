"""The overview's panels: the whole bill, for FinOps staff."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from django.urls import reverse
from django.utils.http import urlencode

from costs import figures
from costs.charts import Bar, BarChart, ColumnChart, MoverChart
from costs.money import ZERO, ratio
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
from finops_site.panels.changes import ChangeRow, change_rows
from finops_site.panels.parts import MonthChoice, Panel, panel
from tagging import selectors as ownership
from tagging.cost_charts import bucket_query, column_chart, explore_url, mover_chart
from tagging.selectors import Movers

TOP = 8
BILLS_SHOWN = 4


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


@dataclass(frozen=True)
class ImportHealth:
    """What runs, failed or is late, and the newest bills in force."""

    attention: tuple[ImportRow, ...]
    late: tuple[LateSource, ...]
    newest: tuple[BillRow, ...]


@panel
def team_spend(scope: Scope, month: MonthChoice) -> TeamSpend:
    """Stacked columns: months of the half year, or the days of this month."""
    by_day = month.granularity is Granularity.DAY
    query = month.query("team", first=None if by_day else month.first_shown, granularity=month.granularity)
    table = ownership.explore_costs(scope, query)

    def href(key: str, start: date | None) -> str:
        if key == NOT_SET:
            return explore_url(bucket_query(query, start).narrowed_to("team", key).grouped_by("account"))
        period = str(bucket_query(query, start).last)
        return f"{reverse('team', args=[key])}?{urlencode({**month.params, 'period': period})}"

    chart = column_chart(table, title="Spend by team", href_of=href, top=TOP)
    return TeamSpend(chart, month.granularity)


@panel
def team_movers(changes: Panel[Movers], month: MonthChoice) -> MoverChart:
    """Teams whose costs changed most."""

    def href(key: str) -> str:
        query = month.query("service")
        if key == NOT_SET:
            return explore_url(query.narrowed_to("team", key))
        return f"{reverse('team', args=[key])}?{urlencode(month.params)}"

    return mover_chart(changes.get(), title="Teams that changed most", href_of=href, limit=6)


@panel
def service_movers(changes: Panel[Movers], month: MonthChoice) -> MoverChart:
    """Services whose costs changed most."""
    query = month.query("usage_type")
    return mover_chart(
        changes.get(),
        title="Services that changed most",
        href_of=lambda key: explore_url(query.narrowed_to("service", key)),
        limit=6,
    )


@panel
def owner_rows(changes: Panel[Movers], month: MonthChoice) -> tuple[ChangeRow, ...]:
    """Every owner with costs in either month, largest first, nobody last."""
    return change_rows(
        changes.get(),
        lambda row: "" if row.is_missing else f"{reverse('team', args=[row.key])}?{urlencode(month.params)}",
    )


@panel
def top_services(changes: Panel[Movers], month: MonthChoice) -> BarChart:
    """The largest services with their share of the month."""
    movers = changes.get()
    query = month.query("usage_type")
    largest = sorted(movers.rows, key=lambda row: -row.cost)[:TOP]
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
            if row.cost
        ),
        currency=movers.currency,
        label_header="Service",
    )


@panel
def unallocated(scope: Scope, month: MonthChoice, changes: Panel[Movers]) -> Unallocated:
    """Nobody's costs, by the account they come from."""
    movers = changes.get()
    query = month.query("account", ("team", NOT_SET))
    table = ownership.explore_costs(scope, query)
    bars = tuple(
        Bar(row.label, row.cost, explore_url(query.narrowed_to("account", row.key).grouped_by("service")))
        for row in table.rows[:5]
    )
    return Unallocated(
        cost=table.total,
        previous_cost=next((row.previous_cost for row in movers.rows if row.is_missing), ZERO),
        share=ratio(table.total, movers.total),
        currency=movers.currency,
        by_account=BarChart("Unallocated cost by account", bars, movers.currency, "Account"),
        explore_url=explore_url(query),
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
