"""Files handed in through a page or the API, kept under the upload folder until their import has read them."""

import hashlib
import re
import shutil
import unicodedata
import uuid
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Protocol

from django.conf import settings
from django.db import IntegrityError, transaction

from costs import charge_store
from costs.errors import ImportRejectedError, InvalidRequestError
from costs.models import BillImport, BillUpload

_UNSAFE = re.compile(r"[^\w.-]+")  # letters and digits of every script stay
_LONGEST_NAME = 120  # bytes, of the 255 a file system takes: others put something before it
_MEGABYTE = 1024 * 1024


class IncomingFile(Protocol):
    """What Django's uploaded files offer."""

    name: str | None

    def chunks(self, chunk_size: int | None = None) -> Iterable[bytes]:
        """The content, piece by piece."""


def store_upload(files: Sequence[IncomingFile], *, user: int | None, idempotency_key: str = "") -> int:
    """Keep uploaded files in a folder of their own; returns the upload's pk.

    The same user's same idempotency key gives the first upload back without storing anything. Raises
    ImportRejectedError for a file over UPLOAD_LIMIT_MB or a full disk.
    """
    if not files:
        raise InvalidRequestError("No files given.")
    if known := _known(user, idempotency_key):
        return known
    folder = Path(settings.UPLOAD_DIR) / uuid.uuid4().hex
    folder.mkdir(parents=True)
    try:
        described = [_store(file, folder, number) for number, file in enumerate(files)]
        with transaction.atomic():
            upload = BillUpload.objects.create(
                user_id=user, idempotency_key=idempotency_key, folder=str(folder), files=described
            )
    except IntegrityError:
        shutil.rmtree(folder, ignore_errors=True)
        if known := _known(user, idempotency_key):
            return known
        raise
    except BaseException as error:
        shutil.rmtree(folder, ignore_errors=True)
        if full := charge_store.disk_full(error, setting="UPLOAD_DIR"):
            raise full from error
        raise
    return upload.pk


def move_uploads(old: Path, new: Path) -> int:
    """Note that the folder of all uploads is another one now; returns how many uploads it concerns."""
    if old == new:
        return 0
    moved = 0
    for upload in BillUpload.objects.all():
        if Path(upload.folder).parent == old:
            upload.folder = str(new / Path(upload.folder).name)
            upload.save(update_fields=["folder"])
            moved += 1
    for item in BillImport.objects.filter(upload__isnull=False):
        files = [{**file, "path": _moved(file["path"], old, new)} if "path" in file else file for file in item.files]
        BillImport.objects.filter(pk=item.pk).update(files=files)
    return moved


def _moved(path: str, old: Path, new: Path) -> str:
    return str(new / Path(path).relative_to(old)) if Path(path).is_relative_to(old) else path


def uploaded_files(upload_pk: int) -> list[Path]:
    """The stored files of an upload. Raises ImportRejectedError where one would lie outside its folder."""
    upload = BillUpload.objects.get(pk=upload_pk)
    paths = [Path(upload.folder) / file["name"] for file in upload.files]
    for path in paths:
        require_inside(path, Path(upload.folder))
    return paths


def require_inside_upload(paths: Sequence[Path], upload_pk: int) -> None:
    """Refuse files that lie outside an upload's folder."""
    folder = Path(BillUpload.objects.get(pk=upload_pk).folder)
    for path in paths:
        require_inside(path, folder)


def require_inside(path: Path, folder: Path) -> None:
    """Refuse a path that leads out of the folder, through `..` or a link."""
    if not path.resolve().is_relative_to(folder.resolve()):
        raise ImportRejectedError("The path leads outside the upload.", "Upload the file itself.", path.name)


def _known(user: int | None, idempotency_key: str) -> int | None:
    if not idempotency_key:
        return None
    owner: dict[str, Any] = {"user": None} if user is None else {"user_id": user}
    known = BillUpload.objects.filter(idempotency_key=idempotency_key, **owner)
    return known.values_list("pk", flat=True).first()


def _store(file: IncomingFile, folder: Path, number: int) -> dict[str, Any]:
    name = safe_name(file.name or "", number=number)
    if (folder / name).exists():
        name = f"{number + 1}-{name}"
    limit, size, digest = settings.UPLOAD_LIMIT_MB * _MEGABYTE, 0, hashlib.sha256()
    with (folder / name).open("wb") as out:
        for chunk in file.chunks():
            size += len(chunk)
            if size > limit:
                raise ImportRejectedError(
                    f"The file is larger than {settings.UPLOAD_LIMIT_MB:,} MB.", "Raise UPLOAD_LIMIT_MB.", name
                )
            digest.update(chunk)
            out.write(chunk)
    return {"name": name, "size": size, "sha256": digest.hexdigest()}


def safe_name(name: str, *, number: int) -> str:
    """A file name without folders and odd characters, at most 120 bytes long; its ending stays."""
    last = unicodedata.normalize("NFC", name.replace("\\", "/").rsplit("/", 1)[-1])
    cleaned = _UNSAFE.sub("_", last).lstrip("._")
    short = cleaned.encode()[-_LONGEST_NAME:].decode(errors="ignore")
    if not short or ("." not in short and "." in last):
        return f"file-{number + 1}{'.' + short if short else ''}"
    return short
