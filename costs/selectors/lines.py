"""Questions only the lines of the bill can answer: tags that are not tracked, and the lines themselves."""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, NamedTuple

from costs.charge_store import ImportFolder, query_charges, tag_keys_of
from costs.periods import DateRange
from costs.scope import Scope
from costs.selectors.imports import ActiveImport
from costs.tags import BLANKS, YES, canonical_key, like_sql, name_pattern
from costs.terms import CostMetric


class TagCost(NamedTuple):
    """Costs of lines with these values of the keys asked for ('' for none). `slice_key`, `day` where asked.

    A month has thousands of them, and a tuple is made several times faster than a frozen dataclass.
    """

    slice_key: int | None
    day: date | None
    values: tuple[str, ...]
    cost: Decimal


@dataclass(frozen=True)
class TagQuestion:
    """Which lines to sum and by what. No `slice_keys` means all lines of the import."""

    keys: tuple[str, ...]
    metric: CostMetric
    slice_keys: Collection[int] | None = None
    days: DateRange | None = None
    by_slice: bool = False
    by_day: bool = False


@dataclass(frozen=True)
class LineFilter:
    """Which lines to list. No `slice_keys` means all; `tags` are (key, values), '' standing for no value."""

    slice_keys: Collection[int] | None = None
    resource_id: str = ""
    day: date | None = None
    tags: tuple[tuple[str, tuple[str, ...]], ...] = ()


@dataclass(frozen=True)
class Line:
    """One line of the bill. `cost` is on the basis asked for; `tags` are pairs in order of their keys."""

    charge_start: datetime
    charge_end: datetime
    service_name: str
    sub_account_id: str
    region_id: str
    resource_id: str
    usage_type: str
    operation: str
    charge_category: str
    line_kind: str
    description: str
    quantity: float
    unit: str
    cost: Decimal
    tags: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class LinePage:
    """One page of lines in order of time; count and total cover all pages."""

    count: int
    total: Decimal
    lines: tuple[Line, ...]


_LINE_COLUMNS = (
    "charge_period_start, charge_period_end, service_name, sub_account_id, region_id, resource_id, usage_type,"
    " operation, charge_category, line_kind, charge_description, consumed_quantity, pricing_unit"
)
_LINE_ORDER = "charge_period_start, service_name, usage_type, operation, resource_id, charge_description, cost, tags"


def tag_costs(scope: Scope, item: ActiveImport, question: TagQuestion) -> tuple[TagCost, ...]:
    """Sums over an import's lines by the values of tag keys, matched without regard to case.

    Needs the full scope: the caller gives the slices its own reader may see. Exact to the digit of the file.
    """
    scope.require_everything()
    folders = [_folder(item)]
    spellings = spellings_of(folders, question.keys)
    where, parameters = _where(LineFilter(slice_keys=question.slice_keys), {}, question.days)
    kept = {"slice_key": question.by_slice, "charge_date": question.by_day}
    inner = ", ".join(["tags", *(name for name, is_asked in kept.items() if is_asked)])
    values, pointers = tag_values_sql(spellings, question.keys)
    outer = ", ".join([*(name if is_asked else "NULL" for name, is_asked in kept.items()), *values])
    sql = (
        f"SELECT {outer}, sum(cost) FROM (SELECT {inner}, sum({question.metric.column}) AS cost"
        f" FROM charges WHERE {where} GROUP BY {inner}) GROUP BY ALL ORDER BY ALL"
    )
    rows = query_charges(folders, sql, [*pointers, *parameters])
    return tuple(TagCost(row[0], row[1], row[2:-1], row[-1]) for row in rows)


def line_page(
    scope: Scope, items: Sequence[ActiveImport], wanted: LineFilter, *, metric: CostMetric, limit: int, offset: int
) -> LinePage:
    """Lines of these imports in order of time. Needs the full scope, as `tag_costs`."""
    scope.require_everything()
    folders = [_folder(item) for item in items]
    spellings = spellings_of(folders, [key for key, _ in wanted.tags])
    where, parameters = _where(wanted, spellings, None)
    cost = metric.column
    summed = query_charges(folders, f"SELECT count(*), coalesce(sum({cost}), 0) FROM charges WHERE {where}", parameters)
    count, total = summed[0] if summed else (0, Decimal(0))
    rows = query_charges(
        folders,
        f"SELECT {_LINE_COLUMNS}, {cost} AS cost, tags FROM charges WHERE {where} ORDER BY {_LINE_ORDER}"
        f" LIMIT {int(limit)} OFFSET {int(offset)}",
        parameters,
    )
    return LinePage(count, total, tuple(_line(row) for row in rows))


def _line(row: tuple[Any, ...]) -> Line:
    *fields, tags = row
    return Line(*(*fields, tuple(sorted(json.loads(tags or "{}").items()))))


def _folder(item: ActiveImport) -> ImportFolder:
    return ImportFolder(source_name=item.source_name, period=item.period, import_pk=item.pk)


def spellings_of(folders: Sequence[ImportFolder], keys: Sequence[str]) -> dict[str, list[str]]:
    """How the lines spell each key: as asked for first, then other cases and punctuation."""
    if not keys:
        return {}
    present = tag_keys_of(folders)
    meant = {key: canonical_key("Name" if name_pattern(key) else key) for key in keys}
    same = {key: [name for name in present if canonical_key(name) == meant[key]] for key in keys}
    return {key: sorted(names, key=lambda name: (name != key, name)) for key, names in same.items()}


def tag_values_sql(spellings: dict[str, list[str]], keys: Sequence[str]) -> tuple[list[str], list[str]]:
    """An expression per key, '' where a line has no value, and the parameters they need, in order."""
    expressions, pointers = [], []
    for key in keys:
        blanks = ", ".join(f"'{blank}'" for blank in sorted(BLANKS))
        tried = []
        for spelling in spellings.get(key, []):
            value = "trim(json_extract_string(tags, ?))"
            tried.append(f"CASE WHEN lower({value}) NOT IN ({blanks}) THEN {value} END")
            pointer = "/" + spelling.replace("~", "~0").replace("/", "~1")
            pointers += [pointer, pointer]
        value = f"coalesce({', '.join([*tried, repr('')])})"
        if pattern := name_pattern(key):
            value = f"CASE WHEN lower({value}) LIKE ? ESCAPE '!' THEN '{YES}' ELSE '' END"
            pointers.append(like_sql(pattern))
        expressions.append(value)
    return expressions, pointers


def _where(wanted: LineFilter, spellings: dict[str, list[str]], days: DateRange | None) -> tuple[str, list[Any]]:
    conditions, parameters = ["NOT is_split_row"], list[Any]()
    if wanted.slice_keys is not None:
        conditions.append("slice_key IN (SELECT unnest(?::BIGINT[]))")
        parameters.append(sorted(wanted.slice_keys))
    if wanted.resource_id:
        conditions.append("resource_id = ?")
        parameters.append(wanted.resource_id)
    if wanted.day is not None:
        conditions.append("charge_date = ?")
        parameters.append(wanted.day)
    if days is not None:
        conditions.append("charge_date >= ? AND charge_date < ?")
        parameters += [days.start, days.end]
    for key, values in wanted.tags:
        (expression,), pointers = tag_values_sql(spellings, [key])
        conditions.append(f"{expression} IN (SELECT unnest(?::VARCHAR[]))")
        parameters += [*pointers, list(values)]
    return " AND ".join(conditions), parameters
