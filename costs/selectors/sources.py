"""Sources as FinOps staff read them: where they look, what came of it, and the deliveries they brought."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from django.db.models import QuerySet

from costs.errors import NotFoundInScopeError
from costs.models import BillDelivery, BillImport, BillSource
from costs.periods import BillingPeriod
from costs.scope import Scope
from costs.terms import BillingFormat, DeliveryState, PlaceKind

DELIVERIES_SHOWN = 500


class SourceState(StrEnum):
    """How a source stands, in the order in which it matters."""

    INACTIVE = "inactive"
    FAILING = "failing"  # the place cannot be looked at
    REFUSED = "refused"  # the newest version of some month cannot be imported
    WAITING = "waiting"  # a delivery is not complete yet
    BUSY = "busy"  # looked at, fetched or imported right now
    NEW = "new"  # not looked at yet
    IN_ORDER = "in_order"
    UPLOADED = "uploaded"  # nothing to look at
    FETCHED = "fetched"  # a part of what another source fetches


@dataclass(frozen=True)
class SourceRow:
    """One source in a list. `error` and `cure` are the look's, or those of its newest refused delivery."""

    name: str
    place: PlaceKind
    location: str
    billing_format: BillingFormat | None
    billing_account_id: str
    is_active: bool
    state: SourceState
    every_minutes: int
    months_back: int | None
    months_asked: tuple[str, ...]
    last_looked_at: datetime | None
    next_look_at: datetime | None
    last_result: str
    error: str
    cure: str
    default_currency: str = ""  # of lines that do not tell theirs
    fetched_by: str = ""  # the source whose files it is a part of


@dataclass(frozen=True)
class DeliveryRow:
    """One version of a month that was found. `period` is None before it is known, or where there are several."""

    pk: int
    period: BillingPeriod | None
    run: str
    folder: str
    state: DeliveryState
    file_names: tuple[str, ...]
    size: int
    found_at: datetime
    ended_at: datetime | None
    problem: str
    cure: str
    import_pks: tuple[int, ...]

    @property
    def has_ended(self) -> bool:
        return self.state in (DeliveryState.DONE, DeliveryState.REFUSED, DeliveryState.FAILED, DeliveryState.SUPERSEDED)

    @property
    def can_be_tried_again(self) -> bool:
        return self.state in (DeliveryState.REFUSED, DeliveryState.FAILED) and bool(self.file_names)


def sources(scope: Scope, *, now: datetime) -> tuple[SourceRow, ...]:
    """Every source by name, active ones first. Staff only. Two queries."""
    scope.require_everything()
    newest = _newest_deliveries()
    rows = [_source(source, newest.get(source.pk, ()), now) for source in _with_fetchers().order_by("name")]
    return tuple(sorted(rows, key=lambda row: (not row.is_active, row.name)))


def source_row(scope: Scope, name: str, *, now: datetime) -> SourceRow:
    """One source. Raises NotFoundInScopeError where there is none or the reader is not staff."""
    scope.require_everything()
    source = _with_fetchers().filter(name=name).first()
    if source is None:
        raise NotFoundInScopeError(f"There is no source {name}.")
    return _source(source, _newest_deliveries().get(source.pk, ()), now)


def deliveries(scope: Scope, name: str) -> tuple[DeliveryRow, ...]:
    """What a source has brought, newest first. Staff only. Two queries."""
    scope.require_everything()
    found = BillDelivery.objects.filter(source__name=name).order_by("-pk")[:DELIVERIES_SHOWN]
    return _rows(found)


def delivery(scope: Scope, pk: int) -> DeliveryRow:
    """One delivery, a source's or a command's. Raises NotFoundInScopeError."""
    scope.require_everything()
    rows = _rows(BillDelivery.objects.filter(pk=pk))
    if not rows:
        raise NotFoundInScopeError(f"There is no delivery {pk}.")
    return rows[0]


def delivery_of_import(scope: Scope, import_pk: int) -> int | None:
    """The delivery an import was made from; None for one of an upload or a command's files."""
    scope.require_everything()
    return BillImport.objects.filter(pk=import_pk).values_list("delivery", flat=True).first()


def delivered_in_force(scope: Scope, delivery_pk: int) -> tuple[int, ...]:
    """The imports of a delivery, where every month of it is in force as it was delivered; else none."""
    scope.require_everything()
    made = BillImport.objects.filter(delivery=delivery_pk).values_list("pk", flat=True)
    kept = BillImport.objects.filter(pk__in=made, bill_in_force__isnull=False).values_list("pk", flat=True)
    rerolled = BillImport.objects.filter(rerolled_from__in=made, bill_in_force__isnull=False)
    in_force = {*kept, *rerolled.values_list("rerolled_from", flat=True)}
    return tuple(sorted(made)) if set(made) == in_force else ()


def source_of_delivery(scope: Scope, pk: int) -> str:
    """The name of the source a delivery came from; empty for a command's."""
    scope.require_everything()
    found = BillDelivery.objects.filter(pk=pk).values_list("source__name", flat=True).first()
    return found or ""


def _rows(found: QuerySet[BillDelivery]) -> tuple[DeliveryRow, ...]:
    kept = list(found)
    made: dict[int, dict[int, date | None]] = defaultdict(dict)
    of_these = BillImport.objects.filter(delivery__in=[item.pk for item in kept]).order_by("pk")
    for delivery_pk, import_pk, month in of_these.values_list("delivery_id", "pk", "billing_period"):
        if delivery_pk is not None:
            made[delivery_pk][import_pk] = month
    return tuple(_delivery(item, made[item.pk]) for item in kept)


def _delivery(item: BillDelivery, months: Mapping[int, date | None]) -> DeliveryRow:
    """One delivery with its imports and their months; the month it states itself goes before theirs."""
    found = {month for month in months.values() if month is not None}
    only = item.billing_period or (next(iter(found)) if len(found) == 1 else None)
    return DeliveryRow(
        pk=item.pk,
        period=BillingPeriod(only) if only else None,
        run=item.run,
        folder=item.folder,
        state=DeliveryState(item.state),
        file_names=tuple(str(file["key"]).rsplit("/", 1)[-1] for file in item.files),
        size=sum(int(file["size"]) for file in item.files),
        found_at=item.found_at,
        ended_at=item.ended_at,
        problem=item.problem,
        cure=item.cure,
        import_pks=tuple(months),
    )


def _newest_deliveries() -> dict[int, Sequence[BillDelivery]]:
    """The newest version of every folder, by source. Versions that are done say nothing and are left out later."""
    newest: dict[tuple[int, str, str], BillDelivery] = {}
    known = BillDelivery.objects.filter(source__isnull=False).order_by("pk")
    for item in known.only("source_id", "address", "folder", "state", "problem", "cure"):
        newest[(item.source_id or 0, item.address, item.folder)] = item
    by_source: dict[int, list[BillDelivery]] = defaultdict(list)
    for (source_pk, _, _), item in newest.items():
        by_source[source_pk].append(item)
    return dict(by_source)


def _with_fetchers() -> QuerySet[BillSource]:
    return BillSource.objects.select_related("fetched_by")


def _source(source: BillSource, newest: Sequence[BillDelivery], now: datetime) -> SourceRow:
    here = [item for item in newest if item.address == source.location]
    state, told = _state(source, here, now)
    return SourceRow(
        name=source.name,
        place=PlaceKind(source.place),
        location=source.location,
        billing_format=BillingFormat(source.billing_format) if source.billing_format else None,
        billing_account_id=source.billing_account_id,
        is_active=source.is_active,
        state=state,
        every_minutes=source.every_minutes,
        months_back=source.months_back,
        months_asked=tuple(source.months_asked),
        last_looked_at=source.last_looked_at,
        next_look_at=source.next_look_at,
        last_result=source.last_result,
        error=source.last_error or (told.problem if told else ""),
        cure=source.last_error_cure if source.last_error else told.cure if told else "",
        default_currency=source.default_currency,
        fetched_by=source.fetched_by.name if source.fetched_by else "",
    )


def _state(
    source: BillSource, newest: Sequence[BillDelivery], now: datetime
) -> tuple[SourceState, BillDelivery | None]:
    if not source.is_active:
        return SourceState.INACTIVE, None
    if not PlaceKind(source.place).is_looked_at:
        return SourceState.FETCHED if source.fetched_by_id else SourceState.UPLOADED, None
    if source.last_error:
        return SourceState.FAILING, None
    by_state = {DeliveryState(item.state): item for item in sorted(newest, key=lambda item: item.pk)}
    for state, kinds in (
        (SourceState.REFUSED, (DeliveryState.REFUSED, DeliveryState.FAILED)),
        (SourceState.WAITING, (DeliveryState.WAITING,)),
    ):
        if told := next((by_state[kind] for kind in kinds if kind in by_state), None):
            return state, told
    busy = (DeliveryState.QUEUED, DeliveryState.FETCHING, DeliveryState.IMPORTING)
    if any(kind in by_state for kind in busy) or (source.looking_until and source.looking_until > now):
        return SourceState.BUSY, None
    return (SourceState.IN_ORDER if source.last_looked_at else SourceState.NEW), None
