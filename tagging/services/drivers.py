"""Drivers that pools are split by: headcount, requests … uploaded as CSV with a line for each month and owner."""

import csv
import io
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from django.db import transaction
from django.utils.text import slugify

from costs.errors import InvalidRequestError
from costs.periods import BillingPeriod
from costs.scope import Scope
from tagging.hooks import tell_that_rules_changed
from tagging.models import DriverValue, PoolDriver, Team
from tagging.selectors.closed import frozen_text, last_closed_period
from tagging.services.allocate import one_allocation_at_a_time

COLUMNS = ("month", "team", "value")
MAX_LINES = 20_000
MAX_VALUE = Decimal(10) ** 13


@dataclass(frozen=True)
class Uploaded:
    """What an upload brought: the driver, its values and the months they are of."""

    key: str
    values: int
    months: tuple[BillingPeriod, ...]


def upload_driver(name: str, text: str) -> Uploaded:
    """Read values of a driver: columns month (2025-11), team (key or name) and value. The months named are replaced.

    All or nothing. Raises InvalidRequestError naming line, column and cure; for closed months too.
    """
    label = " ".join(name.split())
    key = slugify(label)[:60]
    if not key:
        raise InvalidRequestError("A driver needs a name with at least one letter or digit, like headcount.")
    rows = _rows(text)
    with transaction.atomic():
        one_allocation_at_a_time()
        driver, _ = PoolDriver.objects.get_or_create(key=key, defaults={"name": label})
        months = tuple(sorted({period for period, _, _ in rows}))
        driver.values.filter(period__in=[period.start for period in months]).delete()
        DriverValue.objects.bulk_create(
            DriverValue(driver=driver, period=period.start, owner_key=owner, value=value)
            for period, owner, value in rows
        )
        driver.save()  # leaves who did it in the history
        tell_that_rules_changed()
    return Uploaded(key, len(rows), months)


Row = tuple[BillingPeriod, str, Decimal]


def _rows(text: str) -> list[Row]:
    reader = csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""))
    try:
        lines = [(reader.line_num, [cell.strip() for cell in row]) for row in reader]
    except csv.Error as error:
        raise InvalidRequestError(f"Line {reader.line_num} is no CSV: {error}.") from error
    filled = [(number, row) for number, row in lines if any(row)]
    if not filled:
        raise InvalidRequestError(f"The file is empty. Its first line is {','.join(COLUMNS)}.")
    header = [cell.casefold() for cell in filled[0][1]]
    if missing := [name for name in COLUMNS if name not in header]:
        raise InvalidRequestError(f"Line 1 lacks the column {missing[0]}. It must name {', '.join(COLUMNS)}.")
    if len(filled) - 1 > MAX_LINES:
        raise InvalidRequestError(f"{len(filled) - 1:,} lines are too many at once. Upload at most {MAX_LINES:,}.")
    if len(filled) == 1:
        raise InvalidRequestError("The file has a header and no line below it.")
    places = [header.index(name) for name in COLUMNS]
    return _once(_read(filled[1:], places))


def _read(lines: Iterable[tuple[int, list[str]]], places: list[int]) -> Iterable[tuple[int, Row]]:
    teams = {name.casefold(): key for key, name in Team.objects.values_list("key", "name")}
    teams |= {key: key for key in teams.values()}
    closed = last_closed_period()
    for number, row in lines:
        month, team, value = (row[place] if place < len(row) else "" for place in places)
        owner = teams.get(team.casefold())
        if owner is None:
            raise InvalidRequestError(f"Line {number}, column team: there is no team '{team}'. Use its name or key.")
        period = _month(month, number)
        if closed is not None and period <= closed:
            text = f"Line {number}, column month: {period.label} is closed. Leave its lines out."
            raise InvalidRequestError(f"{text} {frozen_text(Scope.all())}")
        yield number, (period, owner, _value(value, number))


def _once(rows: Iterable[tuple[int, Row]]) -> list[Row]:
    seen: dict[tuple[BillingPeriod, str], int] = {}
    found = []
    for number, row in rows:
        if first := seen.get(row[:2]):
            raise InvalidRequestError(
                f"Line {number}: {row[1]} has a value for {row[0].label} in line {first} already. Keep one of them."
            )
        seen[row[:2]] = number
        found.append(row)
    return found


def _month(text: str, number: int) -> BillingPeriod:
    try:
        return BillingPeriod.parse(text)
    except InvalidRequestError as error:
        raise InvalidRequestError(f"Line {number}, column month: '{text}' is no month. Write 2025-11.") from error


def _value(text: str, number: int) -> Decimal:
    try:
        value = Decimal(text)
    except InvalidOperation as error:
        raise InvalidRequestError(f"Line {number}, column value: '{text}' is no number. Write 12 or 12.5.") from error
    if not value.is_finite() or value < 0 or value >= MAX_VALUE or value != round(value, 6):
        raise InvalidRequestError(
            f"Line {number}, column value: {text} cannot be used. Write a number from 0 with at most 6 decimals."
        )
    return value
