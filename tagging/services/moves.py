"""What a change of rules or teams moves between owners, before it is kept or after."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from django.db import transaction

from costs.money import ZERO
from costs.queries import MAX_MONTHS, CostQuery
from costs.scope import Scope
from costs.terms import CostMetric
from tagging import selectors

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
    """Owners whose costs a change moves, largest first; Σ changes = 0. `first` and `last` name the months."""

    currency: str
    first: str
    last: str
    rows: tuple[Move, ...]

    @property
    def moved_cost(self) -> Decimal:
        """The money that finds another owner."""
        return sum((row.change for row in self.rows if row.change > 0), ZERO)


def what_moves(change: Callable[[], object], *, keep: bool) -> Moves:
    """Make a change and compare every owner's costs before and after; undone again unless it is to be kept.

    Exact: the months are really allocated again. Errors of the change are let through, nothing is kept then.
    """
    with transaction.atomic():
        before = _owners()
        change()
        after = _owners()
        if not keep:
            transaction.set_rollback(True)
    names = before.names | after.names
    rows = [
        Move(names[key], before.costs.get(key, ZERO), after.costs.get(key, ZERO))
        for key in {*before.costs, *after.costs}
    ]
    moved = sorted((row for row in rows if row.change), key=lambda row: (-abs(row.change), row.owner))
    return Moves(after.currency, after.first, after.last, tuple(moved))


@dataclass(frozen=True)
class _Owners:
    currency: str
    first: str
    last: str
    names: dict[str, str]
    costs: dict[str, Decimal]


def _owners() -> _Owners:
    """Every owner's billed cost over the newest months, up to three years of them."""
    periods = selectors.periods_of(Scope.all())[:MAX_MONTHS]
    if not periods:
        return _Owners("", "", "", {}, {})
    first, last = max(periods[-1], periods[0].back(MAX_MONTHS)[0]), periods[0]
    table = selectors.explore_costs(
        Scope.all(), CostQuery(first=first, last=last, group_by="team", metric=CostMetric.BILLED)
    )
    names = {row.key: NOBODY if row.is_missing else row.label for row in table.rows}
    return _Owners(table.currency, str(first), str(last), names, {row.key: row.cost for row in table.rows})
