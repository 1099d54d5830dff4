"""Cursor pages over a sorted list. A cursor holds the row's own sort key, so it says nothing a row did not
say, stays good when rows come and go, and needs no database key."""

import base64
import binascii
import json
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from math import isfinite
from typing import Any

from costs.api_base.parameters import ParameterError

Part = str | int | float | Decimal  # bool is an int, and keeps its own name in a cursor
Key = tuple[Part, ...]
CURSOR_LIMIT = 16_000
_READERS: Mapping[str, Callable[[str], Part]] = {
    "str": str,
    "bool": {"True": True, "False": False}.__getitem__,
    "int": int,
    "float": float,
    "Decimal": Decimal,
}
_NOT_OURS = "This cursor is not from this list. Start again without it and follow the links."


@dataclass(frozen=True)
class Answer:
    """A list before it is cut: `head` stands above the rows, `beside` goes into each of them.

    Rows are dataclasses or mappings. `order` gives each row a unique sort key made of its content.
    """

    head: Mapping[str, Any]
    rows: Sequence[Any]
    order: Callable[[Any], Key]
    beside: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Page:
    """The rows of one page, and the cursors of its neighbours ('' where there is none)."""

    rows: Collection[Any]
    next_cursor: str = ""
    previous_cursor: str = ""


def page_of(rows: Sequence[Any], *, order: Callable[[Any], Key], cursor: str, size: int) -> Page:
    """The page after (or before) a cursor, the first without one. Raises ParameterError for a foreign cursor."""
    ranked = sorted(rows, key=order)
    keys = [order(row) for row in ranked]
    start, end = _window(keys, cursor, size)
    return Page(
        rows=ranked[start:end],
        next_cursor=_encode("after", keys[end - 1]) if start < end < len(keys) else "",
        previous_cursor=_encode("before", keys[start]) if 0 < start < end else "",
    )


def cursor_at(side: str, *key: Part) -> str:
    """A cursor for lists that the database cuts: `side` is `after` or `before` the row with this key."""
    return _encode(side, key)


def place_of(cursor: str, *kinds: type) -> tuple[str, Key] | None:
    """What `cursor_at` made: side and key; None for no cursor. Raises ParameterError for a foreign one."""
    if not cursor:
        return None
    side, key = _decode(cursor)
    if [type(part) for part in key] != list(kinds):
        raise ParameterError("cursor", _NOT_OURS)
    return side, key


def _window(keys: list[Key], cursor: str, size: int) -> tuple[int, int]:
    if not cursor:
        return 0, min(size, len(keys))
    side, key = _decode(cursor)
    if keys and [type(part) for part in keys[0]] != [type(part) for part in key]:
        raise ParameterError("cursor", _NOT_OURS)
    if side == "after":
        start = bisect_right(keys, key)
        return start, min(start + size, len(keys))
    end = bisect_left(keys, key)
    return max(0, end - size), end


def _encode(side: str, key: Key) -> str:
    if unknown := [part for part in key if type(part).__name__ not in _READERS]:
        raise TypeError(f"No cursor can hold {unknown[0]!r}; make it a number or a text.")
    parts = [[type(part).__name__, str(part)] for part in key]
    text = json.dumps([side, parts], ensure_ascii=False, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _decode(cursor: str) -> tuple[str, Key]:
    if len(cursor) > CURSOR_LIMIT:
        raise ParameterError("cursor", _NOT_OURS)
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        side, parts = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
        key = tuple(_part(kind, text) for kind, text in parts)
    except (ValueError, TypeError, KeyError, InvalidOperation, RecursionError, binascii.Error) as error:
        raise ParameterError("cursor", _NOT_OURS) from error
    if side not in {"after", "before"}:
        raise ParameterError("cursor", _NOT_OURS)
    return side, key


def _part(kind: str, text: str) -> Part:
    if not isinstance(text, str):
        raise TypeError(text)
    part = _READERS[kind](text)
    if isinstance(part, Decimal | float) and not isfinite(part):
        raise ValueError(text)
    return part
