"""Bills in order line by line and odd as a whole: of several payers, in parts, with columns that come later."""

import gzip
import json
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from costs.errors import ImportRejectedError
from costs.models import BillImport, SubAccount
from costs.terms import ImportState
from tests.costs.bills import bring_in, csv_text, line, snake, write_csv, write_parquet
from tests.costs.corpus import zipped
from tests.costs.focus_bills import focus_line, write_focus

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.real_parts]


def told(item: BillImport, code: str) -> list[str]:
    return [finding["text"] for finding in item.findings if finding["code"] == code]


def test_lines_of_several_payers_count_together_and_are_told(tmp_path: Path) -> None:
    lines = [line(cost="2"), line(cost="3", resource="i-1") | {"bill/PayerAccountId": "000000000009"}]
    [made] = bring_in(write_csv(tmp_path / "bill.csv", lines))
    assert made.billed_cost == Decimal(5)
    [text] = told(made, "several_payers")
    assert text.startswith("The lines are of the payers 000000000001, 000000000009 and count together here.")


def test_lines_of_one_payer_tell_nothing_of_payers(tmp_path: Path) -> None:
    [made] = bring_in(write_csv(tmp_path / "bill.csv", [line(cost="2")]))
    assert told(made, "several_payers") == []


@pytest.mark.parametrize(("before", "after", "is_told"), [(20, 9, True), (20, 10, False), (9, 1, False)])
def test_a_version_with_less_than_half_of_the_lines_is_told(
    tmp_path: Path, before: int, after: int, is_told: bool
) -> None:
    """As when a file of six hours is given alone: it replaces the month, which may not be meant."""
    lines = [focus_line(cost="1", ResourceId=f"i-{number}") for number in range(before)]
    bring_in(write_focus(tmp_path / "whole.csv", *lines))
    [made] = bring_in(write_focus(tmp_path / "part.csv", *lines[:after]))
    made.refresh_from_db()
    assert made.billed_cost == Decimal(after)
    text = f"This version has {after} lines, the one before it {before}."
    assert [each.startswith(text) for each in told(made, "much_smaller")] == [True] * is_told


def test_columns_that_come_in_the_middle_of_a_month_are_read_where_they_are(tmp_path: Path) -> None:
    """A first file without net costs (10), a second with: 8 after discounts, and its discount line counts nothing."""
    first = write_csv(tmp_path / "bill-1.csv", [line(cost="10", resource="i-1")])
    second = [line(cost="9", net="8", resource="i-2"), line(kind="EdpDiscount", cost="-1", net="0", quantity="0")]
    [made] = bring_in(first, write_csv(tmp_path / "bill-2.csv", second))
    assert (made.rows, made.unblended_cost, made.billed_cost) == (3, Decimal(18), Decimal(18))


def test_a_month_of_credits_alone_is_negative(tmp_path: Path) -> None:
    lines = [line(kind="Credit", cost="-10"), line(kind="Refund", cost="-2.5")]
    [made] = bring_in(write_csv(tmp_path / "bill.csv", lines))
    assert (made.billed_cost, made.effective_cost) == (Decimal("-12.5"), Decimal("-12.5"))


def test_a_line_with_a_hundred_thousand_letters_of_tags_is_read(tmp_path: Path) -> None:
    tags = {f"key-{number}": "v" * 200 for number in range(500)}
    [made] = bring_in(write_focus(tmp_path / "f.csv", focus_line(cost="1", Tags=json.dumps(tags))))
    assert (made.billed_cost, told(made, "unread_map")) == (Decimal(1), [])


def test_breaks_and_commas_inside_quotes_do_not_end_a_line_whatever_ends_lines(tmp_path: Path) -> None:
    odd = line(cost="1") | {"lineItem/LineItemDescription": 'first\nsecond, "third"'}
    text = csv_text([odd, line(cost="2", resource="i-1")]).replace("\n", "\r\n").replace("first\r\n", "first\n")
    path = tmp_path / "bill.csv"
    path.write_bytes(b"\xef\xbb\xbf" + text.encode())
    [made] = bring_in(path)
    assert (made.rows, made.billed_cost) == (2, Decimal(3))


def test_resources_that_a_spreadsheet_turned_into_numbers_are_told(tmp_path: Path) -> None:
    """2 + 3 of two resources that are one now; i-1E+2 and 0x1E+5 are names."""
    lines = [line(cost=cost, resource="1.23E+11") for cost in ("2", "3")]
    lines += [line(cost="7", resource="i-1E+2"), line(cost="1", resource="0x1E+5")]
    [made] = bring_in(write_csv(tmp_path / "bill.csv", lines))
    [finding] = [each for each in made.findings if each["code"] == "resources_turned_into_numbers"]
    assert (finding["severity"], finding["lines"], finding["difference"]) == ("warning", 2, "5")
    assert "like 1.23E+11: several may stand as one" in finding["text"]


def test_accounts_that_a_program_took_for_numbers_get_their_zeros_back(tmp_path: Path) -> None:
    """As pandas saves them: the payer without its zero, and a column with a gap as 123456.0."""
    lines = [line(cost="2", account="123456.0"), line(cost="3", account="")]
    lines = [each | {"bill/PayerAccountId": "12345678506"} for each in lines]
    [made] = bring_in(write_csv(tmp_path / "bill.csv", lines))
    assert (made.source.name, made.source.billing_account_id) == ("aws-012345678506", "012345678506")
    named = SubAccount.objects.values_list("sub_account_id", flat=True).order_by("sub_account_id")
    assert list(named) == ["000000123456", "012345678506"]


@pytest.mark.parametrize(
    ("provider", "given", "account"),
    [
        ("AWS", "123456", "000000123456"),
        ("Amazon Web Services", "12345678506.0", "012345678506"),
        ("AWS", "1234567890123", "1234567890123"),
        ("AWS", "12345678901X", "12345678901X"),
        ("Microsoft", "8611537", "8611537"),
        ("Oracle", "20209880.0", "20209880"),
        ("Hawsons", "7", "7"),
    ],
)
def test_only_aws_has_accounts_of_twelve_digits_in_focus(
    tmp_path: Path, provider: str, given: str, account: str
) -> None:
    [made] = bring_in(
        write_focus(tmp_path / "f.csv", focus_line(ProviderName=provider, BillingAccountId=given, SubAccountId=given))
    )
    assert made.source.billing_account_id == account
    assert SubAccount.objects.get().sub_account_id == account


def test_accounts_kept_as_numbers_in_parquet_are_read_without_a_point(tmp_path: Path) -> None:
    row = focus_line(ProviderName="AWS", BillingAccountId="1", SubAccountId="1")
    columns: dict[str, list[object]] = {name: [value] for name, value in row.items()}
    path = write_parquet(tmp_path / "f.parquet", columns | {"BillingAccountId": [123456], "SubAccountId": [77.0]})
    [made] = bring_in(path)
    assert made.source.billing_account_id == "000000123456"
    assert SubAccount.objects.get().sub_account_id == "000000000077"


def test_times_in_nanoseconds_with_a_zone_are_read(tmp_path: Path) -> None:
    """As pandas writes them. Midnight in Berlin is April in UTC, and the month is that of UTC: here noon."""
    noon = datetime(2026, 5, 1, 12, tzinfo=UTC)
    row = focus_line(cost="4")
    columns: dict[str, Any] = {name: [value] for name, value in row.items()}
    for name in ("BillingPeriodStart", "BillingPeriodEnd", "ChargePeriodStart", "ChargePeriodEnd"):
        columns[name] = pa.array([noon], pa.timestamp("ns", "Europe/Berlin"))
    [made] = bring_in(write_parquet(tmp_path / "f.parquet", columns))
    assert (str(made.billing_period), made.billed_cost) == ("2026-05-01", Decimal(4))


def test_an_empty_file_among_those_given_changes_nothing(tmp_path: Path) -> None:
    """Surplus chunks of an export: nothing, packed nothing, and nothing inside of a zip."""
    (tmp_path / "b.csv").write_bytes(b"")
    (tmp_path / "c.csv.gz").write_bytes(gzip.compress(b""))
    (tmp_path / "d.zip").write_bytes(zipped({"d-1.csv": csv_text([line(cost="2")]), "d-2.csv": b""}))
    whole = write_csv(tmp_path / "a.csv", [line(cost="3")])
    [made] = bring_in(whole, *(tmp_path / name for name in ("b.csv", "c.csv.gz", "d.zip")))
    assert (made.rows, made.billed_cost) == (2, Decimal(5))


ONCE = [line(cost="2", resource="i-1"), line(cost="3.5", resource="i-2")]  # 5.5; twice it would be 11


def _copied(folder: Path) -> list[Path]:
    whole = write_csv(folder / "bill.csv", ONCE)
    copy = folder / "bill (1).csv"
    copy.write_bytes(whole.read_bytes())
    return [whole, copy]


def _packed(folder: Path) -> list[Path]:
    whole = write_csv(folder / "bill.csv", ONCE)
    packed = folder / "bill.csv.gz"
    packed.write_bytes(gzip.compress(whole.read_bytes()))
    return [whole, packed]


def _saved_anew(folder: Path) -> list[Path]:
    """As Parquet, in another order of lines."""
    columns = {snake(name): [each[name] for each in ONCE[::-1]] for name in ONCE[0]}
    return [write_csv(folder / "bill.csv", ONCE), write_parquet(folder / "bill.parquet", columns)]


@pytest.mark.parametrize(
    ("make", "copy"), [(_copied, "bill (1).csv"), (_packed, "bill.csv.gz"), (_saved_anew, "bill.parquet")]
)
def test_a_copy_of_a_file_among_those_given_is_refused(
    tmp_path: Path, make: Callable[[Path], list[Path]], copy: str
) -> None:
    with pytest.raises(ImportRejectedError) as refused:
        bring_in(*make(tmp_path))
    assert str(refused.value) == (
        f"{copy}: It holds the same 2 lines as bill.csv, so each cost would count twice. Give only one of them."
    )
    assert not BillImport.objects.filter(state=ImportState.IN_FORCE.value).exists()


def test_a_copy_inside_a_zip_archive_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "bill.zip"
    path.write_bytes(zipped({"a/bill.csv": csv_text(ONCE), "b/bill.csv": csv_text(ONCE)}))
    with pytest.raises(ImportRejectedError, match=r"^bill.zip: It holds the same 2 lines twice"):
        bring_in(path)


def test_files_that_agree_in_their_sums_alone_are_no_copies(tmp_path: Path) -> None:
    """2 + 3.5 for two resources of one account, and the same for another account: 11."""
    others = [each | {"lineItem/UsageAccountId": "000000000007"} for each in ONCE]
    [made] = bring_in(write_csv(tmp_path / "a.csv", ONCE), write_csv(tmp_path / "b.csv", others))
    assert made.billed_cost == Decimal(11)
