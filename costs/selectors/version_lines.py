"""The difference of two versions of a month down to the lines. Staff only.

Ids of lines do not survive from one delivery to the next, so lines are matched by what identifies them: everything
but their amounts, tags, description and invoice. Lines that agree in all of it are compared by their sums.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from django.db.models import Q

from costs.charge_store import ImportFolder, LinePart, compare_lines
from costs.models import BillImport
from costs.money import ZERO
from costs.periods import BillingPeriod
from costs.scope import Scope
from costs.selectors.versions import BillVersion
from costs.terms import CostMetric

IDENTITY = (
    "charge_period_start",
    "charge_period_end",
    "billing_account_id",
    "sub_account_id",
    "service_name",
    "usage_type",
    "operation",
    "region_id",
    "resource_id",
    "charge_category",
    "line_kind",
    "pricing_category",
    "commitment_discount_id",
)


class ChangeKind(StrEnum):
    ONLY_BEFORE = "only_before"
    ONLY_AFTER = "only_after"
    CHANGED = "changed"


@dataclass(frozen=True)
class VersionsCompared:
    """Which lines of which two versions. No service and account (None) means all of them."""

    source_name: str
    period: BillingPeriod
    before: BillVersion
    after: BillVersion
    metric: CostMetric
    service_name: str | None = None
    account: str | None = None
    kind: ChangeKind | None = None


@dataclass(frozen=True)
class LineChange:
    """Lines that agree in all that identifies them, in both versions."""

    charge_period_start: datetime
    charge_period_end: datetime
    billing_account_id: str
    sub_account_id: str
    service_name: str
    usage_type: str
    operation: str
    region_id: str
    resource_id: str
    charge_category: str
    line_kind: str
    pricing_category: str
    commitment_discount_id: str
    lines_before: int
    lines_after: int
    quantity_before: float
    quantity_after: float
    before: Decimal
    after: Decimal

    @property
    def change(self) -> Decimal:
        return self.after - self.before

    @property
    def kind(self) -> ChangeKind:
        if not self.lines_before:
            return ChangeKind.ONLY_AFTER
        return ChangeKind.CHANGED if self.lines_after else ChangeKind.ONLY_BEFORE


@dataclass(frozen=True)
class ChangeSum:
    """How many groups of lines changed in one way, and by how much."""

    kind: ChangeKind
    count: int
    before: Decimal
    after: Decimal

    @property
    def change(self) -> Decimal:
        return self.after - self.before


@dataclass(frozen=True)
class RemovedCharges:
    """A version whose charges are gone; `removed_at` is when they went, None where the store lost them."""

    number: int
    removed_at: datetime | None


def charges_removed(scope: Scope, asked: VersionsCompared) -> tuple[RemovedCharges, ...]:
    """The versions whose lines are not there any more. Empty where both can be compared."""
    scope.require_everything()
    gone = [version for version in (asked.before, asked.after) if _part(asked, version) is None]
    times = dict(
        BillImport.objects.filter(pk__in=[version.import_pk for version in gone]).values_list(
            "pk", "charges_removed_at"
        )
    )
    return tuple(RemovedCharges(version.number, times.get(version.import_pk)) for version in gone)


def line_change_sums(scope: Scope, asked: VersionsCompared) -> tuple[ChangeSum, ...]:
    """Each way to change with its count and sums; Σ changes = the difference of the two versions' lines."""
    sql = "SELECT kind, count(*), sum(before_cost), sum(after_cost) FROM changes GROUP BY kind ORDER BY kind"
    found = {row[0]: row[1:] for rows in _compared(scope, asked, sql) for row in rows}
    return tuple(ChangeSum(kind, *found.get(kind.value, (0, ZERO, ZERO))) for kind in ChangeKind)


def line_changes(scope: Scope, asked: VersionsCompared, *, limit: int, offset: int = 0) -> tuple[LineChange, ...]:
    """One page of what changed, the largest change first."""
    return tuple(_changes(scope, asked, f" LIMIT {int(limit)} OFFSET {int(offset)}"))


def all_line_changes(scope: Scope, asked: VersionsCompared) -> Iterator[LineChange]:
    """Everything that changed, streamed."""
    yield from _changes(scope, asked, "")


def _changes(scope: Scope, asked: VersionsCompared, limit: str) -> Iterator[LineChange]:
    columns = ", ".join((*IDENTITY, "before_lines", "after_lines", "before_quantity", "after_quantity"))
    order = f"abs(after_cost - before_cost) DESC, {', '.join(IDENTITY)}"
    sql = f"SELECT {columns}, before_cost, after_cost FROM changes"
    wanted = " WHERE kind = ?" if asked.kind is not None else ""
    values = [asked.kind.value] if asked.kind is not None else []
    for rows in _compared(scope, asked, f"{sql}{wanted} ORDER BY {order}{limit}", values):
        yield from (LineChange(*row) for row in rows)


def _compared(
    scope: Scope, asked: VersionsCompared, sql: str, values: list[str] | None = None
) -> Iterator[list[tuple[Any, ...]]]:
    scope.require_everything()
    before, after = _part(asked, asked.before), _part(asked, asked.after)
    if before is None or after is None:
        return
    place, bound = _place(asked)
    sides = [_side(name, asked.metric, place) for name in ("before", "after")]
    joined = " AND ".join(f"old.{name} = new.{name}" for name in IDENTITY)
    named = ", ".join(f"coalesce(old.{name}, new.{name}) AS {name}" for name in IDENTITY)
    amounts = ", ".join(
        f"coalesce({side}.{name}, 0) AS {prefix}_{name}"
        for side, prefix in (("old", "before"), ("new", "after"))
        for name in ("lines", "quantity", "cost")
    )
    kind = (
        f"CASE WHEN before_lines = 0 THEN '{ChangeKind.ONLY_AFTER}' WHEN after_lines = 0"
        f" THEN '{ChangeKind.ONLY_BEFORE}' ELSE '{ChangeKind.CHANGED}' END AS kind"
    )
    head = (
        f", old AS ({sides[0]}), new AS ({sides[1]}), joined AS (SELECT {named}, {amounts} FROM old FULL JOIN new"
        f" ON {joined}), changes AS (SELECT *, {kind} FROM joined WHERE before_cost <> after_cost"
        " OR before_lines = 0 OR after_lines = 0) "
    )
    yield from compare_lines(before, after, head + sql, [*bound, *bound, *(values or [])])


def _side(name: str, metric: CostMetric, place: str) -> str:
    keys = ", ".join(IDENTITY)
    return (
        f"SELECT {keys}, count(*) AS lines, sum(consumed_quantity) AS quantity, sum({metric.column}) AS cost"
        f" FROM {name} WHERE {place} GROUP BY {keys}"
    )


def _place(asked: VersionsCompared) -> tuple[str, list[str]]:
    pairs = [("service_name", asked.service_name), ("sub_account_id", asked.account)]
    wanted = [(name, value) for name, value in pairs if value is not None]
    return " AND ".join(f"{name} = ?" for name, _ in wanted) or "true", [value for _, value in wanted]


def _part(asked: VersionsCompared, version: BillVersion) -> LinePart | None:
    """The version's charges: its own, or those of an import that rolled them up again; None where all are gone."""
    same = BillImport.objects.filter(Q(pk=version.import_pk) | Q(rerolled_from=version.import_pk))
    for pk in same.order_by("-pk").values_list("pk", flat=True):
        folder = ImportFolder(asked.source_name, asked.period, pk)
        if folder.exists():
            return LinePart(folder)
    return None
