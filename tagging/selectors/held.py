"""What a team's page adds up from rollups, held in the process until a bill or its owners change.

FinOps staff's months are large and held where they are summed up (`judged`, `month_sums`); nothing of theirs is here.
"""

from collections.abc import Callable, Hashable
from typing import Any, TypeVar

from costs.reading import held_for_team, hold_for_team
from tagging.selectors.reach import Reach, version_of

MOST_ROWS_HELD = 5_000  # in one answer: some megabytes
T = TypeVar("T", bound=tuple[Any, ...])


def rows_of_team(found: Reach, question: Hashable, read: Callable[[], T]) -> T:
    """The rows that `read` gives. The question names all that they depend on but for scope, currency and versions."""
    if found.scope.everything or not found.imports:
        return read()
    asked = team_asked(found, question)
    rows: T | None = held_for_team(asked)
    if rows is None:
        rows = read()
        if len(rows) <= MOST_ROWS_HELD:
            hold_for_team(asked, rows)
    return rows


def team_asked(found: Reach, question: Hashable) -> Hashable:
    """A question with whose it is, and the versions of bills and owners that it is asked of."""
    return question, found.scope, found.currency, version_of(found)
