"""Up to which month chargeback is closed: what is closed never moves."""

from costs.periods import BillingPeriod


def last_closed_period() -> BillingPeriod | None:
    """The newest month up to which months are closed, or None. No month can be closed yet."""
    return None


def first_open_period() -> BillingPeriod | None:
    """The first month that changes may reach, or None where they may reach all."""
    closed = last_closed_period()
    return None if closed is None else closed.next()


def is_open(period: BillingPeriod) -> bool:
    """Whether owners and shares of the month may still change."""
    closed = last_closed_period()
    return closed is None or closed < period
