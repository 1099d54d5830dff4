"""From the files of a place to deliveries: which files together are a version of a month.

Where there are manifests they decide: the newest run of a month, and only the files it names. Files that no manifest
speaks for are a delivery of their own, folder by folder; folders of days, and partitions of a table, are parts of one.
"""

import hashlib
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from posixpath import dirname

from costs.deliveries.files import (
    StoredFile,
    above_days,
    above_partitions,
    chunk_stem,
    period_folder,
    period_named,
    waits_for_manifest,
)
from costs.deliveries.manifests import Manifest, ManifestError, named_file, parse_manifest
from costs.periods import BillingPeriod

Read = Callable[[str], bytes]
_RUN_TIME = re.compile(r"\d{4}-?\d{2}-?\d{2}T")
# Files in AWS's and Azure's folders that are so old were copied there without their manifest.
_PATIENCE = timedelta(days=1)
NO_MANIFEST = "The files are there, but no manifest yet. The provider writes it last."


@dataclass(frozen=True)
class Delivery:
    """One version of what lies in one folder. A later version of the same folder replaces it.

    It is complete where `missing` and `problem` are empty. `period` is None where only the files know it.
    """

    folder: str
    period: BillingPeriod | None
    files: tuple[StoredFile, ...]
    manifest: str = ""  # the key of the manifest; files without one are what their folder holds
    export: str = ""
    run: str = ""
    missing: tuple[str, ...] = ()
    problem: str = ""

    @property
    def version(self) -> str:
        """The same for the same run with the same files in the same state."""
        parts = [self.run, self.problem, *self.missing]
        parts += [f"{file.key} {file.size} {file.etag}" for file in sorted(self.files, key=lambda file: file.key)]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()

    @property
    def is_complete(self) -> bool:
        return bool(self.files) and not self.missing and not self.problem

    @property
    def size(self) -> int:
        return sum(file.size for file in self.files)


def find_deliveries(
    listed: Iterable[StoredFile], read: Read, *, settled_before: datetime | None = None
) -> tuple[Delivery, ...]:
    """All deliveries of a place, oldest month first; one for each folder that holds a month, in its newest version.

    `read` gives the content of a manifest. With `settled_before`, files without manifest that changed since are not
    looked at yet, and folders for which AWS writes a manifest wait for it.
    """
    files = {file.key: file for file in listed}
    data = {key: file for key, file in files.items() if file.is_data}
    manifests = _newest_manifests([file for file in files.values() if file.is_manifest])
    told = [_as_told(file, folder, read, data) for folder, file in manifests]
    spoken_for = _Reach(told)
    loose: dict[str, list[StoredFile]] = defaultdict(list)
    for file in data.values():
        if not spoken_for.covers(file):
            loose[_folder_of_loose(file)].append(file)
    unsure = [_loose(folder, found, settled_before) for folder, found in loose.items()]
    found = [*told, *(delivery for delivery in unsure if delivery is not None)]
    return tuple(sorted(found, key=lambda delivery: (str(delivery.period or "9999"), delivery.folder)))


def unknown_names(listed: Iterable[StoredFile]) -> tuple[str, ...]:
    """Files that may be parts of a bill and are left out, as their names do not tell; manifests would name them."""
    files = list(listed)
    if any(file.is_manifest for file in files):
        return ()
    return tuple(sorted(file.key for file in files if file.is_unknown))


def exports_of(deliveries: Iterable[Delivery]) -> tuple[str, ...]:
    """The names of the exports that manifests speak of."""
    return tuple(sorted({delivery.export for delivery in deliveries if delivery.export}))


def _newest_manifests(manifests: Sequence[StoredFile]) -> list[tuple[str, StoredFile]]:
    """For each month's folder the manifest that counts: the uppermost, which tells of the newest run, or the newest."""
    groups: dict[tuple[str, str], list[StoredFile]] = defaultdict(list)
    for file in manifests:
        groups[(period_folder(file.folder) or file.folder, file.name)].append(file)
    chosen = []
    for (folder, _), found in groups.items():
        depth = min(file.key.count("/") for file in found)
        chosen.append((folder, _newest([file for file in found if file.key.count("/") == depth])))
    return chosen


def _newest(files: Sequence[StoredFile]) -> StoredFile:
    """The newest run: by its folder's time where all have one (copies lose theirs), else by when it was written."""
    runs = [file.folder.rsplit("/", 1)[-1] for file in files]
    if all(_RUN_TIME.match(run) for run in runs):
        return max(files, key=lambda file: file.folder)
    return max(files, key=lambda file: (file.changed_at, file.key))


def _as_told(file: StoredFile, folder: str, read: Read, data: Mapping[str, StoredFile]) -> Delivery:
    try:
        manifest = parse_manifest(file.key, read(file.key))
    except ManifestError as error:
        # Its state is its version: as soon as it is written anew it is read again.
        return Delivery(folder, period_named(folder), (file,), manifest=file.key, problem=str(error))
    return _complete(manifest, folder, data)


def _complete(manifest: Manifest, folder: str, data: Mapping[str, StoredFile]) -> Delivery:
    found = {name: named_file(name, manifest.key, data) for name in manifest.file_names}
    return Delivery(
        folder=folder,
        period=manifest.period,
        files=tuple(file for file in found.values() if file is not None),
        manifest=manifest.key,
        export=manifest.export,
        run=manifest.run,
        missing=tuple(name for name, file in found.items() if file is None),
    )


def _folder_of_loose(file: StoredFile) -> str:
    whole = above_partitions(file.folder)
    days = above_days(whole)
    return days if days is not None else period_folder(whole) or whole


def _loose(folder: str, files: Sequence[StoredFile], settled_before: datetime | None) -> Delivery | None:
    runs = defaultdict(list)
    for file in files:
        whole = above_partitions(file.folder)
        runs[folder if above_days(whole) == folder else whole].append(file)
    newest = _newest([max(found, key=lambda file: file.changed_at) for found in runs.values()])
    kept = tuple(sorted(next(run for run in runs.values() if newest in run), key=lambda file: file.key))
    delivery = Delivery(folder, period_named(folder), kept)
    if settled_before is None:
        return delivery
    if waits_for_manifest(folder) and newest.changed_at > settled_before - _PATIENCE:
        return replace(delivery, problem=NO_MANIFEST)
    return None if any(file.changed_at > settled_before for file in kept) else delivery


class _Reach:
    """What manifests speak for: their export's whole tree, or, lying beside other files, the export's own chunks."""

    def __init__(self, told: Sequence[Delivery]) -> None:
        self.trees = {_tree_of(delivery.manifest) for delivery in told} - {""}
        self.keys = {file.key for delivery in told for file in delivery.files}
        self.stems = {(file.folder, chunk_stem(file.name)) for delivery in told for file in delivery.files}

    def covers(self, file: StoredFile) -> bool:
        if file.key in self.keys or (file.folder, chunk_stem(file.name)) in self.stems:
            return True
        return any(tree == "/" or file.key.startswith(tree) for tree in self.trees)


def _tree_of(manifest: str) -> str:
    """The folder above the months of the manifest's export, with a slash; empty where it names no month."""
    month = period_folder(dirname(manifest))
    if not month:
        return ""
    above = dirname(month)
    if above.rsplit("/", 1)[-1] == "metadata":
        above = dirname(above)
    return f"{above}/"
