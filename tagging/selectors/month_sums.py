"""Sums and counts of a judged month: by slice, and by the slice that decides for a resource.

All of them are found in one reading of the month's lines; where only some of these are wanted, the database adds up.
"""

from array import array
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import chain, starmap
from operator import itemgetter
from typing import NamedTuple

from django.db.models import F, Q, Sum, Window
from django.db.models.functions import RowNumber

from costs.money import ZERO, from_units, to_units
from costs.queries import NOT_SET
from costs.reading import read_once
from costs.terms import CostMetric
from tagging.policy import Judgement, TaggableLine, Tally, deciding_slices, group_lines, rank, tally_sums
from tagging.selectors.judged import JudgedMonth
from tagging.selectors.sums import BY_SLICE

_LARGEST = 2**63 - 1
Filters = tuple[tuple[str, str], ...]
# What a line is grouped and narrowed by → its column.
PLACES = {name: BY_SLICE[name] for name in ("team", "service", "region", "account", "environment")}


class Decided(NamedTuple):
    """A resource, the slice that says what its tags are, and all its costs."""

    resource_key: int
    slice_key: int
    cost: Decimal


@dataclass(frozen=True)
class _Packed:
    """The same for the many, in as little memory as it takes: costs in whole 1e-10, in 64 bits where they fit."""

    keys: "array[int]"
    slices: "array[int]"
    units: "array[int] | list[int]"

    def rows(self) -> tuple[Decided, ...]:
        return tuple(map(Decided, self.keys, self.slices, map(from_units, self.units)))


def _packed(rows: Iterable[tuple[int, int, Decimal]]) -> _Packed:
    keys, slices, units = array("q"), array("q"), list[int]()
    for key, slice_key, cost in rows:
        keys.append(key)
        slices.append(slice_key)
        units.append(to_units(cost))
    fits = all(-_LARGEST <= each <= _LARGEST for each in (min(units, default=0), max(units, default=0)))
    return _Packed(keys, slices, array("q", units) if fits else units)


Places = tuple["array[int]", "array[int]"]  # resources, and a slice of each


@dataclass(frozen=True)
class _Sums:
    """What all lines of a month add up to, found in one reading of them. `ranked` are all lines: of a resource's the
    one that decides comes last."""

    decided: _Packed
    slice_costs: Mapping[int, Decimal]
    ranked: Places


def _sums(month: JudgedMonth, metric: CostMetric) -> _Sums:
    def read() -> _Sums:
        rows = month.lines.values_list("resource_id", "slice_id", metric.column, "last_charged_on")
        slice_costs, of_resource = defaultdict[int, Decimal](lambda: ZERO), defaultdict[int, list[TaggableLine]](list)
        for line in starmap(TaggableLine, rows.iterator(chunk_size=10_000)):
            slice_costs[line.slice_key] += line.cost
            of_resource[line.resource_key].append(line)
        for lines in of_resource.values():
            lines.sort(key=rank)
        every = list(chain.from_iterable(of_resource.values()))
        ranked = array("q", map(itemgetter(0), every)), array("q", map(itemgetter(1), every))
        packed = _packed(
            (key, lines[-1].slice_key, sum((line.cost for line in lines), ZERO)) for key, lines in of_resource.items()
        )
        return _Sums(packed, dict(slice_costs), ranked)

    return month.read(("sums", metric), read)


def _spread(month: JudgedMonth, metric: CostMetric, dimension: str) -> Mapping[str, Places]:
    """Value → resources that have lines under others as well, and the slices that decide for them there."""

    def read() -> dict[str, Places]:
        value_of = {key: getattr(place, dimension) for key, place in month.slices.items()}
        first, several = dict[int, str](), set[int]()
        keys, slices = _sums(month, metric).ranked
        for key, slice_key in zip(keys, slices, strict=True):
            value = value_of[slice_key]
            if first.setdefault(key, value) != value:
                several.add(key)
        found = defaultdict[str, dict[int, int]](dict)
        for key, slice_key in zip(keys, slices, strict=True) if several else ():
            if key in several:
                found[value_of[slice_key]][key] = slice_key
        return {value: (array("q", some), array("q", some.values())) for value, some in found.items()}

    return month.read(("spread", metric, dimension), read)


def decided(month: JudgedMonth, metric: CostMetric, filters: Filters = ()) -> tuple[Decided, ...]:
    """Every resource of the month, in no order; with filters of PLACES those that have lines there, by these alone.

    The slice charged last decides, on a tie the dearer one, then the higher key: as `deciding_slices` has it.
    """
    where = lines_wanted(filters)
    asked = ("decided", metric, tuple(pair for pair in filters if pair[0] in PLACES))

    def read() -> _Packed:
        column, same = metric.column, F("resource_id")
        order = [F("last_charged_on").desc(), F(column).desc(), F("slice_id").desc()]
        ranked = month.lines.filter(where).annotate(
            place=Window(RowNumber(), partition_by=same, order_by=order),
            whole=Window(Sum(column), partition_by=same),
        )
        rows = ranked.filter(place=1).values_list("resource_id", "slice_id", "whole")
        return _packed(rows.iterator(chunk_size=10_000))

    def packed() -> _Packed:
        return month.read(asked, read) if where else _sums(month, metric).decided

    return read_once(("decided", month.asked, *asked), lambda: packed().rows())


def lines_wanted(filters: Filters) -> Q:
    """The condition on lines that these filters are; those of resources are left alone."""
    found = Q()
    for name, column in PLACES.items():
        wanted = {"" if value == NOT_SET else value for filtered, value in filters if filtered == name}
        if wanted:
            found &= Q(**{f"{column}__in": sorted(wanted)})
    return found


def month_tally(month: JudgedMonth, metric: CostMetric) -> Tally:
    """The whole month counted."""
    costs = defaultdict[int, Decimal](lambda: ZERO)
    judgements: dict[int, Judgement] = {}
    for _, judgement, cost in _money(month, metric):
        judgements[id(judgement)] = judgement
        costs[id(judgement)] += cost
    return tally_sums(
        ((judgements[key], cost) for key, cost in costs.items()), _counts(month, metric), len(month.policy)
    )


def group_tallies(month: JudgedMonth, metric: CostMetric, dimension: str) -> dict[str, Tally]:
    """The month counted by a dimension of PLACES: a resource counts in every group it has lines in."""
    costs = defaultdict[str, list[tuple[Judgement, Decimal]]](list)
    counts = defaultdict[str, list[tuple[Judgement, int]]](list)
    for slice_key, judgement, cost in _money(month, metric):
        costs[getattr(month.slices[slice_key], dimension)].append((judgement, cost))
    lines, spread = _lines_apart(month, metric), _spread(month, metric, dimension)
    alone = {*month.apart, *(key for keys, _ in spread.values() for key in keys)}
    for slice_key, count in _by_slice(month, metric, alone).items():
        counts[getattr(month.slices[slice_key], dimension)].append((month.judged[slice_key], count))
    for value, (keys, slices) in spread.items():
        deciding = Counter(at for key, at in zip(keys, slices, strict=True) if key not in month.apart)
        counts[value] += [(month.judged[at], count) for at, count in deciding.items()]
    for value, some in group_lines(lines, lambda line: getattr(month.slices[line.slice_key], dimension)).items():
        counts[value] += [(month.judgement(*pair), 1) for pair in deciding_slices(some).items()]
    return {value: tally_sums(costs[value], counts[value], len(month.policy)) for value in costs}


def by_deciding_slice(month: JudgedMonth, metric: CostMetric) -> dict[int, tuple[int, Decimal]]:
    """How many resources each slice decides for, and what they cost; without those that stand apart."""
    found = dict[int, tuple[int, Decimal]]()
    for each in decided(month, metric):
        if each.resource_key not in month.apart:
            count, cost = found.get(each.slice_key, (0, ZERO))
            found[each.slice_key] = (count + 1, cost + each.cost)
    return found


def _money(month: JudgedMonth, metric: CostMetric) -> Iterable[tuple[int, Judgement, Decimal]]:
    """Slice, judgement and costs: slice by slice, then line by line what is judged otherwise."""
    for slice_key, cost in slice_costs(month, metric).items():
        yield slice_key, month.judged[slice_key], cost
    for line in _lines_apart(month, metric):
        yield line.slice_key, month.judged[line.slice_key], -line.cost
        yield line.slice_key, month.judgement(line.resource_key, line.slice_key), line.cost


def slice_costs(month: JudgedMonth, metric: CostMetric) -> Mapping[int, Decimal]:
    """What each slice that has resources costs."""
    return _sums(month, metric).slice_costs


def _counts(month: JudgedMonth, metric: CostMetric) -> list[tuple[Judgement, int]]:
    own = {line.resource_key for line in _lines_apart(month, metric)}
    found = [(month.judged[key], count) for key, count in _by_slice(month, metric, own).items()]
    apart = deciding_slices(_lines_apart(month, metric))
    return [*found, *((month.judgement(*pair), 1) for pair in apart.items())]


def _by_slice(month: JudgedMonth, metric: CostMetric, without: Iterable[int]) -> Counter[int]:
    left_out = frozenset(without)
    return Counter(each.slice_key for each in decided(month, metric) if each.resource_key not in left_out)


def _lines_apart(month: JudgedMonth, metric: CostMetric) -> Sequence[TaggableLine]:
    """All lines of the resources that may be judged otherwise than their slices."""
    return read_once(("lines apart", month.asked, metric), lambda: month.part(month.apart, metric).lines)
