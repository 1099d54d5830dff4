"""Columns that hold a map (tags, product attributes): as a Parquet map, a list of pairs, a struct or JSON text.

Everything is SQL. A map that cannot be read is NULL here; what reads it takes it for empty and says so, for no total
of a bill depends on it.
"""

import re
from collections.abc import Mapping, Sequence

from costs.billing_formats.base import Column, Columns, literal

_PAIRS = "STRUCT(key VARCHAR, value VARCHAR)[]"
_JSON_PAIRS = ('[{"key":"VARCHAR","value":"VARCHAR"}]', '[{"Key":"VARCHAR","Value":"VARCHAR"}]')
NO_PAIRS = f"CAST([] AS {_PAIRS})"
_LIST_OF_PAIRS = re.compile(r'^STRUCT\("?key"? .*, "?value"? .*\)\[\]$', re.IGNORECASE)
_MAP = re.compile(r"^MAP\([^(\[]+(\([0-9, ]+\))?\)$")
# JSON text with nothing to escape and no empty value can be rewritten without taking it apart, which is far faster.
_TEXT = r'[^"\\\x00-\x1f]'
_PLAIN = rf'"{{key}}{_TEXT}*"\s*:\s*"{_TEXT}+"\s*'

# A map as Athena writes it into the CSV of a query's result. A comma, an equals sign or a brace inside of a key or
# value makes it a guess where one ends: it is then left as it stands, and read as no map.
_ATHENA_TEXT = r'[^=,{}"\\\x00-\x1f]'
_ATHENA_MEMBER = f"{_ATHENA_TEXT}+={_ATHENA_TEXT}*"
_ATHENA = rf"\{{{_ATHENA_MEMBER}(, {_ATHENA_MEMBER})*\}}"

# How keys begin in one spelling of a file → how they begin afterwards.
Prefixes = Mapping[str, str]


def told(columns: Columns, column: Column) -> str:
    """SQL of the cell, NULL where it is empty."""
    return columns.value(column) if is_text(column) else column.sql


def from_athena(text: str) -> str:
    """SQL of the text with `{key=value, key=value}` as JSON; any other text as it stands."""
    members = f"replace(replace(substr({text}, 2, length({text}) - 2), '=', '\":\"'), ', ', '\",\"')"
    is_it = f"contains({text}, '=') AND NOT contains({text}, '\"') AND regexp_full_match({text}, {literal(_ATHENA)})"
    return f"CASE WHEN {is_it} THEN '{{\"' || {members} || '\"}}' ELSE {text} END"


def pairs(columns: Columns, column: Column) -> str:
    """SQL of the map's members as a list of structs (key, value); empty where the cell is, NULL if unreadable."""
    cell, text = told(columns, column), _text(columns, column)
    if _is_map(column):
        found = f"CAST(map_entries({cell}) AS {_PAIRS})"
    elif _is_list(column):
        member = "struct_pack(key := CAST(e.key AS VARCHAR), value := CAST(e.value AS VARCHAR))"
        found = f"list_transform({cell}, lambda e: {member})"  # pairs may say more, as Google's do
    else:
        listed = [f"TRY(CAST(from_json_strict({text}, '{kind}') AS {_PAIRS}))" for kind in _JSON_PAIRS]
        members = f"CAST(list_zip(json_keys({text}), json_extract_string({text}, '$.*')) AS {_PAIRS})"
        found = (
            f"CASE TRY(json_type({text})) WHEN 'OBJECT' THEN TRY({members})"
            f" WHEN 'ARRAY' THEN coalesce({', '.join(listed)}) END"
        )
    return f"CASE WHEN {cell} IS NULL THEN {NO_PAIRS} ELSE {found} END"


def values(columns: Columns, column: Column, keys: Sequence[str]) -> str:
    """SQL of a list with the values of these keys, NULL where there is none; itself NULL if unreadable."""
    cell, text = told(columns, column), _text(columns, column)
    if _is_map(column):
        return f"[{', '.join(f'CAST({cell}[{literal(key)}] AS VARCHAR)' for key in keys)}]"
    if _is_list(column):
        members = pairs(columns, column)
        found = (f"list_filter({members}, lambda e: e.key = {literal(key)})[1].value" for key in keys)
        return f"[{', '.join(found)}]"
    paths = ", ".join(literal("/" + key.replace("~", "~0").replace("/", "~1")) for key in keys)
    return f"TRY(json_extract_string({text}, [{paths}]))"


def sorted_pairs(members: str, *, key: str) -> str:
    """SQL of the members in order of their new key, without those that are empty or whose `key` is NULL.

    `key` is SQL over `e.key`.
    """
    renamed = f"list_transform({members}, lambda e: struct_pack(key := {key}, value := e.value))"
    return f"list_sort(list_filter({renamed}, lambda e: e.key <> '' AND e.value <> '' AND e.value <> 'NULL'))"


def json_of(listed: str) -> str:
    """SQL of a list that `sorted_pairs` made as a JSON object, NULL where it is NULL.

    Each key stands once. `listed` is best a name: it is used several times.
    """
    keys = f"list_transform({listed}, lambda e: e.key)"
    once = f"list_filter({listed}, lambda e, place: list_position({keys}, e.key) = place)"
    distinct = f"CASE WHEN list_unique({keys}) = len({listed}) THEN {listed} ELSE {once} END"
    member = "CAST(to_json(e.key) AS VARCHAR) || ':' || CAST(to_json(e.value) AS VARCHAR)"
    members = f"list_transform({distinct}, lambda e: {member})"
    return f"('{{' || array_to_string({members}, ',') || '}}')"


def plain_json(cell: str, spellings: Sequence[Prefixes]) -> str:
    """SQL of JSON text with its keys renamed, NULL where it is not plain: all keys of one spelling, no escapes.

    Keys of one spelling never become alike, so none can stand twice.
    """
    objects = "|".join(_plain_object(prefixes) for prefixes in spellings)
    changes: dict[str, list[str]] = {}
    for prefixes in spellings:
        for old, new in prefixes.items():
            if old != new and old not in changes.setdefault(new, []):
                changes[new].append(old)
    renamed = cell
    for new, olds in changes.items():
        begins = "|".join(map(re.escape, olds))
        has_any = " OR ".join(f"contains({cell}, {literal(chr(34) + old)})" for old in olds)
        rewritten = f"regexp_replace({renamed}, '([{{,]\\s*\")(?:{begins})', '\\1{new}', 'g')"
        renamed = f"CASE WHEN {has_any} THEN {rewritten} ELSE {renamed} END"
    return f"CASE WHEN regexp_full_match({cell}, {literal(objects)}) THEN {renamed} END"


def _plain_object(prefixes: Prefixes) -> str:
    member = _PLAIN.format(key=f"(?:{'|'.join(map(re.escape, prefixes))})")
    return rf"\{{\s*(?:{member}(?:,\s*{member})*)?\}}\s*"


def is_text(column: Column) -> bool:
    """Whether the map can only be there as JSON text."""
    return column.type in {"VARCHAR", "JSON"}


def _is_map(column: Column) -> bool:
    """Whether it is a Parquet map of plain values; one of structs or lists is read as JSON."""
    return _MAP.match(column.type) is not None


def _is_list(column: Column) -> bool:
    return _LIST_OF_PAIRS.match(column.type) is not None


def _text(columns: Columns, column: Column) -> str:
    """SQL of the cell as JSON text, whatever its type: what is no map turns out to be none."""
    cell = told(columns, column)
    return cell if is_text(column) else f"CAST(to_json({cell}) AS VARCHAR)"
