"""Zip archives: members become files without being unpacked, and what is no bill in them is left."""

import gzip
import zipfile
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from pytest_django import Settings

from costs.billing_formats.archives import take_out_tables
from costs.errors import ImportRejectedError
from tests.costs.bills import bring_in, csv_text, line, snake, write_parquet
from tests.costs.corpus import gzipped, zipped

TEXT = csv_text([line(cost="1")])


def taken_out(folder: Path, content: bytes, *, ratio_limit: int = 200, size_limit: int = 10**9) -> list[Path]:
    path, target = folder / "a.zip", folder / "out"
    path.write_bytes(content)
    target.mkdir()
    return take_out_tables(path, target, ratio_limit=ratio_limit, size_limit=size_limit)


def test_member_is_copied_as_the_gzip_file_it_already_is(tmp_path: Path) -> None:
    text = "a,b\n" + "1,2\n" * 10_000
    (table,) = taken_out(tmp_path, zipped({"deep/er/bill-1.csv": text}))
    assert table.name == "bill-1.csv"
    assert gzip.decompress(table.read_bytes()).decode() == text
    assert table.stat().st_size < len(text) / 10


def test_members_of_one_name_and_odd_names_stay_apart(tmp_path: Path) -> None:
    tables = taken_out(tmp_path, zipped({"a/bill.csv": "1", "b/bill.csv": "2", "c/bill [*] ü.csv": "3"}))
    assert [table.name for table in tables] == ["bill.csv", "bill.csv", "bill _ _.csv"]
    assert [gzip.decompress(table.read_bytes()) for table in tables] == [b"1", b"2", b"3"]


def test_member_that_leads_out_of_the_archive_stays_inside(tmp_path: Path) -> None:
    (table,) = taken_out(tmp_path, zipped({"../../evil.csv": "1"}))
    assert table.is_relative_to(tmp_path / "out")
    assert not (tmp_path.parent / "evil.csv").exists()


@pytest.mark.parametrize(("ratio_limit", "size_limit"), [(50, 10**9), (10**6, 2_000_000)])
def test_member_that_unpacks_to_absurd_size_is_refused_before_it_is_taken_out(
    tmp_path: Path, ratio_limit: int, size_limit: int
) -> None:
    with pytest.raises(ImportRejectedError, match="unpacks to more than"):
        taken_out(tmp_path, zipped({"a.csv": "0" * 5_000_000}), ratio_limit=ratio_limit, size_limit=size_limit)
    assert list((tmp_path / "out").iterdir()) == []


def test_encrypted_member_is_refused_with_its_name(tmp_path: Path) -> None:
    content = bytearray(zipped({"a.csv": TEXT}))
    for mark, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(mark) + place] |= 1
    with pytest.raises(ImportRejectedError) as refused:
        taken_out(tmp_path, bytes(content))
    assert str(refused.value) == ("a.zip: a.csv in the zip archive is encrypted. Unpack it and give the files inside.")


@pytest.mark.django_db(transaction=True)
def test_inventory_in_a_zip_is_read_and_two_are_refused(tmp_path: Path) -> None:
    # One bucket of 31.00 a month.
    text = "BucketName,MonthlyCostUSD,StorageClass\nlogs,31.00,Standard\n"
    path = tmp_path / "buckets.zip"
    path.write_bytes(zipped({"buckets.csv": text}))
    (made,) = bring_in(path, snapshot_on=date(2026, 5, 4))
    assert (made.billed_cost, made.source.name, made.files[0]["name"]) == (
        Decimal(31),
        "inventory-storage",
        "buckets.zip",
    )
    path.write_bytes(zipped({"a.csv": text, "b.csv": text}))
    with pytest.raises(ImportRejectedError, match="The zip archive holds several inventories"):
        bring_in(path)


@pytest.mark.django_db(transaction=True)
def test_nothing_of_an_archive_is_left_behind(tmp_path: Path, settings: Settings) -> None:
    settings.IMPORT_TEMP_DIR = str(tmp_path / "temp")
    path = tmp_path / "a.zip"
    path.write_bytes(zipped({"a.csv": TEXT, "b.csv": csv_text([line(cost="2")])}, how=zipfile.ZIP_STORED))
    (made,) = bring_in(path)
    assert (made.rows, made.billed_cost) == (2, Decimal(3))
    assert [found.name for found in (tmp_path / "temp").glob("zip-*")] == []


@pytest.mark.django_db
def test_members_whose_names_tell_nothing_are_read_by_how_they_begin(tmp_path: Path) -> None:
    """1 + 2 + 4: text, gzip and Parquet as Athena and Spark name them. What is beside a bill is left."""
    text, packed = (csv_text([line(cost=cost)]) for cost in ("1", "2"))
    columns = {snake(name): [value] for name, value in line(cost="4").items()}
    parquet = write_parquet(tmp_path / "p", columns).read_bytes()
    beside: dict[str, str | bytes] = {
        "_SUCCESS": "",
        "README": "a bill",
        "notes.md": "a,b,c,d,e,f",
        "bill.xlsx": b"PK\x03\x04",
    }
    members: dict[str, str | bytes] = {"part-00000": text, "part-00001": gzipped(packed), "0000_part.snappy": parquet}
    path = tmp_path / "a.zip"
    path.write_bytes(zipped(beside | members | {"bill.xlsx": b"PK\x03\x04"}))
    (made,) = bring_in(path)
    assert (made.rows, made.billed_cost) == (3, Decimal(7))


def test_an_archive_among_tables_is_not_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    path.write_bytes(zipped({"a.csv": TEXT, "more/inner.zip": zipped({"b.csv": TEXT})}))
    with pytest.raises(ImportRejectedError) as refused:
        bring_in(path)
    assert str(refused.value) == "a.zip/inner.zip: A zip archive inside another is not read. Unpack the outer one."
