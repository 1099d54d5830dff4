"""Lines of the bill behind any figure: which they are, their sums, or all of them as a file."""

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from costs.charge_store import (
    ImportFolder,
    LinePart,
    LineSelect,
    copy_lines,
    matching_tags,
    query_lines,
    remembered_lines,
    stream_lines,
)
from costs.exports import FORMULA_STARTS
from costs.line_filters import (
    COMBINATION_SQL,
    LINE_FIELDS,
    TEXT,
    Condition,
    FieldKind,
    Order,
    condition_sql,
    days_sql,
    order_terms,
    text_sql,
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


def line_sums(scope: Scope, question: LineQuestion) -> LineSums:
    """Count and costs. Needs the full scope: the caller gives the slices its own reader may see."""
    scope.require_everything()
    sums = ", ".join(f"coalesce(sum({name}), 0)" for name in COST_COLUMNS)
    rows = remembered_lines(select_of(question), f"SELECT count(*), {sums} FROM lines")
    if not rows:
        return LineSums(0, dict.fromkeys(CostMetric, ZERO))
    return LineSums(rows[0][0], dict(zip(CostMetric, rows[0][1:], strict=True)))


def line_rows(
    scope: Scope, question: LineQuestion, *, order: Order, metric: CostMetric, limit: int | None = None
) -> Iterator[BillLine]:
    """Every line in order, or the first `limit`, streamed. Needs the full scope."""
    scope.require_everything()
    select = select_of(question)
    if limit is not None:
        sql = f"SELECT * FROM lines ORDER BY {order_sql(order, metric)} LIMIT {int(limit)}"
        yield from map(line_of, query_lines(select, sql))
        return
    for rows in _in_order(select, "*", order, metric):
        yield from map(line_of, rows)


def line_csv(scope: Scope, question: LineQuestion, *, order: Order, metric: CostMetric) -> Iterator[str]:
    """The rows of a CSV file in order, streamed: made by DuckDB, as `costs.exports` writes them."""
    scope.require_everything()
    cells, joined = _csv_cells(metric)
    for rows in _in_order(select_of(question), joined, order, metric, cells=cells):
        yield "".join(row[0] for row in rows)


def write_line_parquet(scope: Scope, question: LineQuestion, target: Path, *, order: Order, metric: CostMetric) -> None:
    """Every line in order as Parquet, under the names of the charge store."""
    scope.require_everything()
    columns = ", ".join(fields_from(metric))
    copy_lines(select_of(question), f"SELECT {columns} FROM lines ORDER BY {order_sql(order, metric)}", target)


def fields_from(metric: CostMetric) -> list[str]:
    """The fields in the order files show them: the basis asked for before the other costs."""
    others = [name for name in LINE_FIELDS if name in COST_COLUMNS and name != metric.column]
    names = [name for name in LINE_FIELDS if name not in COST_COLUMNS]
    at = names.index("invoice_id")
    return [*names[:at], metric.column, *others, *names[at:]]


def select_of(question: LineQuestion) -> LineSelect:
    folders = [ImportFolder(item.source_name, item.period, item.pk) for item in question.items]
    keys = question.slice_keys
    parts = tuple(
        LinePart(folder, None if keys is None else sorted(keys.get(item.pk, ())))
        for folder, item in zip(folders, question.items, strict=True)
    )
    conditions, values = _on_tags(folders, [one for one in question.conditions if one.tag_key])
    for condition in question.conditions:
        if condition.tag_key:
            continue
        sql, bound = text_sql(condition) if condition.field == TEXT else condition_sql(condition)
        conditions.append(sql)
        values += bound
    if question.combinations is not None:
        conditions.append(f"{COMBINATION_SQL} IN (SELECT unnest(?::VARCHAR[]))")
        values.append(list(question.combinations))
    if question.days is not None:
        sql, bound = days_sql(question.days)
        conditions.append(sql)
        values += bound
    return LineSelect(parts, " AND ".join(conditions) or "true", tuple(values))


def _on_tags(folders: Sequence[ImportFolder], asked: Sequence[Condition]) -> tuple[list[str], list[Any]]:
    """Conditions on tags: asked of the sets of tags there are, or of every line where they are too many."""
    spelled = spellings_of(folders, [one.tag_key for one in asked])
    conditions, values = list[str](), list[Any]()
    for condition in asked:
        (expression,), pointers = tag_values_sql(spelled, [condition.tag_key])
        sql, bound = condition_sql(condition, expression=expression)
        conditions.append(sql)
        values += [*pointers, *bound]
    matching = matching_tags(folders, " AND ".join(conditions), values) if asked else None
    if matching is None:
        return conditions, values
    is_among = "tags IN (SELECT unnest(?::VARCHAR[]))"
    found = f"({is_among} OR tags IS NULL)" if None in matching else is_among
    return [found], [[one for one in matching if one is not None]]


def order_sql(order: Order, metric: CostMetric) -> str:
    return ", ".join(f"{name}{' DESC' if down else ''}" for name, down in order_terms(order, metric.column))


def cell_text(value: Any) -> str:
    """A field as exact text: decimals with all their digits, times in ISO."""
    if isinstance(value, Decimal):
        return format(value, "f")
    return value.isoformat() if isinstance(value, date) else repr(value) if isinstance(value, float) else str(value)


def _in_order(
    select: LineSelect, columns: str, order: Order, metric: CostMetric, *, cells: str = ""
) -> Iterator[list[tuple[Any, ...]]]:
    """Rows of all lines. By time they are sorted some days at a time: the first come at once, and no sort spills."""
    source = f"(SELECT *, {cells} FROM lines)" if cells else "lines"
    sorted_by = f"ORDER BY {order_sql(order, metric)}"
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


def line_of(row: tuple[Any, ...]) -> BillLine:
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
