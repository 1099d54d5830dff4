"""Lines of a Cost and Usage Report that do not tell their currency: the rule of FOCUS lines, and where it is shown."""

from decimal import Decimal
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from costs import services as intake
from costs.errors import ImportRejectedError
from costs.models import Bill, BillImport, BillSource
from costs.money import plain
from costs.services import SourceFields
from costs.terms import ImportState, PlaceKind
from finops_site import pipeline
from tests.costs.bills import DEFAULTS, TODAY, bring_in, csv_text, cur2_line, cur2_text, line, write_csv

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.real_parts]
CURRENCY = "lineItem/CurrencyCode"
TEN, BLANK = line(cost="10", resource="i-1"), line(cost="2.5", currency="", resource="i-2")
CURE = (
    "Say in which currency they are: as Currency on the page of uploads or of the source, with import_bill --currency,"
    " or as currency in the API. Or export the file again with this column filled."
)


def without_column(folder: Path, name: str = "bill.csv") -> Path:
    """4.5 in nobody knows what."""
    path = folder / name
    path.write_text(csv_text([line(cost="4.5")], leave_out=(CURRENCY,)))
    return path


def in_currency(path: Path, currency: str) -> BillImport:
    [queued] = intake.prepare_imports([path], today=TODAY, currency=currency)
    [made] = pipeline.run_import(queued)
    return BillImport.objects.get(pk=made)


def told(item: BillImport) -> list[tuple[str, str]]:
    return [(each["severity"], each["text"]) for each in item.findings if each["code"] == "currency_assumed"]


def test_empty_cells_are_in_the_one_currency_of_the_other_lines_and_the_import_says_so(tmp_path: Path) -> None:
    """10 + 2.5, whichever file the other line is in."""
    [made] = bring_in(write_csv(tmp_path / "a.csv", [TEN]), write_csv(tmp_path / "b.csv", [BLANK]))
    assert (made.billing_currency, plain(made.billed_cost)) == ("USD", "12.5")
    assert told(made) == [("warning", "Lines without a currency count in USD, as all other lines of the bill.")]
    assert made.columns["assumed"] == {"line_item_currency_code": "USD, as all other lines of the bill"}


def test_a_bill_with_its_currency_tells_nothing_of_it(tmp_path: Path) -> None:
    made = in_currency(write_csv(tmp_path / "bill.csv", [TEN]), "EUR")
    assert (made.billing_currency, told(made)) == ("USD", [])


def test_empty_cells_beside_two_currencies_are_refused_with_their_line(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "bill.csv", [TEN, line(cost="1", currency="EUR"), BLANK])
    with pytest.raises(ImportRejectedError) as refused:
        bring_in(path)
    problem = "This line and maybe more have no currency, and other lines are in EUR and USD."
    assert str(refused.value) == f"bill.csv, line 4, column {CURRENCY}: {problem} {CURE}"


def test_a_report_without_the_column_is_refused_where_nobody_says_it(tmp_path: Path) -> None:
    with pytest.raises(ImportRejectedError) as refused:
        bring_in(without_column(tmp_path))
    problem = "The file has no column that tells the currency of its lines."
    assert str(refused.value) == f"bill.csv, line 1, column {CURRENCY}: {problem} {CURE}"
    assert not BillImport.objects.exists()


def test_cur_2_without_the_column_names_it_as_it_spells_it(tmp_path: Path) -> None:
    path = tmp_path / "bill.csv"
    path.write_text(cur2_text([cur2_line(TEN, product="{}")], leave_out=("line_item_currency_code",)))
    with pytest.raises(ImportRejectedError, match="line 1, column line_item_currency_code: The file has no column"):
        bring_in(path)
    assert plain(in_currency(path, "EUR").billed_cost) == "10"


def test_what_was_said_counts_and_is_kept_for_the_next_files_of_the_payer(tmp_path: Path) -> None:
    made = in_currency(without_column(tmp_path), "eur")
    assert (made.billing_currency, plain(made.billed_cost)) == ("EUR", "4.5")
    assert told(made) == [("warning", "Lines without a currency count in EUR, as was said with the files.")]
    assert BillSource.objects.get(pk=made.source_id).default_currency == "EUR"
    path = tmp_path / "next.csv"
    path.write_text(csv_text([line(cost="7")], leave_out=(CURRENCY,)))
    [after] = bring_in(path)
    assert (after.billing_currency, plain(after.billed_cost)) == ("EUR", "7")
    assert told(after) == [("warning", "Lines without a currency count in EUR, as the source says.")]


def test_saying_another_currency_is_another_version_and_saying_the_same_is_none(tmp_path: Path) -> None:
    path = without_column(tmp_path)
    states = [in_currency(path, currency).state for currency in ("EUR", "EUR", "CHF")]
    assert states == [ImportState.IN_FORCE, ImportState.UNCHANGED, ImportState.IN_FORCE]
    assert Bill.objects.get().import_in_force == BillImport.objects.order_by("-pk")[0]


def test_a_source_says_it_for_its_folder_and_the_command_for_its_own(tmp_path: Path) -> None:
    without_column(tmp_path)
    with pytest.raises(CommandError, match="The file has no column that tells the currency"):
        call_command("import_bill", str(tmp_path))
    call_command("import_bill", str(tmp_path), currency="CHF")
    assert Bill.objects.get().import_in_force is not None
    [made] = BillImport.objects.filter(state=ImportState.IN_FORCE.value)
    assert (made.billing_currency, made.billed_cost) == ("CHF", Decimal("4.5"))


def test_a_payer_s_source_may_say_it_before_the_first_bill(tmp_path: Path) -> None:
    intake.create_source("acme", SourceFields(PlaceKind.UPLOAD, "", default_currency="NOK"))
    path = without_column(tmp_path)
    [queued] = intake.prepare_imports([path], source_name="acme", today=TODAY)
    [made] = pipeline.run_import(queued)
    assert BillImport.objects.get(pk=made).billing_currency == "NOK"
    assert DEFAULTS[CURRENCY] == "USD"
