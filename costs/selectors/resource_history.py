"""One resource over time, for FinOps staff: costs, states, tags and names as bills and inventories had them."""

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from costs.charge_store import ImportFolder, query_charges, resource_keys, tags_seen
from costs.detectors import RUNNING_STATES
from costs.errors import NotFoundInScopeError
from costs.models import Resource, ResourceCost, ResourceSnapshot
from costs.money import ZERO
from costs.periods import BillingPeriod
from costs.scope import Scope
from costs.selectors.accounts import Stretch, stretches
from costs.selectors.imports import ActiveImport, active_imports
from costs.selectors.inventoried import VOLUME_COLUMNS
from costs.selectors.rollups import account_names
from costs.tags import canonical_key
from costs.terms import COST_COLUMNS, ImportState

_TRUSTED = (ImportState.IN_FORCE.value, ImportState.REPLACED.value, ImportState.SUPERSEDED.value)
_SPLIT_LIMIT = 50
_LARGEST_KEY = 2**63 - 1
_COST_FIELDS = ("bill_import_id", *COST_COLUMNS, "usage_hours", "consumed_quantity")
_SLICE_FIELDS = ("service_name", "usage_type", "operation", "charge_category")


@dataclass(frozen=True)
class ResourceMonth:
    """What it cost in a month, on every basis, and the hours it was billed for as an instance."""

    period: BillingPeriod
    currency: str
    costs: dict[str, Decimal]
    hours: float

    @property
    def hourly_rate(self) -> Decimal | None:
        """Effective cost of an hour; None where no hours were billed."""
        return self.costs["effective_cost"] / Decimal(str(self.hours)) if self.hours else None


@dataclass(frozen=True)
class ResourcePart:
    """What a resource is billed for in its newest month."""

    service_name: str
    usage_type: str
    operation: str
    charge_category: str
    quantity: float
    billed_cost: Decimal
    effective_cost: Decimal


@dataclass(frozen=True)
class TagSpan:
    """A value a tag had, and the days its lines or inventories showed it."""

    key: str
    value: str
    first_on: date
    last_on: date
    is_now: bool


@dataclass(frozen=True)
class StateSpan:
    """A state that inventories in a row agree on: from the first day it was seen to the last."""

    state: str
    first_on: date
    last_on: date
    snapshots: int


@dataclass(frozen=True)
class Linked:
    """Another resource that belongs to this one: a volume, or a container that runs on it."""

    resource_id: str
    key: int | None
    what: str
    cost: Decimal | None


@dataclass(frozen=True)
class ResourceDetail:
    """Everything that is known of one resource."""

    key: int
    resource_id: str
    name: str
    sub_account_id: str
    sub_account_name: str
    service_name: str
    region_id: str
    resource_type: str
    instance_type: str
    first_seen_on: date | None
    last_seen_on: date | None
    tags: tuple[tuple[str, str], ...]
    months: tuple[ResourceMonth, ...]  # newest first
    parts: tuple[ResourcePart, ...]
    names: tuple[Stretch, ...]
    tag_spans: tuple[TagSpan, ...]
    states: tuple[StateSpan, ...]  # newest first
    running_snapshots: int
    snapshots: int
    hourly_rate: Decimal | None
    monthly_rate: Decimal | None
    rate_currency: str
    attributes: tuple[tuple[str, str], ...]
    linked: tuple[Linked, ...]

    @property
    def state(self) -> str:
        return self.states[0].state if self.states else ""

    @property
    def uptime(self) -> Decimal | None:
        """The share of inventories that found it running; None where none has it."""
        return Decimal(self.running_snapshots) / self.snapshots if self.snapshots else None


def resource_detail(scope: Scope, key: int) -> ResourceDetail:
    """One resource by its key. Staff only; NotFoundInScopeError where there is none."""
    scope.require_everything()
    item = Resource.objects.filter(pk=key).first() if key <= _LARGEST_KEY else None
    if item is None:
        raise NotFoundInScopeError("There is no such resource.")
    every = {each.pk: each for each in active_imports(scope)}
    rows = list(
        ResourceCost.objects.filter(resource_id=key, bill_import_id__in=every)
        .order_by("bill_import_id", "pk")
        .values(*_COST_FIELDS, *(f"slice__{name}" for name in _SLICE_FIELDS))
    )
    used = [each for pk, each in every.items() if any(row["bill_import_id"] == pk for row in rows)]
    newest = max((each.period for each in used), default=None, key=lambda period: period.start)
    latest = [each for each in used if each.period == newest]
    taken = _snapshots(key)
    spans = _tag_spans(used, taken, key)
    last = taken[-1] if taken else None
    seen_names = sorted((span for span in spans if canonical_key(span.key) == "name"), key=lambda span: span.first_on)
    return ResourceDetail(
        **{name: getattr(item, name) for name in ("key", "resource_id", "name", "sub_account_id", "service_name")},
        **{name: getattr(item, name) for name in ("region_id", "resource_type", "instance_type")},
        sub_account_name=account_names(scope, [item.sub_account_id]).get(item.sub_account_id, ""),
        first_seen_on=item.first_seen_on,
        last_seen_on=item.last_seen_on,
        tags=_pairs(item.tags),
        months=_months(rows, every),
        parts=_parts([row for row in rows if row["bill_import_id"] in {each.pk for each in latest}]),
        names=stretches((span.value, span.first_on, span.last_on) for span in seen_names),
        tag_spans=spans,
        states=_states(taken),
        running_snapshots=sum(row.state in RUNNING_STATES for row in taken),
        snapshots=len(taken),
        hourly_rate=last.hourly_rate if last else None,
        monthly_rate=last.monthly_rate if last else None,
        rate_currency=last.bill_import.billing_currency if last else "",
        attributes=_pairs(last.attributes) if last else (),
        linked=(*_volumes(item, last, latest), *_containers(item, latest)),
    )


def _months(rows: Sequence[dict[str, Any]], every: dict[int, ActiveImport]) -> tuple[ResourceMonth, ...]:
    costs: dict[tuple[BillingPeriod, str], dict[str, Decimal]] = {}
    hours: dict[tuple[BillingPeriod, str], float] = {}
    for row in rows:
        each = every[row["bill_import_id"]]
        place = (each.period, each.currency)
        sums = costs.setdefault(place, dict.fromkeys(COST_COLUMNS, ZERO))
        for name in COST_COLUMNS:
            sums[name] += row[name]
        hours[place] = hours.get(place, 0) + row["usage_hours"]
    ordered = sorted(costs, key=lambda place: (place[0].start, place[1]), reverse=True)
    return tuple(ResourceMonth(*place, costs[place], hours[place]) for place in ordered)


def _parts(rows: Iterable[dict[str, Any]]) -> tuple[ResourcePart, ...]:
    sums: dict[tuple[Any, ...], list[Any]] = {}
    for row in rows:
        kind = tuple(row[f"slice__{name}"] for name in _SLICE_FIELDS)
        found = sums.setdefault(kind, [0.0, ZERO, ZERO])
        found[0] += row["consumed_quantity"]
        found[1] += row["billed_cost"]
        found[2] += row["effective_cost"]
    parts = [ResourcePart(*kind[:4], *found) for kind, found in sums.items()]
    return tuple(sorted(parts, key=lambda part: (-part.billed_cost, part.service_name, part.usage_type)))


def _snapshots(key: int) -> list[ResourceSnapshot]:
    """Its rows in inventories that came into force at some time, one a day: of two the later import's."""
    rows = ResourceSnapshot.objects.filter(resource_id=key, bill_import__state__in=_TRUSTED)
    by_day = {row.snapshot_on: row for row in rows.order_by("snapshot_on", "bill_import_id", "pk")}
    return list(by_day.values())


def _states(taken: Sequence[ResourceSnapshot]) -> tuple[StateSpan, ...]:
    spans: list[StateSpan] = []
    for row in taken:
        if spans and spans[-1].state == row.state:
            spans[-1] = StateSpan(row.state, spans[-1].first_on, row.snapshot_on, spans[-1].snapshots + 1)
        elif row.state:
            spans.append(StateSpan(row.state, row.snapshot_on, row.snapshot_on, 1))
    return tuple(reversed(spans))


def _tag_spans(used: Sequence[ActiveImport], taken: Sequence[ResourceSnapshot], key: int) -> tuple[TagSpan, ...]:
    """Every value of every tag with its days. A value that stands again after another one has a span of its own."""
    bills = [
        ImportFolder(each.source_name, each.period, each.pk) for each in used if not each.billing_format.is_inventory
    ]
    seen = [(json.loads(tags or "{}"), first, last) for tags, first, last in tags_seen(bills, key)]
    seen += [(row.tags, row.snapshot_on, row.snapshot_on) for row in taken]
    newest = max((last for tags, _, last in seen if tags), default=None)
    by_key: dict[str, list[tuple[str, date, date]]] = {}
    spelled: dict[str, tuple[date, str]] = {}  # bills and inventories spell a key in their own ways: the newest shows
    for tags, first, last in seen:
        for name, value in tags.items():
            place = canonical_key(str(name))
            by_key.setdefault(place, []).append((str(value), first, last))
            spelled[place] = max(spelled.get(place, (last, str(name))), (last, str(name)))
    spans = [
        TagSpan(spelled[place][1], each.text, each.first_on, each.last_on, is_now=each.last_on == newest)
        for place, values in by_key.items()
        for each in stretches(sorted(values, key=lambda value: (value[1], value[2], value[0])))
    ]
    return tuple(sorted(spans, key=lambda span: (span.key.casefold(), span.key, -span.first_on.toordinal())))


def _volumes(item: Resource, last: ResourceSnapshot | None, latest: Sequence[ActiveImport]) -> list[Linked]:
    """Volumes that the newest inventory says hang on it, with what they cost in its newest month."""
    if last is None:
        return []
    columns = {re.sub(r"\W|_", "", name).casefold(): str(value) for name, value in last.attributes.items()}
    text = next((columns[name] for name in sorted(VOLUME_COLUMNS) if columns.get(name)), "")
    ids = [part for part in re.split(r"[\s;,|]+", text) if part]
    if not ids:
        return []
    keys = resource_keys([(item.sub_account_id, each) for each in ids])
    costs: dict[int, Decimal] = {}
    rows = ResourceCost.objects.filter(resource_id__in=keys, bill_import__billing_period__in=_days(latest))
    for found, cost in rows.filter(bill_import__bill_in_force__isnull=False).values_list("resource_id", "billed_cost"):
        costs[found] = costs.get(found, ZERO) + cost
    known = set(Resource.objects.filter(pk__in=keys).values_list("key", flat=True))
    return [
        Linked(each, key if key in known else None, "attached volume", costs.get(key))
        for each, key in zip(ids, keys, strict=True)
    ]


def _containers(item: Resource, latest: Sequence[ActiveImport]) -> list[Linked]:
    """What the newest bill's split rows say runs on it; their cost is a part of its own, not on top of it."""
    bills = [ImportFolder(each.source_name, each.period, each.pk) for each in latest]
    rows = query_charges(
        bills,
        "SELECT resource_id, sum(effective_cost) FROM charges"
        " WHERE parent_resource_id = ? AND resource_id <> parent_resource_id"
        f" GROUP BY resource_id ORDER BY 2 DESC, 1 LIMIT {_SPLIT_LIMIT}",
        [item.resource_id],
    )
    return [Linked(resource_id, None, "container", cost) for resource_id, cost in rows]


def _days(imports: Sequence[ActiveImport]) -> list[date]:
    return sorted({each.period.start for each in imports})


def _pairs(values: dict[str, Any]) -> tuple[tuple[str, str], ...]:
    return tuple(sorted((str(key), str(value)) for key, value in values.items()))
