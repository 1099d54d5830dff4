"""A file's lines in the shape of charges, as SQL text: each field made and typed as its mapping says."""

import re
from collections.abc import Iterable, Mapping

from costs import rollup
from costs.billing_formats import ChargeMapping
from costs.billing_formats.base import literal
from costs.charges import CHARGE_COLUMNS, CLOSED_TEXTS

_CONSTANT = re.compile(r"'((?:[^']|'')*)'")


def enum(texts: Iterable[str]) -> str:
    """The SQL type of a text that is one of these."""
    return f"ENUM({', '.join(map(literal, texts))})"


# Groups go by these types: they are the same in every file of a delivery, whatever else a file lets us know.
_TYPES = CHARGE_COLUMNS | {name: enum(texts) for name, texts in CLOSED_TEXTS.items()}
GROUPS = {"line_group": rollup.group_hash(), "resource_group": rollup.resource_hash()}


def lines_of(relation: str, mapping: ChargeMapping) -> str:
    """The lines of a file that belong to the delivery."""
    return f"(SELECT * FROM {relation} WHERE {mapping.lines})" if mapping.lines else relation


def in_parts(relation: str, mapping: ChargeMapping) -> str:
    """The relation with what the mapping computes once per line, layer by layer."""
    for layer in (*mapping.layers, mapping.parts):
        if layer:
            parts = ", ".join(f"{sql} AS {name}" for name, sql in layer.items())
            relation = f"(SELECT *, {parts} FROM {relation})"
    return relation


def fields_of(relation: str, fields: Mapping[str, str], *more: str) -> str:
    """A relation of these charge columns, typed, and of more columns as they are."""
    typed = [f"CAST({sql} AS {_TYPES[name]}) AS {name}" for name, sql in fields.items()]
    return f"(SELECT {', '.join([*typed, *more])} FROM {relation})"


def charges(relation: str, told: Mapping[str, str]) -> str:
    """A SELECT of charges as they are stored, of a relation of fields; `told` says what is not as it stands there."""
    columns = (f"{told.get(name, name)} AS {name}" for name in (*CHARGE_COLUMNS, *GROUPS))
    return f"SELECT {', '.join(columns)} FROM {relation}"


def line_by_line(relation: str, mapping: ChargeMapping, fields: Mapping[str, str]) -> str:
    """A SELECT of charges where every field is made for every line."""
    lines = fields_of(in_parts(relation, mapping), {name: fields[name] for name in CHARGE_COLUMNS})
    return charges(lines, {**GROUPS, **placed(constant_texts(fields))})


def constant_texts(fields: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    """Columns that hold one text throughout the file."""
    constants = {name: _CONSTANT.fullmatch(sql) for name, sql in fields.items() if _TYPES[name] == "VARCHAR"}
    return {name: (found[1].replace("''", "'"),) for name, found in constants.items() if found}


def placed(known: Mapping[str, Iterable[str]]) -> dict[str, str]:
    """SQL of columns by the place of their text among the known ones.

    Parquet has a dictionary for each text column, and looking each line's text up in it costs more than reading the
    line. Where all texts are known beforehand, nothing has to be looked up. The file holds the same texts either way.
    """
    return {name: f"CAST({name} AS {enum(texts)})" for name, texts in known.items()}
