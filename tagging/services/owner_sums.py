"""The costs of an import by owner: daily costs are scanned once, grouped by whole numbers, and written twice."""

from dataclasses import dataclass, field

from django.db import connection

from costs import selectors as intake
from costs.bulk import copy_temporary
from costs.scope import Scope
from costs.terms import COST_COLUMNS, CommitmentDiscountStatus, PricingCategory
from tagging.conditions import Facts
from tagging.models import AllocatedCost, OwnerCost
from tagging.terms import CommitmentUse

EVERYTHING = Scope.all()
_GROUP_COLUMNS = {
    "id": "integer",
    "pages": "integer",  # the same number for groups that pages do not tell apart
    "owner_kind": "text",
    "owner_key": "text",
    "environment": "text",
    "service_name": "text",
    "sub_account_id": "text",
    "region_id": "text",
    "charge_category": "text",
    "commitment_use": "text",
}
_PAGES = ("owner_kind", "owner_key", "environment", "service_name", "sub_account_id", "region_id", "charge_category")
_OWNERS = ("owner_kind", "owner_key", "service_name", "commitment_use")
_USES = {
    CommitmentDiscountStatus.USED.value: CommitmentUse.COVERED.value,
    CommitmentDiscountStatus.UNUSED.value: CommitmentUse.UNUSED.value,
}


@dataclass
class CostGroups:
    """Slices that are alike in all that sums are kept by, numbered. `instances` are slices of instance usage."""

    instances: frozenset[int]
    of_slice: list[tuple[int, int]] = field(default_factory=list)
    _groups: dict[tuple[str, ...], int] = field(default_factory=dict)
    _pages: dict[tuple[str, ...], int] = field(default_factory=dict)

    def add(self, slice_key: int, facts: Facts, *, kind: str, owner: str, environment: str) -> None:
        """Put a slice into its group."""
        pages = (kind, owner, environment, facts.service, facts.account, facts.region, facts.category)
        group = (*pages, self._use(slice_key, facts))
        self._pages.setdefault(pages, len(self._pages))
        self.of_slice.append((slice_key, self._groups.setdefault(group, len(self._groups))))

    def rows(self) -> list[tuple[object, ...]]:
        """The groups as the temporary table has them."""
        return [(number, self._pages[group[:-1]], *group) for group, number in self._groups.items()]

    def _use(self, slice_key: int, facts: Facts) -> str:
        if use := _USES.get(facts.commitment):
            return use
        on_demand = facts.pricing == PricingCategory.STANDARD and slice_key in self.instances
        return CommitmentUse.ON_DEMAND.value if on_demand else CommitmentUse.NONE.value


def instance_slices(import_pk: int) -> frozenset[int]:
    """Slices of an import that are instance usage, which commitments cover or could cover."""
    found = intake.usage_days(EVERYTHING, [import_pk]).order_by().values_list("slice_id", flat=True)
    return frozenset(found.distinct())


def sum_up(import_pk: int, groups: CostGroups) -> None:
    """Fill AllocatedCost and OwnerCost of an import. The database only adds."""
    copy_temporary("cost_groups", _GROUP_COLUMNS, groups.rows())
    copy_temporary("slice_groups", {"slice_id": "bigint", "group_id": "integer"}, groups.of_slice)
    daily = _table(intake.daily_costs(EVERYTHING, [import_pk]).model._meta.db_table)
    summed = ", ".join(f"SUM(d.{column}) AS {column}" for column in COST_COLUMNS)
    added = ", ".join(f"SUM(s.{column})" for column in COST_COLUMNS)
    costs = ", ".join(COST_COLUMNS)
    with connection.cursor() as cursor:
        # Nothing to drop first: callers hold a transaction, which takes the table with it when it fails.
        cursor.execute(
            f"CREATE TEMPORARY TABLE group_days AS SELECT m.group_id, d.charge_date, {summed} FROM {daily} d"
            " JOIN slice_groups m ON m.slice_id = d.slice_id WHERE d.bill_import_id = %s"
            " GROUP BY m.group_id, d.charge_date",
            [import_pk],
        )
        cursor.execute(
            f"INSERT INTO {_table(AllocatedCost._meta.db_table)}"
            f" (bill_import_id, charge_date, {', '.join(_PAGES)}, {costs})"
            f" SELECT %s, s.charge_date, {_first(_PAGES)}, {added} FROM group_days s"
            " JOIN cost_groups g ON g.id = s.group_id GROUP BY g.pages, s.charge_date",
            [import_pk],
        )
        cursor.execute(
            f"INSERT INTO {_table(OwnerCost._meta.db_table)} (bill_import_id, {', '.join(_OWNERS)}, {costs})"
            f" SELECT %s, {', '.join(f'g.{name}' for name in _OWNERS)}, {added} FROM group_days s"
            f" JOIN cost_groups g ON g.id = s.group_id GROUP BY {', '.join(f'g.{name}' for name in _OWNERS)}",
            [import_pk],
        )
        for name in ("group_days", "slice_groups", "cost_groups"):
            cursor.execute(f"DROP TABLE {name}")


def _first(names: tuple[str, ...]) -> str:
    """Texts that are the same in every row of a group."""
    return ", ".join(f"MIN(g.{name})" for name in names)


def _table(name: str) -> str:
    return connection.ops.quote_name(name)
