"""Zip archives as AWS delivers them: each table inside becomes a file of its own, without unpacking it.

A zip's members are compressed as gzip does it, so a member becomes a .gz file by copying its bytes.
"""

import errno
import lzma
import re
import shutil
import struct
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from costs.billing_formats.files import GZIP_MAGIC, PARQUET_MAGIC, ZIP_STARTS, absurd_size, magic
from costs.errors import ImportRejectedError

_LOCAL_HEADER = struct.Struct("<4s5H3I2H")
_GZIP_HEADER = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"
_TABLES = (".csv", ".csv.gz", ".parquet", ".txt", ".gz")
# What lies beside bills and is none, by its name.
_NO_TABLES = (
    *(".json", ".sql", ".yml", ".yaml", ".xml", ".html", ".md", ".rtf", ".pdf", ".log", ".py", ".sh", ".crc"),
    *(".xlsx", ".xls", ".docx", ".pptx", ".png", ".jpg", ".svg"),
)
_BEGINNING = 4096
_HEADER = re.compile(rb'(?:\xef\xbb\xbf)?"?[A-Za-z][^\n,]*(?:,[^\n,]+){4}')  # the first of at least five columns
_MEMBER_LIMIT = 10_000
_ENCRYPTED = 0x1
_FREE_SIZE = 1024 * 1024
_DAMAGED = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    EOFError,
    NotImplementedError,
    ValueError,
    OverflowError,
    RuntimeError,
)
_DAMAGED_ERRNOS = (None, errno.EINVAL)  # bzip2's own error has none; a place that cannot be is invalid
_UNSAFE = re.compile(r"[^A-Za-z0-9._ -]+")


def is_archive(path: Path) -> bool:
    """Whether the file is a zip archive, by its first bytes."""
    return magic(path) in ZIP_STARTS


def take_out_tables(path: Path, folder: Path, *, ratio_limit: int, size_limit: int) -> list[Path]:
    """The tables of an archive as files in an existing folder, named like their members; other members are left.

    Raises ImportRejectedError for archives that cannot be read or unpack to absurd sizes.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            members = list(_tables(archive, path.name))
            for member in members:
                if member.file_size > min(size_limit, max(_FREE_SIZE, member.compress_size * ratio_limit)):
                    raise absurd_size(path.name, ratio_limit=ratio_limit, size_limit=size_limit)
            return [_taken_out(path, archive, member, folder) for member in members]
    except (*_DAMAGED, OSError) as error:
        if isinstance(error, OSError) and error.errno not in _DAMAGED_ERRNOS:
            raise
        raise ImportRejectedError(
            "The zip archive ends early or is damaged.", "Transfer or export it again.", path.name
        ) from error


def _tables(archive: zipfile.ZipFile, name: str) -> Iterator[zipfile.ZipInfo]:
    members = [member for member in archive.infolist() if not _is_beside(member)]
    if len(members) > _MEMBER_LIMIT:
        raise ImportRejectedError(f"The zip archive holds {len(members):,} files.", "Give fewer at a time.", name)
    if any(member.filename.startswith("xl/") for member in members):
        raise ImportRejectedError("The file is an Excel workbook.", "Save the sheet as CSV (UTF-8).", name)
    tables = [member for member in members if _is_table(archive, member, name)]
    if not tables:
        raise ImportRejectedError("The zip archive holds no CSV or Parquet file.", "Give the bill's own files.", name)
    yield from tables


def _is_table(archive: zipfile.ZipFile, member: zipfile.ZipInfo, name: str) -> bool:
    """Whether a member is one, by its name; where the name does not tell, by how it begins: none is left out unseen."""
    called = member.filename.casefold()
    is_told = called.endswith(_TABLES)
    if called.endswith(_NO_TABLES) and not is_told:
        return False
    if member.flag_bits & _ENCRYPTED:
        raise ImportRejectedError(
            f"{member.filename} in the zip archive is encrypted.", "Unpack it and give the files inside.", name
        )
    if is_told:
        return True
    with archive.open(member) as inside:
        start = inside.read(_BEGINNING)
    if start[:4] in ZIP_STARTS:
        last = member.filename.rsplit("/", 1)[-1]
        raise ImportRejectedError("A zip archive inside another is not read.", "Unpack the outer one.", last)
    return start[:4] == PARQUET_MAGIC or start[:2] == GZIP_MAGIC or _HEADER.match(start) is not None


def _is_beside(member: zipfile.ZipInfo) -> bool:
    """What a Mac puts beside files, and folders."""
    last = member.filename.rsplit("/", 1)[-1]
    return member.is_dir() or member.filename.startswith("__MACOSX/") or last.startswith(".")


def _taken_out(path: Path, archive: zipfile.ZipFile, member: zipfile.ZipInfo, folder: Path) -> Path:
    last = _UNSAFE.sub("_", member.filename.rsplit("/", 1)[-1])[-120:]
    is_plain_text = last.casefold().endswith((".csv", ".txt"))
    target = folder / f"{len(list(folder.iterdir())) + 1}" / last
    target.parent.mkdir()
    with target.open("wb") as out:
        if is_plain_text and member.compress_type == zipfile.ZIP_DEFLATED:
            with path.open("rb") as file:
                _copy_as_gzip(file, member, out)
        else:
            with archive.open(member) as inside:
                shutil.copyfileobj(inside, out, 1024 * 1024)
    return target


def _copy_as_gzip(file: BinaryIO, member: zipfile.ZipInfo, out: BinaryIO) -> None:
    """Copy a member's compressed bytes between a gzip file's head and tail."""
    file.seek(member.header_offset)
    header = _LOCAL_HEADER.unpack(file.read(_LOCAL_HEADER.size))
    if header[0] != ZIP_STARTS[0]:
        raise zipfile.BadZipFile("no member where the directory says")
    file.seek(header[-2] + header[-1], 1)
    out.write(_GZIP_HEADER)
    left = member.compress_size
    while left:
        block = file.read(min(left, 1024 * 1024))
        if not block:
            raise EOFError
        out.write(block)
        left -= len(block)
    out.write(struct.pack("<II", member.CRC, member.file_size & 0xFFFFFFFF))
