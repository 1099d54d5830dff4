"""The charge store's file system: a folder of this machine, or a prefix of an S3-compatible object store.

Address from CHARGE_STORE; endpoint and credentials from the environment only, as for sources in S3.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import IO, Any
from urllib.parse import unquote, urlsplit

from django.conf import settings
from pyarrow import fs as arrow

from costs.errors import InvalidRequestError, UnreadableStoreError

_BLOCK = 1024 * 1024
_COPIED_AT_ONCE = 5 * 1024**3  # the most S3 copies by itself
_CREDENTIALS = "Give the machine a role, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in its environment."
_RIGHTS = "Allow s3:ListBucket on the bucket and s3:GetObject, s3:PutObject, s3:DeleteObject on its files."
# What the answer of an object store holds → what is wrong, and the cure. The first that fits counts.
_FAULTS = (
    (("NO_SUCH_BUCKET", "NoSuchBucket"), "There is no bucket {bucket}.", "Make it, or correct {setting}."),
    (("INVALID_ACCESS_KEY_ID", "InvalidAccessKeyId"), "The store does not know the access key.", _CREDENTIALS),
    (("SIGNATURE_DOES_NOT_MATCH", "SignatureDoesNotMatch"), "The store refuses the secret key.", _CREDENTIALS),
    (("ExpiredToken",), "The credentials for the store have expired.", _CREDENTIALS),
    (("ACCESS_DENIED", "AccessDenied", "HTTP status 403"), "The store refuses access to {bucket}.", _RIGHTS),
    (
        ("NETWORK_CONNECTION", "curlCode", "Couldn't connect", "Could not resolve", "Couldn't resolve"),
        "{where} cannot be reached.",
        "Check the network and S3_ENDPOINT_URL.",
    ),
    (("PermanentRedirect", "HTTP status 301"), "Bucket {bucket} is in another region.", "Set AWS_DEFAULT_REGION."),
)


class StoreError(UnreadableStoreError):
    """The charge store, or a place for backups, that cannot be used: what is wrong, and the cure, in one line.

    `is_passing` where a later try may find it mended: it is out of reach, or answers with an error of its own.
    """

    def __init__(self, text: str, *, is_passing: bool = False) -> None:
        super().__init__(text)
        self.is_passing = is_passing


@dataclass(frozen=True)
class Stored:
    """A file of the store; `name` is its path below where it was listed."""

    name: str
    size: int


@dataclass(frozen=True)
class Store:
    """A file system and a root in it. Paths are relative, with slashes. Every method may raise StoreError."""

    address: str
    root: str
    filesystem: Any
    is_remote: bool
    setting: str = "CHARGE_STORE"

    def full(self, path: str) -> str:
        """The path as the file system takes it."""
        return f"{self.root}/{path}" if path else self.root

    def read(self, path: str) -> bytes | None:
        """The content of a small file; None where it is not there."""
        with self.explained():
            try:
                with self.filesystem.open_input_stream(self.full(path)) as file:
                    return bytes(file.read())
            except FileNotFoundError:
                return None

    def has(self, path: str) -> bool:
        """Whether there is such a file."""
        with self.explained():
            return bool(self.filesystem.get_file_info(self.full(path)).type == arrow.FileType.File)

    def write(self, path: str, content: bytes) -> None:
        """Put a small file there whole: a reader sees the old or the new content."""
        with self.explained():
            if not self.is_remote:
                self._write_here(Path(self.full(path)), content)
                return
            with self.filesystem.open_output_stream(self.full(path)) as out:
                out.write(content)

    def _write_here(self, target: Path, content: bytes) -> None:
        target.parent.mkdir(parents=True, exist_ok=True)
        fresh = target.with_name(f".{target.name}.{os.getpid()}")
        fresh.write_bytes(content)
        fresh.replace(target)

    def open(self, path: str) -> IO[bytes]:
        """A seekable file for reading. Raises FileNotFoundError."""
        with self.explained():
            opened: IO[bytes] = self.filesystem.open_input_file(self.full(path))
            return opened

    def create(self, path: str) -> IO[bytes]:
        """A stream for writing; what is there is replaced when it is closed (object stores) or at once (folders)."""
        with self.explained():
            if not self.is_remote:
                Path(self.full(path)).parent.mkdir(parents=True, exist_ok=True)
            opened: IO[bytes] = self.filesystem.open_output_stream(self.full(path), buffer_size=_BLOCK)
            return opened

    def upload(self, source: Path, path: str) -> None:
        """Copy a file of this machine into the store."""
        with self.explained(), source.open("rb") as file, self.create(path) as out:
            while block := file.read(_BLOCK):
                out.write(block)

    def download(self, path: str, target: Path) -> None:
        """Copy a file of the store to this machine. Raises FileNotFoundError."""
        with self.explained(), self.filesystem.open_input_stream(self.full(path)) as file, target.open("wb") as out:
            while block := file.read(_BLOCK):
                out.write(block)

    def files(self, path: str = "", *, deep: bool = False) -> list[Stored]:
        """The files below a path in order of their names; none where there is no such folder."""
        with self.explained():
            selector = arrow.FileSelector(self.full(path), allow_not_found=True, recursive=deep)
            start = len(self.full(path)) + 1
            found = self.filesystem.get_file_info(selector)
            kept = [Stored(info.path[start:], info.size) for info in found if info.type == arrow.FileType.File]
        return sorted(kept, key=lambda file: file.name)

    def folders(self, path: str = "") -> list[str]:
        """Names of the folders directly below a path."""
        with self.explained():
            selector = arrow.FileSelector(self.full(path), allow_not_found=True)
            found = self.filesystem.get_file_info(selector)
        return sorted(info.base_name for info in found if info.type == arrow.FileType.Directory)

    def delete(self, path: str) -> None:
        """Delete a file, if it is there."""
        with self.explained():
            try:
                self.filesystem.delete_file(self.full(path))
            except FileNotFoundError:
                return

    def rename(self, path: str, target: str) -> None:
        """Give a file another name; one that has it is replaced. An object store copies it."""
        with self.explained():
            if not self.is_remote:
                Path(self.full(path)).replace(self.full(target))
                return
            if self.filesystem.get_file_info(self.full(path)).size <= _COPIED_AT_ONCE:
                self.filesystem.copy_file(self.full(path), self.full(target))
            else:
                with self.filesystem.open_input_stream(self.full(path)) as file, self.create(target) as out:
                    while block := file.read(_BLOCK):
                        out.write(block)
            self.filesystem.delete_file(self.full(path))

    def delete_folder(self, path: str) -> None:
        """Delete a folder and all in it, if it is there."""
        with self.explained():
            try:
                self.filesystem.delete_dir(self.full(path))
            except FileNotFoundError:
                return

    def check(self) -> None:
        """Whether the store can be listed. Raises StoreError naming what is wrong."""
        with self.explained():
            if not self.is_remote or self.filesystem.get_file_info(arrow.FileSelector(self.root, allow_not_found=True)):
                return
            bucket = self.root.split("/", 1)[0]
            if self.filesystem.get_file_info(bucket).type == arrow.FileType.NotFound:
                raise self._error("NoSuchBucket")

    @contextmanager
    def explained(self) -> Iterator[None]:
        """Inside, faults of an object store become StoreError; a folder's faults stay what they are."""
        try:
            yield
        except FileNotFoundError as error:
            if not self.is_remote or "bucket" not in str(error).casefold():
                raise
            raise self._error("NoSuchBucket") from error
        except OSError as error:
            if not self.is_remote:
                raise
            raise self._error(str(error)) from error

    def fault_in(self, text: str) -> StoreError | None:
        """The fault of an object store that a text from elsewhere (DuckDB) tells of; None where it tells of none."""
        known = any(sign in text for signs, _, _ in _FAULTS for sign in signs)
        return self._error(text) if self.is_remote and known else None

    def _error(self, text: str) -> StoreError:
        bucket = self.root.split("/", 1)[0]
        where = settings.S3_ENDPOINT_URL or "S3"
        for signs, problem, cure in _FAULTS:
            if any(sign in text for sign in signs):
                told = f"{self.setting}={self.address}: {problem} {cure}"
                is_passing = problem.endswith("reached.")
                return StoreError(told.format(bucket=bucket, where=where, setting=self.setting), is_passing=is_passing)
        told = f"{self.setting}={self.address}: the store answers: {text.splitlines()[0].rstrip('.')}."
        return StoreError(told, is_passing=True)


def charge_store() -> Store:
    """The store of CHARGE_STORE. Raises StoreError for an address of no known kind."""
    return open_store(str(settings.CHARGE_STORE))


def open_store(address: str, *, setting: str = "CHARGE_STORE") -> Store:
    """The store at a path, a `file://` address or an `s3://bucket/prefix`; nothing is asked of it yet."""
    scheme = urlsplit(address).scheme if "://" in address else ""
    if scheme == "s3":
        root = address.removeprefix("s3://").strip("/")
        if not root:
            raise StoreError(f"{setting}={address} names no bucket. Set it to s3://bucket/prefix.")
        return Store(
            address, root, _s3(os.getpid(), settings.S3_ENDPOINT_URL, _region()), is_remote=True, setting=setting
        )
    if scheme not in {"", "file"}:
        raise StoreError(f"{setting}={address} is of no known kind. Set it to a folder or to s3://bucket/prefix.")
    return Store(address, str(local_path(address)), arrow.LocalFileSystem(), is_remote=False, setting=setting)


def is_remote(address: str) -> bool:
    """Whether the address is an object store's."""
    return address.startswith("s3://")


def local_path(address: str) -> Path:
    """The folder or file an address without, or with, `file://` names."""
    return Path(unquote(urlsplit(address).path)) if address.startswith("file://") else Path(address)


def store_root() -> Path:
    """The charge store's own folder. Raises InvalidRequestError where it is an object store."""
    if is_remote(str(settings.CHARGE_STORE)):
        raise InvalidRequestError(f"CHARGE_STORE={settings.CHARGE_STORE} is no folder of this machine.")
    return Path(charge_store().root)


def _region() -> str:
    return os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or "us-east-1"


@lru_cache(maxsize=8)
def _s3(pid: int, endpoint: str, region: str) -> Any:
    """One client for each process: a forked one cannot use its parent's. Endpoints mean stores that speak S3."""
    del pid
    options: dict[str, Any] = {"region": region, "connect_timeout": 10, "request_timeout": 60}
    if endpoint:
        options["endpoint_override"] = endpoint
    return arrow.S3FileSystem(retry_strategy=arrow.AwsStandardS3RetryStrategy(max_attempts=3), **options)
