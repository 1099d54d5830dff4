"""One page of lines in any order, at once however many there are.

Lines are sorted by the field asked for, then by time, resource, usage type and operation, then by every other field. A
page is found by the first five of these, and only lines that may be on it are read whole. Where more lines than
`_SLACK` agree in all five, every line is sorted by every field, which takes seconds on a bill of ten million lines.
"""

import base64
import binascii
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from costs.charge_store import LineSelect, lines_in_places, places_of_lines, query_lines
from costs.errors import InvalidRequestError
from costs.line_filters import LINE_FIELDS, Order, kind_type, order_terms, readable
from costs.scope import Scope
from costs.selectors.bill_lines import BillLine, LineQuestion, cell_text, line_of, order_sql, select_of
from costs.terms import CostMetric

# Deeper pages are asked for by cursor or taken as a file: to skip lines means to sort them.
DEEPEST_LINE = 5_000
LONGEST_PLACE = 20_000
_SLACK = 1_000
_SORTING = 5
_ORDERING = 2  # a place found in another order of fields is none here


@dataclass(frozen=True)
class LinePlace:
    """After which line a page starts: its fields as text in the order of sorting, and how many equal lines are past."""

    key: tuple[str, ...]
    equal: int


@dataclass(frozen=True)
class _Candidates:
    """Where lines stand that hold the page, in no order of their own; the page begins after `skipped` of them."""

    places: list[tuple[str, int]]
    skipped: int


@dataclass(frozen=True)
class _Found:
    """File, row and the fields that sort of lines, in order. `is_all` where there are no more of them."""

    rows: list[tuple[Any, ...]]
    is_all: bool

    def of_number(self, first: int, count: int) -> _Candidates | None:
        """The lines from `first` on with all that agree with either end; None where not all of those were found."""
        rows, end = self.rows, min(first + count, len(self.rows))
        if first >= end:
            return _Candidates([], 0) if self.is_all else None
        others = (number for number in range(end, len(rows)) if rows[number][2:] != rows[end - 1][2:])
        if (whole := next(others, None)) is None and not self.is_all:
            return None
        start = next(number for number in range(first + 1) if rows[number][2:] == rows[first][2:])
        return _Candidates([row[:2] for row in rows[start:whole]], first - start)


def lines_at(
    scope: Scope, question: LineQuestion, *, order: Order, metric: CostMetric, limit: int, offset: int = 0
) -> tuple[BillLine, ...]:
    """Lines in an order that is the same however the bill's files were cut. Needs the full scope."""
    scope.require_everything()
    select, sorting = select_of(question), order_sql(order, metric)
    found = _found(select, order, metric, count=offset + limit)
    if (near := found.of_number(offset, limit)) is None:
        sql = f"SELECT * FROM lines ORDER BY {sorting} LIMIT {int(limit)} OFFSET {int(offset)}"
        return tuple(line_of(row) for row in query_lines(select, sql))
    sql = f"SELECT * FROM lines ORDER BY {sorting} LIMIT {int(limit)} OFFSET {near.skipped}"
    return tuple(line_of(row) for row in lines_in_places(near.places, sql))


def lines_after(
    scope: Scope, question: LineQuestion, place: LinePlace, *, order: Order, metric: CostMetric, limit: int
) -> tuple[BillLine, ...]:
    """Lines after a place, however deep, as quickly as the first ones. Needs the full scope."""
    scope.require_everything()
    select, terms = select_of(question), order_terms(order, metric.column)
    where, values = _after(terms, place.key)
    sql = (
        f"SELECT * FROM lines WHERE {where} ORDER BY {order_sql(order, metric)}"
        f" LIMIT {int(limit)} OFFSET {int(place.equal)}"
    )
    found = _found(select, order, metric, count=limit, after=place)
    tied = sum(1 for row in found.rows if tuple(map(cell_text, row[2:])) == place.key[:_SORTING])
    if (near := found.of_number(0, tied + limit)) is None:
        return tuple(line_of(row) for row in query_lines(select, sql, values))
    return tuple(line_of(row) for row in lines_in_places(near.places, sql, values))


def _found(
    select: LineSelect, order: Order, metric: CostMetric, *, count: int, after: LinePlace | None = None
) -> "_Found":
    """The first `count` lines, and some more that may agree with the last."""
    terms = order_terms(order, metric.column)[:_SORTING]
    names = ", ".join(name for name, _ in terms)
    sorting = ", ".join(f"{name}{' DESC' if down else ''}" for name, down in terms)
    where, values = _after(terms, after.key[:_SORTING]) if after else ("true", [])
    limit = int(count) + _SLACK
    sql = f"SELECT filename, file_row_number, {names} FROM lines WHERE {where} ORDER BY {sorting} LIMIT {limit}"
    rows = places_of_lines(select, sql, values)
    return _Found(rows, is_all=len(rows) < limit)


def place_of(lines: Sequence[BillLine], start: LinePlace | None, *, order: Order, metric: CostMetric) -> LinePlace:
    """The place after the last of these lines, which start at `start`."""
    keys = [_key(line, order, metric) for line in lines]
    equal = sum(1 for key in keys if key == keys[-1])
    past = start.equal if start is not None and start.key == keys[-1] else 0
    return LinePlace(keys[-1], equal + past)


def place_text(place: LinePlace, past: int) -> str:
    """A place, with how many lines are past, as addresses carry it. It holds nothing that its line does not show."""
    text = json.dumps([past, place.equal, place.key, _ORDERING], ensure_ascii=False, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def read_place(text: str) -> tuple[LinePlace, int]:
    """The inverse of `place_text`. Raises InvalidRequestError for anything else."""
    try:
        padded = text.encode("ascii") + b"=" * (-len(text) % 4)
        past, equal, key, ordering = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
        if (
            ordering != _ORDERING
            or len(text) > LONGEST_PLACE
            or len(key) != len(LINE_FIELDS)
            or not 0 < int(equal) <= int(past) < 10**12
        ):
            raise ValueError(text)
        texts = tuple(str(part) for part in key)
        "".join(texts).encode()  # half a character, as JSON can write it, is an error
        return LinePlace(texts, int(equal)), int(past)
    except (ValueError, TypeError, RecursionError, binascii.Error) as error:
        raise InvalidRequestError("These lines are not there. Start again from the first page.") from error


def _key(line: BillLine, order: Order, metric: CostMetric) -> tuple[str, ...]:
    cells = dict(zip(LINE_FIELDS, line.values, strict=True))
    return tuple(cell_text(cells[name]) for name, _ in order_terms(order, metric.column))


def _after(terms: Sequence[tuple[str, bool]], key: Sequence[str]) -> tuple[str, list[str]]:
    """Lines at or after a key. The first field stands alone as well: files are skipped by it."""
    types = [kind_type(name) for name, _ in terms]
    (first, down), *rest = terms
    sign = "<" if down else ">"
    left = ", ".join(name for name, _ in rest)
    right = ", ".join(f"CAST(? AS {kind})" for kind in types[1:])
    bound = f"CAST(? AS {types[0]})"
    values = [readable(name, value) for (name, _), value in zip(terms, key, strict=True)]
    where = f"{first} {sign}= {bound} AND ({first} {sign} {bound} OR ({left}) >= ({right}))"
    return where, [values[0], values[0], *values[1:]]
