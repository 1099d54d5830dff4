"""Where charges lie: one folder per import under the charge store, written once."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

from costs.errors import InvalidRequestError
from costs.periods import BillingPeriod


@dataclass(frozen=True)
class ImportFolder:
    """The folder of one import's charges."""

    source_name: str
    period: BillingPeriod
    import_pk: int

    @property
    def path(self) -> Path:
        return (
            store_root() / f"source={self.source_name}" / f"billing_period={self.period}" / f"import={self.import_pk}"
        )

    def exists(self) -> bool:
        return self.path.is_dir()


def store_root() -> Path:
    """The charge store's own folder. Raises InvalidRequestError where the setting is a URL."""
    if "://" in str(settings.CHARGE_STORE):
        raise InvalidRequestError(
            f"CHARGE_STORE={settings.CHARGE_STORE} is a URL. Set it to a folder; mount the object store as one."
        )
    return Path(settings.CHARGE_STORE)


def workspace(import_pk: int, *, fresh: bool = True) -> Path:
    """A folder for landing one import, emptied unless not `fresh`.

    Inside the store (same disk, so that moving is a rename), so every worker that sees the store sees it.
    """
    path = _workspace(import_pk)
    if fresh:
        shutil.rmtree(path, ignore_errors=True)
    path.mkdir(parents=True, exist_ok=True)
    return path


def share_landed(import_pk: int, *names: str) -> None:
    """Let workers of other machines have these files of the workspace: in a folder they have them already."""


def fetch_landed(import_pk: int, *names: str) -> Path:
    """The workspace with these files in it (default: all that were shared)."""
    return workspace(import_pk, fresh=False)


def landings_left() -> list[int]:
    """Imports that have a workspace in the store."""
    return sorted(int(path.name) for path in (store_root() / ".landing").glob("*") if path.name.isdigit())


def _workspace(import_pk: int) -> Path:
    return store_root() / ".landing" / str(import_pk)


def remove_workspace(import_pk: int) -> None:
    """Remove what landing left behind, if anything."""
    shutil.rmtree(_workspace(import_pk), ignore_errors=True)


def put_in_place(landed: Path, folder: ImportFolder) -> None:
    """Move a finished folder to its place, instead of what an earlier attempt left there."""
    folder.path.parent.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(folder.path, ignore_errors=True)
    landed.rename(folder.path)


def remove_folder(folder: ImportFolder) -> None:
    """Remove an import's charges, if they are there."""
    shutil.rmtree(folder.path, ignore_errors=True)
