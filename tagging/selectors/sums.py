"""Sums of costs by a dimension, from the smallest table that can answer, within the reader's scope."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any

from django.db.models import F, FilteredRelation, Q, QuerySet, Sum, TextField, Value
from django.db.models.expressions import Combinable
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Coalesce

from costs import selectors as intake
from costs.errors import InvalidRequestError
from costs.money import ZERO, round_money
from costs.periods import DateRange
from costs.queries import NOT_SET, tag_key_of
from costs.scope import Scope
from costs.selectors import TagCost, TagQuestion
from costs.series import fit_to_total
from costs.tags import canonical_key
from costs.terms import CostMetric
from tagging.models import Allocation
from tagging.selectors.reach import Reach, allocated
from tagging.selectors.shown_tags import shown_tags

Filters = tuple[tuple[str, str], ...]
EVERYTHING = Scope.all()
# (value of the dimension, import, day or None) → cost
Cells = dict[tuple[str, int, date | None], Decimal]

PRE_SUMMED = {
    "team": "owner_key",
    "service": "service_name",
    "account": "sub_account_id",
    "region": "region_id",
    "environment": "environment",
    "category": "charge_category",
}
BY_SLICE = {
    "team": "owned__owner_key",
    "service": "slice__service_name",
    "account": "slice__sub_account_id",
    "region": "slice__region_id",
    "category": "slice__charge_category",
    "usage_type": "slice__usage_type",
    "environment": "owned__environment",
    "cost_center": "owned__cost_center",
    "project": "owned__project",
    "owner": "owned__tag_owner",
    # not for grouping by people: what lines are asked for (`tagging.selectors.lines`) and what decides (`.why`)
    "payer": "slice__billing_account_id",
    "operation": "slice__operation",
    "kind": "slice__line_kind",
    "pricing": "slice__pricing_category",
    "status": "slice__commitment_discount_status",
    "taggable": "slice__is_taggable",
    "rule_text": "owned__rule_text",
    "matched_text": "owned__matched_text",
}


@dataclass(frozen=True)
class Ask:
    """What to sum. `days` cuts the imports' months; filters are (dimension, value), NOT_SET for none."""

    reach: Reach
    metric: CostMetric
    filters: Filters = ()
    days: DateRange | None = None


def sums(ask: Ask, dimension: str, *, by_day: bool = False) -> Cells:
    """Costs by value of the dimension and import, and by day where asked; '' is no value.

    Tags kept on the slices are answered by the database, other tags by the charge store.
    """
    if not ask.reach.imports:
        return {}
    names = {dimension, *(name for name, _ in ask.filters)}
    if untracked_keys(ask.reach, names):
        return _from_charges(ask, dimension, by_day=by_day)
    if names <= PRE_SUMMED.keys():
        return _from_rows(ask, dimension, pre_summed_rows(ask), PRE_SUMMED, by_day=by_day)
    return _from_rows(ask, dimension, slice_rows(ask), BY_SLICE, by_day=by_day)


def total(ask: Ask) -> Decimal:
    """The sum of everything asked for."""
    return sum(sums(ask, "service").values(), ZERO)


def pre_summed_rows(ask: Ask) -> QuerySet[Any]:
    """AllocatedCost rows within scope, filters and days."""
    rows = allocated(ask.reach.scope, ask.reach.import_pks)
    return cut_rows(rows, ask, PRE_SUMMED)


def slice_rows(ask: Ask) -> QuerySet[Any]:
    """DailyCost rows joined with their slice and its owner, within scope, filters and days."""
    return cut_rows(owned_rows(ask.reach, intake.daily_costs(EVERYTHING, ask.reach.import_pks)), ask, BY_SLICE)


def owned_rows(reach: Reach, rows: QuerySet[Any]) -> QuerySet[Any]:
    """Rollup rows joined with `owned`, the allocation of their slice in their import; a team's own only.

    One named join: further filters on the owner use it too, where a path through the slice would join the
    owners of all months again and count every row that often.
    """
    same_import = Q(slice__allocation__bill_import_id=F("bill_import_id"))
    rows = rows.annotate(owned=FilteredRelation("slice__allocation", condition=same_import))
    if reach.scope.everything:
        return rows.filter(owned__isnull=False)
    # Saying the imports again, which the join says already, lets PostgreSQL go from the team's slices to their rows.
    return rows.filter(owned__owner_key__in=reach.scope.team_keys, owned__bill_import_id__in=reach.import_pks)


def untracked_keys(reach: Reach, names: Collection[str]) -> set[str]:
    """The tag keys among these dimensions to be asked of the lines.

    Those that not all imports keep on their slices, and for a team all it may not know to be kept there.
    """
    keys = {key for name in names if (key := tag_key_of(name))}
    if not keys:
        return set()
    shown = shown_tags(reach.scope)
    return {
        key
        for key in keys
        if not shown.knows(key) or any(not tracked_spelling(key, item.tracked_tags) for item in reach.imports)
    }


def tracked_spelling(key: str, tracked: Collection[str]) -> str:
    """The key as the slices spell it, matched without regard to case and punctuation; '' if not tracked."""
    wanted = canonical_key(key)
    return next((name for name in tracked if canonical_key(name) == wanted), "")


def _from_rows(ask: Ask, dimension: str, rows: QuerySet[Any], columns: Mapping[str, str], *, by_day: bool) -> Cells:
    keys = ["value", "bill_import_id", *(["charge_date"] if by_day else [])]
    found = (
        rows.annotate(value=column_of(ask.reach, dimension, columns))
        .order_by()
        .values_list(*keys)
        .annotate(cost=Sum(ask.metric.column))
    )
    return {(row[0] or "", row[1], row[2] if by_day else None): row[-1] for row in found}


def cut_rows(rows: QuerySet[Any], ask: Ask, columns: Mapping[str, str]) -> QuerySet[Any]:
    """The rows that filters and days leave; `columns` says where each dimension stands."""
    if ask.days is not None:
        rows = rows.filter(charge_date__gte=ask.days.start, charge_date__lt=ask.days.end)
    wanted: dict[str, list[str]] = defaultdict(list)
    for name, value in ask.filters:
        wanted[name].append("" if value == NOT_SET else value)
    for place, (name, values) in enumerate(wanted.items()):
        if name in columns:
            rows = rows.filter(**{f"{columns[name]}__in": values})
        else:
            rows = rows.alias(**{f"filter_{place}": column_of(ask.reach, name, columns)})
            rows = rows.filter(**{f"filter_{place}__in": values})
    return rows


def column_of(reach: Reach, dimension: str, columns: Mapping[str, str]) -> Combinable:
    if dimension in columns:
        return F(columns[dimension])
    key = tag_key_of(dimension)
    if not key:
        raise InvalidRequestError(f"Costs cannot be filtered by '{dimension}'.")
    if not reach.imports:
        return Value("", output_field=TextField())
    spelling = tracked_spelling(key, reach.imports[0].tracked_tags)
    return Coalesce(KeyTextTransform(spelling, "slice__tags"), Value(""), output_field=TextField())


def _from_charges(ask: Ask, dimension: str, *, by_day: bool) -> Cells:
    found = ((pk, cells_of_lines(one, (dimension,), by_day=by_day)) for pk, one in by_import(ask))
    return {(value, pk, day): cost for pk, cells in found for ((value,), day), cost in cells.items()}


def by_import(ask: Ask) -> Iterator[tuple[int, Ask]]:
    """The question to each import alone."""
    for item in ask.reach.imports:
        yield item.pk, replace(ask, reach=replace(ask.reach, imports=(item,)))


def cells_of_lines(
    ask: Ask, dimensions: Sequence[str], *, by_day: bool = False
) -> dict[tuple[tuple[str, ...], date | None], Decimal]:
    """One import's costs by values (and day) from its lines, rounded so that they sum to what the rollups hold."""
    lines = _lines_of(ask, dimensions)
    exact = _exact_cells(ask, lines, dimensions, by_day=by_day)
    whole = round_money(sum(exact.values(), ZERO)) if lines.filters else total(lines.stored)
    return dict(zip(exact, fit_to_total(list(exact.values()), whole), strict=True))


def _exact_cells(
    ask: Ask, lines: "_Lines", dimensions: Sequence[str], *, by_day: bool
) -> Mapping[tuple[tuple[str, ...], date | None], Decimal]:
    kept = [name for name in dimensions if tag_key_of(name) not in lines.keys]
    # Where each value stands: among the tags of the line, or behind them among what its slice holds.
    places = [
        len(lines.keys) + kept.index(name) if name in kept else lines.keys.index(tag_key_of(name))
        for name in dimensions
    ]
    rows = lines.rows(ask, by_slice=bool(kept), by_day=by_day)
    if places == [*range(len(lines.keys))]:  # every row is a cell of its own: there are thousands
        return {(row.values, row.day): row.cost for row in rows}
    stored = _slice_values(lines.stored, kept) if kept else {}
    nothing = ("",) * len(kept)
    exact: dict[tuple[tuple[str, ...], date | None], Decimal] = defaultdict(lambda: ZERO)
    for row in rows:
        known = row.values + stored.get(row.slice_key, nothing)
        exact[tuple(known[at] for at in places), row.day] += row.cost
    return exact


def slice_figures(ask: Ask, *columns: str) -> list[tuple[Any, ...]]:
    """One row per slice (and import) that has costs: the columns of `slice_rows` asked for, then the cost."""
    lines = _lines_of(ask, ())
    rows = slice_rows(lines.stored).order_by().values_list("bill_import_id", "slice_id", *columns)
    found = rows.annotate(cost=Sum(ask.metric.column))
    if not lines.keys:
        return [row[2:] for row in found]
    exact: dict[tuple[int, int | None], Decimal] = defaultdict(lambda: ZERO)
    for pk, one in by_import(ask):
        for row in _lines_of(one, ()).rows(one, by_slice=True):
            exact[pk, row.slice_key] += row.cost
    costs = dict(zip(exact, fit_to_total(list(exact.values()), round_money(sum(exact.values(), ZERO))), strict=True))
    return [(*row[2:-1], costs[row[0], row[1]]) for row in found if (row[0], row[1]) in costs]


@dataclass(frozen=True)
class _Lines:
    """A question split into what the slices answer (`stored`) and filters on tags that only lines have."""

    keys: tuple[str, ...]
    stored: Ask
    filters: Filters

    def rows(self, ask: Ask, *, by_slice: bool, by_day: bool = False) -> tuple[TagCost, ...]:
        """Sums of the lines that pass the filters, with their values of `keys`."""
        question = TagQuestion(
            keys=self.keys,
            metric=ask.metric,
            slice_keys=own_slices(self.stored),
            days=ask.days,
            by_slice=by_slice,
            by_day=by_day,
        )
        rows = intake.tag_costs(EVERYTHING, self.stored.reach.imports[0], question)
        if not self.filters:
            return rows
        named = ((row, dict(zip(self.keys, row.values, strict=True))) for row in rows)
        return tuple(row for row, values in named if line_is_wanted(values, self.filters))


def _lines_of(ask: Ask, dimensions: Sequence[str]) -> _Lines:
    keys = untracked_keys(ask.reach, {*dimensions, *(name for name, _ in ask.filters)})
    filters = tuple(pair for pair in ask.filters if tag_key_of(pair[0]) in keys)
    stored = replace(ask, filters=tuple(pair for pair in ask.filters if pair not in filters))
    return _Lines(tuple(sorted(keys)), stored, filters)


def own_slices(ask: Ask) -> set[int] | None:
    """The slices that filters and scope leave, or None where they leave all."""
    if ask.reach.scope.everything and not ask.filters:
        return None
    return set(slice_rows(replace(ask, days=None)).order_by().values_list("slice_id", flat=True).distinct())


def allocated_slices(ask: Ask) -> dict[int, set[int]]:
    """The slices of each import that filters and scope leave; asked of owners, whatever days are wanted."""
    rows = Allocation.objects.filter(bill_import_id__in=ask.reach.import_pks)
    if not ask.reach.scope.everything:
        rows = rows.filter(owner_key__in=ask.reach.scope.team_keys)
    columns = {name: column.removeprefix("owned__") for name, column in BY_SLICE.items()}
    pairs = cut_rows(rows, replace(ask, days=None), columns).order_by().values_list("bill_import_id", "slice_id")
    found: dict[int, set[int]] = {pk: set() for pk in ask.reach.import_pks}
    for pk, key in pairs:
        found[pk].add(key)
    return found


def line_is_wanted(values: Mapping[str, str], filters: Filters) -> bool:
    """Whether a line with these tag values passes filters on them: any of one key's values, all keys."""
    wanted: dict[str, set[str]] = defaultdict(set)
    for name, value in filters:
        wanted[tag_key_of(name)].add("" if value == NOT_SET else value)
    return all(values.get(key, "") in allowed for key, allowed in wanted.items())


def _slice_values(ask: Ask, dimensions: Sequence[str]) -> dict[int | None, tuple[str, ...]]:
    """What each slice holds of these dimensions, '' for none."""
    columns = {f"value_{at}": column_of(ask.reach, name, BY_SLICE) for at, name in enumerate(dimensions)}
    rows = slice_rows(replace(ask, days=None)).annotate(**columns).order_by().values_list("slice_id", *columns)
    return {row[0]: tuple(value or "" for value in row[1:]) for row in rows.distinct()}
