"""Findings kept: found, found again, gone. May run again and at once any number of times."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.db import connection, transaction

from costs.detectors import Detected, ListRate, detect, rate_table
from costs.money import ZERO
from costs.periods import BillingPeriod
from costs.scope import Scope
from costs.terms import FindingKind
from tagging.models import Finding
from tagging.selectors.spends import OwnedSpend, limits, owned_spends
from tagging.services.verifying import verify_savings
from tagging.terms import FindingState

GONE = "No longer among its owner's costs."  # also where it went to another one: no team is told of others
FOUND_AGAIN = "Found again."
STILL_THERE = "Found again in {}, a full month after it was marked done."
DISMISSAL_OVER = "The dismissal has ended."
# Any number will do, as long as nothing else takes this advisory lock on PostgreSQL.
_LOCK = 7_203_118_046
ACTED_ON = (FindingState.OPEN.value, FindingState.ACCEPTED.value)


@dataclass(frozen=True)
class Detection:
    """What one run did, by ref: new ones, those open again, those gone; and how many stand now."""

    opened: tuple[str, ...] = ()
    reopened: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()
    standing: int = 0


@dataclass(frozen=True)
class _Found:
    ref: str
    owned: OwnedSpend
    detected: Detected


def detect_findings(*, today: date, now: datetime, list_rates: Sequence[ListRate] = ()) -> Detection:
    """Look for findings in the newest months in force, keep them, and measure what the done ones saved.

    A finding that is gone becomes done; a dismissed one opens again when its date has passed; one that was marked
    done opens again when a full month after that still has it. All or nothing; a second run at the same time waits.
    """
    with transaction.atomic():
        _one_detection_at_a_time()
        found = _detected(list_rates)
        known = {item.ref: item for item in Finding.objects.select_for_update().order_by("pk")}
        fresh = [_new(each, today=today, now=now) for ref, each in found.items() if ref not in known]
        reopened = _seen_again(known, found, today=today, now=now)
        for item in [*fresh, *reopened]:
            save_event(item, now)
        gone = _close_gone(known, found, fresh, today=today, now=now)
        verify_savings()
    return Detection(
        tuple(item.ref for item in fresh),
        tuple(item.ref for item in reopened),
        tuple(item.ref for item in gone),
        len(found),
    )


def _one_detection_at_a_time() -> None:
    """Wait for another detection to commit, so that it is never overwritten by an older reading.

    On SQLite there is one writer at a time anyway.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])


def ref_of(kind: FindingKind, resource_id: str, owner_key: str) -> str:
    """A finding's name in addresses: the same for the same kind, resource and owner, and telling nothing of others."""
    digest = hashlib.sha256("\n".join((kind.value, resource_id, owner_key)).encode())
    return digest.hexdigest()[:20]


def _detected(list_rates: Iterable[ListRate]) -> dict[str, _Found]:
    within, rates = limits(), rate_table(list_rates)
    found: dict[str, _Found] = {}
    for owned in owned_spends(Scope.all(), within):
        detected = detect(owned.spend, within, rates)
        if detected is None:
            continue
        ref = ref_of(detected.kind, owned.spend.resource_id, owned.owner_key)
        if ref not in found or found[ref].detected.monthly_saving < detected.monthly_saving:  # one in each currency
            found[ref] = _Found(ref, owned, detected)
    return found


def _new(each: _Found, *, today: date, now: datetime) -> Finding:
    owned = each.owned
    item = Finding(
        ref=each.ref,
        kind=each.detected.kind.value,
        subject_key=hashlib.sha256(owned.spend.resource_id.encode()).hexdigest()[:24],
        resource_id=owned.spend.resource_id,
        owner_kind=owned.owner_kind.value,
        owner_key=owned.owner_key,
        first_seen_on=today,
        last_seen_on=today,
        changed_at=now,
    )
    _measure(item, each)
    return item


_FIGURES = (
    "resource_ids",
    "resource_name",
    "service_name",
    "region_id",
    "sub_account_id",
    "source_name",
    "currency",
    "period",
    "monthly_cost",
    "monthly_saving",
    "baseline_cost",
    "reason",
    "evidence",
)


def _measure(item: Finding, each: _Found) -> None:
    """Put what was found now into the row."""
    owned, detected = each.owned, each.detected
    item.resource_ids = list(owned.resource_ids)
    item.resource_name, item.service_name = owned.resource_name, owned.service_name
    item.region_id, item.sub_account_id = owned.region_id, owned.sub_account_id
    item.source_name, item.currency, item.period = owned.source_name, owned.spend.currency, owned.spend.period.start
    item.monthly_cost, item.monthly_saving = detected.monthly_cost, detected.monthly_saving
    item.baseline_cost, item.reason = detected.baseline, detected.reason
    item.evidence = [list(pair) for pair in detected.evidence]


def _seen_again(known: dict[str, Finding], found: dict[str, _Found], *, today: date, now: datetime) -> list[Finding]:
    """Bring what is still there up to date; returns those that open again, not yet saved."""
    reopened, updated = [], []
    for ref in known.keys() & found.keys():
        item = known[ref]
        if note := _why_reopened(item, found[ref], today):
            set_state(item, FindingState.OPEN, now=now, note=note)
            reopened.append(item)
        if item.state != FindingState.DONE.value:
            _measure(item, found[ref])
            item.last_seen_on = today
            updated.append(item)
    if updated:  # figures of the day are no event: they leave no trace in the history
        Finding.objects.bulk_update(updated, [*_FIGURES, "last_seen_on"], batch_size=200)
    return sorted(reopened, key=lambda item: item.ref)


def _why_reopened(item: Finding, each: _Found, today: date) -> str:
    """Why a finding that is still there opens again; '' where it stays as it is."""
    if item.state == FindingState.DISMISSED.value:
        return DISMISSAL_OVER if item.dismissed_until is not None and item.dismissed_until <= today else ""
    if item.state != FindingState.DONE.value:
        return ""
    if not item.is_done_by_hand:
        return FOUND_AGAIN
    spend = each.owned.spend
    is_full = spend.covered_days >= spend.period.day_count
    later = item.done_on is not None and spend.period.start > item.done_on
    return STILL_THERE.format(spend.period.label) if is_full and later else ""


def set_state(item: Finding, state: FindingState, *, now: datetime, note: str) -> None:
    """Put a finding into a state, leaving nothing of the one before. The caller saves it."""
    item.state, item.note = state.value, note
    item.changed_at, item.changed_by = now, None
    item.dismissed_until = item.done_on = item.verified_from = None
    item.is_done_by_hand = item.went_to_another = False
    item.verified_saving = ZERO


def _close_gone(
    known: dict[str, Finding], found: dict[str, _Found], fresh: Sequence[Finding], *, today: date, now: datetime
) -> list[Finding]:
    """Findings whose cost is gone are done. Where it only went to another owner, the company saved nothing."""
    came_up: dict[tuple[str, str], date] = {}  # when the newest finding of the same, that stands, was first seen
    for item in [*fresh, *(item for ref, item in known.items() if ref in found)]:
        same = (item.kind, item.subject_key)
        came_up[same] = max(came_up.get(same, item.first_seen_on), item.first_seen_on)
    taken_on = {(item.kind, item.subject_key) for item in fresh}
    gone = [item for ref, item in known.items() if ref not in found and item.state != FindingState.DONE.value]
    for item in gone:
        same = (item.kind, item.subject_key)  # also where this one was opened again after it had gone to another
        moved = same in taken_on or came_up.get(same, item.last_seen_on) > item.last_seen_on
        counts = item.state in ACTED_ON
        set_state(item, FindingState.DONE, now=now, note=GONE)
        item.done_on, item.went_to_another = today, moved
        item.verified_from = BillingPeriod.of(item.period).end if counts else None
        save_event(item, now)
    return gone


def save_event(item: Finding, now: datetime) -> None:
    """Save with a trace in the history, dated as decided."""
    item._history_date = now  # type: ignore[attr-defined]
    item.save()
