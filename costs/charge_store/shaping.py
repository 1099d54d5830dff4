"""A file's lines in the shape of charges, as SQL text: each field made and typed as its mapping says."""

import re
from collections.abc import Iterable, Mapping

from costs.billing_formats import ChargeMapping
from costs.billing_formats.base import literal
from costs.charges import CHARGE_COLUMNS, CLOSED_TEXTS

_CONSTANT = re.compile(r"'((?:[^']|'')*)'")


def in_parts(relation: str, mapping: ChargeMapping) -> str:
    """The relation with what the mapping computes once per line, layer by layer."""
    for layer in (*mapping.layers, mapping.parts):
        if layer:
            parts = ", ".join(f"{sql} AS {name}" for name, sql in layer.items())
            relation = f"(SELECT *, {parts} FROM {relation})"
    return relation


def fields_of(relation: str, expressions: Mapping[str, str]) -> str:
    """A relation of these charge columns, in the order they are given."""
    fields = ", ".join(f"CAST({sql} AS {CHARGE_COLUMNS[name]}) AS {name}" for name, sql in expressions.items())
    return f"(SELECT {fields} FROM {relation})"


def known_texts(expressions: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    """Columns of which all texts they can hold are known before any line is read."""
    found = dict(CLOSED_TEXTS)
    for name, sql in expressions.items():
        if CHARGE_COLUMNS[name] == "VARCHAR" and (constant := _CONSTANT.fullmatch(sql)):
            found[name] = (constant[1].replace("''", "'"),)
    return found


def enum(texts: Iterable[str]) -> str:
    """The SQL type of a text that is one of these."""
    return f"ENUM({', '.join(map(literal, texts))})"
