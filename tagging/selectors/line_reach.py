"""Which versions of bills lines are read from: those in force, one that is named, or those months were closed on."""

from collections.abc import Collection, Sequence
from dataclasses import replace

from costs import selectors as intake
from costs.errors import InvalidRequestError, NotFoundInScopeError
from costs.periods import BillingPeriod
from costs.scope import Scope
from tagging.owners import kind_of, pool_owner
from tagging.selectors.closes import counting
from tagging.selectors.reach import Reach, allocated
from tagging.selectors.shared import is_open_to, shared_month
from tagging.terms import OwnerKind

EVERYTHING = Scope.all()
_ANSWERS = {"yes": True, "no": False}
_LONGEST_KEY = 18


def reach_of_versions(
    scope: Scope, periods: Collection[BillingPeriod], versions: Sequence[str], currency: str
) -> Reach:
    """Versions of bills by their imports, in force or not. Staff only. Raises NotFoundInScopeError."""
    scope.require_everything()
    found = [intake.kept_version(scope, _import_pk(text)) for text in dict.fromkeys(versions)]
    chosen = currency or found[0].currency
    kept = tuple(item for item in found if item.period in periods and item.currency == chosen)
    return Reach(scope, kept, chosen, ())


def as_closed(found: Reach, periods: Collection[BillingPeriod]) -> Reach:
    """The same with the bills that closed months rest on in place of those in force; open months stay as they are.

    A team reaches of them, too, only those it has costs in. Says nothing of months closed in a currency it has none in.
    """
    starts = [period.start for period in periods]
    closes = counting().filter(period__in=starts, currency=found.currency)
    pairs = list(closes.order_by().values_list("period", "imports"))
    closed = {BillingPeriod(start) for start, _ in pairs}
    if not closed:
        return found
    kept = intake.kept_imports(EVERYTHING, [pk for _, pk in pairs if pk is not None])
    if not found.scope.everything:
        own = allocated(found.scope, [item.pk for item in kept]).order_by().values_list("bill_import_id", flat=True)
        pks = frozenset(own.distinct())
        kept = tuple(item for item in kept if item.pk in pks)
    in_force = tuple(item for item in found.imports if item.period not in closed)
    return replace(found, imports=tuple(sorted((*in_force, *kept), key=lambda item: (item.period, item.source_name))))


def closed_currencies(periods: Collection[BillingPeriod]) -> set[str]:
    """Currencies that any of these months was closed in."""
    starts = [period.start for period in periods]
    return set(counting().filter(period__in=starts).order_by().values_list("currency", flat=True))


def with_open_pools(scope: Scope, periods: Collection[BillingPeriod], currency: str, owners: Collection[str]) -> Scope:
    """A team's eyes, and those of pools among `owners` that are open to it in all these months: it may see the lines
    such a pool is made of. For lines alone; costs are no less the pool's for it."""
    pools = {owner for owner in owners if kind_of(owner) is OwnerKind.POOL}
    if scope.everything or not pools:
        return scope
    for period in periods:
        pools &= {
            pool_owner(split.pool.key) for split in shared_month(period, currency).splits if is_open_to(scope, split)
        }
    return Scope.teams(scope.team_keys | pools)


def yes_or_no(text: str, what: str) -> bool:
    """Read yes or no. Raises InvalidRequestError."""
    if text.lower() not in _ANSWERS:
        raise InvalidRequestError(f"'{text}' does not say {what}. Use yes or no.")
    return _ANSWERS[text.lower()]


def _import_pk(text: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > _LONGEST_KEY:
        raise NotFoundInScopeError("Nothing here.")
    return int(text)
