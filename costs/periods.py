"""Billing periods and half-open date ranges. UTC; a month is named by its first day."""

import calendar
import re
from argparse import ArgumentTypeError
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from costs.errors import InvalidRequestError

# Far from the ends of the calendar, so that the months before and after always exist.
FIRST_YEAR, LAST_YEAR = 1900, 2999
_PERIOD = re.compile(r"^(\d{4})-(\d{2})$")


def day_argument(text: str) -> date:
    """A day given to a command. Raises ArgumentTypeError, which the command prints as its error."""
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise ArgumentTypeError(f"'{text}' is not a day. Write it as YYYY-MM-DD, like 2025-11-05.") from error


@dataclass(frozen=True, order=True)
class DateRange:
    """Days from `start` inclusive to `end` exclusive."""

    start: date
    end: date

    def __contains__(self, day: date) -> bool:
        return self.start <= day < self.end

    def days(self) -> Iterator[date]:
        """Every day of the range, in order."""
        for offset in range((self.end - self.start).days):
            yield self.start + timedelta(days=offset)

    @property
    def last(self) -> date:
        """The last day that belongs to it."""
        return self.end - timedelta(days=1)

    @property
    def label(self) -> str:
        """Its days for people: `October 2026`, `October 2026, 1–22`, `August 2026 to September 2026`, or two days.

        The range is not empty. Whole months are named as months.
        """
        first, last = BillingPeriod.of(self.start), BillingPeriod.of(self.last)
        if self.start != first.start or (self.end != last.end and first != last):
            return f"{_day(self.start)} to {_day(self.last)}"
        if first == last:
            return first.label if self.end == last.end else f"{first.label}, 1–{self.last.day}"
        return f"{first.label} to {last.label}"


def _day(day: date) -> str:
    return f"{day.day} {calendar.month_name[day.month]} {day.year}"


@dataclass(frozen=True, order=True)
class BillingPeriod:
    """One invoiced month. `str()` gives `2025-11`."""

    start: date

    def __post_init__(self) -> None:
        if self.start.day != 1:
            raise InvalidRequestError(f"{self.start} is not the first day of a month.")

    @classmethod
    def parse(cls, text: str) -> "BillingPeriod":
        """Read `YYYY-MM`; anything else raises InvalidRequestError naming the form."""
        match = _PERIOD.match(text.strip())
        if match is None or not 1 <= int(match[2]) <= 12:
            raise InvalidRequestError(f"'{text}' is not a month. Write it as YYYY-MM, like 2025-11.")
        if not FIRST_YEAR <= int(match[1]) <= LAST_YEAR:
            raise InvalidRequestError(
                f"'{text}' is no month of a cloud bill. Ask for a year from {FIRST_YEAR} to {LAST_YEAR}."
            )
        return cls(date(int(match[1]), int(match[2]), 1))

    @classmethod
    def of(cls, day: date) -> "BillingPeriod":
        """The month that holds `day`."""
        return cls(day.replace(day=1))

    @property
    def day_count(self) -> int:
        return calendar.monthrange(self.start.year, self.start.month)[1]

    @property
    def end(self) -> date:
        """First day of the next month (exclusive end)."""
        return self.start + timedelta(days=self.day_count)

    @property
    def range(self) -> DateRange:
        return DateRange(self.start, self.end)

    @property
    def label(self) -> str:
        """`November 2025`, for people."""
        return f"{calendar.month_name[self.start.month]} {self.start.year}"

    def previous(self) -> "BillingPeriod":
        return BillingPeriod.of(self.start - timedelta(days=1))

    def next(self) -> "BillingPeriod":
        return BillingPeriod(self.end)

    def back(self, months: int) -> tuple["BillingPeriod", ...]:
        """This period and the `months - 1` before it, oldest first."""
        periods = [self]
        while len(periods) < months:
            periods.append(periods[-1].previous())
        return tuple(reversed(periods))

    def __str__(self) -> str:
        return f"{self.start:%Y-%m}"
