"""Who wants to know that rules or the tag policy changed. The site installs what this app cannot reach itself."""

from collections.abc import Callable

from django.db import transaction

_callbacks: list[Callable[[], object]] = []


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
