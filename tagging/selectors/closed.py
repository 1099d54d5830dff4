"""Up to which month chargeback is closed: what is closed never moves."""

from costs import selectors as intake
from costs.periods import BillingPeriod
from costs.reading import read_once
from costs.scope import Scope
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


def closed_after(period: BillingPeriod) -> tuple[BillingPeriod, ...]:
    """Later months that are closed in any currency, in order: while they are, rules of `period` stay as they are."""
    return tuple(sorted({month for month, _ in closed_months() if month > period}))


def refusal_text(wanted: BillingPeriod) -> str:
    """Why no change of rules, pools and policies can hold from that month, and the cure; '' where one can.

    A month that was reopened takes none either while a later one is closed: it would reach that one, too.
    """
    last = last_closed_period()
    if last is None or wanted > last:
        return ""
    standing = sorted({last, *(month for month, _ in closed_months() if month >= wanted)})
    labels, one = [month.label for month in standing], len(standing) == 1
    listed = labels[0] if one else f"{', '.join(labels[:-1])} and {labels[-1]}"
    cure = f"reopen {listed}" if one else f"reopen them from the newest backwards, {last.label} first"
    return (
        f"{listed} {'is' if one else 'are'} closed. A change holds from {last.next().label} on: start there,"
        f" or {cure}, to change anything from {wanted.label} on."
    )


def frozen_text(scope: Scope) -> str:
    """From which month changes of rules, pools and policies hold, and why; '' where nothing is closed. For staff.

    They are the same for all currencies. So a month that is closed in one keeps its rules in the others, too.
    """
    scope.require_everything()
    closed, last = closed_months(), last_closed_period()
    if last is None:
        return ""
    names = sorted(currency for period, currency in closed if period == last)
    text = f"{last.label} is closed in {', '.join(names)}: changes hold from {last.next().label}."
    costs = {(item.period, item.currency) for item in intake.active_imports(scope) if item.period <= last}
    firsts = {name: min(period for period, known in closed if known == name) for _, name in closed}
    held = sorted(month for month in costs - closed if month[0] >= firsts.get(month[1], min(firsts.values())))
    if not held:
        return text
    listed = ", ".join(f"{period} in {currency}" for period, currency in held)
    return (
        f"{text} Rules are the same for all currencies, so what is still open up to then keeps them as well: {listed}."
        f" To change them there, reopen {last} in {' and '.join(names)}."
    )


def _closed_months() -> frozenset[Month]:
    rows = Close.objects.exclude(state=CloseState.REOPENED.value).order_by().values_list("period", "currency")
    return frozenset((BillingPeriod(start), currency) for start, currency in rows)
