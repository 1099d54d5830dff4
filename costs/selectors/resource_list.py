"""The list of resources for FinOps staff: filtered, sorted and cut to a page by the database."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.db.models import Count, F, OuterRef, Q, QuerySet, Subquery, Sum
from django.db.models.fields.json import KeyTextTransform
from django.db.models.lookups import Exact

from costs.charge_store import ImportFolder, tag_keys_of
from costs.models import Resource, ResourceCost
from costs.money import ZERO
from costs.periods import BillingPeriod
from costs.queries import NOT_SET
from costs.scope import Scope
from costs.selectors.imports import ActiveImport, active_imports
from costs.selectors.rollups import account_names
from costs.tags import canonical_key
from costs.terms import CostMetric

EXACT = {
    "account": "sub_account_id",
    "service": "service_name",
    "region": "region_id",
    "type": "resource_type",
    "state": "state",
}
SORTS = {
    "key": "key",
    "cost": "cost",
    "name": "name",
    "resource_id": "resource_id",
    "account": "sub_account_id",
    "service": "service_name",
    "region": "region_id",
    "type": "resource_type",
    "state": "state",
    "first_seen_on": "first_seen_on",
    "last_seen_on": "last_seen_on",
}
_FIELDS = (
    *("key", "resource_id", "name", "sub_account_id", "service_name", "region_id", "resource_type", "instance_type"),
    *("state", "state_on", "first_seen_on", "last_seen_on", "tags", "cost"),
)
_CHUNK = 2_000


@dataclass(frozen=True)
class ResourceQuestion:
    """Which resources. `exact` is by name of EXACT, `(none)` standing for no value. Costs are the month's.

    `every` takes in those without cost in the month. `seen_from` and `seen_to` are days between which it was seen.
    """

    period: BillingPeriod
    metric: CostMetric
    currency: str
    exact: Mapping[str, str]
    search: str = ""
    tag_key: str = ""
    tag_value: str = ""
    untagged: bool = False
    cost_from: Decimal | None = None
    cost_to: Decimal | None = None
    seen_from: date | None = None
    seen_to: date | None = None
    every: bool = False


@dataclass(frozen=True)
class ResourceLine:
    """One resource as last seen, and its month; `cost` is None where the month has none."""

    key: int
    resource_id: str
    name: str
    sub_account_id: str
    sub_account_name: str
    service_name: str
    region_id: str
    resource_type: str
    instance_type: str
    state: str
    state_on: date | None
    first_seen_on: date | None
    last_seen_on: date | None
    tags: tuple[tuple[str, str], ...]
    cost: Decimal | None


@dataclass(frozen=True)
class FoundResources:
    """What a question found: how many, what they cost together, and the rows in an order of one's choice."""

    question: ResourceQuestion
    count: int
    total: Decimal
    rows: "QuerySet[Resource, dict[str, Any]]"

    def after(self, scope: Scope, key: int, *, limit: int) -> tuple[ResourceLine, ...]:
        """The next rows by key, after this one."""
        return _lines(scope, list(self.rows.filter(key__gt=key).order_by("key")[:limit]))

    def before(self, scope: Scope, key: int, *, limit: int) -> tuple[ResourceLine, ...]:
        """The last rows by key before this one, still in order."""
        return tuple(reversed(_lines(scope, list(self.rows.filter(key__lt=key).order_by("-key")[:limit]))))

    def stream(self, scope: Scope, *, order: str) -> Iterator[ResourceLine]:
        """All rows, some at a time."""
        waiting: list[dict[str, Any]] = []
        for row in _ordered(self.rows, order).iterator(chunk_size=_CHUNK):
            waiting.append(row)
            if len(waiting) == _CHUNK:
                yield from _lines(scope, waiting)
                waiting = []
        yield from _lines(scope, waiting)


def found_resources(scope: Scope, question: ResourceQuestion) -> FoundResources:
    """The resources of the question. Staff only. Two queries, and one for the rows."""
    scope.require_everything()
    imports = _imports(scope, question.period, question.currency)
    spent = (
        ResourceCost.objects.filter(bill_import_id__in=[item.pk for item in imports], resource_id=OuterRef("pk"))
        .order_by()
        .values("resource_id")
        .annotate(total=Sum(question.metric.column))
        .values("total")
    )
    rows = Resource.objects.annotate(cost=Subquery(spent)).filter(_where(question), *_by_tag(question, imports))
    summed = rows.order_by().aggregate(count=Count("pk"), total=Sum("cost"))
    return FoundResources(question, summed["count"], summed["total"] or ZERO, rows.values(*_FIELDS))


def resource_choices(scope: Scope, question: ResourceQuestion) -> dict[str, list[tuple[str, str]]]:
    """Per filter the values there are, with their names; `tag_key` among them. Staff only. Two queries."""
    scope.require_everything()
    columns = tuple(EXACT.values())
    rows = list(Resource.objects.order_by().values_list(*columns).distinct())
    found = {name: sorted({row[at] for row in rows}) for at, name in enumerate(EXACT)}
    names = account_names(scope, found["account"])
    choices = {
        name: [(value or NOT_SET, value or "none") for value in values if value or len(values) > 1]
        for name, values in found.items()
    }
    choices["account"] = [
        (value, f"{names[value]} ({value})" if value in names else text) for value, text in choices["account"]
    ]
    keys = tag_keys_of([_folder(item) for item in _imports(scope, question.period, question.currency)])
    choices["tag_key"] = [(key, key) for key in keys]
    return choices


def _imports(scope: Scope, period: BillingPeriod, currency: str) -> list[ActiveImport]:
    return [item for item in active_imports(scope, (period,)) if item.currency == currency]


def _folder(item: ActiveImport) -> ImportFolder:
    return ImportFolder(item.source_name, item.period, item.pk)


def _where(question: ResourceQuestion) -> Q:
    found = Q() if question.every else Q(cost__isnull=False)
    for name, value in question.exact.items():
        found &= Q(**{EXACT[name]: "" if value == NOT_SET else value})
    if question.search:
        found &= Q(resource_id__icontains=question.search) | Q(name__icontains=question.search)
    if question.untagged:
        found &= Q(tags={})
    bounds = {
        "cost__gte": question.cost_from,
        "cost__lte": question.cost_to,
        "last_seen_on__gte": question.seen_from,
        "first_seen_on__lte": question.seen_to,
    }
    return found & Q(**{name: value for name, value in bounds.items() if value is not None})


def _by_tag(question: ResourceQuestion, imports: Sequence[ActiveImport]) -> list[Q]:
    """The tag asked for, in whatever spelling the month's bills have it; `(none)` finds those without it."""
    if not question.tag_key:
        return []
    wanted = canonical_key(question.tag_key)
    keys = tag_keys_of([_folder(item) for item in imports])
    spellings = [key for key in keys if canonical_key(key) == wanted] or [question.tag_key]
    has = Q(tags__has_any_keys=spellings)
    if question.tag_value == NOT_SET:
        return [~has]
    if not question.tag_value:
        return [has]
    same = Q()
    for key in spellings:
        same |= Q(Exact(KeyTextTransform(key, "tags"), question.tag_value))
    return [same]


def _ordered(rows: "QuerySet[Resource, dict[str, Any]]", order: str) -> "QuerySet[Resource, dict[str, Any]]":
    column = F(SORTS.get(order.removeprefix("-"), "cost"))
    first = column.desc(nulls_last=True) if order.startswith("-") else column.asc(nulls_last=True)
    return rows.order_by(first, "resource_id", "key")


def _lines(scope: Scope, rows: Sequence[dict[str, Any]]) -> tuple[ResourceLine, ...]:
    names = account_names(scope, {row["sub_account_id"] for row in rows})
    return tuple(
        ResourceLine(
            **{**row, "tags": tuple(sorted((str(key), str(value)) for key, value in row["tags"].items()))},
            sub_account_name=names.get(row["sub_account_id"], ""),
        )
        for row in rows
    )
