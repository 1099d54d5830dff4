"""What the Monday note says of a team, read with the team's own eyes; who gets it; what stayed open too long."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from django.contrib.auth.models import User
from django.db.models import Q

from costs.periods import BillingPeriod
from costs.scope import Scope
from costs.terms import CostMetric
from tagging.models import AnnouncedFix, Membership, NoteChoice, Team
from tagging.results import Mover
from tagging.results.tag_findings import TagFindingRow
from tagging.selectors.compliance import compliance
from tagging.selectors.explore import movers
from tagging.selectors.reach import reach
from tagging.selectors.resource_list import resources
from tagging.selectors.tag_findings import tag_findings
from tagging.selectors.trust import latest_period
from tagging.terms import FINOPS_GROUP, MemberRole

REASONS = 2


@dataclass(frozen=True)
class TeamFacts:
    """A team's newest month in five lines' worth of figures, on effective cost. `fix` is its best fix, key by key.

    All of it is in `currency`; the month's costs in `other_currencies` are in none of the figures.
    """

    team_key: str
    team_name: str
    period: BillingPeriod
    currency: str
    day_count: int
    is_whole_month: bool
    spend: Decimal
    change: Decimal
    has_before: bool  # whether there are costs of the month before to compare with
    reasons: tuple[Mover, ...]
    taggable_cost: Decimal
    untagged_cost: Decimal
    cost_ratio: Decimal | None
    resources: int
    compliant_resources: int
    other_currencies: tuple[str, ...]
    fix: tuple[TagFindingRow, ...]


@dataclass(frozen=True)
class OpenFix:
    """A fix told long ago and still open, with what its resource costs the team in the newest month."""

    pk: int
    resource_id: str
    key: str
    announced_on: date
    cost: Decimal


def note_teams(scope: Scope) -> tuple[tuple[str, str], ...]:
    """(key, name) of the teams in use that have people. Staff only."""
    scope.require_everything()
    found = Team.objects.filter(is_active=True, memberships__isnull=False).distinct()
    return tuple(found.order_by("key").values_list("key", "name"))


def team_facts(team_key: str, team_name: str) -> TeamFacts | None:
    """What a note can say of the team itself, without its sub-teams; None where it has no costs."""
    scope = Scope.teams(frozenset({team_key}))
    period = latest_period(scope)
    if period is None:
        return None
    moved = movers(scope, period, by="service", metric=CostMetric.EFFECTIVE, limit=100)
    found = compliance(scope, period, metric=CostMetric.EFFECTIVE, currency=moved.currency)
    first = found.fixes[0] if found.fixes else None
    fix: tuple[TagFindingRow, ...] = ()
    if first is not None:
        asked = (("search", first.resource_id),)
        rows = tag_findings(scope, period, currency=moved.currency, filters=asked).rows
        fix = tuple(row for row in rows if row.breaks and row.resource_id == first.resource_id)
    change = moved.total - moved.previous_total
    return TeamFacts(
        team_key=team_key,
        team_name=team_name,
        period=period,
        currency=moved.currency,
        day_count=moved.day_count,
        is_whole_month=moved.is_whole_month,
        spend=moved.total,
        change=change,
        has_before=bool(moved.previous_total),
        reasons=_reasons(moved.rows, change),
        taggable_cost=found.taggable_cost,
        untagged_cost=found.taggable_cost - found.compliant_cost,
        cost_ratio=found.cost_ratio,
        resources=found.resources,
        compliant_resources=found.compliant_resources,
        other_currencies=reach(scope, (period,), moved.currency).other_currencies,
        fix=fix,
    )


def overdue_fixes(team_key: str, *, today: date, days: int) -> tuple[OpenFix, ...]:
    """The team's fixes open for so many days that nobody was told of yet, dearest resource first."""
    told = AnnouncedFix.objects.filter(
        owner_key=team_key,
        fixed_in__isnull=True,
        is_gone=False,
        is_excused=False,
        escalated_on__isnull=True,
        announced_on__lte=today - timedelta(days=days),
    )
    fixes = list(told)
    scope = Scope.teams(frozenset({team_key}))
    period = latest_period(scope) if fixes else None
    if period is None:
        return ()
    rows = resources(scope, period, metric=CostMetric.EFFECTIVE).rows
    costs: Mapping[str, Decimal] = {row.resource_id: row.cost for row in rows}
    found = [
        OpenFix(fix.pk, fix.resource_id, fix.tag_key, fix.announced_on, costs.get(fix.resource_id, Decimal(0)))
        for fix in fixes
    ]
    return tuple(sorted(found, key=lambda fix: (-fix.cost, fix.resource_id, fix.key)))


def note_addresses(team_key: str) -> tuple[str, ...]:
    """Where the team's note goes: its members who may log in and did not stop it."""
    stopped = NoteChoice.objects.values("user_id")
    people = Membership.objects.filter(team__key=team_key, user__is_active=True).exclude(user_id__in=stopped)
    return _addresses(people.order_by("user__username").values_list("user__email", flat=True))


def lead_addresses(team_key: str) -> tuple[str, ...]:
    """Who answers for the team: its leads, else those of the nearest team above that has one, else FinOps staff."""
    teams = {team.key: team for team in Team.objects.select_related("parent")}
    team, seen = teams.get(team_key), set[str]()
    while team is not None and team.key not in seen:
        seen.add(team.key)
        leads = Membership.objects.filter(team=team, role=MemberRole.LEAD.value, user__is_active=True)
        if found := _addresses(leads.order_by("user__username").values_list("user__email", flat=True)):
            return found
        team = team.parent if team.parent is None else teams.get(team.parent.key)
    staff = User.objects.filter(Q(groups__name=FINOPS_GROUP), is_active=True).order_by("username")
    return _addresses(staff.values_list("email", flat=True))


def wants_notes(user: User) -> bool:
    """Whether the Monday note comes to this person."""
    return not NoteChoice.objects.filter(user_id=user.pk).exists()


def _addresses(found: Iterable[str]) -> tuple[str, ...]:
    by_lower_case = {address.lower(): address for address in found if address}
    return tuple(by_lower_case.values())


def _reasons(rows: tuple[Mover, ...], change: Decimal) -> tuple[Mover, ...]:
    """What moved the spend most in the direction it went; where it rose and fell evenly, what moved most."""
    same = [row for row in rows if change == 0 or (row.change > 0) == (change > 0)]
    return tuple(same[:REASONS])
