"""The team page's panels: one team's own costs, whoever reads them.

Everything here is asked with the scope of that one team, so the page of a team is the same for its
lead and for FinOps staff.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from django.urls import reverse
from django.utils.http import urlencode

from costs import figures
from costs.charts import Bar, BarChart, LineChart, MoverChart, Series
from costs.money import ZERO
from costs.periods import DateRange
from costs.queries import Granularity, dimension_label
from costs.scope import Scope
from finops_site.panels.changes import lines_now
from finops_site.panels.parts import MonthChoice, Panel, panel
from tagging import selectors as ownership
from tagging.cost_charts import bucket_label, bucket_tick, explore_url, mover_chart
from tagging.cubes import CostCube
from tagging.results import OwnShare
from tagging.selectors import Mover, ResourceRow, TeamView
from tagging.selectors.shared import own_shares

RESOURCES_SHOWN = 8
SERVICES_SHOWN = 8


@dataclass(frozen=True)
class SubTeam:
    """A team below this one, with its own costs of the month."""

    name: str
    url: str
    cost: Decimal
    lines_url: str


@dataclass(frozen=True)
class SubTeams:
    """All teams below; `total` is theirs together with the team's own costs."""

    rows: tuple[SubTeam, ...]
    own_cost: Decimal
    total: Decimal
    currency: str
    own_lines_url: str
    total_lines_url: str


@dataclass(frozen=True)
class TopResources:
    """The costliest resources, and the costliest whose tags are to be fixed."""

    rows: tuple[ResourceRow, ...]
    fixes: tuple[ResourceRow, ...]
    total: Decimal
    count: int
    currency: str
    url: str


@dataclass(frozen=True)
class TeamCard:
    """One of a reader's teams on the start page."""

    name: str
    parent_name: str
    url: str
    cost: Decimal
    change: Decimal
    currency: str


def only(team: TeamView) -> Scope:
    """What belongs to this team itself, without its sub-teams."""
    return Scope.teams(frozenset({team.key}))


def with_sub_teams(team: TeamView, lower: tuple[TeamView, ...]) -> Scope:
    """What belongs to this team and those below."""
    return Scope.teams(frozenset({team.key, *(item.key for item in lower)}))


def below(team: TeamView, teams: tuple[TeamView, ...]) -> tuple[TeamView, ...]:
    """Teams under this one, at any depth, by name."""
    keys, found = {team.key}, []
    grew = True
    while grew:
        more = [item for item in teams if item.parent_key in keys and item.key not in keys]
        keys |= {item.key for item in more}
        found += more
        grew = bool(more)
    return tuple(sorted(found, key=lambda item: item.name))


@panel
def shares(team: TeamView, month: MonthChoice) -> tuple[OwnShare, ...]:
    """The team's parts of shared pools; they come on top of its own costs."""
    return own_shares(only(team), month.period, month.currency, month.metric)


@panel
def own_part(team: TeamView, family: Panel[CostCube]) -> CostCube:
    """The team itself out of what it and its sub-teams cost."""
    return family.get().only("team", team.key)


@panel
def daily_spend(scope: Scope, team: TeamView, month: MonthChoice, cube: Panel[CostCube]) -> LineChart:
    """Cost of each day of the month over the days of the month before that it is compared with."""
    span = DateRange(month.period.previous().start, month.period.end)
    costs = ownership.cost_days(scope, span, ("category",), metric=month.metric, currency=month.currency)
    by_day = costs.total_by_day()
    found = cube.get()
    compared = compared_days(found)
    days, ghosts = list(month.period.range.days()), list(compared.days())
    days += ghosts[len(days) :]  # a longer month before keeps its last days
    drill = explore_url(month.query("service", ("team", team.key), granularity=Granularity.DAY))
    return LineChart(
        title="Cost by day",
        labels=tuple(bucket_label(day, Granularity.DAY) for day in days),
        ticks=tuple(bucket_tick(day, Granularity.DAY) for day in days),
        current=Series(
            found.period.label if found.is_whole_month else f"{found.period.label}, 1–{found.day_count}",
            tuple(by_day.get(day, ZERO) if at < found.day_count else None for at, day in enumerate(days)),
            tuple(drill for _ in days),
        ),
        previous=Series(compared.label, _aligned(by_day, ghosts, len(days))),
        currency=costs.currency,
    )


def compared_days(cube: CostCube) -> DateRange:
    """The days of the month before that the cube's costs are compared with."""
    before = cube.period.previous().range
    if cube.is_whole_month:
        return before
    return DateRange(before.start, min(before.end, before.start + timedelta(days=cube.day_count)))


@panel
def services(team: TeamView, month: MonthChoice, cube: Panel[CostCube]) -> BarChart:
    """The team's largest services with their change."""
    movers = cube.get().by("service")
    href = service_href(team, month)
    largest = sorted((row for row in movers.rows if row.cost), key=lambda row: -row.cost)[:SERVICES_SHOWN]
    return BarChart(
        title="Services",
        bars=tuple(
            Bar(
                row.label,
                row.cost,
                href(row),
                figures.change(row.change, movers.currency) if row.change else "",
            )
            for row in largest
        ),
        currency=movers.currency,
        label_header="Service",
    )


@panel
def team_list(cube: Panel[CostCube], teams: tuple[TeamView, ...]) -> tuple[TeamCard, ...]:
    """A reader's teams by name with their own costs of the month."""
    movers = cube.get().by("team")
    found = {row.key: row for row in movers.rows}
    return tuple(
        TeamCard(
            name=item.name,
            parent_name=item.parent_name,
            url=reverse("team", args=[item.key]),
            cost=found[item.key].cost if item.key in found else ZERO,
            change=found[item.key].change if item.key in found else ZERO,
            currency=movers.currency,
        )
        for item in teams
    )


def service_href(team: TeamView, month: MonthChoice) -> Callable[[Mover], str]:
    """From a service of the team to its usage types."""
    query = month.query("usage_type", ("team", team.key))
    return lambda row: explore_url(query.narrowed_to("service", row.key))


def service_url(team: TeamView, month: MonthChoice) -> Callable[[str], str]:
    """The same by the service's name."""
    query = month.query("usage_type", ("team", team.key))
    return lambda key: explore_url(query.narrowed_to("service", key))


@panel
def movers_chart(team: TeamView, month: MonthChoice, cube: Panel[CostCube], *, by: str) -> MoverChart:
    """What changed most inside the team."""
    query = month.query("usage_type" if by == "service" else "account", ("team", team.key))
    return mover_chart(
        cube.get().by(by),
        title=f"{dimension_label(by)}s that changed most",
        href_of=lambda key: explore_url(query.narrowed_to(by, key)),
        limit=6,
    )


@panel
def top_resources(scope: Scope, team: TeamView, month: MonthChoice) -> TopResources:
    """The team's costliest taggable resources."""
    found = ownership.costliest(
        scope, month.period, metric=month.metric, currency=month.currency, limit=RESOURCES_SHOWN
    )
    params = {**month.params, "team": team.key}
    return TopResources(
        rows=found.rows,
        fixes=found.fixes,
        total=found.total,
        count=found.count,
        currency=found.currency,
        url=f"{reverse('tagging:resources')}?{urlencode(params)}",
    )


@panel
def sub_teams(team: TeamView, month: MonthChoice, lower: tuple[TeamView, ...], cube: Panel[CostCube]) -> SubTeams:
    """The teams below with their costs; no rows where there are none."""
    movers = cube.get().by("team")
    costs = {row.key: row.cost for row in movers.rows}
    rows = tuple(
        SubTeam(
            name=item.name,
            url=f"{reverse('team', args=[item.key])}?{urlencode(month.page_params)}",
            cost=costs.get(item.key, ZERO),
            lines_url=lines_now(movers, ("team", item.key)),
        )
        for item in lower
    )
    everybody = [("team", item.key) for item in (team, *lower)]
    return SubTeams(
        rows=rows,
        own_cost=costs.get(team.key, ZERO),
        total=movers.total,
        currency=movers.currency,
        own_lines_url=lines_now(movers, everybody[0]),
        total_lines_url=lines_now(movers, *everybody),
    )


def _aligned(by_day: dict[date, Decimal], days: Iterable[date], count: int) -> tuple[Decimal | None, ...]:
    """Costs of another month's days, cut or filled to `count` places."""
    amounts: list[Decimal | None] = [by_day.get(day, ZERO) for day in days]
    return tuple([*amounts, *([None] * count)][:count])
