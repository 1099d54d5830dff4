"""Lines of the bill behind any figure: summed, one page in any order, or all of them as a file."""

import base64
import binascii
import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from costs.charge_store import ImportFolder, LinePart, LineSelect, copy_lines, query_lines, stream_lines
from costs.errors import InvalidRequestError
from costs.exports import FORMULA_STARTS
from costs.line_filters import (
    COMBINATION_SQL,
    LINE_FIELDS,
    TEXT,
    TEXT_SQL,
    Condition,
    FieldKind,
    Order,
    condition_sql,
    days_sql,
    kind_type,
    order_terms,
    readable,
)
from costs.money import ZERO
from costs.periods import DateRange
from costs.scope import Scope
from costs.selectors.imports import ActiveImport
from costs.selectors.lines import spellings_of, tag_values_sql
from costs.terms import COST_COLUMNS, CostMetric

# Deeper pages are asked for by cursor or taken as a file: to skip lines means to sort them.
DEEPEST_LINE = 5_000
LINES_PER_SORT = 250_000
LONGEST_PLACE = 20_000


@dataclass(frozen=True)
class LineQuestion:
    """Which lines. `slice_keys` by import; an import that is missing there gives all its lines where it is None."""

    items: tuple[ActiveImport, ...]
    slice_keys: Mapping[int, Collection[int]] | None = None
    conditions: tuple[Condition, ...] = ()
    days: DateRange | None = None
    combinations: tuple[str, ...] | None = None  # of `COMBINATION_SQL`: Cost Explorer's groups


@dataclass(frozen=True)
class LineSums:
    """How many lines, and their costs on every basis with all digits of the bill."""

    count: int
    costs: Mapping[CostMetric, Decimal]


@dataclass(frozen=True)
class BillLine:
    """One line of the bill as it is kept. Fields as in `LINE_FIELDS`; `tags_json` is their text as it is kept."""

    charge_period_start: datetime
    charge_period_end: datetime
    charge_date: date
    billing_account_id: str
    sub_account_id: str
    sub_account_name: str
    service_name: str
    service_code: str
    usage_type: str
    operation: str
    region_id: str
    availability_zone: str
    resource_id: str
    instance_type: str
    charge_category: str
    line_kind: str
    pricing_category: str
    commitment_discount_id: str
    commitment_discount_status: str
    charge_description: str
    consumed_quantity: float
    pricing_unit: str
    invoice_id: str
    billed_cost: Decimal
    effective_cost: Decimal
    list_cost: Decimal
    contracted_cost: Decimal
    unblended_cost: Decimal
    tags_json: str

    @property
    def tags(self) -> tuple[tuple[str, str], ...]:
        """Pairs in order of their keys."""
        return tuple(sorted(json.loads(self.tags_json or "{}").items()))

    def cost(self, metric: CostMetric) -> Decimal:
        """Its cost on one basis."""
        cost: Decimal = getattr(self, metric.column)
        return cost

    @property
    def values(self) -> tuple[Any, ...]:
        """Every field in order."""
        return tuple(getattr(self, field.name) for field in fields(self))


@dataclass(frozen=True)
class LinePlace:
    """After which line a page starts: its fields as text in the order of sorting, and how many equal lines are past."""

    key: tuple[str, ...]
    equal: int


def line_sums(scope: Scope, question: LineQuestion) -> LineSums:
    """Count and costs. Needs the full scope: the caller gives the slices its own reader may see."""
    scope.require_everything()
    sums = ", ".join(f"coalesce(sum({name}), 0)" for name in COST_COLUMNS)
    rows = query_lines(_select(question), f"SELECT count(*), {sums} FROM lines")
    if not rows:
        return LineSums(0, dict.fromkeys(CostMetric, ZERO))
    return LineSums(rows[0][0], dict(zip(CostMetric, rows[0][1:], strict=True)))


def lines_at(
    scope: Scope, question: LineQuestion, *, order: Order, metric: CostMetric, limit: int, offset: int = 0
) -> tuple[BillLine, ...]:
    """Lines in an order that is the same however the bill's files were cut. Needs the full scope."""
    scope.require_everything()
    sql = f"SELECT * FROM lines ORDER BY {_order_sql(order, metric)} LIMIT {int(limit)} OFFSET {int(offset)}"
    return tuple(_line(row) for row in query_lines(_select(question), sql))


def lines_after(
    scope: Scope, question: LineQuestion, place: LinePlace, *, order: Order, metric: CostMetric, limit: int
) -> tuple[BillLine, ...]:
    """Lines after a place, however deep, as quickly as the first ones. Needs the full scope."""
    scope.require_everything()
    where, values = _after(order, metric, place.key)
    sql = (
        f"SELECT * FROM lines WHERE {where} ORDER BY {_order_sql(order, metric)}"
        f" LIMIT {int(limit)} OFFSET {int(place.equal)}"
    )
    return tuple(_line(row) for row in query_lines(_select(question), sql, values))


def place_of(lines: Sequence[BillLine], start: LinePlace | None, *, order: Order, metric: CostMetric) -> LinePlace:
    """The place after the last of these lines, which start at `start`."""
    keys = [_key(line, order, metric) for line in lines]
    equal = sum(1 for key in keys if key == keys[-1])
    past = start.equal if start is not None and start.key == keys[-1] else 0
    return LinePlace(keys[-1], equal + past)


def place_text(place: LinePlace, past: int) -> str:
    """A place, with how many lines are past, as addresses carry it. It holds nothing that its line does not show."""
    text = json.dumps([past, place.equal, place.key], ensure_ascii=False, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def read_place(text: str) -> tuple[LinePlace, int]:
    """The inverse of `place_text`. Raises InvalidRequestError for anything else."""
    try:
        padded = text.encode("ascii") + b"=" * (-len(text) % 4)
        past, equal, key = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
        if len(text) > LONGEST_PLACE or len(key) != len(LINE_FIELDS) or not 0 < int(equal) <= int(past) < 10**12:
            raise ValueError(text)
        texts = tuple(str(part) for part in key)
        "".join(texts).encode()  # half a character, as JSON can write it, is an error
        return LinePlace(texts, int(equal)), int(past)
    except (ValueError, TypeError, RecursionError, binascii.Error) as error:
        raise InvalidRequestError("These lines are not there. Start again from the first page.") from error


def line_rows(
    scope: Scope, question: LineQuestion, *, order: Order, metric: CostMetric, limit: int | None = None
) -> Iterator[BillLine]:
    """Every line in order, or the first `limit`, streamed. Needs the full scope."""
    scope.require_everything()
    select = _select(question)
    if limit is not None:
        sql = f"SELECT * FROM lines ORDER BY {_order_sql(order, metric)} LIMIT {int(limit)}"
        yield from map(_line, query_lines(select, sql))
        return
    for rows in _in_order(select, "*", order, metric):
        yield from map(_line, rows)


def line_csv(scope: Scope, question: LineQuestion, *, order: Order, metric: CostMetric) -> Iterator[str]:
    """The rows of a CSV file in order, streamed: made by DuckDB, as `costs.exports` writes them."""
    scope.require_everything()
    cells, joined = _csv_cells(metric)
    for rows in _in_order(_select(question), joined, order, metric, cells=cells):
        yield "".join(row[0] for row in rows)


def write_line_parquet(scope: Scope, question: LineQuestion, target: Path, *, order: Order, metric: CostMetric) -> None:
    """Every line in order as Parquet, under the names of the charge store."""
    scope.require_everything()
    columns = ", ".join(fields_from(metric))
    copy_lines(_select(question), f"SELECT {columns} FROM lines ORDER BY {_order_sql(order, metric)}", target)


def fields_from(metric: CostMetric) -> list[str]:
    """The fields in the order files show them: the basis asked for before the other costs."""
    others = [name for name in LINE_FIELDS if name in COST_COLUMNS and name != metric.column]
    names = [name for name in LINE_FIELDS if name not in COST_COLUMNS]
    at = names.index("invoice_id")
    return [*names[:at], metric.column, *others, *names[at:]]


def _select(question: LineQuestion) -> LineSelect:
    folders = [ImportFolder(item.source_name, item.period, item.pk) for item in question.items]
    keys = question.slice_keys
    parts = tuple(
        LinePart(folder, None if keys is None else sorted(keys.get(item.pk, ())))
        for folder, item in zip(folders, question.items, strict=True)
    )
    conditions, values = list[str](), list[Any]()
    spelled = spellings_of(folders, [one.tag_key for one in question.conditions if one.tag_key])
    for condition in question.conditions:
        (expression,), pointers = [TEXT_SQL if condition.field == TEXT else ""], list[str]()
        if condition.tag_key:
            (expression,), pointers = tag_values_sql(spelled, [condition.tag_key])
        sql, bound = condition_sql(condition, expression=expression)
        conditions.append(sql)
        values += [*pointers, *bound]
    if question.combinations is not None:
        conditions.append(f"{COMBINATION_SQL} IN (SELECT unnest(?::VARCHAR[]))")
        values.append(list(question.combinations))
    if question.days is not None:
        sql, bound = days_sql(question.days)
        conditions.append(sql)
        values += bound
    return LineSelect(parts, " AND ".join(conditions) or "true", tuple(values))


def _order_sql(order: Order, metric: CostMetric) -> str:
    return ", ".join(f"{name}{' DESC' if down else ''}" for name, down in order_terms(order, metric.column))


def _key(line: BillLine, order: Order, metric: CostMetric) -> tuple[str, ...]:
    cells = dict(zip(LINE_FIELDS, line.values, strict=True))
    return tuple(cell_text(cells[name]) for name, _ in order_terms(order, metric.column))


def cell_text(value: Any) -> str:
    """A field as exact text: decimals with all their digits, times in ISO."""
    if isinstance(value, Decimal):
        return format(value, "f")
    return value.isoformat() if isinstance(value, date) else repr(value) if isinstance(value, float) else str(value)


def _after(order: Order, metric: CostMetric, key: Sequence[str]) -> tuple[str, list[str]]:
    """Lines at or after a key. The first field stands alone as well: files are skipped by it."""
    terms = order_terms(order, metric.column)
    types = [kind_type(name) for name, _ in terms]
    (first, down), *rest = terms
    sign = "<" if down else ">"
    left = ", ".join(name for name, _ in rest)
    right = ", ".join(f"CAST(? AS {kind})" for kind in types[1:])
    bound = f"CAST(? AS {types[0]})"
    values = [readable(name, value) for (name, _), value in zip(terms, key, strict=True)]
    where = f"{first} {sign}= {bound} AND ({first} {sign} {bound} OR ({left}) >= ({right}))"
    return where, [values[0], values[0], *values[1:]]


def _in_order(
    select: LineSelect, columns: str, order: Order, metric: CostMetric, *, cells: str = ""
) -> Iterator[list[tuple[Any, ...]]]:
    """Rows of all lines. By time they are sorted some days at a time: the first come at once, and no sort spills."""
    source = f"(SELECT *, {cells} FROM lines)" if cells else "lines"
    sorted_by = f"ORDER BY {_order_sql(order, metric)}"
    if order.field != "charge_period_start":
        yield from stream_lines(select, f"SELECT {columns} FROM {source} {sorted_by}")
        return
    of_days = f"SELECT {columns} FROM {source} WHERE charge_period_start >= ? AND charge_period_start < ? {sorted_by}"
    for first, last in _spans(select, descending=order.descending):
        yield from stream_lines(select, of_days, [first, last + timedelta(days=1)])


def _spans(select: LineSelect, *, descending: bool) -> list[tuple[date, date]]:
    """First and last days of spans of time, none with more than LINES_PER_SORT lines unless a single day has."""
    day = "CAST(charge_period_start AS DATE)"
    days = query_lines(select, f"SELECT {day} AS day, count(*) FROM lines GROUP BY day ORDER BY day")
    spans: list[tuple[date, date]] = []
    held = 0
    for start, count in days:
        if spans and held + count <= LINES_PER_SORT:
            spans[-1], held = (spans[-1][0], start), held + count
        else:
            spans.append((start, start))
            held = count
    return spans[::-1] if descending else spans


def _line(row: tuple[Any, ...]) -> BillLine:
    return BillLine(*row)


def _csv_cells(metric: CostMetric) -> tuple[str, str]:
    """A row of a file in two steps: its cells as text that cannot become a formula, and how they are joined."""
    names = fields_from(metric)
    cells = ", ".join(f"{_csv_text(name)} AS cell_{name}" for name in names)
    texts = {name for name in names if LINE_FIELDS[name][1] is FieldKind.TEXT}
    joined = " || ',' || ".join(_quoted(f"cell_{name}") if name in texts else f"cell_{name}" for name in names)
    return cells, f"{joined} || chr(13) || chr(10)"


def _csv_text(name: str) -> str:
    """Decimals without trailing zeros, times in ISO; what a spreadsheet would take for a formula as text."""
    kind = LINE_FIELDS[name][1]
    if kind is FieldKind.MONEY:  # always written with all its decimals
        return f"rtrim(rtrim(CAST({name} AS VARCHAR), '0'), '.')"
    if kind is FieldKind.TIME:
        return f"coalesce(strftime({name}, '%Y-%m-%dT%H:%M:%SZ'), '')"
    if kind is not FieldKind.TEXT:
        return f"coalesce(CAST({name} AS VARCHAR), '')"
    starts = ", ".join(f"chr({ord(sign)})" for sign in FORMULA_STARTS)
    is_number = f"regexp_full_match({name}, '[+-]?[0-9]+(\\.[0-9]+)?')"
    return (
        f"CASE WHEN left({name}, 1) IN ({starts}) AND NOT {is_number} THEN chr(39) || {name}"
        f" ELSE coalesce({name}, '') END"
    )


def _quoted(cell: str) -> str:
    quotes = " OR ".join(f"contains({cell}, chr({ord(sign)}))" for sign in ',"\r\n')
    return f"CASE WHEN {quotes} THEN chr(34) || replace({cell}, chr(34), chr(34) || chr(34)) || chr(34) ELSE {cell} END"
