"""Where charges lie: one folder per import in the charge store, written once. The layout is in docs/charge-store.md.

A folder lands on a disk of this machine and is put into the store when it is whole: a folder store takes it by
renaming, an object store gets the files first and their marker last. Without its marker no folder of an object store
is read.
"""

import hashlib
import json
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from django.conf import settings

from costs.charge_store.connection import quoted
from costs.charge_store.remote_files import PROTOCOL
from costs.charge_store.stores import Store, StoreError, charge_store, store_root
from costs.errors import InvalidRequestError
from costs.periods import BillingPeriod

MARKER = "_files.json"
LANDING = ".landing"
# What stays when an import's charges go: what it was, and the states of resources an inventory told.
RECORDS = ("_record.json", "_snapshots.parquet")
# Side files have names that Spark and Athena pass over, so that a folder holds charges alone to them.
_SIDE_FILES = ("groups", "resources", "resource-tags", "usage", "overrides", "virtual-tags")
_REMEMBERED_SECONDS = 60
# What tells of each line the file it stands in, and where.
ROW_NUMBERS = ", filename=true, file_row_number=true"


@dataclass(frozen=True)
class FileMark:
    """A file as it was put into the store."""

    name: str
    size: int
    sha256: str


@dataclass(frozen=True)
class ImportFolder:
    """The folder of one import's charges."""

    source_name: str
    period: BillingPeriod
    import_pk: int

    @property
    def name(self) -> str:
        """Its path in the store."""
        return f"source={self.source_name}/billing_period={self.period}/import={self.import_pk}"

    @property
    def path(self) -> Path:
        """Where it lies on this machine. Raises InvalidRequestError where the store is no folder."""
        return store_root() / self.name

    def exists(self) -> bool:
        """Whether its charges are there, whole."""
        store = charge_store()
        return bool(_marks(store, self.name)) if store.is_remote else bool(_charge_files(self.path))

    def marks(self) -> tuple[FileMark, ...]:
        """The files its marker tells, empty without one."""
        return _marks(charge_store(), self.name)

    def relation(self, name: str = "charges", *, row_numbers: bool = False) -> str:
        """The SQL relation of its charges, or of a side file: `groups`, `resources`, `usage`."""
        store = charge_store()
        if not store.is_remote:
            return relation_of(self.path, name, row_numbers=row_numbers)
        names = [mark.name for mark in self.marks() if mark.name in _names_of(name) or _is_part(mark.name, name)]
        files = ", ".join(quoted(f"{PROTOCOL}://{store.root}/{self.name}/{file}") for file in names)
        more = ROW_NUMBERS if row_numbers else ""
        return f"read_parquet([{files}], hive_partitioning=false{more})"

    def has(self, name: str) -> bool:
        """Whether a side file is there."""
        store = charge_store()
        if store.is_remote:
            return any(mark.name in _names_of(name) for mark in self.marks())
        return any((self.path / file).is_file() for file in _names_of(name))


def relation_of(folder: Path, name: str = "charges", *, row_numbers: bool = False) -> str:
    """The SQL relation of the charges, or a side file, of a folder on this machine."""
    more = ROW_NUMBERS if row_numbers else ""
    return f"read_parquet({quoted(_pattern(folder, name))}, hive_partitioning=false{more})"


def _pattern(folder: Path, name: str) -> Path:
    if name == "charges":
        return folder / "charges-*.parquet"
    here = [folder / file for file in _names_of(name) if (folder / file).is_file()]
    return here[0] if here else folder / side_file(name)


def content_of(folder: ImportFolder) -> str:
    """Something that stands for the folder's content, which is written once: it differs when that does."""
    if charge_store().is_remote:
        return "".join(mark.sha256 for mark in folder.marks())
    return str(folder.path.stat().st_mtime_ns)


def side_file(name: str) -> str:
    """The name of a side file: `groups`, `resources`, `usage`."""
    return f"_{name}.parquet"


def _names_of(name: str) -> tuple[str, ...]:
    """A side file's name, and the one it had before."""
    return (side_file(name), f"{name}.parquet") if name in _SIDE_FILES else ()


def _is_part(file: str, name: str) -> bool:
    return name == "charges" and file.startswith("charges-") and file.endswith(".parquet")


def _charge_files(path: Path) -> list[Path]:
    return sorted(path.glob("charges-*.parquet"))


def workspace(import_pk: int, *, fresh: bool = True) -> Path:
    """A folder of this machine for landing one import, emptied unless not `fresh`.

    Inside the store where that is a folder (same disk, so that moving is a rename), else in IMPORT_TEMP_DIR.
    """
    path = _workspace(import_pk)
    if fresh:
        shutil.rmtree(path, ignore_errors=True)
        _delete_all(charge_store(), f"{LANDING}/{import_pk}", only_remote=True)
    path.mkdir(parents=True, exist_ok=True)
    return path


def share_landed(import_pk: int, *names: str) -> None:
    """Let workers of other machines have these files of the workspace: with a folder store they have them already."""
    store = charge_store()
    if store.is_remote:
        for name in names:
            store.upload(_workspace(import_pk) / name, f"{LANDING}/{import_pk}/{name}")


def landed_files(import_pk: int) -> list[str]:
    """Names of the files of the workspace that every worker can have."""
    store = charge_store()
    if store.is_remote:
        return [file.name for file in store.files(f"{LANDING}/{import_pk}")]
    path = _workspace(import_pk)
    return sorted(file.name for file in path.iterdir() if file.is_file()) if path.is_dir() else []


def fetch_landed(import_pk: int, *names: str) -> Path:
    """The workspace of this machine with these files in it (default: all that were shared)."""
    store, path = charge_store(), workspace(import_pk, fresh=False)
    if store.is_remote:
        sizes = {file.name: file.size for file in store.files(f"{LANDING}/{import_pk}")}
        for name in names or tuple(sizes):
            target = path / name
            if not target.is_file() or target.stat().st_size != sizes.get(name):
                store.download(f"{LANDING}/{import_pk}/{name}", target)
    return path


def remove_workspace(import_pk: int) -> None:
    """Remove what landing left behind, if anything.

    An object store that cannot be reached just now is left: the schedule removes what it has of imports that ended.
    """
    shutil.rmtree(_workspace(import_pk), ignore_errors=True)
    with suppress(StoreError):
        _delete_all(charge_store(), f"{LANDING}/{import_pk}", only_remote=True)


def landings_left() -> list[int]:
    """Imports that have a workspace in the store."""
    return [int(name) for name in charge_store().folders(LANDING) if name.isdigit()]


@contextmanager
def marking(landed: Path) -> Iterator[Callable[[], list[FileMark]]]:
    """Read the charges of a folder for its marker beside other work; the function waits for what it gives."""
    with ThreadPoolExecutor(max_workers=1) as pool:
        yield pool.submit(lambda: [_mark(path) for path in _charge_files(landed)]).result


def put_in_place(landed: Path, folder: ImportFolder, charges: Sequence[FileMark]) -> None:
    """Put a finished folder in its place, instead of what an earlier attempt left there, with its marker.

    `charges` are the marks of its charges (`marking`); they have not changed since. Raises InvalidRequestError where
    an import that ended lies there: a database lands none twice.
    """
    store = charge_store()
    if store.has(f"{folder.name}/{RECORDS[0]}"):
        raise InvalidRequestError(
            f"The charge store holds {folder.name} of another database. Run manage.py rebuild to take it over, or set"
            " CHARGE_STORE to an empty place."
        )
    marks = [*_side_marks(landed), *charges]
    marker = json.dumps({"format": 1, "files": [mark.__dict__ for mark in marks]}, indent=1).encode()
    _memory.pop((store.address, folder.name), None)
    if not store.is_remote:
        (landed / MARKER).write_bytes(marker)
        folder.path.parent.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(folder.path, ignore_errors=True)
        landed.rename(folder.path)
        return
    _delete_all(store, folder.name)
    for mark in marks:
        store.upload(landed / mark.name, f"{folder.name}/{mark.name}")
    store.write(f"{folder.name}/{MARKER}", marker)


def mark_folder(folder: ImportFolder) -> bool:
    """Give a folder of this machine from before markers its own; False where it has one or is not there."""
    if charge_store().is_remote or not folder.exists() or folder.marks():
        return False
    marks = [*_side_marks(folder.path), *map(_mark, _charge_files(folder.path))]
    content = json.dumps({"format": 1, "files": [mark.__dict__ for mark in marks]}, indent=1).encode()
    charge_store().write(f"{folder.name}/{MARKER}", content)
    _memory.clear()
    return True


def bring_here(folder: ImportFolder, target: Path) -> list[Path]:
    """Bring an import's charges into a folder of this machine, to be rolled up again; side files are left."""
    store = charge_store()
    if not store.is_remote:
        return [_linked(path, target / path.name) for path in _charge_files(folder.path)]
    names = [mark.name for mark in folder.marks() if _is_part(mark.name, "charges")]
    for name in names:
        store.download(f"{folder.name}/{name}", target / name)
    return [target / name for name in names]


def remove_folder(folder: ImportFolder, *, keep_records: bool = False) -> None:
    """Remove an import's charges, if they are there, and what tells of the import unless that is kept."""
    store = charge_store()
    _memory.pop((store.address, folder.name), None)
    store.delete(f"{folder.name}/{MARKER}")  # first, so that nobody reads half a folder
    kept = RECORDS if keep_records else ()
    files = [file.name for file in store.files(folder.name)]
    if not any(name in kept for name in files):
        store.delete_folder(folder.name)
        return
    for name in files:
        if name not in kept:
            store.delete(f"{folder.name}/{name}")


def folders_in_store() -> list[ImportFolder]:
    """Every import folder of the store, whole or not, in order of import."""
    store = charge_store()
    found = [
        ImportFolder(source, BillingPeriod.parse(period), int(pk))
        for source in _values(store, "", "source")
        for period in _values(store, f"source={source}", "billing_period")
        for pk in _values(store, f"source={source}/billing_period={period}", "import")
        if pk.isdigit()
    ]
    return sorted(found, key=lambda folder: folder.import_pk)


def _values(store: Store, path: str, key: str) -> list[str]:
    start = f"{key}="
    return [name.removeprefix(start) for name in store.folders(path) if name.startswith(start)]


def _workspace(import_pk: int) -> Path:
    if charge_store().is_remote:
        return Path(settings.IMPORT_TEMP_DIR) / f"landing-{import_pk}"
    return store_root() / LANDING / str(import_pk)


def _delete_all(store: Store, path: str, *, only_remote: bool = False) -> None:
    if only_remote and not store.is_remote:
        return
    store.delete(f"{path}/{MARKER}")
    store.delete_folder(path)


def _side_marks(folder: Path) -> list[FileMark]:
    return [_mark(path) for path in sorted(folder.glob("_*.parquet"))]


def _mark(path: Path) -> FileMark:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return FileMark(path.name, path.stat().st_size, digest)


# What markers told, and when: a marker is written once, but its folder may be removed by another process.
_memory: dict[tuple[str, str], tuple[float, tuple[FileMark, ...]]] = {}


def _marks(store: Store, name: str) -> tuple[FileMark, ...]:
    key = (store.address, name)
    known = _memory.get(key)
    if known is not None and store.is_remote and time.monotonic() - known[0] < _REMEMBERED_SECONDS:
        return known[1]
    content = store.read(f"{name}/{MARKER}")
    if content is None:
        _memory.pop(key, None)
        return ()
    marks = _parsed(content)
    if len(_memory) > 4096:
        _memory.clear()
    _memory[key] = (time.monotonic(), marks)
    return marks


@lru_cache(maxsize=4096)
def _parsed(content: bytes) -> tuple[FileMark, ...]:
    try:
        files = json.loads(content)["files"]
        return tuple(FileMark(str(file["name"]), int(file["size"]), str(file["sha256"])) for file in files)
    except (KeyError, TypeError, ValueError):
        return ()


def _linked(path: Path, target: Path) -> Path:
    """Charges are never edited, so two imports may share a file; disks without links get a copy."""
    try:
        target.hardlink_to(path)
    except OSError:
        shutil.copyfile(path, target)
    return target
