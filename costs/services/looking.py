"""A look at a place: what lies there, which of it is new, and what has to be fetched."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings

from costs.deliveries import NO_MANIFEST, Delivery, StoredFile, exports_of, find_deliveries, unknown_names
from costs.errors import FinopsError
from costs.models import BillDelivery, BillSource
from costs.periods import BillingPeriod
from costs.places import Place, PlaceError, open_place, require_allowed_folder
from costs.services.sources import begin_look, end_look, fail_look
from costs.terms import DeliveryState, PlaceKind

# Files without a manifest are left alone until nobody has written to them for so long.
_SETTLES = timedelta(seconds=60)
_TASK_LOST_SECONDS = 1_800
# What could not be fetched is tried again after this, then after twice as long each time.
_RETRY_WAIT = timedelta(minutes=5)
_IN_HAND = (DeliveryState.QUEUED, DeliveryState.FETCHING, DeliveryState.IMPORTING)
_MISSING_SHOWN = 3
_NAMES_SHOWN = 5


@dataclass
class Found:
    """What a look found, as pks of deliveries. `queued` have to be fetched."""

    queued: list[int] = field(default_factory=list)
    same: list[int] = field(default_factory=list)
    waiting: list[int] = field(default_factory=list)
    refused: list[int] = field(default_factory=list)
    too_old: int = 0
    unknown: tuple[str, ...] = ()  # files left out, as their names do not tell what they are
    settling: int = 0  # files without manifest that somebody may still be writing
    absent: tuple[str, ...] = ()  # months that were asked for and are not there, or not whole
    searched: tuple[str, ...] = ()  # months that were asked for of files that do not tell theirs

    @property
    def text(self) -> str:
        """One line for people."""
        return " ".join(part for part in (self._deliveries, self._absent, self.left_out) if part)

    @property
    def _deliveries(self) -> str:
        parts = [
            _counted(len(self.queued), "new"),
            _counted(len(self.same), "as before"),
            _counted(len(self.waiting), "not complete yet"),
            _counted(len(self.refused), "refused"),
            _counted(self.too_old, "older than asked for"),
        ]
        told = [part for part in parts if part]
        if self.settling:
            files = "1 file was" if self.settling == 1 else f"{self.settling:,} files were"
            told_last = f"{files} written within the last minute: read once nobody writes any more."
            return f"Deliveries: {', '.join(told)}. {told_last}" if told else told_last
        return f"Deliveries: {', '.join(told)}." if told else "Nothing there yet: no manifest and no bill file."

    @property
    def _absent(self) -> str:
        if self.searched:
            months = ", ".join(self.searched)
            return (
                f"Asked for: {months}. The files do not say their months, so all are read; their imports say what came."
            )
        if not self.absent:
            return ""
        return f"Asked for and not there, or not whole yet: {', '.join(self.absent)}. Imported on arrival."

    @property
    def left_out(self) -> str:
        """What was not looked into, and what to do about it; empty where there is nothing."""
        if not self.unknown:
            return ""
        shown = ", ".join(self.unknown[:_NAMES_SHOWN])
        more = f" and {len(self.unknown) - _NAMES_SHOWN} more" if len(self.unknown) > _NAMES_SHOWN else ""
        return (
            f"Left out by their names: {shown}{more}. If they belong to a bill, let them end in .csv, .gz, .zip or"
            " .parquet."
        )


@dataclass(frozen=True)
class Asker:
    """On whose behalf a place is looked at: a source, or a command that may name one."""

    address: str
    source: BillSource | None = None
    asked_name: str = ""
    retries: bool = False  # also what was refused before: what stood in the way may be gone

    def wants(self, delivery: Delivery) -> bool:
        """Whether the delivery was asked for by its month. Of files that do not tell it, every one might be it."""
        if self.source is None or not self.source.months_asked:
            return False
        return delivery.period is None or str(delivery.period) in self.source.months_asked


def look_at_source(source_pk: int, *, now: datetime) -> list[int]:
    """Look at a source whose turn it is; returns the deliveries to fetch, newest month first.

    Empty where somebody else looks, or where the look fails: then the source says why and when it is tried again.
    """
    source = begin_look(source_pk, now=now)
    if source is None:
        return []
    try:
        if source.place == PlaceKind.FOLDER:
            require_allowed_folder(source.location)
        asker = Asker(source.location, source)
        found = look(open_place(source.location), asker, now=now, settled_before=now - _SETTLES)
    except FinopsError as error:
        fail_look(source, error, now=now)
        return []
    except Exception as error:
        fail_look(source, PlaceError(f"The look broke off: {type(error).__name__}.", "See the worker's log."), now=now)
        raise
    end_look(source, now=now, result=found.text, absent=found.absent)
    return found.queued


def look(place: Place, asker: Asker, *, now: datetime, settled_before: datetime | None = None) -> Found:
    """Record what lies at a place. Raises PlaceError where it cannot be looked at or holds several exports."""
    listed = list(place.files())
    deliveries = find_deliveries(listed, place.read, settled_before=settled_before)
    if len(exports := exports_of(deliveries)) > 1:
        raise PlaceError(
            f"{place.address} holds several exports: {', '.join(exports)}.",
            "Name the folder of one; together they would count costs more than once.",
        )
    found = Found(unknown=unknown_names(listed))
    found.settling = _still_written(listed, deliveries, settled_before)
    _sort_asked(deliveries, asker, found)
    for delivery in reversed(deliveries):
        if _is_too_old(delivery, asker, now):
            found.too_old += 1
        else:
            _record(delivery, asker, found, now)
    return found


def _still_written(
    listed: Sequence[StoredFile], deliveries: Sequence[Delivery], settled_before: datetime | None
) -> int:
    """Loose files that are left alone for now. Beside a manifest nobody can tell them from an export's surplus."""
    if settled_before is None or any(file.is_manifest for file in listed):
        return 0
    taken = {file.key for delivery in deliveries for file in delivery.files}
    return sum(file.is_data and file.key not in taken and file.changed_at > settled_before for file in listed)


def _sort_asked(deliveries: Sequence[Delivery], asker: Asker, found: Found) -> None:
    """Note the months asked for that no whole delivery gives. Files that do not tell theirs are all read for them."""
    asked = asker.source.months_asked if asker.source else []
    if any(delivery.period is None for delivery in deliveries):
        found.searched = tuple(asked)
        return
    there = {str(delivery.period) for delivery in deliveries if delivery.is_complete}
    found.absent = tuple(month for month in asked if month not in there)


def _is_too_old(delivery: Delivery, asker: Asker, now: datetime) -> bool:
    source = asker.source
    if source is None or source.months_back is None or delivery.period is None or asker.wants(delivery):
        return False
    return delivery.period < BillingPeriod.of(now.date()).back(source.months_back + 1)[0]


def _record(delivery: Delivery, asker: Asker, found: Found, now: datetime) -> None:
    """Sort one delivery: known, new, not complete, refused."""
    latest = (
        BillDelivery.objects.filter(
            source=asker.source, asked_name=asker.asked_name, address=asker.address, folder=delivery.folder
        )
        .order_by("-pk")
        .first()
    )
    if latest is not None and latest.version_id == delivery.version and not _is_due(latest, delivery, asker, now):
        _sort_known(latest, found)
        return
    values = _values(delivery)
    reused = latest is not None and (
        latest.state == DeliveryState.WAITING
        or (latest.version_id == delivery.version and latest.state != DeliveryState.DONE)
    )
    if reused and latest is not None:
        BillDelivery.objects.filter(pk=latest.pk).update(**values, ended_at=None)
        pk = latest.pk
    else:
        pk = BillDelivery.objects.create(
            source=asker.source, asked_name=asker.asked_name, address=asker.address, found_at=now, **values
        ).pk
    {
        DeliveryState.QUEUED: found.queued,
        DeliveryState.WAITING: found.waiting,
        DeliveryState.REFUSED: found.refused,
    }[DeliveryState(values["state"])].append(pk)


def _is_due(latest: BillDelivery, delivery: Delivery, asker: Asker, now: datetime) -> bool:
    """Whether a known version has to be fetched all the same."""
    if not delivery.is_complete:
        return False
    state = DeliveryState(latest.state)
    if state in _IN_HAND:
        # Its task may be lost; one that is only late finds its work done.
        limit = now - timedelta(seconds=max(_TASK_LOST_SECONDS, settings.IMPORT_STALE_SECONDS))
        return state is not DeliveryState.IMPORTING and (latest.heartbeat_at or latest.found_at) < limit
    if state is DeliveryState.FAILED:
        wait = _RETRY_WAIT * 2 ** min(max(latest.attempts - 1, 0), 6)
        return asker.retries or asker.wants(delivery) or latest.ended_at is None or latest.ended_at + wait <= now
    return (state is DeliveryState.REFUSED and asker.retries) or asker.wants(delivery)


def _sort_known(latest: BillDelivery, found: Found) -> None:
    state = DeliveryState(latest.state)
    if state is DeliveryState.WAITING:
        found.waiting.append(latest.pk)
    elif state in (DeliveryState.REFUSED, DeliveryState.FAILED):
        found.refused.append(latest.pk)
    else:
        found.same.append(latest.pk)


def _values(delivery: Delivery) -> dict[str, Any]:
    state, problem, cure = _judged(delivery)
    return {
        "folder": delivery.folder,
        "billing_period": delivery.period.start if delivery.period else None,
        "version_id": delivery.version,
        "manifest": delivery.manifest,
        "run": delivery.run[:200],
        "files": [
            {"key": file.key, "size": file.size, "etag": file.etag, "changed_at": file.changed_at.isoformat()}
            for file in delivery.files
        ],
        "missing": list(delivery.missing),
        "state": state.value,
        "problem": problem,
        "cure": cure,
        "worker": "",
        "heartbeat_at": None,
    }


def _judged(delivery: Delivery) -> tuple[DeliveryState, str, str]:
    if delivery.problem == NO_MANIFEST:
        return (
            DeliveryState.WAITING,
            NO_MANIFEST,
            "Nothing to do; files copied without their manifest count after a day.",
        )
    if delivery.problem:
        return DeliveryState.REFUSED, delivery.problem, ""
    if delivery.missing:
        names = ", ".join(name.rsplit("/", 1)[-1] for name in delivery.missing[:_MISSING_SHOWN])
        more = f" and {len(delivery.missing) - _MISSING_SHOWN} more" if len(delivery.missing) > _MISSING_SHOWN else ""
        problem = f"The manifest names files that are not there: {names}{more}."
        return DeliveryState.WAITING, problem, "It is imported once they are. Copies must take them along."
    return DeliveryState.QUEUED, "", ""


def _counted(count: int, what: str) -> str:
    return f"{count} {what}" if count else ""
