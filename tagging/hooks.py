"""Who wants to know that rules or the tag policy changed. The site installs what this app cannot reach itself."""

from collections.abc import Callable, Collection

from django.db import transaction

from costs.periods import BillingPeriod

_callbacks: list[Callable[[], object]] = []
_closers: list[Callable[[], Collection[BillingPeriod]]] = []


def when_rules_change(callback: Callable[[], object]) -> None:
    """Have the callback run after each transaction that changed rules or policy is committed.

    A callback that fails is logged and breaks nothing: what it does must also come about by itself in time.
    """
    if callback not in _callbacks:
        _callbacks.append(callback)


def tell_that_rules_changed() -> None:
    """Run the callbacks once the change is committed; nothing happens if it is undone."""
    for callback in _callbacks:
        transaction.on_commit(callback, robust=True)


def months_are_closed_by(callback: Callable[[], Collection[BillingPeriod]]) -> None:
    """Have the callback say which months are closed: no virtual tag begins or ends in one, none is rolled up again."""
    if callback not in _closers:
        _closers.append(callback)


def closed_months() -> frozenset[BillingPeriod]:
    """Every month somebody says is closed."""
    return frozenset(period for callback in _closers for period in callback())
