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


def workspace(import_pk: int) -> Path:
    """An empty folder inside the store (same disk, so that moving is a rename) for landing one import."""
    path = store_root() / ".landing" / str(import_pk)
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir(parents=True)
    return path


def remove_workspace(import_pk: int) -> None:
    """Remove what landing left behind, if anything."""
    shutil.rmtree(store_root() / ".landing" / str(import_pk), ignore_errors=True)


def put_in_place(landed: Path, folder: ImportFolder) -> None:
    """Move a finished folder to its place, instead of what an earlier attempt left there."""
    folder.path.parent.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(folder.path, ignore_errors=True)
    landed.rename(folder.path)


def remove_folder(folder: ImportFolder) -> None:
    """Remove an import's charges, if they are there."""
    shutil.rmtree(folder.path, ignore_errors=True)
