"""What a format module works with: the columns a file offers, and SQL that reads one of them.

No column value ever passes through Python; a format only says which expression makes which field.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Protocol

from costs.charges import MONEY_TYPE
from costs.periods import BillingPeriod
from costs.terms import BillingFormat

_NOT_WORD = re.compile(r"[\W_]+")
_NAMES = re.compile(r'"(?:[^"]|"")*"|[a-z_][a-z_0-9]*')
_TEXTS = re.compile(r"'(?:[^']|'')*'")
_BINARY_FLOATS = ("DOUBLE", "FLOAT", "REAL")
_WHOLE_NUMBERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UINTEGER", "UBIGINT")
NUMBERS = (*_WHOLE_NUMBERS, *_BINARY_FLOATS)
_ZONED = ("TIMESTAMP WITH TIME ZONE", "TIMESTAMPTZ_NS")  # pandas writes nanoseconds
_ACCOUNT_DIGITS = 12
_NUMBERED = "[0-9]+([.]0+)?"
EMPTY = "''"
# Bits of `unread_cells`.
UNREAD_NUMBER, UNREAD_MAP = 1, 2


def squash(name: str) -> str:
    """A column name without case and punctuation: all spellings of one column agree in it."""
    return _NOT_WORD.sub("", name).casefold()


def literal(text: str) -> str:
    """SQL text in quotes."""
    return "'" + text.replace("'", "''") + "'"


@dataclass(frozen=True)
class Column:
    """One column of a file: its name as it stands there, SQL that reads it, its type."""

    name: str
    sql: str
    type: str = "VARCHAR"


@dataclass(frozen=True)
class Check:
    """A column whose text must read as `type`; where one does not, line and column are named."""

    column: Column
    type: str


@dataclass
class Columns:
    """The columns of one file. Remembers which were read and which were looked for in vain."""

    columns: tuple[Column, ...]
    nulls_are_read: bool = True  # the reader already turned '' and NULL text into NULL
    read: dict[str, str] = field(default_factory=dict)
    absent: list[str] = field(default_factory=list)
    checks: dict[str, Check] = field(default_factory=dict)
    lenient_checks: dict[str, Check] = field(default_factory=dict)
    unread_maps: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._by_name: dict[str, Column] = {}
        for column in self.columns:
            self._by_name.setdefault(squash(column.name), column)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)

    def has(self, name: str) -> bool:
        return squash(name) in self._by_name

    def call(self, name: str, also: str) -> None:
        """Let a column be found by another name as well, unless a column has that one."""
        if column := self._by_name.get(squash(name)):
            self._by_name.setdefault(squash(also), column)

    def find(self, *names: str) -> Column | None:
        """The first of these columns the file has."""
        for name in names:
            if column := self._by_name.get(squash(name)):
                self.read[name] = column.name
                return column
        if names[0] not in self.absent:
            self.absent.append(names[0])
        return None

    def value(self, column: Column) -> str:
        """The column with '' and the text NULL as NULL."""
        if self.nulls_are_read:
            return column.sql
        return f"nullif(nullif(CAST({column.sql} AS VARCHAR), ''), 'NULL')"

    def text(self, *names: str, default: str = "''") -> str:
        """The first non-empty of the columns the file has, else the default; never NULL."""
        values = [self.value(column) for name in names if (column := self.find(name))]
        return f"coalesce({', '.join([*values, default])})" if values else default

    def account(self, *names: str) -> str:
        """An AWS account's id, as `text`; where a file has or had it as a number, with the zeros that cost it."""
        values = [self._account_id(column) for name in names if (column := self.find(name))]
        return f"coalesce({', '.join([*values, EMPTY])})"

    def _account_id(self, column: Column) -> str:
        if column.type in NUMBERS:
            return f"lpad(CAST(CAST({column.sql} AS HUGEINT) AS VARCHAR), {_ACCOUNT_DIGITS}, '0')"
        return account_text(self.value(column), "true")

    def maybe_money(self, name: str, *, is_lenient: bool = False) -> str | None:
        """Exact money or NULL where the cell is empty; None where the file has no such column.

        Where no total of the bill depends on the column, `is_lenient` takes text in it for an empty cell; such
        cells are counted by `unread_cells`.
        """
        column = self.find(name)
        if column is None:
            return None
        if column.type.startswith(_BINARY_FLOATS):
            self.checks[column.name] = Check(column, MONEY_TYPE)
            return _of_binary(column)
        if not column.type.startswith("VARCHAR"):
            self.checks[column.name] = Check(column, MONEY_TYPE)
            return f"CAST({column.sql} AS {MONEY_TYPE})"
        if is_lenient:
            self.lenient_checks[column.name] = Check(column, MONEY_TYPE)
            return f"try_cast({self.value(column)} AS {MONEY_TYPE})"
        self.checks[column.name] = Check(column, MONEY_TYPE)
        return f"CAST({self.value(column)} AS {MONEY_TYPE})"

    def money(self, name: str) -> str:
        """Exact money; an empty cell or absent column counts as 0."""
        found = self.maybe_money(name)
        return f"coalesce({found}, 0)" if found else f"CAST(0 AS {MONEY_TYPE})"

    def number(self, name: str) -> str:
        """A quantity; an empty cell or absent column counts as 0."""
        column = self.find(name)
        if column is None:
            return "0::DOUBLE"
        if column.type.startswith("VARCHAR"):
            self.checks[column.name] = Check(column, "DOUBLE")
            return f"coalesce(CAST({self.value(column)} AS DOUBLE), 0)"
        return f"coalesce(CAST({column.sql} AS DOUBLE), 0)"

    def unread_cells(self, parts: Mapping[str, str] = MappingProxyType({})) -> str:
        """What of a line could not be read and was left out: `UNREAD_NUMBER`, `UNREAD_MAP`, their sum, or 0.

        Cells that `parts` of the mapping read are not read again.
        """
        names = {sql: name for name, sql in parts.items()}
        numbers = []
        for check in self.lenient_checks.values():
            cell = self.value(check.column)
            number = f"try_cast({cell} AS {check.type})"
            numbers.append(f"({cell} IS NOT NULL AND {names.get(number, number)} IS NULL)")
        flags = ((UNREAD_NUMBER, numbers), (UNREAD_MAP, self.unread_maps))
        found = [f"{flag} * CAST({' OR '.join(cells)} AS UTINYINT)" for flag, cells in flags if cells]
        return " + ".join(found) or "0"

    def moment(self, *names: str) -> str:
        """A point in time, UTC; NULL where the cell is empty or the column absent."""
        column = self.find(*names)
        if column is None:
            return "NULL::TIMESTAMP"
        if column.type in _ZONED:  # a plain cast would take the machine's zone
            return f"(CAST({column.sql} AS TIMESTAMPTZ) AT TIME ZONE 'UTC')"
        if not column.type.startswith(("TIMESTAMP", "DATE")):
            self.checks[column.name] = Check(column, "TIMESTAMP")
            return f"CAST({self.value(column)} AS TIMESTAMP)"
        return f"CAST({column.sql} AS TIMESTAMP)"


def account_text(text: str, is_aws: str) -> str:
    """SQL of an account's id that a program may have written as a number: without `.0`, of AWS with twelve digits."""
    whole = f"split_part({text}, '.', 1)"
    return (  # case by case, so that the pattern is tried on few lines
        f"CASE WHEN length({text}) = {_ACCOUNT_DIGITS} OR length({text}) > {2 * _ACCOUNT_DIGITS} THEN {text}"
        f" WHEN NOT regexp_full_match({text}, {literal(_NUMBERED)}) THEN {text}"
        f" WHEN {is_aws} AND length({whole}) < {_ACCOUNT_DIGITS} THEN lpad({whole}, {_ACCOUNT_DIGITS}, '0')"
        f" ELSE {whole} END"
    )


def aws_account(text: str) -> str:
    """The same for a value: an AWS account's id."""
    return text.partition(".")[0].zfill(_ACCOUNT_DIGITS) if re.fullmatch(_NUMBERED, text) else text


def _of_binary(column: Column) -> str:
    """The decimal a binary number was written for: the shortest one that reads as it.

    With up to ten decimals, as Cost and Usage Reports have, it is found by rounding, which is far faster than the text.
    """
    exact = f"CAST(CAST({column.sql} AS VARCHAR) AS {MONEY_TYPE})"
    if column.type != "DOUBLE":
        return exact
    rounded = f"CAST({column.sql} AS DECIMAL(38,10))"
    return f"CASE WHEN CAST({rounded} AS DOUBLE) = {column.sql} THEN CAST({rounded} AS {MONEY_TYPE}) ELSE {exact} END"


def tags_json(tags: Iterable[tuple[str, str]]) -> str:
    """SQL of a JSON object from (key, expression) pairs; NULL values are left out, `{}` where none is left."""
    members = [
        f"CASE WHEN {sql} IS NOT NULL THEN {literal(_json_key(key))} || CAST(to_json({sql}) AS VARCHAR) END"
        for key, sql in sorted(tags)
    ]
    if not members:
        return "'{}'"
    return f"'{{' || concat_ws(',', {', '.join(members)}) || '}}'"


def _json_key(key: str) -> str:
    escaped = key.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}":'


@dataclass(frozen=True)
class Finding:
    """Something a person should know about an import that is in order otherwise."""

    code: str
    text: str
    severity: str = "info"  # info | warning
    difference: str = ""
    lines: int = 0

    def as_dict(self) -> dict[str, str | int]:
        return {
            "code": self.code,
            "severity": self.severity,
            "text": self.text,
            "difference": self.difference,
            "lines": self.lines,
        }


@dataclass(frozen=True)
class ChargeMapping:
    """One file's columns as canonical charges: field → SQL, for every field of `CHARGE_COLUMNS` that has no default.

    `parts` are computed once per line, before the expressions, which may use their names. Each of `layers` is
    computed before them in the same way, and may use the names of those before it. `lines` is an SQL condition for
    the lines of the file that belong to the delivery; '' where all do.
    """

    expressions: dict[str, str]
    layers: tuple[dict[str, str], ...] = ()
    parts: dict[str, str] = field(default_factory=dict)
    lines: str = ""
    checks: tuple[Check, ...] = ()
    read: dict[str, str] = field(default_factory=dict)
    absent: tuple[str, ...] = ()
    assumed: dict[str, str] = field(default_factory=dict)  # column → what empty cells count as, and why
    findings: tuple[Finding, ...] = ()


def in_layers(parts: Mapping[str, str]) -> tuple[dict[str, str], ...]:
    """Parts as layers of a mapping, each using only parts of the layers before it, whatever order they are given in.

    Within one SELECT a part that another one uses would be written out, and planned, at every use.
    """
    layers: list[dict[str, str]] = []
    left = dict(parts)
    while left:
        ready = {name: sql for name, sql in left.items() if not set(_NAMES.findall(_TEXTS.sub("", sql))) & set(left)}
        assert ready, "parts use one another in a circle"
        layers.append(ready)
        left = {name: sql for name, sql in left.items() if name not in ready}
    return tuple(layers)


def columns_by_field(mapping: ChargeMapping, columns: Columns) -> dict[str, list[str]]:
    """Field → the file's columns its expression reads, directly or through parts; without fields that read none."""
    own = {token: column.name for column in columns.columns for token in _NAMES.findall(column.sql)}
    parts = {name: sql for layer in (*mapping.layers, mapping.parts) for name, sql in layer.items()}

    def names_in(sql: str) -> list[str]:
        found: list[str] = []
        for token in _NAMES.findall(_TEXTS.sub("", sql)):
            found += names_in(parts[token]) if token in parts else [own[token]] if token in own else []
        return list(dict.fromkeys(found))

    fields = {name: names_in(sql) for name, sql in mapping.expressions.items()}
    return {name: found for name, found in fields.items() if found}


class FormatModule(Protocol):
    """What each module of this package offers."""

    FORMAT: BillingFormat
    NAME: str

    def recognise(self, columns: Columns) -> str:
        """Why the file is of this format, or ''."""

    def missing(self, columns: Columns) -> list[str]:
        """Columns without which it is no bill, as the file would spell them."""

    def mapping(self, columns: Columns, period: BillingPeriod | None = None) -> ChargeMapping:
        """The columns as canonical charges; `period` is the snapshot's month of an inventory."""
