"""Places bills are delivered to: folders and S3. The only package that speaks to an object store."""

import re
from pathlib import Path

from django.conf import settings

from costs.errors import InvalidRequestError
from costs.places.base import Heartbeat, Place, PlaceError
from costs.places.folder import FolderPlace
from costs.places.s3 import S3Place

_S3 = re.compile(r"s3://(?P<bucket>[a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:/(?P<prefix>.*))?$")


def open_place(address: str) -> Place:
    """The place at an `s3://bucket/prefix` address or a folder's path. Raises InvalidRequestError for no address."""
    if not is_s3(address):
        return FolderPlace(str(Path(address).absolute()))
    match = _S3.match(address)
    if match is None:
        raise InvalidRequestError(f"{address} is no address in S3. Write it as s3://bucket/prefix.")
    prefix = (match["prefix"] or "").lstrip("/")
    is_file = prefix.lower().endswith((".csv", ".gz", ".parquet", ".zip"))
    # A folder, not everything that begins alike.
    return S3Place(match["bucket"], prefix if is_file or not prefix else f"{prefix.rstrip('/')}/")


def is_s3(address: str) -> bool:
    """Whether an address means a bucket."""
    return address.lower().startswith("s3:")


def require_allowed_folder(path: str) -> None:
    """Refuse a folder that the settings do not let sources read: pages must not open the whole machine."""
    allowed = [Path(folder).resolve() for folder in settings.SOURCE_FOLDERS]
    if not any(Path(path).resolve().is_relative_to(folder) for folder in allowed):
        names = ", ".join(str(folder) for folder in allowed)
        raise PlaceError(f"Sources may not read {path}.", f"Use a folder under {names}, or add it to SOURCE_FOLDERS.")


__all__ = [
    "FolderPlace",
    "Heartbeat",
    "Place",
    "PlaceError",
    "S3Place",
    "is_s3",
    "open_place",
    "require_allowed_folder",
]
