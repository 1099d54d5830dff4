"""The rows of a taggable month as they are stored: costs of resources, and the slices they name."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property, partial
from itertools import starmap
from operator import itemgetter
from typing import Any

from django.db.models import BigIntegerField, DateField, Q, QuerySet, TextField, Value
from django.db.models.functions import Cast

from costs import selectors as intake
from costs.fields import MoneyField
from costs.reading import held_for_team, hold_for_team
from costs.scope import Scope
from costs.terms import CostMetric
from tagging.models import Allocation
from tagging.policy import TaggableLine, TaggableLines
from tagging.policy.exemptions import is_untaggable
from tagging.selectors.held import MOST_ROWS_HELD, team_asked
from tagging.selectors.json_rows import AsJson, parsed
from tagging.selectors.policy import untaggable_charges
from tagging.selectors.reach import Reach
from tagging.selectors.sums import owned_rows

_ROW = ("resource_id", "slice_id", "last_charged_on", "name", "resource_type")
_SLICE = ("slice__service_name", "slice__region_id", "slice__sub_account_id", "slice__usage_type")
Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class SliceOf:
    """What a resource line takes from its slice."""

    tags: Mapping[str, str]
    team: str
    environment: str
    service: str
    region: str
    account: str
    usage_type: str
    account_name: str


@dataclass(frozen=True)
class TaggableRows:
    """Rows of resources, (resource, slice, last day, name, type, costs), with the slices and ids they name."""

    metrics: tuple[CostMetric, ...]
    rows: tuple[Row, ...]
    slices: Mapping[int, SliceOf]
    ids: Mapping[int, str]

    def lines(self, metric: CostMetric) -> TaggableLines:
        """The rows as lines with their costs on one of the bases, made once for as long as the rows are held."""
        if metric not in self._lines:
            columns = itemgetter(0, 1, 5 + self.metrics.index(metric), 2)
            self._lines[metric] = TaggableLines(starmap(TaggableLine, map(columns, self.rows)))
        return self._lines[metric]

    @cached_property
    def _lines(self) -> dict[CostMetric, TaggableLines]:
        return {}


def rows_and_slices(found: Reach, metrics: tuple[CostMetric, ...]) -> TaggableRows:
    """The reader's taggable rows with the slices and ids they name, in one query.

    Without those that the list of exceptions says nobody can tag. A team's few are held in the process until bills,
    owners or that list change: then the names of accounts alone are read.
    """
    if found.scope.everything:
        return _read(found, metrics)
    asked = team_asked(found, ("taggable rows", metrics, untaggable_charges()))
    held: TaggableRows | None = held_for_team(asked)
    if held is None:
        read = _read(found, metrics)
        if len(read.rows) <= MOST_ROWS_HELD:
            hold_for_team(asked, read)
        return read
    names = intake.account_names(found.scope, {of.account for of in held.slices.values()})
    now = {key: _called(of, names.get(of.account, "")) for key, of in held.slices.items()}
    if now != held.slices:
        held = replace(held, slices=now)
        hold_for_team(asked, held)
    return held


def _called(of: SliceOf, account_name: str) -> SliceOf:
    return of if of.account_name == account_name else replace(of, account_name=account_name)


def _read(found: Reach, metrics: tuple[CostMetric, ...]) -> TaggableRows:
    resource_rows, known = [], dict[int, SliceOf]()
    for row in _resource_rows(found, metrics).union(_slice_rows(found, metrics), all=True):
        if row[0] is not None:
            resource_rows.append(row)
        else:
            known.setdefault(row[1], _slice_of(parsed(row[-1])))
    aside = untaggable_charges()
    slices = {key: of for key, of in known.items() if not is_untaggable(aside, of.service, of.usage_type)}
    rows = tuple(row[:-1] for row in resource_rows if row[1] in slices)
    used = {row[1] for row in rows}
    return TaggableRows(
        metrics, rows, {key: of for key, of in slices.items() if key in used}, {row[0]: row[-1] for row in rows}
    )


def taggable_slices(found: Reach) -> tuple[dict[int, SliceOf], Q]:
    """The reader's taggable slices, whether a resource is in them or not; and which of all lines are in none of them
    because the list of exceptions says so.
    """
    aside, known, unused = untaggable_charges(), dict[int, SliceOf](), defaultdict[str, set[str]](set)
    columns = ("slice_id", "slice__tags", "owner_key", "environment", *_SLICE)
    rows = list(_owned_slices(found).values_list(*columns))
    accounts = intake.account_names(found.scope, {row[6] for row in rows})
    is_aside = cache(partial(is_untaggable, aside))
    same: dict[Any, Any] = {}  # thousands of slices share some hundreds of texts and sets of tags
    for key, tags, *texts in rows:
        team, environment, service, region, account, usage_type = (same.setdefault(text, text) for text in texts)
        if is_aside(service, usage_type):
            unused[service].add(usage_type)
            continue
        shared = same.setdefault(tuple(tags.items()), tags)
        name = accounts.get(account, "")
        known.setdefault(key, SliceOf(shared, team, environment, service, region, account, usage_type, name))
    return known, _in_any(unused.items())


def taggable_lines(found: Reach, aside: Q) -> QuerySet[Any]:
    """The reader's lines of resources in taggable slices, without those set aside, in no order."""
    owned = owned_rows(found, intake.resource_costs(Scope.all(), found.import_pks)).filter(slice__is_taggable=True)
    return (owned.exclude(aside) if aside else owned).order_by()


def as_rows(lines: QuerySet[Any], metrics: Sequence[CostMetric]) -> QuerySet[Any]:
    """Lines as the rows of a taggable month, with the id at the end."""
    return lines.values_list(*_ROW, *(metric.column for metric in metrics), "resource__resource_id")


def _in_any(pairs: Iterable[tuple[str, set[str]]]) -> Q:
    """Lines of these services with these usage types."""
    found = Q()
    for service, usage_types in pairs:
        found |= Q(slice__service_name=service, slice__usage_type__in=sorted(usage_types))
    return found


def _resource_rows(found: Reach, metrics: Sequence[CostMetric]) -> QuerySet[Any]:
    costs = (metric.column for metric in metrics)
    return taggable_lines(found, Q()).values_list(*_ROW, *costs, "resource__resource_id", _no_text())


def _owned_slices(found: Reach) -> QuerySet[Allocation]:
    owned = Allocation.objects.filter(bill_import_id__in=found.import_pks, slice__is_taggable=True)
    if not found.scope.everything:
        owned = owned.filter(owner_key__in=found.scope.team_keys)
    return owned.order_by()


def _slice_rows(found: Reach, metrics: Sequence[CostMetric]) -> QuerySet[Any]:
    """The reader's taggable slices as rows without a resource: thousands of resources share some dozens of them."""
    no_resource, no_day = Cast(Value(None), BigIntegerField()), Cast(Value(None), DateField())
    no_costs = [Cast(Value(None), MoneyField()) for _ in metrics]
    told = Cast(AsJson(("owner_key", "environment", *_SLICE, "account_name", "slice__tags")), TextField())
    named = _owned_slices(found).annotate(account_name=intake.account_name(found.scope, "slice__sub_account_id"))
    return named.values_list(no_resource, "slice_id", no_day, _no_text(), _no_text(), *no_costs, _no_text(), told)


def _no_text() -> Cast:
    return Cast(Value(None), TextField())


def _slice_of(told: Mapping[str, Any]) -> SliceOf:
    service, region, account, usage_type = (told[name] for name in _SLICE)
    return SliceOf(
        tags=parsed(told["slice__tags"]),
        team=told["owner_key"],
        environment=told["environment"],
        service=service,
        region=region,
        account=account,
        usage_type=usage_type,
        account_name=told["account_name"],
    )
