"""What lines of a bill can be asked for: fields, comparisons, order. Conditions become SQL with bound values."""

import re
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from math import isfinite
from typing import Any

from costs.errors import InvalidRequestError
from costs.money import EXACT
from costs.periods import DateRange
from costs.queries import NOT_SET, TAG_PREFIX


class FieldKind(StrEnum):
    TEXT = "text"
    MONEY = "money"
    NUMBER = "number"
    DAY = "day"
    TIME = "time"


_KIND_TYPES = {
    FieldKind.TEXT: "VARCHAR",
    FieldKind.MONEY: "DECIMAL(38,18)",
    FieldKind.NUMBER: "DOUBLE",
    FieldKind.DAY: "DATE",
    FieldKind.TIME: "TIMESTAMP",
}
# Every field of a line in the order files show them, with its name for people.
LINE_FIELDS: dict[str, tuple[str, FieldKind]] = {
    "charge_period_start": ("Start (UTC)", FieldKind.TIME),
    "charge_period_end": ("End (UTC)", FieldKind.TIME),
    "charge_date": ("Counts on", FieldKind.DAY),
    "billing_account_id": ("Payer", FieldKind.TEXT),
    "sub_account_id": ("Account", FieldKind.TEXT),
    "sub_account_name": ("Account name", FieldKind.TEXT),
    "service_name": ("Service", FieldKind.TEXT),
    "service_code": ("Service code", FieldKind.TEXT),
    "usage_type": ("Usage type", FieldKind.TEXT),
    "operation": ("Operation", FieldKind.TEXT),
    "region_id": ("Region", FieldKind.TEXT),
    "availability_zone": ("Zone", FieldKind.TEXT),
    "resource_id": ("Resource", FieldKind.TEXT),
    "instance_type": ("Instance type", FieldKind.TEXT),
    "charge_category": ("Charge category", FieldKind.TEXT),
    "line_kind": ("Line kind", FieldKind.TEXT),
    "pricing_category": ("Pricing", FieldKind.TEXT),
    "commitment_discount_id": ("Commitment", FieldKind.TEXT),
    "commitment_discount_status": ("Commitment status", FieldKind.TEXT),
    "charge_description": ("Description", FieldKind.TEXT),
    "consumed_quantity": ("Quantity", FieldKind.NUMBER),
    "pricing_unit": ("Unit", FieldKind.TEXT),
    "invoice_id": ("Invoice", FieldKind.TEXT),
    "billed_cost": ("Billed cost", FieldKind.MONEY),
    "effective_cost": ("Effective cost", FieldKind.MONEY),
    "list_cost": ("List cost", FieldKind.MONEY),
    "contracted_cost": ("Contracted cost", FieldKind.MONEY),
    "unblended_cost": ("Unblended cost", FieldKind.MONEY),
    "tags": ("Tags", FieldKind.TEXT),
}
# Not a field: where a text may stand.
TEXT = "text"
TEXT_FIELDS = ("resource_id", "usage_type", "operation", "charge_description")
# What Cost Explorer's grouping looks at, as one text: a question about its groups names combinations.
COMBINATION_FIELDS = ("service_code", "service_name", "usage_type", "charge_category", "line_kind")
COMBINATION_SQL = (
    f"concat_ws(chr(31), {', '.join(COMBINATION_FIELDS)}, CASE WHEN commitment_discount_id <> '' THEN '1' ELSE '' END)"
)
# Where a person may write the provider's code for the name.
_ALSO = {"service_name": "service_code"}
# What tells most lines apart that agree in the field they are sorted by: few enough to find a page by them alone.
_TELLING_APART = ("charge_period_start", "resource_id", "usage_type", "operation")
# How lines may be sorted by people; more fields follow to break ties.
SORTS = (
    "charge_period_start",
    "sub_account_id",
    "service_name",
    "usage_type",
    "operation",
    "region_id",
    "resource_id",
    "charge_category",
    "consumed_quantity",
    "cost",
)
_LARGEST, _SMALLEST = Decimal(10) ** 19, Decimal(1).scaleb(-18)
_SIGNS = ("!=", ">=", "<=", "=", ">", "<", "~")
_FIRST_SIGN = re.compile(r"!=|>=|<=|=|>|<|~")


@dataclass(frozen=True)
class Condition:
    """What a line's field must be. `values` are alternatives; '' is no value. `tag:KEY` is a field too."""

    field: str
    sign: str
    values: tuple[str, ...]
    takes_code: bool = False  # whether the provider's code of a service is as good as its name

    @property
    def tag_key(self) -> str:
        """KEY of `tag:KEY`, or ''."""
        return self.field[len(TAG_PREFIX) :] if self.field.startswith(TAG_PREFIX) else ""


@dataclass(frozen=True)
class Order:
    """How lines are sorted: by one field, or by the cost of the basis asked for (`cost`)."""

    field: str = "charge_period_start"
    descending: bool = False

    @property
    def text(self) -> str:
        """As addresses write it: `-cost`."""
        return f"{'-' if self.descending else ''}{self.field}"


def parse_condition(text: str) -> Condition:
    """Read `field=value`, `!=`, `>`, `<`, `>=`, `<=` or `~` (contains). Raises InvalidRequestError.

    An empty value, or `(none)`, is a line without value.
    """
    sign = _FIRST_SIGN.search(text)
    if sign is None:
        raise InvalidRequestError(f"'{text}' compares nothing. Write field=value, with one of {' '.join(_SIGNS)}.")
    name, value = text[: sign.start()].strip(), text[sign.end() :].strip()
    field = check_field(name)
    values = ("" if value == NOT_SET else value,)
    return check_condition(Condition(field, sign.group(), values, takes_code=field in _ALSO))


def check_field(name: str) -> str:
    """The field as it is written here. Raises InvalidRequestError that lists the known ones."""
    if name.lower().startswith(TAG_PREFIX) and name[len(TAG_PREFIX) :].strip():
        return TAG_PREFIX + name[len(TAG_PREFIX) :].strip()
    if name.lower() in LINE_FIELDS and name.lower() != "tags":
        return name.lower()
    known = ", ".join(field for field in LINE_FIELDS if field != "tags")
    raise InvalidRequestError(f"'{name}' is not a field of lines. Known: {known}, tag:KEY.")


def check_condition(condition: Condition) -> Condition:
    """The condition, its values readable as its field's kind. Raises InvalidRequestError."""
    kind = _kind_of(condition)
    if condition.sign == "~" and kind is not FieldKind.TEXT:
        raise InvalidRequestError(f"'{condition.field}' is no text: compare it with = != > < >= or <=.")
    return replace(condition, values=tuple(readable(condition.field, value) for value in condition.values))


def parse_order(text: str) -> Order:
    """Read `field` or `-field`. Raises InvalidRequestError."""
    name = text.removeprefix("-").strip()
    if name not in SORTS:
        raise InvalidRequestError(f"Lines cannot be sorted by '{name}'. Use {', '.join(SORTS)}.")
    return Order(name, descending=text.startswith("-"))


def condition_sql(condition: Condition, *, expression: str = "") -> tuple[str, list[Any]]:
    """The condition and its bound values. `expression` is what a tag's value is read with."""
    column = expression or condition.field
    kind = _kind_of(condition)
    asked, values = _comparison(column, kind, condition)
    if condition.takes_code:
        other, more = _comparison(_ALSO[condition.field], kind, condition)
        word = "AND" if condition.sign == "!=" else "OR"
        return f"({asked} {word} {other})", [*values, *more]
    return asked, values


def text_sql(condition: Condition) -> tuple[str, list[Any]]:
    """Whether a text stands in the fields that hold words, one after the other with blanks between them.

    A text without blanks stands in one of them: each is asked alone, which is quick, as its texts are few.
    """
    (text,) = condition.values
    if " " in text:
        return f"contains(lower(concat_ws(' ', {', '.join(TEXT_FIELDS)})), lower(?))", [text]
    return f"({' OR '.join(f'contains(lower({name}), lower(?))' for name in TEXT_FIELDS)})", [text] * len(TEXT_FIELDS)


def days_sql(days: DateRange) -> tuple[str, list[Any]]:
    """Lines that count within these days."""
    return "charge_date >= ? AND charge_date < ?", [days.start, days.end]


def order_terms(order: Order, cost_column: str) -> list[tuple[str, bool]]:
    """(field, descending) from the first that counts to the last that breaks ties: every field there is."""
    first = cost_column if order.field == "cost" else order.field
    names = dict.fromkeys([first, *_TELLING_APART, *LINE_FIELDS])
    return [(name, order.descending if name == first else False) for name in names]


def kind_type(field: str) -> str:
    """The SQL type of a field's values."""
    return _KIND_TYPES[LINE_FIELDS[field][1]]


def _comparison(column: str, kind: FieldKind, condition: Condition) -> tuple[str, list[Any]]:
    kind_sql = _KIND_TYPES[kind]
    if condition.sign == "~":
        return f"contains(lower({column}), lower(?))", [condition.values[0]]
    if condition.sign in {"=", "!="}:
        if len(condition.values) == 1:
            return f"{column} {condition.sign} CAST(? AS {kind_sql})", [condition.values[0]]
        inside = f"{column} IN (SELECT CAST(unnest(?::VARCHAR[]) AS {kind_sql}))"
        return (inside if condition.sign == "=" else f"NOT ({inside})"), [list(condition.values)]
    return f"{column} {condition.sign} CAST(? AS {kind_sql})", [condition.values[0]]


def _kind_of(condition: Condition) -> FieldKind:
    return FieldKind.TEXT if condition.tag_key or condition.field == TEXT else LINE_FIELDS[condition.field][1]


def readable(field: str, value: str) -> str:
    """The value of a field as SQL reads it without fail. Raises InvalidRequestError."""
    kind = LINE_FIELDS[field][1] if field in LINE_FIELDS else FieldKind.TEXT
    try:
        return _readable(kind, value)
    except (ValueError, InvalidOperation, OverflowError) as error:
        shape = {FieldKind.DAY: "a day like 2018-10-03", FieldKind.TIME: "a time like 2018-10-03T04:00"}
        raise InvalidRequestError(
            f"'{value}' is not what {field} is compared with. Write {shape.get(kind, 'a number like 0.05')}."
        ) from error


def _readable(kind: FieldKind, value: str) -> str:
    if kind is FieldKind.DAY:
        return date.fromisoformat(value).isoformat()
    if kind is FieldKind.TIME:
        moment = datetime.fromisoformat(value)
        return (moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment).isoformat(sep=" ")
    if kind is FieldKind.MONEY:
        amount = Decimal(value)
        if not abs(amount) < _LARGEST:  # also what is no number at all
            raise ValueError(value)
        return format(amount.quantize(_SMALLEST, context=EXACT), "f")
    if kind is FieldKind.NUMBER:
        if not isfinite(float(value)):
            raise ValueError(value)
        return repr(float(value))
    return value
