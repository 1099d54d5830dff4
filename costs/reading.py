"""What is read once within a page or an API answer, so that all its parts speak of the same imports.

Outside of `one_reading` nothing is kept: commands, tasks and whatever writes always read afresh.
"""

from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from threading import Lock
from typing import Any, TypeVar, cast

T = TypeVar("T")
MOST_OF_BILLS = 24  # answers held in a process: some months on some bases, each some megabytes
MOST_OF_TEAMS = 48  # what teams' pages hold is smaller, and must not push out what is dear to add up
_of_bills: OrderedDict[Hashable, Any] = OrderedDict()
_of_teams: OrderedDict[Hashable, Any] = OrderedDict()
_lock = Lock()
_kept: ContextVar[dict[Hashable, Any] | None] = ContextVar("kept", default=None)


@contextmanager
def one_reading() -> Iterator[None]:
    """Keep what `read_once` reads until the block ends. For answers that write nothing."""
    token = _kept.set({})
    try:
        yield
    finally:
        _kept.reset(token)


@contextmanager
def same_reading() -> Iterator[None]:
    """The reading that is open; one of its own where none is, as for files that are written after the request."""
    if _kept.get() is not None:
        yield
        return
    with one_reading():
        yield


def read_once(key: Hashable, read: Callable[[], T]) -> T:
    """The value kept under the key, or what `read` gives. The key names the question with all its arguments."""
    kept = _kept.get()
    if kept is None:
        return read()
    if key not in kept:
        kept[key] = read()
    return cast("T", kept[key])


def keep(key: Hashable, value: object) -> None:
    """Keep what another question has answered as well, for whoever asks `read_once` for it later in the answer."""
    if (kept := _kept.get()) is not None:
        kept[key] = value


def kept(key: Hashable) -> Any:
    """What is kept under the key; None where nothing is."""
    return (_kept.get() or {}).get(key)


def read_by_version(question: Hashable, read: Callable[[], T]) -> T:
    """The same for the life of the process: the question names all versions that its answer depends on.

    For what is added up from many rows and only changes with a bill. The answers used last are held.
    """
    with _lock:
        if question in _of_bills:
            _of_bills.move_to_end(question)
            return cast("T", _of_bills[question])
    found = read()
    _hold(_of_bills, question, found, MOST_OF_BILLS)
    return found


def held_for_team(question: Hashable) -> Any:
    """What `hold_for_team` held under a question that names scope and versions; None where nothing is."""
    with _lock:
        if question in _of_teams:
            _of_teams.move_to_end(question)
        return _of_teams.get(question)


def hold_for_team(question: Hashable, answer: object) -> None:
    """Hold a team's answer for the life of the process; the ones used last stay."""
    _hold(_of_teams, question, answer, MOST_OF_TEAMS)


def _hold(shelf: OrderedDict[Hashable, Any], question: Hashable, answer: object, most: int) -> None:
    with _lock:
        shelf[question] = answer
        shelf.move_to_end(question)
        while len(shelf) > most:
            shelf.popitem(last=False)


def forget_versions() -> None:
    """Drop all of it: for tests, where another database has the same versions."""
    with _lock:
        _of_bills.clear()
        _of_teams.clear()
