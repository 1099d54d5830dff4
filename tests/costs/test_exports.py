"""Exports: exact, readable, and harmless in a spreadsheet."""

import io
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

import openpyxl
import pytest
from django.http import HttpResponse, StreamingHttpResponse
from django.test import RequestFactory

from costs.errors import InvalidRequestError
from costs.exports import ColumnKind, ExportColumn, TitleRow, export_response, file_name, neutralised

TITLE = (("Basis", "Billed cost"), ("Period", "2026-11"), ("Currency", "USD"))
COLUMNS = (ExportColumn("Owner"), ExportColumn("Cost", ColumnKind.MONEY), ExportColumn("Share", ColumnKind.RATIO))


def exported(form: str, rows: Any, columns: Any = COLUMNS) -> Any:
    request = RequestFactory().get("/", {"format": form} if form else {})
    return export_response(request, name="Chargeback 2026-11", title_rows=TITLE, columns=columns, rows=rows)


def csv_text(rows: Any, columns: Any = COLUMNS) -> str:
    response = exported("csv", rows, columns)
    assert isinstance(response, StreamingHttpResponse)
    return b"".join(response.streaming_content).decode()  # type: ignore[arg-type]


def sheet_of(rows: Any, columns: Any = COLUMNS) -> Any:
    response = exported("xlsx", rows, columns)
    assert isinstance(response, HttpResponse)
    return openpyxl.load_workbook(io.BytesIO(response.content)).active


def test_without_a_format_the_page_goes_on() -> None:
    assert exported("", []) is None


def test_an_unknown_format_is_refused_with_the_cure() -> None:
    with pytest.raises(InvalidRequestError, match="format=csv or format=xlsx"):
        exported("pdf", [])


def test_csv_says_what_it_is_and_keeps_every_digit() -> None:
    text = csv_text([("Payments", Decimal("1234.5678901234"), Decimal("0.5")), ("Search", Decimal("-1E-10"), None)])
    assert text.split("\r\n") == [
        "Basis,Billed cost",
        "Period,2026-11",
        "Currency,USD",
        "",
        "Owner,Cost,Share",
        "Payments,1234.5678901234,0.5",
        "Search,-0.0000000001,",
        "",
    ]


def test_csv_is_sent_while_it_is_made() -> None:
    made: list[int] = []

    def rows() -> Iterator[tuple[str, Decimal, None]]:
        for number in range(3):
            made.append(number)
            yield (f"Team {number}", Decimal(number), None)

    response = exported("csv", rows())
    stream = iter(response.streaming_content)
    for _ in range(6):  # three title rows, the empty row, the header, the first row
        next(stream)
    assert made == [0]


@pytest.mark.parametrize(
    "text",
    [
        "=1+1",
        "+cmd|' /C calc'!A0",
        "-2+3",
        "@SUM(A1)",
        "\t=1",
        "\r=1",
        "\n=1",
        "-",
        "--5",
        "＝1+1",
        "＋1",
        "－1",
        "＠A1",
    ],
)
def test_text_that_looks_like_a_formula_is_neutralised(text: str) -> None:
    assert neutralised(text) == f"'{text}"


@pytest.mark.parametrize("text", ["-5", "+5.25", "-0.10", "a=b", "Owner=x", "", "1e5", "'=1"])
def test_numbers_and_plain_text_stay(text: str) -> None:
    assert neutralised(text) == text


def test_formulas_are_harmless_in_both_files_wherever_they_stand() -> None:
    columns = (ExportColumn("=HEAD()"), ExportColumn("Cost", ColumnKind.MONEY))
    assert "'=1+1,5" in csv_text([("=1+1", Decimal(5))], columns)
    sheet = sheet_of([("=1+1", Decimal(5))], columns)
    assert sheet["A5"].value == "'=HEAD()"
    assert sheet["A6"].value == "'=1+1"
    assert {cell.data_type for row in sheet.iter_rows() for cell in row} <= {"s", "n"}


def test_excel_gets_numbers_with_formats_and_dates_as_dates() -> None:
    columns = (*COLUMNS, ExportColumn("Day", ColumnKind.DATE))
    sheet = sheet_of([("Payments", Decimal("1234.56"), Decimal("0.5"), date(2026, 11, 3))], columns)
    assert [cell.value for cell in sheet[5]] == ["Owner", "Cost", "Share", "Day"]
    assert sheet["B6"].value == 1234.56
    assert sheet["B6"].number_format == "#,##0.00"
    assert sheet["C6"].number_format == "0.0%"
    assert sheet["D6"].value.date() == date(2026, 11, 3)


def test_digits_that_excel_would_lose_stand_beside_as_text() -> None:
    # Excel keeps 15 digits; this amount has 19.
    sheet = sheet_of([("Payments", Decimal("123456789.0123456789"), None), ("Search", Decimal("2.5"), None)])
    assert [cell.value for cell in sheet[5]] == ["Owner", "Cost", "Share", "Cost (exact)"]
    assert sheet["D6"].value == "123456789.0123456789"
    assert sheet["D7"].value == "2.5"


def test_the_same_figures_give_the_same_workbook() -> None:
    rows = [("Payments", Decimal("1.5"), None)]
    assert exported("xlsx", rows).content == exported("xlsx", rows).content


def test_file_names_are_plain_and_answers_are_not_kept() -> None:
    assert file_name("Chargeback Añb/../x 2026-11") == "chargeback-a-b-..-x-2026-11"
    assert file_name("…") == "export"
    response = exported("csv", [])
    assert response["Content-Disposition"] == 'attachment; filename="chargeback-2026-11.csv"'
    assert response["Cache-Control"] == "private, no-store"


def test_ratios_of_a_file_have_six_decimals_rounded_half_up_and_money_keeps_all() -> None:
    request = RequestFactory().get("/", {"format": "csv"})
    rows = [
        ("a", Decimal("0.1234567891"), Decimal("0.0153925")),
        ("b", Decimal(1), Decimal("0.01539215406105226")),
        ("c", None, None),
    ]
    response = export_response(request, name="shares", title_rows=[], columns=COLUMNS, rows=rows)
    lines = b"".join(response.streaming_content).decode().split()  # type: ignore[union-attr]
    assert lines == ["Owner,Cost,Share", "a,0.1234567891,0.015393", "b,1,0.015392", "c,,"]


def test_amounts_of_the_head_are_numbers_in_excel_and_exact_in_csv() -> None:
    """0.1 + 14 more digits than a number holds stand as text beside it; what looks like a formula stays text."""
    long = Decimal("1234567890.1234567891")
    head: list[TitleRow] = [("Total", Decimal("12.004")), ("Booked", long), ("=Owner", "=1+1"), ("Cost centre", "4711")]

    def made(form: str) -> Any:
        request = RequestFactory().get("/", {"format": form})
        return export_response(request, name="x", title_rows=head, columns=COLUMNS, rows=[])

    sheet = openpyxl.load_workbook(io.BytesIO(made("xlsx").content)).active
    assert sheet is not None
    cells = [[sheet.cell(row, column) for column in (1, 2, 3)] for row in range(1, 5)]
    assert [row[1].data_type for row in cells] == ["n", "n", "s", "s"]
    assert [row[1].value for row in cells] == [12.004, pytest.approx(1234567890.1234567), "'=1+1", "4711"]
    assert cells[0][1].number_format == "#,##0.00########"
    assert [row[2].value for row in cells] == [None, "1234567890.1234567891", None, None]
    assert cells[2][0].value == "'=Owner"
    text = b"".join(made("csv").streaming_content).decode()
    assert text.startswith("Total,12.004\r\nBooked,1234567890.1234567891\r\n'=Owner,'=1+1\r\nCost centre,4711\r\n")
