"""What a change of rules or teams moves between owners, before it is kept or after."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal

from django.db import transaction

from costs.money import ZERO
from costs.periods import BillingPeriod
from costs.queries import MAX_MONTHS, NOT_SET, CostQuery
from costs.scope import Scope
from costs.terms import CostMetric
from tagging import selectors
from tagging.results import UnreadKey
from tagging.selectors.foresight import foresee
from tagging.selectors.labels import team_names
from tagging.selectors.teams import rules_in_use

NOBODY = "Nobody (unallocated)"


@dataclass(frozen=True)
class Move:
    """One owner's billed cost over all months before and after a change."""

    owner: str
    before: Decimal
    after: Decimal

    @property
    def change(self) -> Decimal:
        return self.after - self.before


@dataclass(frozen=True)
class Moves:
    """Owners whose costs a change moves, largest first; Σ changes = 0. `first` and `last` name the months.

    `unread` are tags of rules that months are yet to be read for, and the figures are those after that; or tags
    with too many values to be tracked, by which nothing moves.
    """

    currency: str
    first: str
    last: str
    rows: tuple[Move, ...]
    unread: tuple[UnreadKey, ...] = ()

    @property
    def moved_cost(self) -> Decimal:
        """The money that finds another owner."""
        return sum((row.change for row in self.rows if row.change > 0), ZERO)


def what_moves(change: Callable[[], object], *, keep: bool) -> Moves:
    """Make a change and compare every owner's costs before and after; undone again unless it is to be kept.

    Exact: the months are really allocated again, and what rules find on tags that a month was not read for yet
    comes from its charges. Errors of the change are let through, nothing is kept then.
    """
    with transaction.atomic():
        before, old_rules = owners_now(), rules_in_use()
        change()
        after = owners_now()
        foresight = foresee(after.periods, after.currency, [old_rules, rules_in_use()], metric=CostMetric.BILLED)
        before, after = (shifted(*pair) for pair in zip((before, after), foresight.shifts, strict=True))
        if not keep:
            transaction.set_rollback(True)
    names = before.names | after.names
    rows = [
        Move(names[key], before.costs.get(key, ZERO), after.costs.get(key, ZERO))
        for key in {*before.costs, *after.costs}
    ]
    moved = sorted((row for row in rows if row.change), key=lambda row: (-abs(row.change), row.owner))
    return Moves(after.currency, after.first, after.last, tuple(moved), foresight.unread)


@dataclass(frozen=True)
class Owners:
    """Every owner's billed cost over the newest months, by the key a filter takes."""

    currency: str
    first: str
    last: str
    names: dict[str, str]
    costs: dict[str, Decimal]
    periods: tuple[BillingPeriod, ...] = ()


def owners_now() -> Owners:
    """Every owner's billed cost over the newest months, up to three years of them."""
    periods = selectors.periods_of(Scope.all())[:MAX_MONTHS]
    if not periods:
        return Owners("", "", "", {}, {})
    first, last = max(periods[-1], periods[0].back(MAX_MONTHS)[0]), periods[0]
    table = selectors.explore_costs(
        Scope.all(), CostQuery(first=first, last=last, group_by="team", metric=CostMetric.BILLED)
    )
    names = {row.key: NOBODY if row.is_missing else row.label for row in table.rows}
    costs = {row.key: row.cost for row in table.rows}
    months = tuple(period for period in periods if period >= first)
    return Owners(table.currency, str(first), str(last), names, costs, months)


def shifted(owners: Owners, shifts: Mapping[tuple[str, str], Decimal]) -> Owners:
    """The owners once these costs have gone from one to the other; '' is nobody."""
    costs = dict(owners.costs)
    for (now, then), cost in shifts.items():
        for key, change in ((now, -cost), (then, cost)):
            costs[key or NOT_SET] = costs.get(key or NOT_SET, ZERO) + change
    known = team_names({key for pair in shifts for key in pair})
    return replace(owners, costs=costs, names={NOT_SET: NOBODY, **known, **owners.names})
