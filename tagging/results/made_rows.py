"""Rows that are made when they are asked for: a month has a hundred thousand, and a page shows twenty-five."""

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from typing import Any, TypeVar, overload

Row = TypeVar("Row")
MADE_AT_ONCE = 1_000  # rows of an export


class MadeRows(Sequence[Row]):
    """Rows in order. `entries` stand for them until they are made."""

    entries: tuple[Any, ...]

    @abstractmethod
    def made(self, entries: Sequence[Any]) -> list[Row]:
        """The rows of these entries, in their order."""

    def __len__(self) -> int:
        return len(self.entries)

    @overload
    def __getitem__(self, at: int) -> Row: ...
    @overload
    def __getitem__(self, at: slice) -> list[Row]: ...
    def __getitem__(self, at: int | slice) -> Row | list[Row]:
        return self.made(self.entries[at]) if isinstance(at, slice) else self.made([self.entries[at]])[0]

    def __iter__(self) -> Iterator[Row]:
        for at in range(0, len(self.entries), MADE_AT_ONCE):
            yield from self.made(self.entries[at : at + MADE_AT_ONCE])
