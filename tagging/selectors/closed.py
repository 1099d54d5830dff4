"""Up to which month chargeback is closed: what is closed never moves."""

from costs.periods import BillingPeriod
from costs.reading import read_once
from tagging.models import Close
from tagging.terms import CloseState

Month = tuple[BillingPeriod, str]


def closed_months() -> frozenset[Month]:
    """Months and currencies that are closed or final. Their owners are not found anew."""
    return read_once("closed months", _closed_months)


def last_closed_period() -> BillingPeriod | None:
    """The newest month that is closed or final in any currency, or None."""
    return max((period for period, _ in closed_months()), default=None)


def first_open_period() -> BillingPeriod | None:
    """The first month that changes may reach, or None where they may reach all."""
    closed = last_closed_period()
    return None if closed is None else closed.next()


def is_open(period: BillingPeriod) -> bool:
    """Whether owners and shares of the month may still change."""
    closed = last_closed_period()
    return closed is None or closed < period


def _closed_months() -> frozenset[Month]:
    rows = Close.objects.exclude(state=CloseState.REOPENED.value).order_by().values_list("period", "currency")
    return frozenset((BillingPeriod(start), currency) for start, currency in rows)
