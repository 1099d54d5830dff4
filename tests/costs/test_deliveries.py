"""Deliveries: which files of a place are which version of a month, from AWS's layouts and from loose files."""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

import pytest

from costs.deliveries import NO_MANIFEST, Delivery, ManifestError, StoredFile, find_deliveries, parse_manifest

NOON = datetime(2026, 6, 3, 12, tzinfo=UTC)


def stored(key: str, etag: str = "a", *, minutes: int = 0) -> StoredFile:
    """A file that was written so many minutes after eleven."""
    return StoredFile(key, 10, etag, NOON - timedelta(hours=1) + timedelta(minutes=minutes))


def legacy(*keys: str, assembly: str = "asm-1", start: str = "20260501T000000.000Z") -> bytes:
    period = {"start": start, "end": "20260601T000000.000Z"}
    told = {"assemblyId": assembly, "reportName": "r", "billingPeriod": period, "reportKeys": keys}
    return json.dumps(told).encode()


def export(*names: str, run: str = "exec-1") -> bytes:
    return json.dumps({"executionId": run, "columns": [], "dataFiles": names}).encode()


def place(*keys: str, manifests: Mapping[str, bytes] | None = None) -> tuple[list[StoredFile], Callable[[str], bytes]]:
    held = dict(manifests or {})
    return [stored(key) for key in (*keys, *held)], held.__getitem__


def told(delivery: Delivery) -> tuple[str, list[str], str]:
    return str(delivery.period), [file.key for file in delivery.files], delivery.run


def test_the_manifest_above_the_assemblies_says_which_one_counts() -> None:
    files, read = place(
        "p/r/20260501-20260601/asm-1/r-1.csv.gz",
        "p/r/20260501-20260601/asm-2/r-1.csv.gz",
        "p/r/20260501-20260601/asm-2/r-2.csv.gz",
        manifests={
            "p/r/20260501-20260601/asm-1/r-Manifest.json": b"not read",
            "p/r/20260501-20260601/asm-2/r-Manifest.json": b"not read",
            "p/r/20260501-20260601/r-Manifest.json": legacy("p/r/20260501-20260601/asm-2/r-1.csv.gz", assembly="asm-2"),
        },
    )
    [found] = find_deliveries(files, read)
    assert told(found) == ("2026-05", ["p/r/20260501-20260601/asm-2/r-1.csv.gz"], "asm-2")
    assert found.is_complete


def test_without_a_manifest_above_the_newest_assembly_counts() -> None:
    keys = [f"20260501-20260601/{run}/r-1.csv.gz" for run in ("b-old", "a-new")]
    manifests = {f"20260501-20260601/{run}/r-Manifest.json" for run in ("b-old", "a-new")}
    files = [stored(key, minutes=20 if "a-new" in key else 0) for key in (*keys, *manifests)]
    [found] = find_deliveries(
        files, lambda key: legacy(key.replace("-Manifest.json", "-1.csv.gz"), assembly=key[18:23])
    )
    assert told(found) == ("2026-05", ["20260501-20260601/a-new/r-1.csv.gz"], "a-new")


def test_surplus_chunks_of_an_export_are_ignored_and_its_month_is_read_from_the_path() -> None:
    top = "cur2/x"
    files, read = place(
        f"{top}/data/BILLING_PERIOD=2026-05/x-00001.csv.gz",
        f"{top}/data/BILLING_PERIOD=2026-05/x-00002.csv.gz",
        f"{top}/x-create-table.sql",
        f"{top}/execution_status/x.csv",
        manifests={
            f"{top}/metadata/BILLING_PERIOD=2026-05/x-Manifest.json": export(
                f"s3://bucket/{top}/data/BILLING_PERIOD=2026-05/x-00001.csv.gz"
            )
        },
    )
    [found] = find_deliveries(files, read)
    assert told(found) == ("2026-05", [f"{top}/data/BILLING_PERIOD=2026-05/x-00001.csv.gz"], "exec-1")


def test_of_runs_that_are_all_kept_the_newest_counts_whatever_a_copy_did_to_the_times() -> None:
    data, meta = "x/data/billing_period=2026-05", "x/metadata/billing_period=2026-05"
    runs = ("2026-05-30T01:00:00.000Z-old", "2026-06-01T23:48:02.356Z-new")
    files = [stored(f"{data}/{run}/x-00001.snappy.parquet") for run in runs]
    files += [stored(f"{meta}/{run}/x-Manifest.json", minutes=30 if run.endswith("old") else 0) for run in runs]

    def read(key: str) -> bytes:
        run = key.split("/")[3]
        return export(f"s3://b/{data}/{run}/x-00001.snappy.parquet", run=run[-3:])

    [found] = find_deliveries(files, read)
    assert told(found) == ("2026-05", [f"{data}/{runs[1]}/x-00001.snappy.parquet"], "new")


def test_a_chunk_that_is_named_and_missing_is_waited_for() -> None:
    key = "r/20260501-20260601/asm-1/r-{}.csv.gz"
    manifests = {"r/20260501-20260601/r-Manifest.json": legacy(key.format(1), key.format(2))}
    files, read = place(key.format(1), manifests=manifests)
    [found] = find_deliveries(files, read)
    assert (found.missing, found.is_complete) == ((key.format(2),), False)
    before = found.version
    [whole] = find_deliveries([*files, stored(key.format(2))], read)
    assert whole.is_complete
    assert whole.version != before


@pytest.mark.parametrize(
    ("held", "manifest"),
    [
        ("20260501-20260601/asm-1/r-1.csv", "20260501-20260601/r-Manifest.json"),  # begins further down
        ("copy/p/r/20260501-20260601/asm-1/r-1.csv", "copy/p/r/20260501-20260601/r-Manifest.json"),  # further up
        ("r-1.csv", "r-Manifest.json"),  # all in one folder
        ("may/r-1.csv", "may/r-Manifest.json"),
    ],
)
def test_copies_of_a_bucket_are_read_wherever_they_begin(held: str, manifest: str) -> None:
    files, read = place(held, manifests={manifest: legacy("/p/r/20260501-20260601/asm-1/r-1.csv")})
    [found] = find_deliveries(files, read)
    assert (told(found), found.missing) == (("2026-05", [held], "asm-1"), ())


def test_a_file_of_another_assembly_does_not_stand_in_for_a_missing_one() -> None:
    files, read = place(
        "r/20260501-20260601/asm-1/r-1.csv",
        manifests={"r/20260501-20260601/r-Manifest.json": legacy("r/20260501-20260601/asm-2/r-1.csv")},
    )
    [found] = find_deliveries(files, read)
    assert found.missing == ("r/20260501-20260601/asm-2/r-1.csv",)


def test_files_without_manifest_are_one_delivery_for_each_folder() -> None:
    files, read = place("a.csv", "b.csv.gz", "notes.txt", "year=2026/month=5/x.snappy.parquet")
    may, loose = find_deliveries(files, read)
    assert told(may) == ("2026-05", ["year=2026/month=5/x.snappy.parquet"], "")
    assert told(loose) == ("None", ["a.csv", "b.csv.gz"], "")


def test_files_are_left_alone_while_somebody_may_still_be_writing() -> None:
    files = [stored("a.csv", minutes=59), stored("b/c.csv", minutes=0)]
    found = find_deliveries(files, bytes, settled_before=NOON - timedelta(minutes=10))  # type: ignore[arg-type]
    assert [delivery.folder for delivery in found] == ["b"]


def test_aws_folders_wait_for_their_manifest_for_a_day() -> None:
    files = [stored("r/20260501-20260601/asm-1/r-1.csv")]
    [waiting] = find_deliveries(files, bytes, settled_before=NOON)  # type: ignore[arg-type]
    assert (waiting.problem, waiting.is_complete) == (NO_MANIFEST, False)
    [taken] = find_deliveries(files, bytes, settled_before=NOON + timedelta(days=1))  # type: ignore[arg-type]
    assert taken.is_complete


def test_a_version_changes_with_the_run_and_with_every_file_and_with_nothing_else() -> None:
    key = "r/20260501-20260601/r-1.csv"
    manifest = "r/20260501-20260601/r-Manifest.json"

    def version(etag: str, assembly: str, minutes: int) -> str:
        files = [stored(key, etag, minutes=minutes), stored(manifest, str(minutes), minutes=minutes)]
        [found] = find_deliveries(files, lambda _: legacy(key, assembly=assembly))
        return found.version

    assert version("a", "asm-1", 0) == version("a", "asm-1", 5)
    assert len({version("a", "asm-1", 0), version("b", "asm-1", 0), version("a", "asm-2", 0)}) == 3


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"<html>", "is not JSON"),
        (b"[]", "names no files"),
        (b'{"reportKeys": []}', "names no files"),
        (b'{"reportKeys": [1]}', "names no files"),
        (b'{"dataFiles": ["s3://b/x.csv"]}', "does not say its month"),
        (legacy("x.csv", start="20261301T000000.000Z"), "no month that can be"),
    ],
)
def test_a_manifest_that_cannot_be_read_says_why(content: bytes, problem: str) -> None:
    with pytest.raises(ManifestError, match=problem):
        parse_manifest("x-Manifest.json", content)
    [found] = find_deliveries([stored("x-Manifest.json")], lambda _: content)
    assert problem in found.problem
