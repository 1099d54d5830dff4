"""A delivery from its place to queued imports, and its end: what became of it, and its files gone again."""

import shutil
import time
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from pathlib import Path

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q
from django.db.models.functions import Now

from costs import charge_store
from costs.billing_formats.files import holds_nothing
from costs.deliveries import StoredFile
from costs.errors import FinopsError, ImportRejectedError, InvalidRequestError, NotFoundInScopeError
from costs.models import BillDelivery, BillImport, BillSource
from costs.places import Heartbeat, PlaceError, open_place
from costs.services.claims import is_dead_here, new_worker
from costs.services.preparing import NoLinesError, prepare_imports
from costs.services.uploads import safe_name
from costs.terms import RUNNING_STATES, DeliveryState, ImportState, PlaceKind

_MEGABYTE = 1024 * 1024
# A failed import may be queued once more by itself; its files stay so long.
_GRACE = timedelta(minutes=10)
_ENDED = [state.value for state in ImportState if state is not ImportState.QUEUED and state not in RUNNING_STATES]


def fetch_delivery(delivery_pk: int, *, today: date, currency: str = "") -> list[int]:
    """Bring a queued delivery's files here and queue its imports; returns those to run.

    Empty where another worker has it, a newer version came, or it cannot be had or read: then the delivery says why.
    Can be run again after a crash at any point.
    """
    delivery = _claim(delivery_pk)
    if delivery is None:
        return unfinished_imports(delivery_pk)
    try:
        return _prepare(delivery, _bring(delivery), today=today, currency=currency)
    except NoLinesError as error:
        # As on the first day of a month: the next version will have some.
        state = DeliveryState.DONE if delivery.manifest else DeliveryState.REFUSED
        _end(delivery.pk, state, str(error), "")
    except PlaceError as error:
        _end(delivery.pk, DeliveryState.FAILED, error.problem, error.cure)
    except FinopsError as error:
        _end(delivery.pk, DeliveryState.REFUSED, str(error), "")
    except Exception as error:
        if full := charge_store.disk_full(error, setting="UPLOAD_DIR"):
            _end(delivery.pk, DeliveryState.FAILED, full.problem, full.cure)
            return []
        BillDelivery.objects.filter(pk=delivery.pk).update(state=DeliveryState.QUEUED.value, worker="")
        raise
    return []


def finish_delivery(delivery_pk: int) -> None:
    """Once its imports have ended: say what became of the delivery and remove the files fetched for it."""
    imports = BillImport.objects.filter(delivery=delivery_pk)
    if not imports.exists() or imports.exclude(state__in=_ENDED).exists():
        return
    newest = dict(imports.filter(split_from=None).order_by("pk").values_list("source_id", "pk")).values()
    last_attempts = imports.filter(Q(pk__in=newest) | Q(split_from__in=newest))
    failed = last_attempts.filter(state=ImportState.FAILED.value).order_by("pk")
    problem = failed.values_list("error", flat=True).first() or ""
    if not problem and last_attempts.filter(state=ImportState.CANCELLED.value).exists():
        problem = "Its import was cancelled. Fetch it again."
    _end(delivery_pk, DeliveryState.REFUSED if problem else DeliveryState.DONE, problem, "")


def finish_left_deliveries(*, now: datetime) -> int:
    """Finish deliveries whose worker died after their imports were queued; returns how many were looked at."""
    left = BillDelivery.objects.filter(state=DeliveryState.IMPORTING.value).filter(
        Q(heartbeat_at=None) | Q(heartbeat_at__lt=now - _GRACE)
    )
    pks = list(left.values_list("pk", flat=True)[:100])
    for pk in pks:
        if not BillImport.objects.filter(delivery=pk, finished_at__gte=now - _GRACE).exists():
            finish_delivery(pk)
    return len(pks)


def fetch_again(delivery_pk: int) -> None:
    """Put a delivery that has ended back in the queue, as for another attempt after a failed import."""
    ended = (DeliveryState.DONE, DeliveryState.REFUSED, DeliveryState.FAILED, DeliveryState.SUPERSEDED)
    found = BillDelivery.objects.filter(pk=delivery_pk, state__in=[state.value for state in ended])
    if not found.update(state=DeliveryState.QUEUED.value, problem="", cure="", ended_at=None, heartbeat_at=None):
        raise InvalidRequestError("This delivery is being imported already.")


def _claim(delivery_pk: int) -> BillDelivery | None:
    """Take a queued delivery, or one whose worker is gone; None for any other."""
    worker = new_worker()
    with transaction.atomic():
        delivery = BillDelivery.objects.select_for_update(of=("self",)).filter(pk=delivery_pk).first()
        if delivery is None:
            raise NotFoundInScopeError(f"There is no delivery {delivery_pk}.")
        if not _is_free(delivery):
            return None
        newer = BillDelivery.objects.filter(
            source=delivery.source_id,
            asked_name=delivery.asked_name,
            address=delivery.address,
            folder=delivery.folder,
            pk__gt=delivery.pk,
        )
        if newer.exclude(state=DeliveryState.WAITING.value).exists():
            _end(delivery.pk, DeliveryState.SUPERSEDED, "A newer version came before this one was fetched.", "")
            return None
        BillDelivery.objects.filter(pk=delivery.pk).update(
            state=DeliveryState.FETCHING.value, worker=worker, heartbeat_at=Now(), attempts=F("attempts") + 1
        )
    delivery.worker = worker
    return delivery


def _is_free(delivery: BillDelivery) -> bool:
    if delivery.state == DeliveryState.QUEUED:
        return True
    if delivery.state != DeliveryState.FETCHING:
        return False
    limit = timedelta(seconds=settings.IMPORT_STALE_SECONDS)
    is_silent = not BillDelivery.objects.filter(pk=delivery.pk, heartbeat_at__gte=Now() - limit).exists()
    return is_silent or is_dead_here(delivery.worker)


def unfinished_imports(delivery_pk: int) -> list[int]:
    """Imports of a delivery that have not ended, as when an earlier run was cut short."""
    queued = BillImport.objects.filter(delivery=delivery_pk, split_from=None).exclude(state__in=_ENDED)
    return list(queued.order_by("pk").values_list("pk", flat=True))


def _bring(delivery: BillDelivery) -> list[Path]:
    place = open_place(delivery.address)
    files = [_listed(described) for described in delivery.files]
    folder = folder_of_delivery(delivery.pk)
    if not place.keeps_files_here:
        _make_room(folder, sum(file.size for file in files))
    beat = _heartbeat(delivery)
    paths = []
    for number, file in enumerate(files):
        if file.size:  # chunks may be empty
            target = folder / safe_name(file.name, number=number)
            target = folder / f"{number + 1}-{target.name}" if target.exists() else target
            paths.append(place.fetch(file, target, beat=beat))
    return paths


def _make_room(folder: Path, size: int) -> None:
    limit = settings.DELIVERY_LIMIT_MB * _MEGABYTE
    if size > limit:
        raise ImportRejectedError(
            f"The delivery has {size // _MEGABYTE:,} MB, more than {settings.DELIVERY_LIMIT_MB:,}.",
            "Raise DELIVERY_LIMIT_MB.",
        )
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    free = shutil.disk_usage(folder).free
    if free < size:
        raise PlaceError(
            f"The delivery has {size // _MEGABYTE:,} MB, and only {free // _MEGABYTE:,} MB are free here.",
            "Make room where UPLOAD_DIR lies.",
        )


def _heartbeat(delivery: BillDelivery) -> Heartbeat:
    """Says now and then that the delivery is being fetched, and stops where somebody else has it."""
    last = 0.0

    def beat() -> None:
        nonlocal last
        if time.monotonic() - last < settings.IMPORT_HEARTBEAT_SECONDS:
            return
        last = time.monotonic()
        mine = BillDelivery.objects.filter(pk=delivery.pk, worker=delivery.worker)
        if not mine.update(heartbeat_at=Now()):
            raise PlaceError("Another worker fetches this delivery now.", "Nothing to do.")

    return beat


def _prepare(delivery: BillDelivery, paths: Sequence[Path], *, today: date, currency: str) -> list[int]:
    """Queue the imports of the files; those that hold nothing, as surplus chunks do, are left out."""
    filled = [path for path in paths if not holds_nothing(path)]
    if not filled:
        raise NoLinesError("All its files are empty.", "The next version may have lines.")
    newest = max(datetime.fromisoformat(described["changed_at"]) for described in delivery.files)
    with transaction.atomic():
        pks = prepare_imports(
            filled,
            source_name=delivery.source.name if delivery.source else delivery.asked_name or None,
            snapshot_on=min(newest.date(), today),
            currency=currency,
            today=today,
        )
        BillImport.objects.filter(pk__in=pks).update(
            delivery=delivery, stated_period=delivery.billing_period if delivery.manifest else None
        )
        _note_parts(delivery, pks)
        BillDelivery.objects.filter(pk=delivery.pk).update(
            state=DeliveryState.IMPORTING.value, heartbeat_at=Now(), problem="", cure=""
        )
    return pks


def _note_parts(delivery: BillDelivery, import_pks: Sequence[int]) -> None:
    """Sources that hold parts of what another source fetches know it; those with a place of their own do not."""
    if delivery.source is None:
        return
    parts = BillSource.objects.filter(imports__in=import_pks, place=PlaceKind.UPLOAD.value)
    parts.exclude(pk=delivery.source.pk).update(fetched_by=delivery.source)


def _end(delivery_pk: int, state: DeliveryState, problem: str, cure: str) -> None:
    shutil.rmtree(folder_of_delivery(delivery_pk), ignore_errors=True)
    BillDelivery.objects.filter(pk=delivery_pk).update(
        state=state.value, problem=problem, cure=cure, ended_at=Now(), worker=""
    )


def folder_of_delivery(delivery_pk: int) -> Path:
    """Where the files of a delivery lie while it is imported."""
    return Path(settings.UPLOAD_DIR) / f"fetched-{delivery_pk}"


def _listed(described: dict[str, str]) -> StoredFile:
    changed_at = datetime.fromisoformat(described["changed_at"])
    return StoredFile(described["key"], int(described["size"]), described["etag"], changed_at)
