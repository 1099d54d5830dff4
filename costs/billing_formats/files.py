"""Text files as they come: plain or gzip, with or without byte-order mark; headers and line numbers."""

import csv
import gzip
import zlib
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import TextIO

from costs.errors import ImportRejectedError

GZIP_MAGIC = b"\x1f\x8b"
PARQUET_MAGIC = b"PAR1"
ZIP_STARTS = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")
_PROBED_WHOLE = 16 * 1024 * 1024
_PROBED_PART = 1024 * 1024
_PLACES, _PLACE = 32, 16 * 1024
_BLOCK = 1024 * 1024
_TAR_BLOCK, _TAR_PLACE = 512, 257
_BLANK_LINES = 1000
# How files begin that hold bills and are not read as they are; the first where a gzip file is unpacked.
_OTHER_STARTS = {
    GZIP_MAGIC: "packed with gzip twice",
    PARQUET_MAGIC: "a Parquet file packed with gzip",
    b"BZh": "packed with bzip2",
    b"\x28\xb5\x2f\xfd": "packed with zstd",
    b"7z\xbc\xaf": "a 7z archive",
    b"\xd0\xcf\x11\xe0": "an Excel workbook of the old kind",
}
_HEADER_LIMIT = 1024 * 1024
# A cell may be as long as a line; the csv module's own limit is a hundred thousand characters.
LONGEST_LINE = 8_000_000
csv.field_size_limit(LONGEST_LINE)


def magic(path: Path) -> bytes:
    """The first four bytes, which say whether it is gzip, Parquet or zip."""
    with path.open("rb") as file:
        return file.read(4)


def open_text(path: Path) -> TextIO:
    """The file as text, unpacked where it is gzip. Bytes that are not UTF-8 become replacement marks."""
    if magic(path)[:2] == GZIP_MAGIC:
        return gzip.open(path, "rt", encoding="utf-8-sig", errors="replace", newline="")
    return path.open(encoding="utf-8-sig", errors="replace", newline="")


def holds_nothing(path: Path) -> bool:
    """Whether a text file is empty once unpacked, as surplus chunks of an export are."""
    if path.stat().st_size == 0:
        return True
    if magic(path) in (PARQUET_MAGIC, *ZIP_STARTS):
        return False
    try:
        with open_text(path) as text:
            return text.read(1) == ""
    except (EOFError, OSError, zlib.error):
        return False  # whoever reads it says what is wrong with it


def csv_header(path: Path) -> tuple[str, ...]:
    """The column names of a CSV, () where the file holds nothing. Raises ImportRejectedError."""
    try:
        with open_text(path) as text:
            first = text.readline(_HEADER_LIMIT)
    except (EOFError, OSError, zlib.error) as error:
        raise truncated(path.name) from error
    if len(first) == _HEADER_LIMIT or "\x00" in first:
        if magic(path)[:2] in _UTF_16:
            raise ImportRejectedError("The text is UTF-16, not UTF-8.", "Save or export it as UTF-8.", path.name)
        raise ImportRejectedError(*_what_else(path), path.name)
    if first.lstrip()[:1] in {"{", "["}:
        raise ImportRejectedError("The file is JSON, not a table.", "Export it as CSV or Parquet.", path.name)
    if not first.strip():
        _refuse_blank_line(path)
        return ()
    return tuple(name.strip() for name in next(csv.reader([first]), []))


def _refuse_blank_line(path: Path) -> None:
    """A file that begins with a blank line and holds more below it."""
    with open_text(path) as text:
        if any(line.strip() for line in islice(text, _BLANK_LINES)):
            raise ImportRejectedError(
                "The first line is blank.", "Take it out: the first line names the columns.", path.name, line=1
            )


def _what_else(path: Path) -> tuple[str, str]:
    """What a file is that is no text, by its first bytes, and what to do about it."""
    opened = gzip.open if magic(path)[:2] == GZIP_MAGIC else open
    with opened(path, "rb") as file:
        start = file.read(_TAR_BLOCK)
    if start[_TAR_PLACE:].startswith(b"ustar"):
        return "The file is a tar archive.", "Unpack it and give the folder, or the bill's files inside."
    for known, what in _OTHER_STARTS.items():
        if start.startswith(known):
            return f"The file is {what}.", "Unpack it, or give a CSV, CSV.gz or Parquet file."
    return "The file is not a text table.", "Give a CSV, CSV.gz or Parquet file."


def first_row(path: Path) -> list[str]:
    """The cells of the first data row, [] where there is none. Raises ImportRejectedError."""
    try:
        with open_text(path) as text:
            rows = (cells for cells in csv.reader(text) if cells)
            return next(islice(rows, 1, 2), [])
    except csv.Error as error:
        raise ImportRejectedError(
            f"The line is longer than {LONGEST_LINE:,} characters.",
            "Repair the line or export the file again.",
            path.name,
            2,
        ) from error
    except (EOFError, OSError, zlib.error) as error:
        raise truncated(path.name) from error


def line_of_row(path: Path, row: int) -> int:
    """The line on which data row `row` (from 0) ends; the header is line 1, quoted line breaks count."""
    with open_text(path) as text:
        reader = csv.reader(text)
        try:
            if next(islice((cells for cells in reader if cells), row + 1, None), None) is None:
                return row + 2
        except csv.Error:
            return row + 2
        return reader.line_num


def odd_line(path: Path) -> tuple[int, str] | None:
    """The first line a strict reader stumbles over, with what is wrong with it; None where there is none.

    Reads the whole file, so ask only after it was refused.
    """
    with open_text(path) as text:
        lines = _Lines(text)
        try:
            for _ in csv.reader(lines, strict=True):
                if lines.ending != lines.first_ending and lines.ending:
                    return lines.count, "The line ends in another way than the lines before it (LF and CRLF mixed)."
        except csv.Error as error:
            if "field limit" in str(error):
                return None
            return lines.count, "A quoted text is followed by something else than a comma."
    return None


class _Lines:
    """The lines of a text with how the first and the last one read so far ended."""

    def __init__(self, text: TextIO) -> None:
        self._text = text
        self.count = 0
        self.first_ending = self.ending = ""

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        line = next(self._text)
        self.count += 1
        self.ending = line[len(line.rstrip("\r\n")) :][-2:]
        self.first_ending = self.first_ending or self.ending
        return line


def truncated(file_name: str) -> ImportRejectedError:
    """The error of a gzip file that ends early or is damaged."""
    return ImportRejectedError(
        "The compressed file ends early or is damaged.", "Transfer or export it again.", file_name
    )


def check_unpacked_size(path: Path, *, ratio_limit: int, size_limit: int) -> None:
    """Refuse gzip files that unpack to absurd sizes.

    Files up to 16 MB are unpacked to the end, as are larger ones that could be packed once more: what unpacks
    to hundreds of times its size is a monotonous stream. Of other files only the beginning is unpacked.
    """
    state = path.stat()
    try:
        _check_unpacked_size(path, state.st_size, state.st_mtime_ns, ratio_limit=ratio_limit, size_limit=size_limit)
    except zlib.error as error:
        raise truncated(path.name) from error


@lru_cache(maxsize=64)  # a file is opened where it is queued and again where it lands, often by one process
def _check_unpacked_size(path: Path, packed: int, changed_at: int, *, ratio_limit: int, size_limit: int) -> None:
    del changed_at  # a file that changed is looked at again
    to_read = packed if packed <= _PROBED_WHOLE or _packs_again(path, packed) else _PROBED_PART
    unpacked = 0
    unpacker = zlib.decompressobj(wbits=31)
    with path.open("rb") as file:
        while (taken := file.tell()) < to_read and (block := file.read(min(_BLOCK, to_read - taken))):
            while block:
                unpacked += len(unpacker.decompress(block, _BLOCK))
                _refuse_bomb(path, unpacked=unpacked, packed=to_read, ratio_limit=ratio_limit, size_limit=size_limit)
                block = unpacker.unconsumed_tail
                if unpacker.eof:
                    block = unpacker.unused_data
                    unpacker = zlib.decompressobj(wbits=31)


def _packs_again(path: Path, packed: int) -> bool:
    """Whether any of some places of a packed file shrinks to half when packed again; a bill's do not."""
    with path.open("rb") as file:
        for place in range(_PLACES):
            file.seek((packed - _PLACE) * place // (_PLACES - 1))
            block = file.read(_PLACE)
            if len(zlib.compress(block, 1)) * 2 < len(block):
                return True
    return False


def _refuse_bomb(path: Path, *, unpacked: int, packed: int, ratio_limit: int, size_limit: int) -> None:
    if unpacked > size_limit or (unpacked > _PROBED_PART and unpacked > packed * ratio_limit):
        raise absurd_size(path.name, ratio_limit=ratio_limit, size_limit=size_limit)


def absurd_size(file_name: str, *, ratio_limit: int, size_limit: int) -> ImportRejectedError:
    """The error of a compressed file that unpacks to more than any bill does."""
    return ImportRejectedError(
        f"The file unpacks to more than {ratio_limit} times its size or {size_limit // 1024**2:,} MB.",
        "Split it, or raise UNPACKED_RATIO_LIMIT or UNPACKED_LIMIT_MB if it is a real bill.",
        file_name,
    )
