"""A price book as CSV: every cell checked, errors name file, line, column and cure."""

import csv
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from pathlib import Path
from typing import TypeVar

from costs.errors import ImportRejectedError
from ri.offerings import Offer
from ri.terms import OfferingClass, PaymentOption
from ri.usage import plain_platform, plain_tenancy

COLUMNS = (
    "region",
    "instance_type",
    "platform",
    "tenancy",
    "on_demand_hourly",
    "offering_class",
    "term_years",
    "payment_option",
    "upfront",
    "hourly",
)
YEARS = ("1", "3")
# What the database keeps of a rate.
DECIMALS = 10
LARGEST = Decimal(100_000_000)
T = TypeVar("T")


def read_prices(path: Path) -> tuple[Offer, ...]:
    """All offers of the file. Raises ImportRejectedError for anything that is not a whole, consistent book."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as text:
            found = tuple(_offers(path.name, text))
    except FileNotFoundError as error:
        raise ImportRejectedError("There is no such file.", "Give the path of a CSV.", str(path)) from error
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ImportRejectedError(f"The file cannot be read ({error}).", "Save it as UTF-8 CSV.", path.name) from error
    if not found:
        raise ImportRejectedError("The file has no offers.", "Add a line for each offer.", path.name)
    return found


def _offers(name: str, text: Iterator[str]) -> Iterator[Offer]:
    reader = csv.DictReader(text, strict=True)
    _check_header(name, [(column or "").strip() for column in reader.fieldnames or ()])
    reader.fieldnames = [column.strip() for column in reader.fieldnames or ()]
    seen: dict[tuple[object, ...], int] = {}
    rates: dict[tuple[str, ...], tuple[Decimal, int]] = {}
    for cells in reader:
        line = _Line(name, reader.line_num, cells)
        offer = line.offer()
        pool = (offer.region_id, offer.instance_type, offer.platform, offer.tenancy)
        rate, first = rates.setdefault(pool, (offer.on_demand_hourly, line.number))
        if rate != offer.on_demand_hourly:
            problem = f"{offer.instance_type} in {offer.region_id} has another on-demand rate on line {first}."
            raise line.rejected("on_demand_hourly", problem, "Give one rate for each type and region.")
        key = (*pool, offer.offering_class, offer.term_years, offer.payment_option)
        if key in seen:
            raise line.rejected("payment_option", f"Line {seen[key]} has the same offer.", "Remove one of them.")
        seen[key] = line.number
        yield offer


def _check_header(name: str, columns: list[str]) -> None:
    lost = [column for column in COLUMNS if column not in columns]
    if lost:
        cure = f"Name the columns {','.join(COLUMNS)}."
        raise ImportRejectedError(f"The header lacks {', '.join(lost)}.", cure, name, 1)


class _Line:
    """One line of the file, read cell by cell."""

    def __init__(self, file_name: str, number: int, cells: Mapping[str | None, str | list[str] | None]) -> None:
        self.file_name, self.number, self.cells = file_name, number, cells

    def offer(self) -> Offer:
        if None in self.cells:
            raise self.rejected("", "The line has more cells than the header.", "Quote text that holds commas.")
        return Offer(
            region_id=self.text("region"),
            instance_type=self.text("instance_type"),
            platform=plain_platform(self.text("platform")),
            tenancy=plain_tenancy(self.text("tenancy")),
            on_demand_hourly=self.money("on_demand_hourly", positive=True),
            offering_class=self.one_of("offering_class", OfferingClass),
            term_years=self.years(),
            payment_option=self.one_of("payment_option", PaymentOption),
            upfront=self.money("upfront"),
            hourly=self.money("hourly"),
        )

    def rejected(self, column: str, problem: str, cure: str) -> ImportRejectedError:
        return ImportRejectedError(problem, cure, self.file_name, self.number, column)

    def text(self, column: str) -> str:
        value = self.cells.get(column)
        if not isinstance(value, str) or not value.strip():
            raise self.rejected(column, "The cell is empty.", "Fill it in or remove the line.")
        return value.strip()

    def years(self) -> int:
        value = self.text("term_years")
        if value not in YEARS:
            raise self.rejected("term_years", f"'{value}' is not a term.", "Write 1 or 3.")
        return int(value)

    def one_of(self, column: str, kind: Callable[[str], T]) -> T:
        value = self.text(column)
        try:
            return kind(value.casefold())
        except ValueError as error:
            known = ", ".join(kind) if isinstance(kind, type) and issubclass(kind, StrEnum) else ""
            raise self.rejected(column, f"'{value}' is not known here.", f"Use one of {known}.") from error

    def money(self, column: str, *, positive: bool = False) -> Decimal:
        value = self.text(column)
        try:
            amount = Decimal(value)
        except InvalidOperation as error:
            cure = "Write it with a point and without currency sign, like 0.0416."
            raise self.rejected(column, f"'{value}' is not a number.", cure) from error
        if not amount.is_finite() or amount < 0 or amount > LARGEST or (positive and not amount):
            raise self.rejected(column, f"'{value}' is not a price.", "Write an amount above 0.")
        if amount != round(amount, DECIMALS):
            raise self.rejected(column, f"'{value}' has more than {DECIMALS} decimals.", "Round it.")
        return round(amount, DECIMALS)  # also of a zero written with a million decimals
