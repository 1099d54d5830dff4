"""The archive: a tar whose first member tells what it is and whose last one tells the checksum of every other."""

import hashlib
import io
import json
import os
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from costs.charge_store import Store, open_store
from finops_site.backup.errors import BackupError

FIRST, LAST = "backup.json", "end.json"
FORMAT = 1
_BLOCK = 1024 * 1024


class ArchiveWriter:
    """Puts members into a tar and keeps their checksums."""

    def __init__(self, tar: tarfile.TarFile) -> None:
        self._tar = tar
        self.checksums: dict[str, str] = {}
        self.size = 0

    def add_bytes(self, name: str, content: bytes) -> None:
        """A small member."""
        self.add(name, io.BytesIO(content), len(content))

    def add_json(self, name: str, value: Any) -> None:
        """A member that is JSON."""
        self.add_bytes(name, json.dumps(value, indent=1, ensure_ascii=False).encode())

    def add_file(self, name: str, path: Path) -> None:
        """A file of this machine."""
        with path.open("rb") as file:
            self.add(name, file, path.stat().st_size)

    def add(self, name: str, file: IO[bytes], size: int) -> None:
        """What can be read, of a size that is known."""
        member = tarfile.TarInfo(name)
        member.size, member.mode = size, 0o600
        counted = _Hashed(file)
        self._tar.addfile(member, counted)
        self.checksums[name] = counted.digest.hexdigest()
        self.size += size


class _Hashed:
    def __init__(self, file: IO[bytes]) -> None:
        self._file, self.digest = file, hashlib.sha256()

    def read(self, count: int = -1) -> bytes:
        block = bytes(self._file.read(count))
        self.digest.update(block)
        return block


def place_of(address: str) -> tuple[Store, str]:
    """The folder or bucket an archive lies in, and its name there."""
    parent, _, name = address.rstrip("/").rpartition("/")
    if not name or (address.startswith("s3://") and parent in {"s3:/", "s3:"}):
        raise BackupError(f"{address} names no file. Give a path, or s3://bucket/name.tar.")
    return open_store(parent or ("/" if address.startswith("/") else "."), setting="The backup's place"), name


def require_file(address: str) -> None:
    """Refuse an address that cannot become an archive, before any work is done."""
    store, name = place_of(address)
    if not store.is_remote and (address.endswith("/") or Path(store.full(name)).is_dir()):
        raise BackupError(f"{address} is a folder. Name the file too, like {address.rstrip('/')}/finops.tar.")
    if store.is_remote:
        store.has(name)  # a bucket that is not there, or not ours, is told now


@contextmanager
def writing(address: str) -> Iterator[ArchiveWriter]:
    """Write an archive; it appears under its name only when it is whole. An older one of that name stays until then.

    What breaks off is removed; in a bucket that is the file itself, unless it was to replace one.
    """
    store, name = place_of(address)
    unfinished = f".{name}.unfinished" if not store.is_remote or store.has(name) else name
    whole = False
    try:
        with store.explained(), _private(store, unfinished) as out, tarfile.open(fileobj=out, mode="w|") as tar:
            writer = ArchiveWriter(tar)
            yield writer
            writer.add_json(LAST, writer.checksums)
        whole = True
    finally:
        if not whole:
            store.delete(unfinished)
    if unfinished != name:
        store.rename(unfinished, name)


def _private(store: Store, name: str) -> IO[bytes]:
    """A file for its owner only, from its first byte on: it holds the secret key and all costs."""
    if not store.is_remote:
        path = Path(store.full(name))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    return store.create(name)


class ArchiveReader:
    """Members of a whole archive by their names."""

    def __init__(self, tar: tarfile.TarFile, address: str) -> None:
        self._tar, self._address = tar, address
        self.names = [member.name for member in self._members()]
        if FIRST not in self.names:
            raise BackupError(f"{address} is no backup of this product: it holds no {FIRST}.")
        if self.names[-1] != LAST:
            raise BackupError(f"{address} is no whole backup: it ends early. Copy it again, or take another one.")
        if strange := [name for name in self.names if name.startswith("/") or ".." in name.split("/")]:
            raise BackupError(f"{address} is no backup of this product: {strange[0]} leads out of its place.")
        self.about = self._told()

    def _told(self) -> dict[str, Any]:
        """What the archive says of itself, as far as restoring relies on it."""
        try:
            about: dict[str, Any] = json.loads(self.read(FIRST))
            written = int(about["format"])
            [(str(app), str(name)) for app, name in about["migrations"]]
            whole = all(isinstance(rows, int) for rows in about["tables"].values())
            whole &= {"made_at", "charges", "uploads", "upload_dir"} <= about.keys()
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise BackupError(f"{self._address} is no backup of this product: its {FIRST} tells nothing.") from error
        if written > FORMAT:
            raise BackupError(
                f"The backup is of a newer version (format {written}). Install that version, then restore."
            )
        if not whole:
            raise BackupError(f"{self._address} is no backup of this product: its {FIRST} does not tell all.")
        return about

    def _members(self) -> list[tarfile.TarInfo]:
        try:
            return self._tar.getmembers()
        except (tarfile.TarError, EOFError) as error:
            raise BackupError(f"{self._address} is damaged: {error}. Take another backup.") from error

    def read(self, name: str) -> bytes:
        """The content of a small member."""
        return self.open(name).read()

    def open(self, name: str) -> IO[bytes]:
        """A member for reading."""
        opened = self._tar.extractfile(name)
        if opened is None:
            raise BackupError(f"{name} of the backup is no file.")
        return opened

    def size(self, name: str) -> int:
        """Its bytes."""
        return self._tar.getmember(name).size

    def below(self, folder: str) -> list[str]:
        """Names of the members of a folder."""
        return [name for name in self.names if name.startswith(f"{folder}/")]

    def check(self) -> None:
        """Read everything once. Raises BackupError naming the first member that is not what was written."""
        try:
            told = dict(json.loads(self.read(LAST)))
        except (ValueError, TypeError) as error:
            raise BackupError(f"{LAST} of the backup is damaged. Nothing was changed. Take another backup.") from error
        for name in self.names[:-1]:
            digest = hashlib.sha256()
            with self.open(name) as member:
                while block := member.read(_BLOCK):
                    digest.update(block)
            if told.get(name) != digest.hexdigest():
                raise BackupError(f"{name} of the backup is damaged. Nothing was changed. Take another backup.")


@contextmanager
def reading(address: str) -> Iterator[ArchiveReader]:
    """Read an archive of this machine or of an object store. Raises BackupError where there is none."""
    store, name = place_of(address)
    try:
        with store.explained():
            file = store.open(name)
    except FileNotFoundError as error:
        raise BackupError(f"There is no file {address}.") from error
    with file:
        try:
            tar = tarfile.open(fileobj=file, mode="r:")  # noqa: SIM115 - closed below
        except tarfile.TarError as error:
            raise BackupError(f"{address} is no backup of this product.") from error
        with tar:
            yield ArchiveReader(tar, address)
