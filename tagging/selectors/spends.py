"""What each owner pays for each resource: where findings are looked for, and where their savings are verified.

Works for all owners at once, so it needs the full scope; a finding holds the part of one owner only.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.conf import settings
from django.db.models import Max

from costs import selectors as intake
from costs.detectors import Commitment, Limits, Spend, StorageMove
from costs.money import ZERO
from costs.periods import BillingPeriod
from costs.scope import Scope
from costs.selectors import ActiveImport, CommitmentRow, MeasuredMonth, Seen, SpendingSheet, SpendRow
from costs.terms import ChargeCategory
from tagging.models import AllocatedCost, Allocation
from tagging.owners import kind_of
from tagging.terms import OwnerKind

PERCENT = 100
OwnerDays = Mapping[tuple[int, str], int]
PLAN, RESERVATION, RESERVED = "savings plan", "reservation of {}", "reservation"


@dataclass(frozen=True)
class OwnedSpend:
    """What one owner pays for one resource, with what only the finding's row keeps."""

    owner_key: str
    spend: Spend
    resource_ids: tuple[str, ...]
    resource_name: str
    service_name: str
    region_id: str
    sub_account_id: str
    source_name: str

    @property
    def owner_kind(self) -> OwnerKind:
        return kind_of(self.owner_key)


@dataclass(frozen=True)
class LaterMonth:
    """A month to verify savings in: its imports in one currency, how many days they cover, whose data it is."""

    period: BillingPeriod
    currency: str
    covered_days: int
    own_days: tuple[tuple[tuple[int, str], int], ...]  # as `days_by_owner`
    imports: tuple[ActiveImport, ...]
    sources: frozenset[str]
    other_bills: frozenset[str]  # sources of bills that are not in this month
    has_bill: bool

    def days_of(self, owner_key: str) -> int:
        """The days covered for this owner: its own to the last usage while the month was running, else all."""
        running = {item.pk for item in self.imports if intake.was_running(item)}
        if len(running) < len(self.imports):
            return self.covered_days
        return max((days for (_, owner), days in self.own_days if owner == owner_key), default=0)

    def tells_of(self, source_name: str) -> bool:
        """Whether it says what things of a source cost: its own data, or a bill that took over from an inventory."""
        return source_name in self.sources or (self.has_bill and source_name not in self.other_bills)


def limits() -> Limits:
    """From where on something is a finding, as the settings say."""
    moves = ((settings.FINDINGS_VOLUME_SAVINGS, False), (settings.FINDINGS_BUCKET_SAVINGS, True))
    return Limits(
        idle_cpu_pct=float(settings.FINDINGS_IDLE_CPU * PERCENT),
        min_saving=Decimal(settings.FINDINGS_MIN_SAVING),
        rate_tolerance=settings.FINDINGS_RATE_TOLERANCE,
        seldom_read=settings.FINDINGS_SELDOM_READ,
        moves=tuple(StorageMove(*move, if_seldom_read=seldom) for found, seldom in moves for move in found),
    )


def owned_spends(scope: Scope, within: Limits) -> tuple[OwnedSpend, ...]:
    """Every owner's part of every resource that could be a finding, in a fixed order."""
    scope.require_everything()
    sheet = intake.spending(
        scope,
        min_days=settings.FINDINGS_MIN_DAYS,
        idle_days=settings.FINDINGS_IDLE_DAYS,
        idle_cpu_pct=within.idle_cpu_pct,
        classes=[move.storage_class for move in within.moves],
    )
    owners = owners_of(scope, sheet.months)
    attached = {volume: each for each in sheet.seen.values() if each.is_not_running for volume in each.volumes}
    instances = _instances_of_owners(scope, attached.values(), sheet, owners)
    grouped: dict[tuple[str, str, str], list[SpendRow]] = {}
    for row in sheet.rows:
        owner, instance = owners.get((row.import_pk, row.slice_key), ""), attached.get(row.resource_id)
        is_own = instance is not None and (instance.resource_id, owner) in instances
        subject = instance.resource_id if instance is not None and is_own else row.resource_id
        currency = sheet.months[row.import_pk].item.currency
        grouped.setdefault((subject, owner, currency), []).append(row)
    days = days_by_owner(scope, [month.item for month in sheet.months.values()])
    found = [_spend_of(key, rows, sheet, days, attached.get(key[0])) for key, rows in sorted(grouped.items())]
    return (*found, *_commitments(sheet, owners, days))


def _instances_of_owners(
    scope: Scope, instances: Iterable[Seen], sheet: SpendingSheet, owners: Mapping[tuple[int, int], str]
) -> frozenset[tuple[str, str]]:
    """(instance, owner) pairs: whose they are by the costs measured, or by the inventory that lists them.

    A volume is put with its instance only where both have one owner: nobody reads the id of another's instance.
    """
    by_place = {(each.import_pk, each.resource_key): each.resource_id for each in instances}
    pks = {pk for pk, _ in by_place}
    listed = owners_of(scope, pks)
    found = {(row.resource_id, owners.get((row.import_pk, row.slice_key), "")) for row in sheet.rows}
    for some in intake.in_parts(sorted({key for _, key in by_place})):
        rows = intake.resource_costs(scope, pks).filter(resource_id__in=some).order_by()
        for pk, slice_key, key in rows.values_list("bill_import_id", "slice_id", "resource_id"):
            if (pk, key) in by_place:
                found.add((by_place[pk, key], listed.get((pk, slice_key), "")))
    return frozenset(found)


def _commitments(sheet: SpendingSheet, owners: Mapping[tuple[int, int], str], days: OwnerDays) -> Iterator[OwnedSpend]:
    """Every owner's part of every commitment that the newest month still has, from the newest full month."""
    grouped: dict[tuple[str, str, str], list[CommitmentRow]] = {}
    for row in sheet.commitments:
        owner = owners.get((row.import_pk, row.slice_key), "")
        grouped.setdefault((row.commitment_id, owner, sheet.months[row.import_pk].item.currency), []).append(row)
    for (commitment_id, owner, currency), rows in sorted(grouped.items()):
        full = [row for row in rows if sheet.months[row.import_pk].is_for_fees]
        current = [row for row in rows if not sheet.months[row.import_pk].is_for_fees]
        if current:
            yield _commitment(commitment_id, owner, currency, full or current, sheet, days)


def _commitment(
    commitment_id: str,
    owner: str,
    currency: str,
    rows: Sequence[CommitmentRow],
    sheet: SpendingSheet,
    days: OwnerDays,
) -> OwnedSpend:
    last, month = rows[-1], sheet.months[rows[-1].import_pk]
    kind = PLAN if last.category == "Spend" else RESERVATION.format(last.instance_type).strip()
    unused = sum((row.unused for row in rows), ZERO)
    covered = _days_of(owner, month, days)
    owned = Commitment(kind, sum((row.cost for row in rows), ZERO), unused, last.ends_on)
    return OwnedSpend(
        owner_key=owner,
        spend=Spend(commitment_id, currency, month.item.period, covered, unused, commitment=owned),
        resource_ids=(commitment_id,),
        resource_name=kind.capitalize() if last.category == "Spend" else f"{last.instance_type} {RESERVED}".strip(),
        service_name=last.service_name,
        region_id=last.region_id,
        sub_account_id=last.sub_account_id,
        source_name=month.item.source_name,
    )


def owners_of(scope: Scope, import_pks: Iterable[int]) -> dict[tuple[int, int], str]:
    """Team keys by import and slice; what nobody owns is not in it."""
    scope.require_everything()
    rows = Allocation.objects.filter(bill_import_id__in=list(import_pks)).exclude(owner_key="")
    return {(pk, key): owner for pk, key, owner in rows.values_list("bill_import_id", "slice_id", "owner_key")}


def days_by_owner(scope: Scope, items: Collection[ActiveImport]) -> OwnerDays:
    """Of months that were still running: the days to each owner's own last usage, by import and owner.

    Nothing an owner reads may depend on how far the costs of others go.
    """
    scope.require_everything()
    running = {item.pk: item.period.start for item in items if intake.was_running(item)}
    used = AllocatedCost.objects.filter(bill_import_id__in=running, charge_category=ChargeCategory.USAGE.value)
    last = used.order_by().values_list("bill_import_id", "owner_key").annotate(last=Max("charge_date"))
    return {(pk, owner): (day - running[pk]).days + 1 for pk, owner, day in last}


def _spend_of(
    key: tuple[str, str, str],
    rows: Sequence[SpendRow],
    sheet: SpendingSheet,
    days: OwnerDays,
    instance: Seen | None,
) -> OwnedSpend:
    """One owner's part of one resource, in the newest month that has it."""
    subject, owner_key, _ = key
    month = max((sheet.months[row.import_pk] for row in rows), key=lambda month: (month.item.period, month.item.pk))
    current = [row for row in rows if row.import_pk == month.item.pk]
    # Its own rows say where it is; where it has none (a stopped instance), those of what is attached.
    named = sorted(current, key=lambda row: (row.resource_id != subject, -row.effective_cost, row.slice_key))
    last = named[0]
    return OwnedSpend(
        owner_key=owner_key,
        spend=_spend(subject, month, current, sheet, _days_of(owner_key, month, days), instance),
        resource_ids=tuple(sorted({row.resource_id for row in current} | {subject})),
        resource_name=next((row.name for row in named if row.name), ""),
        service_name=last.service_name,
        region_id=last.region_id,
        sub_account_id=last.sub_account_id,
        source_name=month.item.source_name,
    )


def _days_of(owner_key: str, month: MeasuredMonth, days: OwnerDays) -> int:
    """Days of a month covered for this owner; where it has no usage of its own, those that were over."""
    return days.get((month.item.pk, owner_key), month.past_days or 1)


def _spend(
    subject: str,
    month: MeasuredMonth,
    rows: Sequence[SpendRow],
    sheet: SpendingSheet,
    covered_days: int,
    instance: Seen | None,
) -> Spend:
    """`instance`: of another owner, which does not run and that this is attached to."""
    is_inventory = month.item.billing_format.is_inventory
    above = [row for row in rows if row.is_above_list]
    reading = sum((row.effective_cost for row in rows if row.is_reading), ZERO)
    return Spend(
        resource_id=subject,
        currency=month.item.currency,
        period=month.item.period,
        covered_days=covered_days,
        cost=sum((row.effective_cost for row in rows), ZERO),
        is_inventory=is_inventory,
        inventory=sheet.seen.get(subject, instance),
        is_attached=subject not in sheet.seen and instance is not None,
        after_stop=_after_stop(rows, sheet, short=month.covered_days - covered_days),
        above_list=(_total(above), sum((row.list_cost for row in above), ZERO)) if above else None,
        storage=_by_class(rows),
        reading=None if is_inventory else reading,
    )


def _after_stop(rows: Sequence[SpendRow], sheet: SpendingSheet, *, short: int) -> tuple[int, Decimal] | None:
    """Days and cost since it stopped; `short` is by how many days the owner's own usage ends before the bill does."""
    found = [
        sheet.after_stop[key]
        for row in rows
        if (key := (row.import_pk, row.resource_key, row.slice_key)) in sheet.after_stop
    ]
    return (max(days for days, _ in found) - short, sum((cost for _, cost in found), ZERO)) if found else None


def _by_class(rows: Iterable[SpendRow]) -> Mapping[str, Decimal]:
    found: dict[str, Decimal] = {}
    for row in rows:
        if row.storage_class:
            found[row.storage_class] = found.get(row.storage_class, ZERO) + row.effective_cost
    return found


def _total(rows: Iterable[SpendRow]) -> Decimal:
    return sum((row.effective_cost for row in rows), ZERO)


def later_months(scope: Scope, since: date) -> tuple[LaterMonth, ...]:
    """Months with costs in force from a day on, oldest first, each currency apart."""
    scope.require_everything()
    bills = {item.source_name for item in intake.active_imports(scope) if not item.billing_format.is_inventory}
    items = [item for item in intake.active_imports(scope) if item.period.start >= since]
    days, own = intake.covered_days(scope, items), days_by_owner(scope, items)
    grouped: dict[tuple[BillingPeriod, str], list[ActiveImport]] = {}
    for item in items:
        grouped.setdefault((item.period, item.currency), []).append(item)
    return tuple(
        LaterMonth(
            period=period,
            currency=currency,
            covered_days=covered,
            own_days=tuple((pair, days) for pair, days in own.items() if pair[0] in {item.pk for item in found}),
            imports=tuple(found),
            sources=frozenset(item.source_name for item in found),
            other_bills=frozenset(bills - {item.source_name for item in found}),
            has_bill=any(not item.billing_format.is_inventory for item in found),
        )
        for (period, currency), found in sorted(grouped.items())
        if (covered := max(days[item.pk] for item in found))
    )


def costs_by_owner(
    scope: Scope, import_pks: Collection[int], resource_ids: Collection[str]
) -> dict[tuple[str, str], Decimal]:
    """Effective cost by resource id and owner over these imports."""
    scope.require_everything()
    ids = intake.resource_keys_of(scope, resource_ids)
    owners = owners_of(scope, import_pks)
    rows = intake.resource_costs(scope, import_pks).order_by()
    found: dict[tuple[str, str], Decimal] = {}
    for some in intake.in_parts(sorted(ids)):
        for pk, slice_key, key, cost in rows.filter(resource_id__in=some).values_list(
            "bill_import_id", "slice_id", "resource_id", "effective_cost"
        ):
            place = (ids[key], owners.get((pk, slice_key), ""))
            found[place] = found.get(place, ZERO) + cost
    return found


def unused_by_owner(scope: Scope, items: Iterable[ActiveImport]) -> dict[tuple[str, str], Decimal]:
    """What commitments left unused in these imports, by commitment and owner."""
    scope.require_everything()
    found: dict[tuple[str, str], Decimal] = {}
    for item in items:
        owners = owners_of(scope, [item.pk])
        for row in intake.unused_commitments(scope, item):
            place = (row.commitment_id, owners.get((row.import_pk, row.slice_key), ""))
            found[place] = found.get(place, ZERO) + row.unused
    return found
