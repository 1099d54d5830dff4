"""What findings are looked for in: the newest month of every source, resource by resource and slice by slice.

Only rows that could be a finding are read. Needs the full scope: whose each slice is, tagging knows.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, TypeVar

from django.db.models import F, Max, Q, QuerySet

from costs.billing_formats.storage import is_reading, storage_class, usage_ending
from costs.charge_store import ImportFolder, query_charges
from costs.models import DailyCost, Resource, ResourceCost
from costs.money import round_money
from costs.scope import Scope
from costs.selectors.imports import ActiveImport, active_imports
from costs.selectors.inventoried import Seen, newest_inventories
from costs.terms import ChargeCategory, CommitmentDiscountStatus, PricingCategory

TAKES_OVER_FOR_MONTHS = 2  # after a month with a bill, inventories of so many months are not taken for costs
AT_ONCE = 500
T = TypeVar("T")


@dataclass(frozen=True)
class MeasuredMonth:
    """A month of one source, and how many of its days have usage. `is_for_fees`: only commitments are read from it."""

    item: ActiveImport
    covered_days: int
    is_for_fees: bool = False

    @property
    def past_days(self) -> int:
        """Days that were over when it came in, whatever usage it has."""
        return past_days(self.item)

    @property
    def is_full(self) -> bool:
        return self.covered_days >= self.item.period.day_count

    @property
    def last_day(self) -> date:
        return self.item.period.start + timedelta(days=self.covered_days - 1)


@dataclass(frozen=True)
class SpendRow:
    """One resource's month in one slice."""

    import_pk: int
    slice_key: int
    resource_key: int
    resource_id: str
    name: str
    effective_cost: Decimal
    list_cost: Decimal
    service_name: str
    region_id: str
    sub_account_id: str
    usage_type: str
    charge_category: str
    pricing_category: str

    @property
    def storage_class(self) -> str:
        """The class of storage it pays for; '' for none."""
        return storage_class(self.usage_type)

    @property
    def is_reading(self) -> bool:
        return is_reading(self.usage_type)

    @property
    def is_above_list(self) -> bool:
        """On demand, and dearer than its own list cost."""
        return (
            self.charge_category == ChargeCategory.USAGE.value
            and self.pricing_category == PricingCategory.STANDARD.value
            and 0 < self.list_cost < self.effective_cost
        )


@dataclass(frozen=True)
class CommitmentRow:
    """What one commitment left unused in one slice of a month, of what it cost there; by id, else by usage type."""

    import_pk: int
    commitment_id: str
    slice_key: int
    category: str
    instance_type: str
    service_name: str
    region_id: str
    sub_account_id: str
    ends_on: date | None
    unused: Decimal
    cost: Decimal


_COMMITMENT_TEXTS = ("commitment_discount_category", "instance_type", "service_name", "region_id", "sub_account_id")


@dataclass(frozen=True)
class SpendingSheet:
    """Months measured by import, rows, resources of the newest inventories by id, and what is paid after they stopped.

    `after_stop`: (import, resource, slice) → days and cost.
    """

    months: Mapping[int, MeasuredMonth]
    rows: tuple[SpendRow, ...]
    seen: Mapping[str, Seen]
    after_stop: Mapping[tuple[int, int, int], tuple[int, Decimal]]
    commitments: tuple[CommitmentRow, ...]


def spending(
    scope: Scope, *, min_days: int, idle_days: int, idle_cpu_pct: float, classes: Collection[str]
) -> SpendingSheet:
    """Rows that could be findings. `classes` are the storage classes to look at."""
    scope.require_everything()
    months = {each.item.pk: each for each in _measured(scope, min_days)}
    seen = newest_inventories(scope, idle_days=idle_days)
    telling = {name for each in seen.values() if each.tells(idle_cpu_pct) for name in (each.resource_id, *each.volumes)}
    rows: list[SpendRow] = []
    for month in months.values():
        rows += [] if month.is_for_fees else _rows(month, telling, classes)
    return SpendingSheet(
        months=months,
        rows=tuple(rows),
        seen=seen,
        after_stop=_after_stop(months, rows, seen),
        commitments=tuple(row for month in months.values() for row in unused_commitments(scope, month.item)),
    )


def unused_commitments(scope: Scope, item: ActiveImport) -> tuple[CommitmentRow, ...]:
    """What commitments left unused in a month, by commitment and slice: from the lines, whose fees name no resource."""
    scope.require_everything()
    folder = ImportFolder(source_name=item.source_name, period=item.period, import_pk=item.pk)
    named = "CASE WHEN commitment_discount_id = '' THEN usage_type ELSE commitment_discount_id END AS commitment_id"
    texts = ", ".join(f"coalesce(max({name}), '')" for name in _COMMITMENT_TEXTS)
    sql = (
        f"SELECT {named}, slice_key, {texts}, CAST(max(commitment_ends_at) AS DATE), sum(effective_cost),"
        " coalesce(sum(commitment_cost), 0) FROM charges WHERE NOT is_split_row"
        f" AND commitment_discount_status = '{CommitmentDiscountStatus.UNUSED.value}' GROUP BY 1, 2 ORDER BY 1, 2"
    )
    rows = query_charges([folder], sql) if not item.billing_format.is_inventory else []
    return tuple(CommitmentRow(*(item.pk, *row[:-2], round_money(row[-2]), round_money(row[-1]))) for row in rows)


def covered_days(scope: Scope, items: Collection[ActiveImport]) -> dict[int, int]:
    """By import how many days of its month it covers: all where it came in after the month, and all of an inventory.

    Of a month that was still running, the days to the last one with usage.
    """
    scope.require_everything()
    days = {item.pk: item.period.day_count for item in items}
    running = {item.pk: item.period.start for item in items if was_running(item)}
    used = DailyCost.objects.filter(bill_import_id__in=running, slice__charge_category=ChargeCategory.USAGE.value)
    last = dict(used.order_by().values_list("bill_import_id").annotate(last=Max("charge_date")))
    return days | {pk: (last[pk] - start).days + 1 if pk in last else 0 for pk, start in running.items()}


def was_running(item: ActiveImport) -> bool:
    """Whether a bill came in before its month was over."""
    if item.billing_format.is_inventory:
        return False
    return item.finished_at is None or item.finished_at.date() < item.period.end


def past_days(item: ActiveImport) -> int:
    """How many days of its month were over when an import came in, by the calendar alone."""
    if not was_running(item) or item.finished_at is None:
        return item.period.day_count
    return max(0, (item.finished_at.date() - item.period.start).days)


def resource_keys_of(scope: Scope, resource_ids: Collection[str]) -> dict[int, str]:
    """Resources by these ids, in whatever account, by key."""
    scope.require_everything()
    found: dict[int, str] = {}
    for some in in_parts(sorted(resource_ids)):
        found |= dict(Resource.objects.filter(resource_id__in=some).order_by().values_list("key", "resource_id"))
    return found


def _measured(scope: Scope, min_days: int) -> Iterable[MeasuredMonth]:
    """Of every source the newest month of which enough days are over; for fees the newest full one.

    Which one that is must not depend on how far anybody's usage goes: all owners read findings of that month.
    """
    items = [item for item in active_imports(scope) if not _is_taken_over(item, active_imports(scope))]
    newest: dict[tuple[str, str], list[ActiveImport]] = {}
    for item in sorted(items, key=lambda item: item.period, reverse=True):
        newest.setdefault((item.source_name, item.currency), []).append(item)
    for found in newest.values():
        days = covered_days(scope, found[:2])
        months = [MeasuredMonth(item, days[item.pk]) for item in found[:2] if days[item.pk]]
        first = next((month for month in months if month.past_days >= min_days), next(iter(months), None))
        if first is None:
            continue
        yield first
        full = next((month for month in months if month.is_full), first)
        if full is not first:
            yield MeasuredMonth(full.item, full.covered_days, is_for_fees=True)


def _is_taken_over(item: ActiveImport, others: Sequence[ActiveImport]) -> bool:
    """An inventory beside a bill of its currency: from then on the bill says what things cost."""
    if not item.billing_format.is_inventory:
        return False
    earliest = item.period.back(TAKES_OVER_FOR_MONTHS + 1)[0]
    return any(
        not other.billing_format.is_inventory and other.currency == item.currency and other.period >= earliest
        for other in others
    )


def _rows(month: MeasuredMonth, telling: Collection[str], classes: Collection[str]) -> Iterable[SpendRow]:
    costs = ResourceCost.objects.filter(bill_import_id=month.item.pk)
    if month.item.billing_format.is_inventory:
        return _read(costs)
    above = Q(
        slice__charge_category=ChargeCategory.USAGE.value,
        slice__pricing_category=PricingCategory.STANDARD.value,
        list_cost__gt=0,
        effective_cost__gt=F("list_cost"),
    )
    stored = Q(pk__in=())
    for name in classes:
        stored |= Q(slice__usage_type__endswith=usage_ending(name))
    # All lines of each resource: what is verified later are all its costs, so the baseline is of all of them too.
    wanted = costs.filter(above | stored).order_by().values("resource_id")
    found = {(row.resource_key, row.slice_key): row for row in _read(costs.filter(resource_id__in=wanted))}
    for some in in_parts(sorted(resource_keys_of(Scope.all(), telling))):
        found |= {(row.resource_key, row.slice_key): row for row in _read(costs.filter(resource_id__in=some))}
    return found.values()


def _read(found: QuerySet[ResourceCost]) -> list[SpendRow]:
    columns = ("bill_import_id", "slice_id", "resource_id", "resource__resource_id", "name")
    costs = ("effective_cost", "list_cost")
    dimensions = ("service_name", "region_id", "sub_account_id", "usage_type", "charge_category", "pricing_category")
    of_slice = [f"slice__{name}" for name in dimensions]
    return [SpendRow(*row) for row in found.order_by().values_list(*columns, *costs, *of_slice)]


def _after_stop(
    months: Mapping[int, MeasuredMonth], rows: Iterable[SpendRow], seen: Mapping[str, Seen]
) -> dict[tuple[int, int, int], tuple[int, Decimal]]:
    """Of bills, by line: what resources cost on the days after they were first seen stopped."""
    stopped = {
        name: each for each in seen.values() if each.is_not_running for name in (each.resource_id, *each.volumes)
    }
    wanted: dict[int, dict[int, date]] = {}
    for row in rows:
        month = months[row.import_pk]
        if row.resource_id in stopped and not month.is_for_fees and not month.item.billing_format.is_inventory:
            since = max(stopped[row.resource_id].state_since, month.item.period.start - timedelta(days=1))
            wanted.setdefault(row.import_pk, {})[row.resource_key] = since
    found: dict[tuple[int, int, int], tuple[int, Decimal]] = {}
    for pk, by_key in wanted.items():
        month = months[pk]
        for resource_key, slice_key, cost in _costs_after(month.item, by_key):
            days = (month.last_day - by_key[resource_key]).days
            found[pk, resource_key, slice_key] = (days, cost)
    return found


def _costs_after(item: ActiveImport, since: Mapping[int, date]) -> list[tuple[Any, ...]]:
    folder = ImportFolder(source_name=item.source_name, period=item.period, import_pk=item.pk)
    keys = sorted(since)
    sql = (
        "SELECT charges.resource_key, charges.slice_key, sum(effective_cost) FROM charges JOIN"
        " (SELECT unnest(?::BIGINT[]) AS wanted_key, unnest(?::DATE[]) AS since) AS wanted"
        " ON charges.resource_key = wanted_key WHERE NOT is_split_row AND charge_date > since GROUP BY ALL ORDER BY ALL"
    )
    return query_charges([folder], sql, [keys, [since[key] for key in keys]])


def in_parts(items: Sequence[T]) -> Iterator[Sequence[T]]:
    """So many at once as any database takes in one question."""
    return (items[start : start + AT_ONCE] for start in range(0, len(items), AT_ONCE))
