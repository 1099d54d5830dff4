"""Upkeep of sources: where they look, how often, and whose turn it is."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.db.models import F, Q, QuerySet
from django.utils.text import slugify

from costs.errors import FinopsError, InvalidRequestError, NotFoundInScopeError
from costs.models import BillSource
from costs.periods import BillingPeriod
from costs.places import PlaceError, is_s3, open_place, require_allowed_folder
from costs.services.currencies import currency_code
from costs.terms import PlaceKind

# A look that takes longer than this has died.
_LOOK_LIMIT = timedelta(minutes=15)
_TAKEN_NAMES = frozenset({"new"})  # an address of its own
_LONGEST_WAIT = timedelta(hours=6)


@dataclass(frozen=True)
class SourceFields:
    """What a person decides about a source."""

    place: PlaceKind
    location: str = ""
    every_minutes: int = 5
    months_back: int | None = None
    is_active: bool = True
    default_currency: str = ""


def source_slug(name: str) -> str:
    """What a source given this name is called, as its address holds it. Raises InvalidRequestError for no name."""
    slug = slugify(name)[:80].strip("-_")
    if not slug or slug in _TAKEN_NAMES:
        raise InvalidRequestError(f"'{name}' is no name for a source. Use letters, digits and dashes, like acme-payer.")
    return slug


def create_source(name: str, fields: SourceFields) -> int:
    """A new source, whose turn it is at once; returns its pk. Raises InvalidRequestError or PlaceError."""
    slug = source_slug(name)
    location = _checked_location(fields)
    try:
        with transaction.atomic():
            return BillSource.objects.create(name=slug, **_values(fields, location)).pk
    except IntegrityError as error:
        raise InvalidRequestError(f"There is a source {slug} already. Name this one otherwise.") from error


def change_source(name: str, fields: SourceFields) -> None:
    """Other decisions about a source; its name stays, as its charges lie under it. It is looked at anew."""
    location = _checked_location(fields, but=name)
    _only(name).update(
        **_values(fields, location), next_look_at=None, failures=0, last_error="", last_error_cure="", last_result=""
    )


def set_active(name: str, *, is_active: bool) -> None:
    """Whether a source counts as the one of its payer, and is looked at. Months in force stay until taken over.

    The parts of its files, which are sources of their own, follow it. Raises InvalidRequestError where another active
    source looks at its place by now.
    """
    source = _only(name).get()
    if is_active and source.location:
        _refuse_taken(source.location, but=name)
    _only(name).update(is_active=is_active, next_look_at=None, failures=0)
    BillSource.objects.filter(fetched_by__name=name).update(is_active=is_active)


def ask_for_months(name: str, months: Sequence[BillingPeriod]) -> int:
    """Have these months imported at the next look, whatever was imported of them; returns the source's pk.

    A month that is not there stays asked for, as providers take days to deliver one again.
    """
    with transaction.atomic():
        source = BillSource.objects.select_for_update().get(pk=_fetching(name).pk)
        source.months_asked = sorted({*source.months_asked, *(str(month) for month in months)})
        source.next_look_at = None
        source.save(update_fields=["months_asked", "next_look_at"])
    return source.pk


def forget_months(name: str) -> None:
    """Wait no longer for months that were asked for and are not there."""
    _only(name).update(months_asked=[])


def look_at_once(name: str) -> int:
    """Make it a source's turn; returns its pk. Raises InvalidRequestError for one that is not looked at."""
    source = _fetching(name)
    BillSource.objects.filter(pk=source.pk).update(next_look_at=None)
    return source.pk


def due_sources(*, now: datetime) -> list[int]:
    """Sources whose turn it is."""
    due = _looked_at().filter(Q(next_look_at=None) | Q(next_look_at__lte=now))
    return list(due.filter(_nobody_looks(now)).order_by("name").values_list("pk", flat=True))


def begin_look(source_pk: int, *, now: datetime) -> BillSource | None:
    """Take a source to look at it; None where somebody does, or it is inactive."""
    mine = _looked_at().filter(_nobody_looks(now), pk=source_pk)
    if not mine.update(looking_until=now + _LOOK_LIMIT):
        return None
    return BillSource.objects.get(pk=source_pk)


def end_look(source: BillSource, *, now: datetime, result: str, absent: Sequence[str] = ()) -> None:
    """A look that went well. Months asked for that are `absent` stay for later looks, those asked meanwhile for the
    next one.
    """
    left = BillSource.objects.filter(pk=source.pk).values_list("months_asked", flat=True).get()
    asked = [month for month in left if month not in source.months_asked]
    BillSource.objects.filter(pk=source.pk).update(
        looking_until=None,
        last_looked_at=now,
        next_look_at=None if asked else now + timedelta(minutes=source.every_minutes),
        months_asked=[month for month in left if month in asked or month in absent],
        last_result=result,
        last_error="",
        last_error_cure="",
        failures=0,
    )


def fail_look(source: BillSource, error: FinopsError, *, now: datetime) -> None:
    """A look that failed: why, and later each time until the next try, at most six hours."""
    wait = timedelta(minutes=source.every_minutes) * 2 ** min(source.failures, 10)
    BillSource.objects.filter(pk=source.pk).update(
        looking_until=None,
        last_looked_at=now,
        next_look_at=now + min(wait, max(_LONGEST_WAIT, timedelta(minutes=source.every_minutes))),
        last_error=error.problem if isinstance(error, PlaceError) else str(error),
        last_error_cure=error.cure if isinstance(error, PlaceError) else "",
        failures=F("failures") + 1,
    )


def _looked_at() -> QuerySet[BillSource]:
    kinds = [kind.value for kind in PlaceKind if kind.is_looked_at]
    return BillSource.objects.filter(is_active=True, place__in=kinds)


def _nobody_looks(now: datetime) -> Q:
    return Q(looking_until=None) | Q(looking_until__lt=now)


def _only(name: str) -> QuerySet[BillSource]:
    found = BillSource.objects.filter(name=name)
    if not found.exists():
        raise NotFoundInScopeError(f"There is no source {name}.")
    return found


def _fetching(name: str) -> BillSource:
    source = _only(name).get()
    if not PlaceKind(source.place).is_looked_at:
        raise InvalidRequestError(f"Bills of {name} are uploaded. Give it a folder or a bucket first.")
    if not source.is_active:
        raise InvalidRequestError(f"{name} is not active. Activate it first.")
    return source


def _checked_location(fields: SourceFields, *, but: str = "") -> str:
    """The location as it is kept. Raises for one that cannot be, or that another active source looks at."""
    if not fields.place.is_looked_at:
        return ""
    location = fields.location.strip()
    if not location:
        raise InvalidRequestError("Say where the bills are: a folder's path or s3://bucket/prefix.")
    if (fields.place is PlaceKind.S3) != is_s3(location):
        wanted = "s3://bucket/prefix" if fields.place is PlaceKind.S3 else "a path like /data/bills"
        raise InvalidRequestError(f"{location} does not fit. Write it as {wanted}.")
    address = open_place(location).address
    if fields.place is PlaceKind.FOLDER:
        require_allowed_folder(address)
    if fields.is_active:
        _refuse_taken(address, but=but)
    return address


def _refuse_taken(address: str, *, but: str) -> None:
    other = BillSource.objects.filter(location=address, is_active=True).exclude(name=but).first()
    if other is not None:
        raise InvalidRequestError(f"The source {other.name} looks there already. Change or deactivate it.")


def _values(fields: SourceFields, location: str) -> dict[str, object]:
    return {
        "place": fields.place.value,
        "location": location,
        "every_minutes": fields.every_minutes,
        "months_back": fields.months_back,
        "is_active": fields.is_active,
        "default_currency": currency_code(fields.default_currency),
    }
