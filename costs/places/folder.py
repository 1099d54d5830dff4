"""A folder of this machine, or one that is mounted here."""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from costs.deliveries import MANIFEST_LIMIT, StoredFile
from costs.places.base import MOST_FILES, Heartbeat, PlaceError, too_many


@dataclass(frozen=True)
class FolderPlace:
    """Files are read where they lie; links that lead out of the folder are left out."""

    address: str
    keeps_files_here: bool = field(default=True, init=False)

    @property
    def root(self) -> Path:
        return Path(self.address)

    def files(self) -> Iterator[StoredFile]:
        """Every file below the folder."""
        if not self.root.is_dir():
            raise PlaceError(f"There is no folder {self.address}.", "Create it, or correct the path.")
        top, count = self.root.resolve(), 0
        for folder, _, names in os.walk(self.root, onerror=_refuse):
            for name in names:
                path = Path(folder) / name
                if not path.is_file() or not path.resolve().is_relative_to(top):
                    continue
                count += 1
                if count > MOST_FILES:
                    raise too_many(self.address)
                yield self._stored(path)

    def read(self, key: str) -> bytes:
        """The content of a small file."""
        try:
            with (self.root / key).open("rb") as file:
                return file.read(MANIFEST_LIMIT)
        except OSError as error:
            raise _unreadable(error) from error

    def fetch(self, file: StoredFile, target: Path, *, beat: Heartbeat) -> Path:
        """The file itself; nothing is copied."""
        del target
        beat()
        path = self.root / file.key
        if not path.is_file() or self._stored(path) != file:
            raise PlaceError(f"{file.name} changed while it was looked at.", "The next look reads it as it is then.")
        if not os.access(path, os.R_OK):
            raise _unreadable(PermissionError(13, "Permission denied", str(path)))
        return path

    def _stored(self, path: Path) -> StoredFile:
        found = path.stat()
        changed_at = datetime.fromtimestamp(found.st_mtime, tz=UTC)
        key = path.relative_to(self.root).as_posix()
        return StoredFile(key, found.st_size, f"{found.st_mtime_ns:x}-{found.st_size:x}", changed_at)


def _refuse(error: OSError) -> None:
    raise _unreadable(error) from error


def _unreadable(error: OSError) -> PlaceError:
    return PlaceError(
        f"{error.filename}: {error.strerror or error}.", "Let the account that runs this product read the folder."
    )
