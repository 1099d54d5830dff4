"""Price books from CSV: every wrong cell is named with line, column and cure."""

import io
import json
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from costs.errors import ImportRejectedError
from ri.models import Offering, PriceBook
from ri.price_file import read_prices
from ri.selectors import chosen_book
from ri.services import import_prices, keep_built_in_book
from tests.ri.builders import PRICES

GOOD = "us-east-1,m5.large,Linux/UNIX,default,0.096,standard,1,no_upfront,0,0.061\n"


def book(folder: Path, *lines: str, header: str = PRICES) -> Path:
    path = folder / "Our prices.csv"
    path.write_text(header + "".join(lines))
    return path


@pytest.mark.parametrize(
    ("line", "column", "problem"),
    [
        (GOOD.replace("0.096", "$0.096"), "on_demand_hourly", "'$0.096' is not a number."),
        (GOOD.replace("0.096", "0"), "on_demand_hourly", "'0' is not a price."),
        (GOOD.replace("0.061", "-1"), "hourly", "'-1' is not a price."),
        (GOOD.replace("0.061", "NaN"), "hourly", "'NaN' is not a price."),
        (GOOD.replace("0.061", "0.00000000001"), "hourly", "'0.00000000001' has more than 10 decimals."),
        (GOOD.replace("standard", "spot"), "offering_class", "'spot' is not known here."),
        (GOOD.replace("no_upfront", "none"), "payment_option", "'none' is not known here."),
        (GOOD.replace(",1,", ",2,"), "term_years", "'2' is not a term."),
        (GOOD.replace("m5.large", " "), "instance_type", "The cell is empty."),
        (GOOD.replace("\n", ",more\n"), "", "The line has more cells than the header."),
        (GOOD, "payment_option", "Line 2 has the same offer."),
        (
            GOOD.replace("0.096", "0.1").replace("no_", "all_"),
            "on_demand_hourly",
            "m5.large in us-east-1 has another on-demand rate on line 2.",
        ),
    ],
)
def test_a_wrong_cell_is_named_with_its_place(tmp_path: Path, line: str, column: str, problem: str) -> None:
    with pytest.raises(ImportRejectedError) as refused:
        read_prices(book(tmp_path, GOOD, line))
    found = refused.value
    assert (found.file_name, found.line, found.column, found.problem) == ("Our prices.csv", 3, column, problem)
    assert found.cure


def test_a_header_that_lacks_columns_names_them(tmp_path: Path) -> None:
    with pytest.raises(ImportRejectedError, match="header lacks upfront, hourly"):
        read_prices(book(tmp_path, header=PRICES.replace(",upfront,hourly", "")))


def test_a_file_without_offers_or_of_another_kind_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ImportRejectedError, match="no offers"):
        read_prices(book(tmp_path))
    (tmp_path / "bytes.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ImportRejectedError, match="cannot be read"):
        read_prices(tmp_path / "bytes.csv")


@pytest.mark.django_db
def test_the_built_in_book_is_there_and_says_what_it_is() -> None:
    built_in = chosen_book()
    assert (built_in.name, built_in.is_built_in, len(built_in.offers)) == ("representative", True, 5 * 4 * 4)
    assert "Representative" in built_in.note
    before = PriceBook.objects.get().updated_at
    keep_built_in_book()
    assert PriceBook.objects.get().updated_at == before


@pytest.mark.django_db
def test_a_company_s_own_book_goes_before_the_built_in_one(tmp_path: Path) -> None:
    out = io.StringIO()
    call_command("import_prices", str(book(tmp_path, GOOD)), "--json", stdout=out)
    assert json.loads(out.getvalue()) == {
        "name": "our-prices",
        "offerings": 1,
        "is_changed": True,
        "replaced": None,
        "advice_on": [],
    }
    assert chosen_book().name == "our-prices"
    assert chosen_book("representative").is_built_in
    assert not import_prices(book(tmp_path, GOOD)).is_changed


@pytest.mark.django_db
def test_a_refused_file_leaves_the_book_as_it_was(tmp_path: Path) -> None:
    import_prices(book(tmp_path, GOOD))
    with pytest.raises(CommandError, match="line 2, column hourly: 'x' is not a number"):
        call_command("import_prices", str(book(tmp_path, GOOD.replace("0.061", "x"))))
    assert Offering.objects.filter(price_book__name="our-prices").count() == 1


@pytest.mark.django_db
def test_the_built_in_book_cannot_be_overwritten(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="name of its own"):
        call_command("import_prices", str(book(tmp_path, GOOD)), "--name", "Representative")


def test_a_file_that_is_not_there_is_said_to_be_missing(tmp_path: Path) -> None:
    with pytest.raises(ImportRejectedError, match=r"There is no such file\."):
        read_prices(tmp_path / "nowhere.csv")


def test_a_zero_with_a_million_decimals_is_a_plain_zero(tmp_path: Path) -> None:
    (offer,) = read_prices(book(tmp_path, GOOD.replace(",0,", ",0E-999999,", 1)))
    assert str(offer.upfront) == "0E-10"
