"""Deliveries as Azure and Oracle lay them out: manifests of runs, and folders of days that are parts of one bill."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from costs.deliveries import ManifestError, StoredFile, exports_of, find_deliveries, parse_manifest

NOON = datetime(2026, 6, 3, 12, tzinfo=UTC)
EXPORT = "costs/focus/20260501-20260531"


def stored(key: str, *, minutes: int = 0) -> StoredFile:
    return StoredFile(key, 10, "a", NOON + timedelta(minutes=minutes))


def azure(*names: str, run: str = "run-1", start: str = "2026-05-01T00:00:00") -> bytes:
    told = {
        "blobs": [{"blobName": name, "byteCount": 10} for name in names],
        "exportConfig": {"exportName": "focus", "type": "FocusCost", "dataVersion": "1.0r2"},
        "runInfo": {"runId": run, "submittedTime": "2026-05-20T06:00:00Z", "startDate": start},
    }
    return json.dumps(told).encode()


def test_the_newest_run_of_an_azure_export_is_the_month_and_only_the_files_it_names() -> None:
    part = f"{EXPORT}/run-{{}}/part_0_0001.csv"
    manifests = {f"{EXPORT}/run-{n}/manifest.json": azure(part.format(n), run=f"run-{n}") for n in (1, 2)}
    files = [stored(part.format(1)), stored(f"{EXPORT}/run-1/manifest.json")]
    files += [stored(part.format(2), minutes=9), stored(f"{EXPORT}/run-2/manifest.json", minutes=9)]
    files.append(stored(f"{EXPORT}/run-2/part_0_0002.csv", minutes=9))  # of no run
    [found] = find_deliveries(files, manifests.__getitem__, settled_before=NOON)
    assert (str(found.period), found.run, [file.key for file in found.files]) == ("2026-05", "run-2", [part.format(2)])
    assert found.is_complete
    assert exports_of([found]) == ("focus",)


def test_a_file_an_azure_manifest_names_is_waited_for() -> None:
    manifest = f"{EXPORT}/run-1/manifest.json"
    names = (f"{EXPORT}/run-1/part_0_0001.csv", f"{EXPORT}/run-1/part_1_0001.csv")
    [found] = find_deliveries([stored(names[0]), stored(manifest)], lambda _: azure(*names))
    assert (found.missing, found.is_complete) == ((names[1],), False)


def test_a_place_may_begin_below_the_container_an_azure_manifest_counts_from() -> None:
    key = "focus/20260501-20260531/run-1/part_0_0001.csv"
    manifest = "focus/20260501-20260531/run-1/manifest.json"
    [found] = find_deliveries([stored(key), stored(manifest)], lambda _: azure(f"costs/{key}"))
    assert [file.key for file in found.files] == [key]


def test_another_program_s_manifest_is_none_of_a_bill() -> None:
    [found] = find_deliveries([stored("site/manifest.json"), stored("site/bill.csv")], lambda _: b"{}")
    assert (found.manifest, [file.key for file in found.files]) == ("", ["site/bill.csv"])


@pytest.mark.parametrize("blobs", [[], [{}], ["part.csv"], None])
def test_an_azure_manifest_without_files_says_so(blobs: object) -> None:
    content = json.dumps({"blobs": blobs, "runInfo": {"startDate": "2026-05-01T00:00:00"}}).encode()
    with pytest.raises(ManifestError, match=r"names no files \(reportKeys, dataFiles or blobs\)"):
        parse_manifest(f"{EXPORT}/run-1/manifest.json", content)


def test_folders_of_days_are_parts_of_one_delivery() -> None:
    """Oracle puts six hours into each file: a folder alone would replace its month with a day of it."""
    days = [f"FOCUS Reports/2026/05/{day:02d}/000{day}.csv.gz" for day in (30, 31)]
    files = [stored(key, minutes=place) for place, key in enumerate([*days, "FOCUS Reports/2026/06/01/0001.csv.gz"])]
    [found] = find_deliveries(files, bytes, settled_before=NOON + timedelta(minutes=5))  # type: ignore[arg-type]
    assert (found.folder, found.period) == ("FOCUS Reports", None)
    assert [file.key for file in found.files] == [file.key for file in files]


def test_a_new_file_of_a_day_is_a_new_version_of_them_all() -> None:
    files = [stored("2026/05/30/a.csv"), stored("2026/05/31/a.csv")]
    [before], [after] = (find_deliveries(given, bytes) for given in (files, [*files, stored("2026/06/01/a.csv")]))  # type: ignore[arg-type]
    assert before.folder == after.folder == ""
    assert before.version != after.version
