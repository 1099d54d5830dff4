"""Any table as CSV or Excel. Text can never become a formula; money keeps every digit.

A file starts with what it is (basis, period, currency), then an empty row, the header and the rows.
Excel gets money as numbers, that of its head too; where a number of Excel's (15 digits) would lose some, a column
"… (exact)" holds the full text beside it. Ratios are rounded to six decimals.
"""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum
from typing import Any

import xlsxwriter
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse

from costs.errors import InvalidRequestError
from costs.money import plain

XLSX_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")  # full-width ones, too
XLSX_ROWS = 1_048_576
RATIO_STEP = Decimal("0.000001")
_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?")
_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9._-]+")
# A fixed stamp: the same figures give the same bytes.
_STAMP = datetime(2000, 1, 1)  # noqa: DTZ001 - Excel's document times have no zone


class ColumnKind(StrEnum):
    TEXT = "text"
    MONEY = "money"
    NUMBER = "number"
    RATIO = "ratio"  # 1 is all; Excel shows it as a percentage
    DATE = "date"


@dataclass(frozen=True)
class ExportColumn:
    """One column: its header and what its cells are (`Decimal`, number, `date`, text or None)."""

    header: str
    kind: ColumnKind = ColumnKind.TEXT


Rows = Iterable[Sequence[Any]]
# Text, or an amount: Excel gets it as a number, CSV with every digit.
TitleRow = tuple[str, str | Decimal]
TitleRows = Sequence[TitleRow]
TITLE_AMOUNT_WIDTH = 20


def export_response(
    request: HttpRequest,
    *,
    name: str,
    title_rows: TitleRows,
    columns: Sequence[ExportColumn | str],
    rows: Rows,
) -> HttpResponseBase | None:
    """The table as a file when the URL asks `?format=csv` or `?format=xlsx`; None when it does not.

    `name` is the file's name without ending; `title_rows` are pairs like ("Basis", "Billed cost").
    `rows` may be a generator: CSV is streamed. Raises InvalidRequestError for another format.
    """
    wanted = request.GET.get("format", "")
    if not wanted:
        return None
    fields = [ExportColumn(column) if isinstance(column, str) else column for column in columns]
    rows = with_short_ratios(fields, rows)
    if wanted == "csv":
        response: HttpResponseBase = StreamingHttpResponse(
            csv_lines(title_rows, fields, rows), content_type="text/csv; charset=utf-8"
        )
    elif wanted == "xlsx":
        response = HttpResponse(xlsx_bytes(title_rows, fields, rows), content_type=XLSX_TYPE)
    else:
        raise InvalidRequestError(f"'{wanted}' is not a file format. Use format=csv or format=xlsx.")
    response["Content-Disposition"] = f'attachment; filename="{file_name(name)}.{wanted}"'
    response["Cache-Control"] = "private, no-store"
    return response


def with_short_ratios(columns: Sequence[ExportColumn], rows: Rows) -> Iterator[list[Any]]:
    """The rows with their ratios rounded half up to six decimals (a ten-thousandth of a per cent)."""
    at_ratios = {at for at, column in enumerate(columns) if column.kind is ColumnKind.RATIO}
    for row in rows:
        yield [_short(value) if at in at_ratios else value for at, value in enumerate(row)]


def _short(value: Any) -> Any:
    return value.quantize(RATIO_STEP, rounding=ROUND_HALF_UP) if isinstance(value, Decimal) else value


def file_name(text: str) -> str:
    """A name every system can save: letters, digits, dots and dashes."""
    return _NOT_IN_NAMES.sub("-", text).strip("-.").lower() or "export"


def neutralised(text: str) -> str:
    """Text that a spreadsheet would take for a formula gets a leading apostrophe; numbers stay."""
    if text.startswith(FORMULA_STARTS) and not _NUMBER.fullmatch(text):
        return f"'{text}"
    return text


def csv_lines(title_rows: TitleRows, columns: Sequence[ExportColumn], rows: Rows) -> Iterator[str]:
    """The file line by line. Decimals are written exactly, without exponent or thousands marks."""
    for label, value in title_rows:
        yield _csv_line((label, value))
    if title_rows:
        yield "\r\n"
    yield _csv_line([column.header for column in columns])
    for row in rows:
        yield _csv_line(row)


def _csv_line(cells: Sequence[Any]) -> str:
    out = io.StringIO()
    csv.writer(out).writerow([_csv_cell(cell) for cell in cells])
    return out.getvalue()


def _csv_cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, Decimal):
        return plain(value)
    if isinstance(value, bool | int | float):
        return str(value)
    return neutralised(value.isoformat() if isinstance(value, date) else str(value))


def xlsx_bytes(title_rows: TitleRows, columns: Sequence[ExportColumn], rows: Rows) -> bytes:
    """The workbook. Raises InvalidRequestError where Excel cannot hold that many rows."""
    table = [list(row) for row in rows]
    if len(table) + len(title_rows) + 2 > XLSX_ROWS:
        raise InvalidRequestError(f"{len(table):,} rows do not fit into Excel. Use format=csv.")
    fields, table = _with_exact_columns(list(columns), table)
    buffer = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    book = xlsxwriter.Workbook(buffer, options)
    book.set_properties({"created": _STAMP})
    _write_sheet(book, title_rows, fields, table)
    book.close()
    return buffer.getvalue()


def _write_sheet(book: Any, title_rows: TitleRows, columns: list[ExportColumn], table: list[list[Any]]) -> None:
    sheet = book.add_worksheet("Table")
    bold = book.add_format({"bold": True})
    head = book.add_format({"bold": True, "bottom": 1})
    formats = {
        ColumnKind.MONEY: book.add_format({"num_format": "#,##0.00"}),
        ColumnKind.NUMBER: book.add_format({"num_format": "#,##0.##########"}),
        ColumnKind.RATIO: book.add_format({"num_format": "0.0%"}),
        ColumnKind.DATE: book.add_format({"num_format": "yyyy-mm-dd"}),
        ColumnKind.TEXT: book.add_format(),
    }
    _write_title(sheet, title_rows, bold, book.add_format({"num_format": "#,##0.00########", "align": "left"}))
    top = len(title_rows) + 1 if title_rows else 0
    for at, column in enumerate(columns):
        sheet.write_string(top, at, neutralised(column.header), head)
        width = _width(column, [row[at] for row in table[:200]])
        amount = at == 1 and any(isinstance(value, Decimal) for _, value in title_rows)
        sheet.set_column(at, at, max(width, TITLE_AMOUNT_WIDTH) if amount else width)
    for line, row in enumerate(table, start=top + 1):
        for at, (column, value) in enumerate(zip(columns, row, strict=True)):
            # Without a format of dates Excel shows the number that a day is.
            kind = ColumnKind.DATE if isinstance(value, date) else column.kind
            _write_cell(sheet, (line, at), value, formats[kind])
    sheet.freeze_panes(top + 1, 0)
    if table:
        sheet.autofilter(top, 0, top + len(table), len(columns) - 1)


def _write_title(sheet: Any, title_rows: TitleRows, bold: Any, amount: Any) -> None:
    """What the file says of itself; an amount of which a number loses digits stands as text beside it, too."""
    for at, (label, value) in enumerate(title_rows):
        sheet.write_string(at, 0, neutralised(label), bold)
        if not isinstance(value, Decimal):
            sheet.write_string(at, 1, neutralised(value))
            continue
        sheet.write_number(at, 1, float(value), amount)
        if _loses_digits(value):
            sheet.write_string(at, 2, neutralised(plain(value)))


def _write_cell(sheet: Any, place: tuple[int, int], value: Any, cell_format: Any) -> None:
    if value is None:
        sheet.write_blank(*place, None, cell_format)
    elif isinstance(value, bool):
        sheet.write_boolean(*place, value)
    elif isinstance(value, Decimal | int | float):
        sheet.write_number(*place, float(value), cell_format)
    elif isinstance(value, datetime):
        sheet.write_string(*place, value.isoformat())
    elif isinstance(value, date):
        sheet.write_datetime(*place, value, cell_format)
    else:
        sheet.write_string(*place, neutralised(str(value)))


def _with_exact_columns(
    columns: list[ExportColumn], table: list[list[Any]]
) -> tuple[list[ExportColumn], list[list[Any]]]:
    inexact = [
        at
        for at, column in enumerate(columns)
        if column.kind is ColumnKind.MONEY and any(_loses_digits(row[at]) for row in table)
    ]
    more = [ExportColumn(f"{columns[at].header} (exact)") for at in inexact]
    rows = [[*row, *(plain(row[at]) if isinstance(row[at], Decimal) else "" for at in inexact)] for row in table]
    return columns + more, rows


def _loses_digits(value: Any) -> bool:
    return isinstance(value, Decimal) and Decimal(f"{float(value):.15g}") != value


def _width(column: ExportColumn, cells: Sequence[Any]) -> int:
    longest = max((len(str(cell)) for cell in cells if isinstance(cell, str)), default=12)
    return min(60, max(len(column.header) + 3, longest + 2, 12))
