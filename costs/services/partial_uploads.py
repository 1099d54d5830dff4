"""Large files that come in piece by piece, as tus 1.0 has it: begin, add at the offset, go on after any break, end.

What counts is the stored offset: bytes beyond it are cut off when the next piece comes, so a piece that was not
finished, or whose checksum was wrong, leaves nothing behind. One piece at a time is let in, by a lock on the file
that the kernel lifts with the process. See docs/how-to/large-uploads.md.
"""

import fcntl
import hashlib
import os
import shutil
import uuid
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import datetime, timedelta
from io import FileIO
from pathlib import Path

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Sum

from costs import charge_store
from costs.errors import FinopsError, ImportRejectedError, InvalidRequestError, NotFoundInScopeError
from costs.models import BillUpload, PartialUpload
from costs.services.uploads import safe_name

MOST_AT_ONCE = 200  # files of one user on their way
_MEGABYTE = 1024 * 1024
_NOTE_EVERY = 16 * _MEGABYTE  # how often the offset is stored while a piece comes in
_FOLDER = "parts"


class UploadConflictError(FinopsError):
    """The piece does not start where the upload stands, or the upload is not complete."""

    code = "conflict"


class UploadBusyError(FinopsError):
    """Another piece of this upload is coming in right now."""

    code = "locked"


class TooLargeError(FinopsError):
    """More than an upload, or all uploads of a user, may hold."""

    code = "too_large"


class ChecksumError(FinopsError):
    """What came in is not what was sent."""

    code = "checksum_mismatch"


@dataclass(frozen=True)
class Piece:
    """Bytes for an upload from `offset` on; `digest` (algorithm and value) is checked where it is given."""

    offset: int
    chunks: Iterable[bytes]
    digest: tuple[str, bytes] | None = None


@dataclass(frozen=True)
class PartialState:
    """How far a file has come."""

    ref: str
    name: str
    length: int
    offset: int
    expires_at: datetime
    is_handed_over: bool


def begin_upload(name: str, length: int, *, user: int, now: datetime, sha256: str = "") -> str:
    """A place for a file of so many bytes; returns what it is called from now on.

    Raises TooLargeError over UPLOAD_LIMIT_MB or the user's UPLOAD_QUOTA_MB, ImportRejectedError where the disk has
    no room for it.
    """
    if length < 1:
        raise InvalidRequestError("The file is empty. Export it again.")
    _require_room(length, user)
    ref = uuid.uuid4().hex
    path = _path(ref)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    PartialUpload.objects.create(
        ref=ref,
        user_id=user,
        name=safe_name(name, number=0),
        length=length,
        sha256=sha256.lower(),
        created_at=now,
        expires_at=now + _kept_for(),
    )
    return ref


def partial_state(ref: str, *, user: int) -> PartialState:
    """How far the user's upload is. Another user's is not there."""
    item = _item(ref, user)
    return PartialState(item.ref, item.name, item.length, item.offset, item.expires_at, item.upload_id is not None)


def add_piece(ref: str, piece: Piece, *, user: int, now: datetime) -> int:
    """Take in a piece; returns the new offset. What of it came before the connection broke is kept.

    Raises UploadConflictError where it does not start at the offset, UploadBusyError while another one comes in,
    ChecksumError, and ImportRejectedError for a full disk; then the upload stands where it stood.
    """
    item = _item(ref, user)
    if item.upload_id is not None:
        raise UploadConflictError("The upload is handed over already.")
    with _locked(item) as file:
        item.refresh_from_db(fields=["offset"])
        if piece.offset != item.offset:
            raise UploadConflictError(f"The upload stands at byte {item.offset}, the piece starts at {piece.offset}.")
        file.seek(item.offset)
        file.truncate()
        try:
            _write(file, item, piece, now)
        except BaseException as error:
            if full := charge_store.disk_full(error, setting="UPLOAD_DIR"):
                raise full from error
            raise
    return item.offset


def cancel_upload(ref: str, *, user: int) -> None:
    """Forget an upload and its bytes; one that was handed over stays."""
    item = _item(ref, user)
    if item.upload_id is not None:
        raise UploadConflictError("The upload is handed over already.")
    with _locked(item) if _path(ref).exists() else nullcontext():  # its bytes may be gone with a disk
        item.delete()
        _path(ref).unlink(missing_ok=True)


def hand_over(refs: Sequence[str], *, user: int) -> int:
    """Make one upload of complete files, as if they had been sent together; returns its pk. Safe to repeat."""
    items = [_item(ref, user) for ref in dict.fromkeys(refs)]
    if not items:
        raise InvalidRequestError("No files given.")
    key = f"parts-{hashlib.sha256(' '.join(sorted(item.ref for item in items)).encode()).hexdigest()}"
    if known := BillUpload.objects.filter(user_id=user, idempotency_key=key).values_list("pk", flat=True).first():
        return known
    for item in items:
        if item.upload_id is not None:
            raise UploadConflictError(f"{item.name} is handed over already, with other files.")
        if item.offset != item.length:
            raise UploadConflictError(f"{item.name} is not complete: {item.offset:,} of {item.length:,} bytes.")
    folder = Path(settings.UPLOAD_DIR) / uuid.uuid4().hex
    folder.mkdir(parents=True)
    try:
        described = [_link(item, folder, number) for number, item in enumerate(items)]
        with transaction.atomic():
            upload = BillUpload.objects.create(user_id=user, idempotency_key=key, folder=str(folder), files=described)
            PartialUpload.objects.filter(pk__in=[item.pk for item in items]).update(upload=upload)
    except IntegrityError:  # the same was asked for twice at once
        shutil.rmtree(folder, ignore_errors=True)
        return BillUpload.objects.values_list("pk", flat=True).get(user_id=user, idempotency_key=key)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    for item in items:
        _path(item.ref).unlink(missing_ok=True)
    return upload.pk


def remove_expired_uploads(*, now: datetime) -> int:
    """Remove what nobody has gone on with for UPLOAD_KEEP_HOURS, and bytes without a row; returns how many."""
    expired = list(PartialUpload.objects.filter(expires_at__lt=now, upload=None))
    for item in expired:
        _path(item.ref).unlink(missing_ok=True)
    PartialUpload.objects.filter(pk__in=[item.pk for item in expired]).delete()
    known = set(PartialUpload.objects.filter(upload=None).values_list("ref", flat=True))
    limit = (now - _kept_for()).timestamp()
    strays = [path for path in _path("").glob("*") if path.name not in known and path.stat().st_mtime < limit]
    for path in strays:
        path.unlink(missing_ok=True)
    return len(expired) + len(strays)


def _require_room(length: int, user: int) -> None:
    if length > settings.UPLOAD_LIMIT_MB * _MEGABYTE:
        raise TooLargeError(f"The file is larger than {settings.UPLOAD_LIMIT_MB:,} MB. Raise UPLOAD_LIMIT_MB.")
    under_way = PartialUpload.objects.filter(user_id=user, upload=None)
    waiting = under_way.aggregate(length=Sum("length"))["length"] or 0
    if waiting + length > settings.UPLOAD_QUOTA_MB * _MEGABYTE or under_way.count() >= MOST_AT_ONCE:
        raise TooLargeError(
            f"Your uploads under way hold {waiting // _MEGABYTE:,} MB of {settings.UPLOAD_QUOTA_MB:,} MB, in at most "
            f"{MOST_AT_ONCE} files. Finish or cancel some, or raise UPLOAD_QUOTA_MB."
        )
    Path(settings.UPLOAD_DIR).mkdir(parents=True, exist_ok=True)
    if shutil.disk_usage(settings.UPLOAD_DIR).free < length:
        raise ImportRejectedError(
            f"The disk of {settings.UPLOAD_DIR} has no room for {length // _MEGABYTE:,} MB.",
            "Make room there or set UPLOAD_DIR to a folder with room.",
            code="disk_full",
        )


def _write(file: FileIO, item: PartialUpload, piece: Piece, now: datetime) -> None:
    """Write the piece and move the offset: as it comes in, or at its end where it has a checksum to be held to."""
    position, noted = item.offset, item.offset
    digest = hashlib.new(piece.digest[0]) if piece.digest else None
    try:
        for chunk in piece.chunks:
            if position + len(chunk) > item.length:
                raise TooLargeError(f"The piece goes beyond the {item.length:,} bytes of the file.")
            _put(file, chunk)
            position += len(chunk)
            if digest is not None:
                digest.update(chunk)
            elif position - noted >= _NOTE_EVERY:
                _note(file, item, position, now)
                noted = position
    finally:
        if digest is None:
            _note(file, item, position, now)
    if digest is not None and piece.digest is not None:
        if digest.digest() != piece.digest[1]:
            raise ChecksumError("The piece came in damaged: its checksum differs. Send it again.")
        _note(file, item, position, now)


def _put(file: FileIO, chunk: bytes) -> None:
    """Without a buffer, so that a full disk is told here and not again when the file is closed."""
    rest = memoryview(chunk)
    while rest:
        rest = rest[file.write(rest) or 0 :]


def _note(file: FileIO, item: PartialUpload, position: int, now: datetime) -> None:
    """Let bytes up to here count, once they are in the file."""
    os.fsync(file.fileno())
    item.offset, item.expires_at = position, now + _kept_for()
    PartialUpload.objects.filter(pk=item.pk).update(offset=position, expires_at=item.expires_at)


def _link(item: PartialUpload, folder: Path, number: int) -> dict[str, str | int]:
    """A second name for the bytes, inside the upload's own folder: the first one goes once the rows are stored."""
    name = item.name if not (folder / item.name).exists() else f"{number + 1}-{item.name}"
    try:
        os.link(_path(item.ref), folder / name)
        with (folder / name).open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError as error:
        raise ImportRejectedError("The file is gone.", "Upload it again.", item.name) from error
    if item.sha256 and digest != item.sha256:
        raise ChecksumError(f"{item.name} came in damaged: its SHA-256 is {digest}. Cancel it and upload it again.")
    return {"name": name, "size": item.length, "sha256": digest}


@contextmanager
def _locked(item: PartialUpload) -> Iterator[FileIO]:
    try:
        file = _path(item.ref).open("r+b", buffering=0)
    except FileNotFoundError as error:
        raise ImportRejectedError("The file is gone.", "Upload it again.", item.name) from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise UploadBusyError("Another piece of this upload is coming in. Try again in a moment.") from error
        yield file


def _item(ref: str, user: int) -> PartialUpload:
    item = PartialUpload.objects.filter(ref=ref, user_id=user).first()
    if item is None:
        raise NotFoundInScopeError("There is no such upload.")
    return item


def _path(ref: str) -> Path:
    return Path(settings.UPLOAD_DIR) / _FOLDER / ref


def _kept_for() -> timedelta:
    return timedelta(hours=settings.UPLOAD_KEEP_HOURS)
