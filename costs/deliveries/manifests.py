"""Manifests of exports: which run they describe, of which month, and the files that belong to it.

Legacy reports name month, assembly and `reportKeys`; Data Exports name execution and `dataFiles`, their month stands
in the path only; Azure names its run, when it starts, and `blobs`. Facts: docs/how-to/add-a-source.md.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from posixpath import basename
from typing import Any

from costs.deliveries.files import StoredFile, period_named
from costs.errors import FinopsError, InvalidRequestError
from costs.periods import BillingPeriod

MANIFEST_LIMIT = 8 * 1024 * 1024
_SUFFIX = len("-Manifest.json")


class ManifestError(FinopsError):
    """A manifest that cannot be read; the text names the cure."""

    code = "bad_manifest"


@dataclass(frozen=True)
class Manifest:
    """One run of an export: all files named here together are the month."""

    key: str
    export: str
    period: BillingPeriod
    run: str  # assembly or execution id
    file_names: tuple[str, ...]  # as the manifest writes them: paths in its bucket, or s3:// addresses


def parse_manifest(key: str, content: bytes) -> Manifest:
    """Read a manifest. Raises ManifestError: no JSON, no list of files, no month."""
    if len(content) >= MANIFEST_LIMIT:
        raise ManifestError(f"{basename(key)} has more than {MANIFEST_LIMIT // 1024**2} MB. No export's manifest has.")
    try:
        read = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise ManifestError(f"{basename(key)} is not JSON. Have the export delivered again.") from error
    names = _names(read) if isinstance(read, dict) else None
    if not isinstance(names, list) or not names or not all(isinstance(name, str) and name for name in names):
        raise ManifestError(
            f"{basename(key)} names no files (reportKeys, dataFiles or blobs). Have the export delivered again."
        )
    return Manifest(
        key=key,
        export=str(read.get("reportName") or _part(read, "exportConfig").get("exportName") or basename(key)[:-_SUFFIX]),
        period=_period(key, read, names),
        run=str(read.get("assemblyId") or read.get("executionId") or _part(read, "runInfo").get("runId") or ""),
        file_names=tuple(dict.fromkeys(names)),
    )


def named_file(name: str, manifest_key: str, files: Mapping[str, StoredFile]) -> StoredFile | None:
    """The file of the place that a manifest means; None where it is not there.

    Paths in manifests start at the top of the bucket. A place may begin further down, or be a copy that begins
    further up, or hold the files right beside their manifest.
    """
    path = _path_of(name)
    if path in files:
        return files[path]
    same = [file for file in files.values() if file.name == basename(path)]
    for file in same:
        if path.endswith(f"/{file.key}") or file.key.endswith(f"/{path}"):
            return file
    beside = manifest_key.rsplit("/", 1)[0] if "/" in manifest_key else ""
    return next((file for file in same if file.folder == beside), None)


def _names(read: Mapping[str, Any]) -> Any:
    """What should be the list of its files; whoever reads it looks whether it is one."""
    blobs = read.get("blobs")
    if isinstance(blobs, list):
        blobs = [blob.get("blobName") if isinstance(blob, dict) else None for blob in blobs]
    return read.get("reportKeys") or read.get("dataFiles") or blobs


def _part(read: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """A mapping inside another one; an empty one where it is none."""
    part = read.get(name)
    return part if isinstance(part, dict) else {}


def _path_of(name: str) -> str:
    path = name.split("/", 3)[-1] if name.lower().startswith("s3://") else name
    return path.lstrip("/")


def _period(key: str, read: Mapping[str, Any], names: Iterable[str]) -> BillingPeriod:
    start = str(_part(read, "billingPeriod").get("start") or _part(read, "runInfo").get("startDate") or "")
    digits = "".join(letter for letter in start if letter.isdigit())
    try:
        if digits:
            return BillingPeriod.parse(f"{digits[:4]}-{digits[4:6]}")
    except InvalidRequestError as error:
        raise ManifestError(f"{basename(key)} states no month that can be: {start!r}.") from error
    for path in (key, *names):
        if period := period_named(_path_of(path).rpartition("/")[0]):
            return period
    raise ManifestError(
        f"{basename(key)} does not say its month. Keep it in its folder, like metadata/BILLING_PERIOD=2026-05/."
    )
