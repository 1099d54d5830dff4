"""A budget's periods: calendar months, quarters and years, half open."""

from dataclasses import dataclass
from datetime import date

from budgets.terms import Cadence
from costs.periods import BillingPeriod, DateRange


@dataclass(frozen=True, order=True)
class BudgetPeriod:
    """One period of a budget. `str()` gives `2026-11`, `2026-Q4` or `2026`."""

    start: date
    cadence: Cadence

    @classmethod
    def of(cls, day: date, cadence: Cadence) -> "BudgetPeriod":
        """The period that holds the day; quarters start in January, April, July and October."""
        return cls(date(day.year, (day.month - 1) // cadence.months * cadence.months + 1, 1), cadence)

    @property
    def months(self) -> tuple[BillingPeriod, ...]:
        """The months of the period, oldest first."""
        found = [BillingPeriod(self.start)]
        while len(found) < self.cadence.months:
            found.append(found[-1].next())
        return tuple(found)

    @property
    def range(self) -> DateRange:
        return DateRange(self.start, self.months[-1].end)

    @property
    def day_count(self) -> int:
        return (self.range.end - self.start).days

    @property
    def label(self) -> str:
        """`November 2026`, `Q4 2026`, `2026`: for people."""
        if self.cadence is Cadence.MONTHLY:
            return BillingPeriod(self.start).label
        return f"Q{self._quarter} {self.start.year}" if self.cadence is Cadence.QUARTERLY else str(self.start.year)

    def previous(self) -> "BudgetPeriod":
        return BudgetPeriod.of(BillingPeriod(self.start).previous().start, self.cadence)

    def back(self, count: int) -> tuple["BudgetPeriod", ...]:
        """This period and the `count - 1` before it, oldest first."""
        periods = [self]
        while len(periods) < count:
            periods.append(periods[-1].previous())
        return tuple(reversed(periods))

    @property
    def _quarter(self) -> int:
        return (self.start.month + 2) // 3

    def __str__(self) -> str:
        if self.cadence is Cadence.MONTHLY:
            return f"{self.start:%Y-%m}"
        return f"{self.start.year}-Q{self._quarter}" if self.cadence is Cadence.QUARTERLY else str(self.start.year)
