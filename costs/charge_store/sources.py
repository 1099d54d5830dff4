"""Files as they come in: their columns, a relation to read them, and errors that name the place."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from django.conf import settings

from costs.billing_formats.archives import is_archive, take_out_tables
from costs.billing_formats.base import Check, Column, Columns, aws_account
from costs.billing_formats.files import (
    GZIP_MAGIC,
    LONGEST_LINE,
    PARQUET_MAGIC,
    ZIP_STARTS,
    check_unpacked_size,
    csv_header,
    first_row,
    holds_nothing,
    line_of_row,
    magic,
    odd_line,
    truncated,
)
from costs.charge_store.connection import Connection, Error, connect, disk_full, quoted
from costs.charge_store.wide_decimals import as_text, wide_columns
from costs.errors import ImportRejectedError

_MEGABYTE = 1024 * 1024
_CSV_LINE = re.compile(r"CSV Error on Line: (\d+)")
_PATTERN = re.compile(r"([*?\[])")
# How spreadsheets write dates into a file that is saved from one.
_SAVED_DATE = re.compile(r"[0-9]{1,2}[/.][0-9]{1,2}[/.][0-9]{2,4}( [0-9]{1,2}:[0-9]{2}(:[0-9]{2})?)?")
_SAVED_CURE = "Spreadsheets write dates so: give the file as it was delivered, not saved from one."
_KIND = {"DOUBLE": "number", "TIMESTAMP": "date and time"}


@dataclass(frozen=True)
class BillFile:
    """One file, its columns and the SQL relation that reads it."""

    path: Path
    columns: Columns
    relation: str
    is_parquet: bool


@contextmanager
def tables_in(path: Path) -> Iterator[list[Path]]:
    """The tables in a file: itself, or those of a zip archive, kept in IMPORT_TEMP_DIR inside the `with`.

    Errors raised inside name the archive before its member. Decimals that DuckDB has no type for stand there as text.
    """
    if not is_archive(path):
        with _exact([path]) as tables:
            yield tables
        return
    Path(settings.IMPORT_TEMP_DIR).mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix="zip-", dir=settings.IMPORT_TEMP_DIR) as folder:
        try:
            found = take_out_tables(path, Path(folder), **_unpacking_limits())
            with _exact([table for table in found if not holds_nothing(table)] or found) as tables:
                yield tables
        except ImportRejectedError as error:
            if error.file_name != path.name:
                error.file_name = f"{path.name}/{error.file_name}"
            raise
        except OSError as error:
            if full := disk_full(error, setting="IMPORT_TEMP_DIR"):
                raise full from error
            raise


@contextmanager
def _exact(paths: Sequence[Path]) -> Iterator[list[Path]]:
    """The tables without decimals that would be read as doubles."""
    wide = [path for path in paths if path.is_file() and wide_columns(path)]
    if not wide:
        yield list(paths)
        return
    Path(settings.IMPORT_TEMP_DIR).mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix="wide-", dir=settings.IMPORT_TEMP_DIR) as folder:
        yield [as_text(path, Path(folder)) if path in wide else path for path in paths]


def _unpacking_limits() -> dict[str, int]:
    return {
        "ratio_limit": settings.UNPACKED_RATIO_LIMIT,
        "size_limit": settings.UNPACKED_LIMIT_MB * _MEGABYTE,
    }


def open_bill_file(path: Path) -> BillFile:
    """Look into a file: only its header is read. Raises ImportRejectedError for what is no table."""
    if path.stat().st_size == 0:
        raise ImportRejectedError("The file is empty.", "Export it again.", path.name)
    start = magic(path)
    if start in ZIP_STARTS:
        raise ImportRejectedError("A zip archive inside another is not read.", "Unpack the outer one.", path.name)
    if start == PARQUET_MAGIC:
        return _parquet(path)
    if start[:2] == GZIP_MAGIC:
        check_unpacked_size(path, **_unpacking_limits())
    return _csv(path)


def explain(connection: Connection, file: BillFile, checks: tuple[Check, ...], error: Error) -> ImportRejectedError:
    """The error of reading a file, as the place and the cure."""
    text = str(error)
    if full := disk_full(error):
        return full
    if "GZIP" in text:
        return truncated(file.path.name)
    if broken := _broken_csv(file, text):
        return broken
    is_conversion = "Conversion Error" in text or "Out of Range" in text
    if is_conversion and (found := _bad_cell(connection, file, checks)):
        return found
    if "Out of Memory" in text:
        return ImportRejectedError(
            "The file needs more memory than allowed.", "Raise IMPORT_MEMORY_LIMIT_MB.", file.path.name
        )
    return ImportRejectedError(
        f"The file cannot be read: {text.splitlines()[0]}.", "Transfer or export it again.", file.path.name
    )


def _csv(path: Path) -> BillFile:
    names = csv_header(path)
    if not names:
        raise ImportRejectedError("The file is empty.", "Export it again.", path.name)
    columns = tuple(Column(name, f"c{place}") for place, name in enumerate(names))
    types = ", ".join(f"'c{place}': 'VARCHAR'" for place in range(len(names)))
    packing = "gzip" if magic(path)[:2] == GZIP_MAGIC else "none"
    relation = (
        f"read_csv({quoted(_one_file(path))}, auto_detect=false, header=true, delim=',', quote='\"', escape='\"',"
        # Also the size of a read buffer: the default of 16 lines is slower and takes 300 MB more.
        f" nullstr=['', 'NULL'], columns={{{types}}}, compression='{packing}', max_line_size={LONGEST_LINE},"
        f" buffer_size={LONGEST_LINE})"
    )
    return BillFile(path, Columns(columns), relation, is_parquet=False)


def _parquet(path: Path) -> BillFile:
    relation = f"read_parquet({quoted(_one_file(path))}, hive_partitioning=false)"
    with connect() as connection:
        try:
            described = connection.execute(f"DESCRIBE SELECT * FROM {relation}").fetchall()
        except Error as error:
            raise ImportRejectedError(
                "The Parquet file ends early or is damaged.", "Transfer or export it again.", path.name
            ) from error
    columns = tuple(Column(row[0], '"' + row[0].replace('"', '""') + '"', row[1]) for row in described)
    return BillFile(path, Columns(columns, nulls_are_read=False), relation, is_parquet=True)


def _one_file(path: Path) -> str:
    """The path such that DuckDB takes it for one file and no pattern."""
    return _PATTERN.sub(r"[\1]", str(path))


def _broken_csv(file: BillFile, text: str) -> ImportRejectedError | None:
    if match := _CSV_LINE.search(text):
        return _broken_line(file, int(match[1]), text)
    if "state machine" in text and (odd := odd_line(file.path)):
        return ImportRejectedError(odd[1], "Repair the line or export the file again.", file.path.name, odd[0])
    return None


def _broken_line(file: BillFile, line: int, text: str) -> ImportRejectedError:
    counts = re.search(r"Expected Number of Columns: (\d+) Found: (\d+)", text)
    if counts:
        problem = f"The line has {counts[2]} columns, the header {counts[1]}."
    elif "unterminated quote" in text:
        problem = "A quoted text does not end."
    elif "unicode" in text.casefold():
        problem = "The text is not UTF-8."
    else:
        problem = "The line cannot be read as CSV."
    return ImportRejectedError(problem, "Repair the line or export the file again.", file.path.name, line)


def _bad_cell(connection: Connection, file: BillFile, checks: tuple[Check, ...]) -> ImportRejectedError | None:
    """Find the first cell that does not read as its column's type: one more pass, only after a failure."""
    if not checks:
        return None
    flags = ", ".join(f"{_is_bad(file, check)} AS b{place}" for place, check in enumerate(checks))
    values = ", ".join(f"CAST({check.column.sql} AS VARCHAR) AS v{place}" for place, check in enumerate(checks))
    anyone = " OR ".join(f"b{place}" for place in range(len(checks)))
    connection.execute("SET preserve_insertion_order = true")
    row = connection.execute(
        f"SELECT * FROM (SELECT row_number() OVER () - 1 AS n, {flags}, {values} FROM {file.relation})"
        f" WHERE {anyone} ORDER BY n LIMIT 1"
    ).fetchone()
    if row is None:
        return None
    bad = next(place for place in range(len(checks)) if row[1 + place])
    check = checks[bad]
    line = row[0] + 1 if file.is_parquet else line_of_row(file.path, row[0])
    value = row[1 + len(checks) + bad]
    return ImportRejectedError(
        f"'{value}' is not a {_KIND.get(check.type, 'number')}.",
        _SAVED_CURE if _SAVED_DATE.fullmatch(value) else "Correct it or export the file again.",
        file.path.name,
        line,
        check.column.name,
    )


def _is_bad(file: BillFile, check: Check) -> str:
    value = file.columns.value(check.column)
    tried = f"try_cast({value} AS {check.type})"
    bad = f"({value} IS NOT NULL AND {tried} IS NULL)"
    return f"({bad} OR coalesce(NOT isfinite({tried}), false))" if check.type == "DOUBLE" else bad


def counted_rows(file: BillFile, expressions: Sequence[str]) -> list[tuple[tuple[str, ...], int]]:
    """The distinct values of SQL expressions over a file's lines, in order, each with how many lines have them.

    Reads the whole of these columns. Raises ImportRejectedError for a file that cannot be read.
    """
    with connect() as connection:
        try:
            sql = f"SELECT {', '.join(expressions)}, count(*) FROM {file.relation} GROUP BY ALL ORDER BY ALL"
            return [(row[:-1], row[-1]) for row in connection.execute(sql).fetchall()]
        except Error as error:
            raise explain(connection, file, (), error) from error


def first_line(file: BillFile, condition: str) -> int | None:
    """The number of the first line that an SQL condition holds of, as errors name it."""
    with connect() as connection:
        connection.execute("SET preserve_insertion_order = true")
        row = connection.execute(
            f"SELECT n FROM (SELECT row_number() OVER () - 1 AS n, {condition} AS is_it FROM {file.relation})"
            " WHERE is_it ORDER BY n LIMIT 1"
        ).fetchone()
    if row is None:
        return None
    return int(row[0]) + 1 if file.is_parquet else line_of_row(file.path, row[0])


def first_account(file: BillFile, *names: str) -> str | None:
    """The account in the first of these columns that the first data row fills; None where the file has no rows.

    Raises ImportRejectedError for a file that cannot be read.
    """
    columns = [column for name in names if (column := file.columns.find(name))]
    if not file.is_parquet:
        cells = first_row(file.path)
        places = [file.columns.columns.index(column) for column in columns]
        values = [cells[place] if place < len(cells) else "" for place in places]
        return None if not cells else next((aws_account(value) for value in values if value not in {"", "NULL"}), "")
    with connect() as connection:
        fields = ", ".join(file.columns.account(column.name) for column in columns)
        try:
            row = connection.execute(f"SELECT {fields} FROM {file.relation} LIMIT 1").fetchone()
        except Error as error:
            raise explain(connection, file, (), error) from error
    return None if row is None else next((value for value in row if value), "")
