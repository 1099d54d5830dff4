"""What every place offers, and the error of one that cannot be looked at."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from costs.deliveries import StoredFile
from costs.errors import FinopsError

# A place with more files than this is not one export's; listing it would take memory without end.
MOST_FILES = 200_000
Heartbeat = Callable[[], None]


@dataclass
class PlaceError(FinopsError):
    """A place that cannot be looked at, or a file of it that cannot be had: what is wrong, and the cure."""

    problem: str
    cure: str
    code: str = field(default="place", kw_only=True)

    def __str__(self) -> str:
        return f"{self.problem} {self.cure}".strip()


class Place(Protocol):
    """Somewhere bills are delivered to. Every method may raise PlaceError."""

    @property
    def address(self) -> str:
        """Where it is, as `open_place` takes it."""

    @property
    def keeps_files_here(self) -> bool:
        """Whether its files can be read where they lie."""

    def files(self) -> Iterator[StoredFile]:
        """Every file, in no particular order."""

    def read(self, key: str) -> bytes:
        """The content of a small file."""

    def fetch(self, file: StoredFile, target: Path, *, beat: Heartbeat) -> Path:
        """Where the file lies on this machine, brought to `target` if it was not here. Raises PlaceError where it is
        no longer what was listed."""


def too_many(address: str) -> PlaceError:
    """The error of a place with more than MOST_FILES files."""
    return PlaceError(f"{address} holds more than {MOST_FILES:,} files.", "Name the folder of one export.")
