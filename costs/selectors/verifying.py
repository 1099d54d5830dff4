"""Does the charge store hold what the database says? Every difference in a line."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from decimal import Decimal

from django.db import models
from django.db.models import Sum

from costs import charge_store
from costs.charge_store import FolderSums, ImportFolder
from costs.errors import InvalidRequestError
from costs.models import BillImport, BillSource, DailyCost, ResourceCost
from costs.money import plain
from costs.periods import BillingPeriod
from costs.scope import Scope
from costs.selectors.records import folder_of, in_force_rows
from costs.terms import COST_COLUMNS, RUNNING_STATES, ImportState

_QUANTUM = Decimal("1e-10")
_RUNNING = {ImportState.QUEUED.value, *(state.value for state in RUNNING_STATES)}


@dataclass(frozen=True)
class Difference:
    """Something that is not as it should be. `import_pk` is None for what belongs to no import."""

    where: str
    problem: str
    import_pk: int | None = None


@dataclass
class Verified:
    """What was looked at, what differs, and what lies in the store without need."""

    imports: int = 0
    rows: int = 0
    differences: list[Difference] = field(default_factory=list)
    strays: list[Difference] = field(default_factory=list)

    @property
    def is_sound(self) -> bool:
        return not self.differences


def verify_charges(
    scope: Scope, *, periods: Collection[BillingPeriod] | None = None, source: str = "", kept: bool = False
) -> Verified:
    """Compare every import in force (with `kept` also replaced ones whose charges are kept) with the store.

    Files by checksum; rows and the five costs of the lines with the import's totals, its daily costs and its resource
    costs, to the tenth decimal. Without `periods` and `source` the index of what is in force and strays are looked at
    too. Reads every byte of the charges. Raises InvalidRequestError for an unknown source.
    """
    scope.require_everything()
    if source and not BillSource.objects.filter(name=source).exists():
        raise InvalidRequestError(f"There is no source {source}.")
    charge_store.charge_store().check()
    found = Verified()
    for item in _imports(periods, source, kept=kept):
        folder = folder_of(item)
        assert folder is not None
        found.imports += 1
        found.rows += item.rows
        found.differences += [Difference(folder.name, problem, item.pk) for problem in _problems(item, folder)]
    if periods is None and not source:
        found.differences += _index_differences(scope)
        found.strays += _strays()
    return found


def _imports(periods: Collection[BillingPeriod] | None, source: str, *, kept: bool) -> list[BillImport]:
    wanted = BillImport.objects.filter(bill_in_force__isnull=False)
    if kept:
        wanted |= BillImport.objects.filter(state=ImportState.REPLACED.value, charges_removed_at=None)
    if periods is not None:
        wanted = wanted.filter(billing_period__in=[period.start for period in periods])
    if source:
        wanted = wanted.filter(source__name=source)
    return list(wanted.select_related("source").order_by("billing_period", "source__name", "pk").distinct())


def _problems(item: BillImport, folder: ImportFolder) -> Iterator[str]:
    if not folder.exists():
        yield "has no charges in the store"
        return
    yield from charge_store.damaged_files(folder)
    sums = charge_store.sums_of(folder)
    if isinstance(sums, str):
        yield sums
        return
    if sums.rows != item.rows:
        yield f"holds {sums.rows:,} lines, the database says {item.rows:,}"
    for name in COST_COLUMNS:
        if sums.costs[name] != getattr(item, name):
            yield f"{name} of its lines is {plain(sums.costs[name])}, the database says {plain(getattr(item, name))}"
    if item.rollups_removed_at is None:
        yield from _rollup_problems(item, sums)


def _rollup_problems(item: BillImport, sums: FolderSums) -> Iterator[str]:
    days, _ = _stored(DailyCost, item)
    resources, rows = _stored(ResourceCost, item)
    # A row's last digit is placed: together they may be off by less than one of it for each row.
    slack = _QUANTUM * rows if sums.is_rounded else Decimal(0)
    for name in COST_COLUMNS:
        if days[name] != getattr(item, name):
            yield f"{name} of its days is {plain(days[name])}, the bill's total {plain(getattr(item, name))}"
        if abs(resources[name] - sums.resource_costs[name]) > slack:
            told = plain(sums.resource_costs[name])
            yield f"{name} of its resources is {plain(resources[name])}, that of its lines {told}"


def _stored(model: type[models.Model], item: BillImport) -> tuple[dict[str, Decimal], int]:
    rows = model._default_manager.filter(bill_import=item)
    sums = rows.aggregate(**{f"sum_{name}": Sum(name) for name in COST_COLUMNS})
    return {name: sums[f"sum_{name}"] or Decimal(0) for name in COST_COLUMNS}, rows.count()


def _index_differences(scope: Scope) -> list[Difference]:
    where = charge_store.IN_FORCE
    told, rows = charge_store.read_in_force(), in_force_rows(scope)
    if told is None:
        return [Difference(where, "is missing")] if rows else []
    index = {(row.source, row.billing_period): row for row in told}
    found = []
    for row in rows:
        other = index.pop((row.source, row.billing_period), None)
        if other != row:
            says = "nothing" if other is None else f"import {other.import_pk}"
            problem = f"says {says} of {row.source} {row.billing_period}, in force is import {row.import_pk}"
            if other is not None and other.import_pk == row.import_pk:
                problem = f"has other figures or states of {row.source} {row.billing_period} than the database"
            found.append(Difference(where, problem, row.import_pk))
    found += [Difference(where, f"tells of {name} {month}, which the database does not know") for name, month in index]
    return found


def _strays() -> list[Difference]:
    """Folders of the store that nobody needs, and landings left behind."""
    needed = ("state", "billing_period", "charges_removed_at", "source__name")
    known = {item.pk: item for item in BillImport.objects.select_related("source").only(*needed)}
    found = []
    for folder in charge_store.folders_in_store():
        item = known.get(folder.import_pk)
        if item is None or folder_of(item) != folder:
            found.append(Difference(folder.name, "belongs to no import of the database", None))
        elif item.charges_removed_at is not None and folder.exists():
            found.append(Difference(folder.name, f"is kept though the import is {item.state}", item.pk))
    left = [pk for pk in charge_store.landings_left() if pk not in known or known[pk].state not in _RUNNING]
    return [*found, *(Difference(f".landing/{pk}", "was left behind by an import that ended", pk) for pk in left)]
