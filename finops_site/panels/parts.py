"""What panels share: the month they show, and a frame that keeps one panel's failure its own."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Generic, ParamSpec, TypeVar

from costs.errors import FinopsError
from costs.periods import BillingPeriod
from costs.queries import CostQuery, Granularity
from costs.terms import CostMetric

logger = logging.getLogger(__name__)
UNREADABLE = "This part could not be read. The rest of the page is complete; the log has the details."
HISTORY_MONTHS = 6

T = TypeVar("T")
P = ParamSpec("P")


@dataclass(frozen=True)
class Panel(Generic[T]):
    """Either a value or the text of what went wrong."""

    value: T | None = None
    error: str = ""

    def get(self) -> T:
        """The value, for a panel that builds on this one; it fails with the same text."""
        if self.value is None:
            raise FinopsError(self.error or UNREADABLE)
        return self.value


def panel(build: Callable[P, T]) -> Callable[P, Panel[T]]:
    """The function's value in a Panel; an error is logged and shown in the panel's place, the page lives."""

    @wraps(build)
    def kept_apart(*args: P.args, **kwargs: P.kwargs) -> Panel[T]:
        try:
            return Panel(build(*args, **kwargs))
        except FinopsError as error:
            logger.warning("panel %s: %s", build.__name__, error)
            return Panel(error=str(error))
        except Exception:
            # Whatever it is: one panel's fault must not take the other figures of the page with it.
            logger.exception("panel %s", build.__name__)
            return Panel(error=UNREADABLE)

    return kept_apart


@dataclass(frozen=True)
class MonthChoice:
    """Which month a dashboard shows, and how. `periods` are the reader's months with costs, newest first."""

    period: BillingPeriod
    metric: CostMetric
    currency: str
    granularity: Granularity
    periods: tuple[BillingPeriod, ...]
    currencies: tuple[str, ...]
    is_basis_asked: bool = False  # chosen in the address

    @property
    def first_shown(self) -> BillingPeriod:
        """The first month of a history: six months back, but not before the first with costs."""
        return max(self.period.back(HISTORY_MONTHS)[0], min([*self.periods, self.period]))

    @property
    def params(self) -> dict[str, str]:
        """What links to other pages carry along."""
        pairs = {"period": str(self.period), "basis": self.metric.value}
        return {**pairs, "currency": self.currency} if len(self.currencies) > 1 else pairs

    @property
    def page_params(self) -> dict[str, str]:
        """The same for pages of owners: a closed month opens on the basis it was charged on, unless one was chosen."""
        return {name: value for name, value in self.params.items() if name != "basis" or self.is_basis_asked}

    def query(
        self,
        group_by: str,
        *filters: tuple[str, str],
        first: BillingPeriod | None = None,
        granularity: Granularity = Granularity.MONTH,
    ) -> CostQuery:
        """This month's costs (or those since `first`) by a dimension."""
        return CostQuery(
            first=first or self.period,
            last=self.period,
            group_by=group_by,
            granularity=granularity,
            metric=self.metric,
            currency=self.currency,
            filters=filters,
        )
