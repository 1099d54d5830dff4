"""Every way a bill can be wrong: the error names file, line, column and cure, and the month in force stays."""

import errno
import gzip
import hashlib
import random
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest
from django.db import DatabaseError
from pytest_django import Settings

from costs import charge_store
from costs import services as intake
from costs.errors import ImportRejectedError
from costs.models import Bill, BillImport
from costs.terms import ImportState
from tests.costs.bills import TODAY, bring_in, bring_in_lines, csv_text, line, write_csv

pytestmark = pytest.mark.django_db(transaction=True)

GOOD = line(cost="10")


def broken(name: str, content: bytes) -> Callable[[Path], Path]:
    """A maker of a file with this content."""

    def make(folder: Path) -> Path:
        path = folder / name
        path.write_bytes(content)
        return path

    return make


def text_of(*lines: dict[str, str], leave_out: tuple[str, ...] = ()) -> bytes:
    return csv_text(lines, leave_out=leave_out).encode()


def parquet_cut(folder: Path) -> Path:
    path = folder / "cut.parquet"
    path.write_bytes(b"PAR1" + b"\x00" * 200)
    return path


CASES = {
    "empty": (broken("e.csv", b""), "e.csv: The file is empty. Export it again."),
    "only a header": (broken("h.csv", text_of()), "h.csv: The file has a header and no lines."),
    "unknown format": (
        broken("u.csv", b"a,b,c\n1,2,3\n"),
        "u.csv, line 1: The format is not known: its header begins with a, b, c. Readable are:",
    ),
    "semicolons": (
        broken("s.csv", text_of(GOOD).replace(b",", b";")),
        "s.csv, line 1: The columns are separated by semicolons, not by commas. Export the file with commas.",
    ),
    "missing columns": (
        broken("m.csv", text_of(GOOD, leave_out=("lineItem/CurrencyCode", "lineItem/LineItemType"))),
        "has no column lineItem/LineItemType, lineItem/CurrencyCode.",
    ),
    "text in a number": (
        broken("t.csv", text_of(GOOD, line(cost="ten"))),
        "t.csv, line 3, column lineItem/UnblendedCost: 'ten' is not a number. Correct it or export the file again.",
    ),
    "text in a number after a quoted line break": (
        broken("q.csv", text_of(line({"lineItem/LineItemDescription": "two\nlines"}), line(cost="$5"))),
        "q.csv, line 4, column lineItem/UnblendedCost: '$5' is not a number.",
    ),
    "not a quantity": (
        broken("n.csv", text_of(line(quantity="nan"))),
        "n.csv, line 2, column lineItem/UsageAmount: 'nan' is not a number.",
    ),
    "text in a date": (
        broken("d.csv", text_of(line(start="May"))),
        "d.csv, line 2, column lineItem/UsageStartDate: 'May' is not a date and time.",
    ),
    "short line": (
        broken("l.csv", text_of(GOOD) + b"1,2,3\n"),
        "l.csv, line 3: The line has 3 columns, the header 28.",
    ),
    "not utf-8": (
        broken("x.csv", text_of(line({"lineItem/LineItemDescription": "AB"})).replace(b"AB", b"\xff\xfe")),
        "The text is not UTF-8.",
    ),
    "truncated gzip": (
        broken("g.csv.gz", gzip.compress(text_of(*[line(cost=str(n)) for n in range(400)]))[:-300]),
        "g.csv.gz: The compressed file ends early or is damaged. Transfer or export it again.",
    ),
    "truncated parquet": (parquet_cut, "cut.parquet: The Parquet file ends early or is damaged."),
    "zip": (
        broken("z.zip", b"PK\x03\x04rest"),
        "z.zip: The zip archive ends early or is damaged. Transfer or export it again.",
    ),
    "two currencies": (
        broken("c.csv", text_of(GOOD, line(currency="EUR"))),
        "c.csv: The files hold EUR and USD. Give bills of different currencies as separate sources.",
    ),
    "month of the wrong year": (
        broken("y.csv", text_of(line(period="2062-05-01T00:00:00Z"))),
        "y.csv, line 2, column bill/BillingPeriodStartDate: The month 2062-05 cannot be right."
        " Check the billing period's year in the export.",
    ),
    "no billing period": (
        broken("p.csv", text_of(line(period=""))),
        "p.csv, line 2, column bill/BillingPeriodStartDate: This line and maybe more have no billing period.",
    ),
    "contract commitments": (
        broken("f.csv", b"ContractCommitmentId,ContractId\n1,2\n"),
        "f.csv, line 1: This is FOCUS's list of contract commitments, which holds no charges.",
    ),
}


@pytest.mark.parametrize(("make", "told"), CASES.values(), ids=CASES.keys())
def test_bad_bill_is_refused_with_its_place_and_the_month_in_force_stays(
    tmp_path: Path, make: Callable[[Path], Path], told: str
) -> None:
    good = bring_in_lines(tmp_path, GOOD)
    with pytest.raises(ImportRejectedError) as refused:
        bring_in(make(tmp_path))
    assert told in str(refused.value)
    assert Bill.objects.get().import_in_force == good
    for item in BillImport.objects.exclude(pk=good.pk):
        assert (item.state, item.error) == (ImportState.FAILED, str(refused.value))


def test_file_that_unpacks_to_absurd_size_is_refused_before_it_is_read(tmp_path: Path, settings: Settings) -> None:
    settings.UNPACKED_RATIO_LIMIT = 50
    path = tmp_path / "bomb.csv.gz"
    path.write_bytes(gzip.compress(csv_text([GOOD]).encode() + b"0" * 5_000_000))
    with pytest.raises(ImportRejectedError, match="unpacks to more than 50 times its size"):
        intake.prepare_imports([path], today=TODAY)


def test_csv_with_mixed_line_ends_is_refused_with_the_line(tmp_path: Path) -> None:
    path = tmp_path / "bill.csv"
    path.write_bytes(csv_text([GOOD, GOOD]).replace("\n", "\r\n").encode() + b"\n")
    with pytest.raises(ImportRejectedError) as refused:
        bring_in(path)
    assert str(refused.value) == (
        "bill.csv, line 4: The line ends in another way than the lines before it (LF and CRLF mixed)."
        " Repair the line or export the file again."
    )


def test_csv_with_a_quote_in_a_wrong_place_is_refused_with_the_line(tmp_path: Path) -> None:
    path = tmp_path / "bill.csv"
    path.write_text(csv_text([GOOD]) + '"a"b,c\n')
    with pytest.raises(ImportRejectedError, match=r"bill\.csv, line 3: "):
        bring_in(path)


def test_large_file_that_unpacks_to_absurd_size_after_a_plain_beginning_is_refused(
    tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("costs.billing_formats.files._PROBED_WHOLE", 1024)
    settings.UNPACKED_RATIO_LIMIT = 20
    beginning = csv_text(
        [line({"lineItem/LineItemDescription": hashlib.sha512(b"%d" % n).hexdigest()}) for n in (1, 2)]
    )
    path = tmp_path / "bomb.csv.gz"
    path.write_bytes(
        gzip.compress(beginning.encode() + random.Random(7).randbytes(2_000_000)) + gzip.compress(bytes(10**8))
    )
    with pytest.raises(ImportRejectedError, match="unpacks to more than 20 times its size"):
        intake.prepare_imports([path], today=TODAY)


def test_truncated_gzip_is_refused_when_it_is_too_large_to_be_probed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("costs.billing_formats.files._PROBED_WHOLE", 0)
    path = tmp_path / "cut.csv.gz"
    path.write_bytes(gzip.compress(csv_text([line(cost=str(n)) for n in range(4000)]).encode())[:-8])
    with pytest.raises(ImportRejectedError, match="The compressed file ends early or is damaged"):
        bring_in(path)


@pytest.mark.parametrize(
    ("step", "error", "told"),
    [
        ("roll_up", OSError(errno.ENOSPC, "No space left on device"), "set CHARGE_STORE to a folder with room"),
        (
            "roll_up",
            RuntimeError("failed to offload data block. This limit was set by the 'max_temp_directory_size' setting."),
            "set IMPORT_TEMP_DIR to a folder with room, then import again.",
        ),
        (
            "write_side_files",
            RuntimeError('Could not write file "/store/x.parquet": No space left on device'),
            "set CHARGE_STORE to a folder with room, then import again.",
        ),
        ("accounts", DatabaseError("database or disk is full"), "The database's disk is full. Free space there,"),
    ],
)
def test_full_disk_is_told_with_its_folder_and_the_month_in_force_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str, error: Exception, told: str
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    good = bring_in_lines(tmp_path, GOOD)
    monkeypatch.setattr(charge_store, step, fail)
    with pytest.raises(ImportRejectedError) as refused:
        bring_in(write_csv(tmp_path / "next.csv", [line(cost="11")]))
    assert told in str(refused.value)
    assert Bill.objects.get().import_in_force == good
    assert BillImport.objects.exclude(pk=good.pk).get().error == str(refused.value)


def test_other_errors_are_not_taken_for_a_full_disk() -> None:
    assert charge_store.disk_full(DatabaseError("database is locked")) is None
    assert charge_store.disk_full(OSError(errno.EACCES, "Permission denied")) is None


def test_file_over_the_limit_is_refused(tmp_path: Path, settings: Settings) -> None:
    settings.UPLOAD_LIMIT_MB = 0
    with pytest.raises(ImportRejectedError, match=r"larger than 0 MB\. Raise UPLOAD_LIMIT_MB"):
        intake.prepare_imports([write_csv(tmp_path / "bill.csv", [GOOD])], today=TODAY)


def test_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ImportRejectedError, match="There is no such file"):
        intake.prepare_imports([tmp_path / "none.csv"], today=TODAY)


def test_gzip_of_several_members_is_read_to_the_end(tmp_path: Path) -> None:
    text = csv_text([line(cost="1")])
    header = text.index("\n") + 1
    path = tmp_path / "bill.csv.gz"
    path.write_bytes(gzip.compress(text.encode()) + gzip.compress(text[header:].encode()))
    (made,) = bring_in(path)
    assert (made.rows, made.billed_cost) == (2, Decimal(2))


def test_empty_chunk_beside_a_full_one_is_fine(tmp_path: Path) -> None:
    full = write_csv(tmp_path / "1.csv", [GOOD])
    (made,) = bring_in(full, write_csv(tmp_path / "2.csv", []))
    assert (made.rows, made.files_done) == (1, 2)


def test_headers_of_another_case_and_a_byte_order_mark_are_read(tmp_path: Path) -> None:
    text = csv_text([GOOD])
    header, rest = text.split("\n", 1)
    path = tmp_path / "bill.csv"
    path.write_bytes(("\ufeff" + header.upper() + "\n" + rest).replace("\n", "\r\n").encode())
    (made,) = bring_in(path)
    assert made.billed_cost == 10


def test_text_in_a_public_price_is_left_out_and_told(tmp_path: Path) -> None:
    made = bring_in_lines(tmp_path, line(cost="1", public="convertible"))
    assert made.list_cost == 1
    assert next((finding["code"], finding["lines"]) for finding in made.findings) == ("unread_list_price", 1)
