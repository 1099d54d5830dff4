"""What files add up to, read apart from everything the intake does: to compare with what became of them."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from costs import charge_store
from costs.models import BillImport
from costs.money import ZERO, round_money
from costs.scope import Scope
from costs.selectors.imports import active_imports


@dataclass(frozen=True)
class RawFiles:
    """Files that came together and the imports in force that they became.

    `column` is the column of theirs that holds the cost before any commitment is spread; `raw_total` its sum, None
    where it cannot be read again (`why_not`).
    """

    names: tuple[str, ...]
    column: str
    raw_total: Decimal | None
    why_not: str
    stored_total: Decimal

    @property
    def difference(self) -> Decimal | None:
        return None if self.raw_total is None else round_money(self.raw_total) - self.stored_total


def raw_files(scope: Scope) -> tuple[RawFiles, ...]:
    """Every delivery behind the months in force, its files summed by a bare scan of their own column."""
    scope.require_everything()
    pks = [item.pk for item in active_imports(scope)]
    together: dict[tuple[str, ...], list[BillImport]] = defaultdict(list)
    for item in BillImport.objects.filter(pk__in=pks).order_by("billing_period", "pk"):
        together[tuple(sorted({file["path"] for file in item.files}))].append(item)
    return tuple(_raw(paths, items) for paths, items in together.items())


def _raw(paths: Sequence[str], items: Sequence[BillImport]) -> RawFiles:
    names = {file["path"]: file["name"] for item in items for file in item.files}
    columns = {column for item in items for column in item.columns.get("fields", {}).get("unblended_cost", [])}
    stored = sum((item.unblended_cost for item in items), ZERO)
    total, why = _total(paths, columns, items)
    column = ", ".join(sorted(columns))
    return RawFiles(tuple(names[path] for path in paths), column, total, why, stored)


def _total(paths: Sequence[str], columns: set[str], items: Sequence[BillImport]) -> tuple[Decimal | None, str]:
    if any(item.snapshot_on is not None for item in items):
        return None, "an inventory: its rates are multiplied by hours"
    if len(columns) != 1:
        return None, "made from several columns"
    if gone := [path for path in paths if not Path(path).is_file()]:
        return None, f"{len(gone)} of {len(paths)} files are no longer here"
    (column,) = columns
    return sum((charge_store.raw_sum(Path(path), column) for path in paths), ZERO), ""


__all__ = ["RawFiles", "raw_files"]
