"""How DuckDB reads files of an object store: through pyarrow, since its own extension cannot be downloaded.

DuckDB's threads share one open file and move in it before they read. So each thread has its own place in the file,
and reads name their place: with one place for all, threads read each other's bytes.
"""

import threading
from datetime import UTC, datetime
from typing import Any

import fsspec
from pyarrow import fs as arrow

PROTOCOL = "charges"


class RemoteFile:
    """One open file."""

    def __init__(self, file: Any) -> None:
        self._file, self._here = file, threading.local()
        self.size = file.size()

    def seek(self, offset: int, whence: int = 0) -> int:
        start = {0: 0, 1: self.tell(), 2: self.size}[whence]
        self._here.place = start + offset
        return int(self._here.place)

    def tell(self) -> int:
        return int(getattr(self._here, "place", 0))

    def read(self, count: int = -1) -> bytes:
        place = self.tell()
        wanted = self.size - place if count < 0 else min(count, self.size - place)
        found = bytes(self._file.read_at(wanted, place)) if wanted > 0 else b""
        self._here.place = place + len(found)
        return found

    def seekable(self) -> bool:
        return True

    def close(self) -> None:
        self._file.close()


class RemoteFiles(fsspec.AbstractFileSystem):
    """What DuckDB asks of a file system. Names are `charges://bucket/key` of single files: nothing is matched."""

    protocol = PROTOCOL
    cachable = False

    def __init__(self, filesystem: Any) -> None:
        super().__init__()
        self._files = filesystem
        self._opened = threading.local()  # DuckDB asks for size and time right after it opens a file

    def open(self, path: str, mode: str = "rb", **_: Any) -> RemoteFile:
        """An open file; written are files of the store elsewhere."""
        if "r" not in mode:
            raise PermissionError(f"{path} is written once, and not from here.")
        self._opened.path = ""
        file = RemoteFile(self._files.open_input_file(_key(path)))
        self._opened.info = self._info(path)
        self._opened.path = path
        return file

    def glob(self, path: str, **_: Any) -> list[str]:
        """The file itself: markers tell which files there are."""
        return [path]

    def info(self, path: str, **_: Any) -> dict[str, Any]:
        """Name and size."""
        found = self._info(path)
        return {"name": path, "size": found.size, "type": "file"}

    def modified(self, path: str) -> datetime:
        """When the file was put there."""
        return self._info(path).mtime or datetime(1970, 1, 1, tzinfo=UTC)

    def exists(self, path: str, **_: Any) -> bool:
        """Whether there is such a file."""
        return bool(self._files.get_file_info(_key(path)).type == arrow.FileType.File)

    def _info(self, path: str) -> Any:
        if getattr(self._opened, "path", "") == path:
            return self._opened.info
        found = self._files.get_file_info(_key(path))
        if found.type != arrow.FileType.File:
            raise FileNotFoundError(f"{path} is not there.")
        return found


def _key(path: str) -> str:
    return path.removeprefix(f"{PROTOCOL}://")
