"""QuerySets over the rollups, for set-based work of the apps above. All need the full scope.

A team's view is never made here: teams read `tagging.AllocatedCost`, or slices that
`tagging.Allocation` says are theirs.
"""

from collections.abc import Collection

from django.db.models import Case, OuterRef, QuerySet, Subquery, TextField, Value, When
from django.db.models.expressions import Combinable
from django.db.models.functions import Coalesce

from costs.models import CostSlice, DailyCost, ResourceCost, SubAccount, UsageDay
from costs.reading import read_once
from costs.scope import Scope


def daily_costs(scope: Scope, import_pks: Collection[int]) -> QuerySet[DailyCost]:
    """Slice × day rows of these imports."""
    scope.require_everything()
    return DailyCost.objects.filter(bill_import_id__in=import_pks)


def resource_costs(scope: Scope, import_pks: Collection[int]) -> QuerySet[ResourceCost]:
    """Resource × slice rows of these imports."""
    scope.require_everything()
    return ResourceCost.objects.filter(bill_import_id__in=import_pks)


def usage_days(scope: Scope, import_pks: Collection[int]) -> QuerySet[UsageDay]:
    """Pool × slice × day rows of these imports."""
    scope.require_everything()
    return UsageDay.objects.filter(bill_import_id__in=import_pks)


def slices(scope: Scope, keys: Collection[int]) -> QuerySet[CostSlice]:
    """Slices by key."""
    scope.require_everything()
    return CostSlice.objects.filter(pk__in=keys)


def slices_of(scope: Scope, import_pk: int) -> QuerySet[CostSlice]:
    """The distinct slices an import has costs in."""
    scope.require_everything()
    used = DailyCost.objects.filter(bill_import_id=import_pk).order_by().values("slice_id").distinct()
    return CostSlice.objects.filter(pk__in=used)


def account_names(scope: Scope, account_ids: Collection[str]) -> dict[str, str]:
    """Names of the accounts asked for, where known: what staff call them, else what bills do.

    The caller asks only for accounts its reader may see.
    """
    del scope  # the ids themselves are the permission: they come from rows the reader may see
    if not account_ids:
        return {}
    known = read_once("account names", _account_names)
    return {account_id: known[account_id] for account_id in account_ids if account_id in known}


def account_name(scope: Scope, column: str) -> Combinable:
    """The name of the account whose id stands in a column, '' where none is known: for queries over rows of the reader.

    For questions that need few names beside their rows; `account_names` reads all names there are.
    """
    del scope  # as in `account_names`
    given = SubAccount.objects.filter(pk=OuterRef(column)).annotate(
        shown=Case(When(display_name="", then="name"), default="display_name")
    )
    return Coalesce(Subquery(given.values("shown")[:1]), Value(""), output_field=TextField())


def _account_names() -> dict[str, str]:
    rows = SubAccount.objects.exclude(name="", display_name="").order_by()
    found = rows.values_list("sub_account_id", "display_name", "name")
    return {account_id: display or name for account_id, display, name in found}


def given_names(scope: Scope) -> tuple[str, ...]:
    """The names that staff gave to accounts, as one text for each: they change answers without an import."""
    scope.require_everything()
    rows = SubAccount.objects.exclude(display_name="").order_by("sub_account_id")
    return tuple(f"{account_id} {name}" for account_id, name in rows.values_list("sub_account_id", "display_name"))
