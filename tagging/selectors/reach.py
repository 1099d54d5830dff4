"""What a reader's question reaches: the imports, one currency, and the rows within their scope."""

from collections.abc import Collection
from dataclasses import dataclass

from django.db.models import QuerySet

from costs import selectors as intake
from costs.periods import BillingPeriod
from costs.reading import read_once
from costs.scope import Scope
from costs.selectors import ActiveImport
from tagging.models import AllocatedCost, OwnerCost
from tagging.selectors.pools import pools_naming

MAIN_CURRENCY = "USD"


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


def _imports_with_costs(scope: Scope) -> frozenset[int]:
    """Imports with the reader's own costs, and those of which a pool names the reader to bear a part."""
    in_force = intake.active_imports(scope)
    own = allocated(scope, [item.pk for item in in_force]).order_by().values_list("bill_import_id", flat=True)
    return frozenset(own.distinct()) | _imports_with_shares(scope, in_force)


def _imports_with_shares(scope: Scope, in_force: tuple[ActiveImport, ...]) -> frozenset[int]:
    found: set[int] = set()
    for period in {item.period for item in in_force}:
        if pools := pools_naming(scope.team_keys, period):
            pks = [item.pk for item in in_force if item.period == period]
            rows = OwnerCost.objects.filter(bill_import_id__in=pks, owner_key__in=pools).order_by()
            found.update(rows.values_list("bill_import_id", flat=True).distinct())
    return frozenset(found)


def ordered_currencies(imports: Collection[ActiveImport]) -> tuple[str, ...]:
    """Currencies of these imports, the main one first."""
    return tuple(sorted(intake.currencies(imports), key=lambda name: (name != MAIN_CURRENCY, name)))


def allocated(scope: Scope, import_pks: Collection[int]) -> QuerySet[AllocatedCost]:
    """Pre-summed costs of these imports that the reader may see. The one filter of all readers."""
    rows = AllocatedCost.objects.filter(bill_import_id__in=import_pks)
    return rows if scope.everything else rows.filter(owner_key__in=scope.team_keys)
