"""Broken and odd files made by code, each with what must become of it: the exact error or the exact totals."""

import gzip
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from tests.costs.bills import write_parquet

Maker = Callable[[Path], list[Path]]


@dataclass(frozen=True)
class Refused:
    """The whole text of the error; nothing of the file counts and the month in force stays."""

    text: str


@dataclass(frozen=True)
class Counted:
    """What comes into force: lines and two bases, and codes of findings that must be among those told."""

    rows: int
    billed: str
    effective: str = ""  # as billed
    currency: str = "USD"
    findings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Case:
    """Files given together, and their outcome."""

    make: Maker
    outcome: Refused | Counted


def one(name: str, content: str | bytes, outcome: Refused | Counted) -> Case:
    """A case of one file with this content."""
    return several({name: content}, outcome)


def several(contents: Mapping[str, str | bytes], outcome: Refused | Counted) -> Case:
    """A case of files given together."""

    def make(folder: Path) -> list[Path]:
        for name, content in contents.items():
            (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
        return [folder / name for name in contents]

    return Case(make, outcome)


def parquet(name: str, columns: Mapping[str, Sequence[object]], outcome: Refused | Counted) -> Case:
    """A case of one Parquet file of these columns."""
    return Case(lambda folder: [write_parquet(folder / name, columns)], outcome)


def zipped(members: Mapping[str, str | bytes], *, how: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A zip archive of these members."""
    out = BytesIO()
    with zipfile.ZipFile(out, "w", how) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return out.getvalue()


def gzipped(*members: str | bytes) -> bytes:
    """A gzip file of these members, one after the other."""
    return b"".join(gzip.compress(member if isinstance(member, bytes) else member.encode()) for member in members)


def flipped(content: bytes, place: int) -> bytes:
    """The content with one byte turned over."""
    changed = bytearray(content)
    changed[place] ^= 0xFF
    return bytes(changed)
