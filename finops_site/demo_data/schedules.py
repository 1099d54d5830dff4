"""Months as arrays of hours, and which of them an instance runs."""

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import numpy.typing as npt

from costs.periods import BillingPeriod

BoolArray = npt.NDArray[np.bool_]
IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]

JUMP_DAY = 9  # of the latest full month


@dataclass(frozen=True)
class Month:
    """A billing period with data for its first `hours` hours; hour 0 starts on the first, 00:00 UTC."""

    period: BillingPeriod
    hours: int
    jump_on: date

    @property
    def is_complete(self) -> bool:
        return self.hours == self.hours_in_all

    @property
    def hours_in_all(self) -> int:
        return self.period.day_count * 24

    @property
    def clock(self) -> IntArray:
        """0, 1, … for every hour with data."""
        return np.arange(self.hours, dtype=np.int64)

    @property
    def hour_of_day(self) -> IntArray:
        return self.clock % 24

    @property
    def is_workday(self) -> BoolArray:
        """Monday to Friday."""
        weekday: IntArray = (self.period.start.weekday() + self.clock // 24) % 7
        return weekday < 5

    def hours_until(self, day: date) -> int:
        """Hours from the start of the month to that day's midnight, cut to the month."""
        return min(max((day - self.period.start).days * 24, 0), self.hours_in_all)


def months_to(today: date) -> tuple[Month, ...]:
    """Three months that end with yesterday, oldest first; the story's jump is in the latest full one."""
    yesterday = today - timedelta(days=1)
    periods = BillingPeriod.of(yesterday).back(3)
    latest_full = [period for period in periods if period.end <= today][-1]
    jump_on = latest_full.start + timedelta(days=JUMP_DAY - 1)
    return tuple(Month(period, min((today - period.start).days, period.day_count) * 24, jump_on) for period in periods)


def hours_run(ran: str, index: int, count: int, month: Month) -> BoolArray:
    """The hours that the instance number `index` of `count` runs."""
    hour, never = month.hour_of_day, np.zeros(month.hours, dtype=np.bool_)
    match ran:
        case "always":
            runs = ~never
        case "stopped":
            runs = never
        case "office":
            runs = month.is_workday & (hour >= 7) & (hour < 19)
        case "daytime":  # the first of them stays on
            runs = (hour >= 6) & (hour < 22) | (index == 0)
        case "nightly":
            runs = (hour < 7) | (hour >= 22)
        case "jump":
            runs = month.clock >= month.hours_until(month.jump_on)
        case "follows-demand":
            runs = (index + 0.5) / count < demand(month)
        case _:
            raise ValueError(f"no schedule is called {ran}")
    return runs


def demand(month: Month) -> FloatArray:
    """The shop's traffic as a share of its peak: low at night, high in the evening, more at weekends."""
    wave = 0.72 + 0.28 * np.sin((month.hour_of_day - 11) / 24 * 2 * np.pi)
    return np.minimum(wave * np.where(month.is_workday, 0.93, 1.0), 1.0)
