"""Manifests among files that are handed in, as when a whole folder of an export is: they name files and hold no lines.

What they say is kept to: every file they name has to be there, and of two runs of one month, each of which is the
whole month, only one may be.
"""

import zipfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from costs.billing_formats.archives import is_archive
from costs.deliveries import MANIFEST_LIMIT, Manifest, ManifestError, parse_manifest
from costs.errors import ImportRejectedError
from costs.services.uploads import safe_name

_ENDING = "manifest.json"


def without_manifests(files: Sequence[Path]) -> list[Path]:
    """The files that may hold lines. Raises ImportRejectedError for manifests whose files are not those given."""
    found, left = list[Manifest](), list[Path]()
    for path in files:
        manifest = _read(path.name, path) if _may_be_one(path) else None
        if manifest is None:
            left.append(path)
            continue
        _refuse_missing(manifest, path.name, files)
        found.append(manifest)
    if found and not left:
        raise ImportRejectedError("A manifest holds no lines.", "Give the files it names, too.", files[0].name)
    _refuse_second_run(found, files[0].name)
    for path in left:
        if path.is_file() and is_archive(path):
            _refuse_second_run(list(_inside(path)), path.name)
    return left


def _may_be_one(path: Path) -> bool:
    return path.name.casefold().endswith(_ENDING) and path.is_file() and path.stat().st_size <= MANIFEST_LIMIT


def _read(name: str, path: Path) -> Manifest | None:
    try:
        return parse_manifest(name, path.read_bytes())
    except ManifestError:
        return None  # whoever looks into it says what it is


def _inside(path: Path) -> Iterable[Manifest]:
    try:
        with zipfile.ZipFile(path) as archive:
            for member in archive.infolist():
                if member.filename.casefold().endswith(_ENDING) and member.file_size <= MANIFEST_LIMIT:
                    try:
                        yield parse_manifest(member.filename, archive.read(member))
                    except ManifestError:
                        continue
    except (zipfile.BadZipFile, OSError, RuntimeError, NotImplementedError):
        return  # whoever unpacks it says what is wrong with it


def _refuse_missing(manifest: Manifest, name: str, files: Sequence[Path]) -> None:
    given = [path.name for path in files]
    for file in manifest.file_names:
        wanted = safe_name(file, number=0)
        if not any(each.endswith(wanted) for each in given):
            raise ImportRejectedError(f"It names {wanted}, which is not among the files.", "Give that one, too.", name)


def _refuse_second_run(found: Sequence[Manifest], name: str) -> None:
    runs: dict[tuple[str, str], set[str]] = {}
    for manifest in found:
        runs.setdefault((manifest.export, str(manifest.period)), set()).add(manifest.run)
    for (export, period), of_month in runs.items():
        if len(of_month) > 1:
            raise ImportRejectedError(
                f"There are {len(of_month)} runs of {export} for {period} ({', '.join(sorted(of_month))}), and each is"
                " the whole month.",
                "Give the files of the newest one alone.",
                name,
            )
