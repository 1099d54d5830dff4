"""What a reader's question reaches: the imports, one currency, and the rows within their scope."""

from collections.abc import Collection, Hashable
from dataclasses import dataclass
from datetime import date
from itertools import starmap
from typing import NamedTuple

from django.db.models import Max, OuterRef, QuerySet, Subquery

from costs import selectors as intake
from costs.periods import BillingPeriod
from costs.reading import keep, kept, read_once
from costs.scope import Scope
from costs.selectors import ActiveImport
from tagging.models import AllocatedCost, Allocation, OwnerCost
from tagging.selectors.pools import pools_naming

MAIN_CURRENCY = "USD"
_HOLDINGS = "what owners hold"


@dataclass(frozen=True)
class Reach:
    """Imports in force in one currency, in the months asked for. `imports` never reach a team's bytes."""

    scope: Scope
    imports: tuple[ActiveImport, ...]
    currency: str
    other_currencies: tuple[str, ...]

    @property
    def import_pks(self) -> tuple[int, ...]:
        return tuple(item.pk for item in self.imports)

    def period_of(self) -> dict[int, BillingPeriod]:
        """The month of every import."""
        return {item.pk: item.period for item in self.imports}

    def within(self, periods: Collection[BillingPeriod]) -> "Reach":
        """The same for some of the months."""
        kept = tuple(item for item in self.imports if item.period in periods)
        return Reach(self.scope, kept, self.currency, self.other_currencies)


def reach(scope: Scope, periods: Collection[BillingPeriod] | None, currency: str = "") -> Reach:
    """The reader's imports in the currency asked for, or in their main one (USD, else the first by name).

    A team reaches only imports and currencies it has costs in. One query, two for teams.
    """
    imports = visible_imports(scope, periods)
    names = ordered_currencies(imports)
    chosen = currency or next(iter(names), MAIN_CURRENCY)
    kept = tuple(item for item in imports if item.currency == chosen)
    return Reach(scope, kept, chosen, tuple(name for name in names if name != chosen))


def visible_imports(scope: Scope, periods: Collection[BillingPeriod] | None) -> tuple[ActiveImport, ...]:
    """Imports in force in which the reader has costs, oldest month first."""
    imports = intake.active_imports(scope, periods)
    if scope.everything or not imports:
        return imports
    pks = read_once(("imports with costs of", scope), lambda: _imports_with_costs(scope))
    return tuple(item for item in imports if item.pk in pks)


def read_months_ahead(scope: Scope) -> None:
    """Read where the reader has costs, once for every part of the scope that the rest of the answer asks for."""
    if not scope.everything:
        _holdings(scope)


def last_day_of(scope: Scope, import_pks: Collection[int]) -> date | None:
    """The newest day with costs of the reader's in these imports in force."""
    if scope.everything:
        found: date | None = allocated(scope, import_pks).aggregate(last=Max("charge_date"))["last"]
        return found
    held = _holdings(scope).rows
    days = [row.last_day for row in held if row.import_pk in import_pks and row.owner in scope.team_keys]
    return max((day for day in days if day is not None), default=None)


def version_of(found: Reach) -> Hashable:
    """Changes with every import in force that is reached, and whenever owners are given again, which makes new rows.

    For what is held in the process. A team's is read with its months.
    """
    imports = tuple((item.pk, item.version_id, item.finished_at) for item in found.imports)
    if found.scope.everything:
        return imports, Allocation.objects.aggregate(newest=Max("pk"))["newest"]
    pks, teams = set(found.import_pks), found.scope.team_keys
    rows = (row for row in _holdings(found.scope).rows if row.import_pk in pks and row.owner in teams)
    return imports, tuple(sorted((row.import_pk, row.owner, row.newest_pk) for row in rows))


class _Held(NamedTuple):
    """What an owner has in an import: its last day with costs, and the newest of its rows."""

    import_pk: int
    owner: str
    newest_pk: int
    last_day: date | None


@dataclass(frozen=True)
class _Holdings:
    """Of all imports in force, for these owners and pools that name them."""

    owners: frozenset[str]
    rows: tuple[_Held, ...]


def _imports_with_costs(scope: Scope) -> frozenset[int]:
    """Imports with the reader's own costs, and those of which a pool names the reader to bear a part."""
    month_of = {item.pk: item.period for item in intake.active_imports(scope)}
    naming = {period: pools_naming(scope.team_keys, period) for period in set(month_of.values())}
    return frozenset(
        pk
        for pk, owner, *_ in _holdings(scope).rows
        if pk in month_of and (owner in scope.team_keys or owner in naming[month_of[pk]])
    )


def _holdings(scope: Scope) -> _Holdings:
    """From the month's sums of owners, which are few; the last day is one step into an index for each of them."""
    known: _Holdings | None = kept(_HOLDINGS)
    if known is not None and scope.team_keys <= known.owners:
        return known
    in_force = intake.active_imports(scope)
    pools = {key for period in {item.period for item in in_force} for key in pools_naming(scope.team_keys, period)}
    rows = OwnerCost.objects.filter(
        bill_import_id__in=[item.pk for item in in_force], owner_key__in=scope.team_keys | pools
    )
    same = AllocatedCost.objects.filter(bill_import_id=OuterRef("bill_import_id"), owner_key=OuterRef("owner_key"))
    last_day = Subquery(same.order_by("-charge_date").values("charge_date")[:1])
    found = rows.order_by().values_list("bill_import_id", "owner_key").annotate(newest=Max("pk"), last=last_day)
    held = _Holdings(scope.team_keys, tuple(starmap(_Held, found)))
    keep(_HOLDINGS, held)
    return held


def ordered_currencies(imports: Collection[ActiveImport]) -> tuple[str, ...]:
    """Currencies of these imports, the main one first."""
    return tuple(sorted(intake.currencies(imports), key=lambda name: (name != MAIN_CURRENCY, name)))


def allocated(scope: Scope, import_pks: Collection[int]) -> QuerySet[AllocatedCost]:
    """Pre-summed costs of these imports that the reader may see. The one filter of all readers."""
    rows = AllocatedCost.objects.filter(bill_import_id__in=import_pks)
    return rows if scope.everything else rows.filter(owner_key__in=scope.team_keys)
