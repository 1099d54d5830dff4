"""Small months without files: say what was spent, get an import in force with its owners."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from hashlib import blake2b

from costs.models import Bill, BillImport, BillSource, CostSlice, DailyCost, Resource, ResourceCost, SubAccount
from costs.periods import BillingPeriod
from costs.terms import COST_COLUMNS, BillingFormat, BillState, ImportState
from tagging.services import allocate_import

NOVEMBER = BillingPeriod.parse("2025-11")
OCTOBER = BillingPeriod.parse("2025-10")
TRACKED = ("Owner", "Environment", "Team", "CostCenter", "Project", "Department")


@dataclass(frozen=True)
class Spend:
    """One day's cost of one slice, of a resource where one is named. Effective is billed unless said."""

    billed: str
    day: int = 1
    tags: Mapping[str, str] = field(default_factory=dict)
    account: str = "111111111111"
    service: str = "Compute"
    region: str = "eu-west-1"
    usage_type: str = "BoxUsage"
    category: str = "Usage"
    resource: str = ""
    effective: str = ""
    commitment: str = ""  # Used or Unused

    @property
    def slice_key(self) -> int:
        parts: tuple[object, ...] = (
            self.account,
            self.service,
            self.region,
            self.usage_type,
            self.category,
            bool(self.resource),
        )
        parts = (*parts, self.commitment) if self.commitment else parts
        return key_of(*parts, *sorted(self.tags.items()))

    def costs(self) -> dict[str, Decimal]:
        billed, effective = Decimal(self.billed), Decimal(self.effective or self.billed)
        return {name: effective if name == "effective_cost" else billed for name in COST_COLUMNS}


def key_of(*parts: object) -> int:
    """A stable key for these parts, as the intake makes by hashing."""
    return int.from_bytes(blake2b(repr(parts).encode(), digest_size=7).digest(), "big")


def month(
    spends: Sequence[Spend],
    *,
    period: BillingPeriod = NOVEMBER,
    source: str = "payer",
    currency: str = "USD",
    billing_format: BillingFormat = BillingFormat.LEGACY_CUR,
    in_force: bool = True,
) -> BillImport:
    """Store the spends as an import, allocate it and put it in force."""
    made = _import(period, source, currency, billing_format)
    for spend in spends:
        _store(made, spend)
    totals = {name: sum((spend.costs()[name] for spend in spends), Decimal(0)) for name in COST_COLUMNS}
    BillImport.objects.filter(pk=made.pk).update(**totals)
    made.refresh_from_db()
    allocate_import(made.pk)
    if in_force:
        put_in_force(made)
    return made


def put_in_force(made: BillImport) -> None:
    """The one switch every reader follows."""
    assert made.bill is not None
    Bill.objects.filter(pk=made.bill.pk).update(import_in_force=made)
    BillImport.objects.filter(pk=made.pk).update(state=ImportState.IN_FORCE.value)


def name_account(account: str, name: str) -> None:
    """Give an account its name."""
    SubAccount.objects.update_or_create(sub_account_id=account, defaults={"name": name})


def _import(period: BillingPeriod, source: str, currency: str, billing_format: BillingFormat) -> BillImport:
    place, _ = BillSource.objects.get_or_create(name=source, defaults={"billing_format": billing_format.value})
    bill, _ = Bill.objects.get_or_create(
        source=place, billing_period=period.start, defaults={"state": BillState.OPEN.value}
    )
    return BillImport.objects.create(
        source=place,
        bill=bill,
        billing_period=period.start,
        billing_currency=currency,
        tracked_tags=list(TRACKED),
        state=ImportState.ALLOCATING.value,
    )


def _store(made: BillImport, spend: Spend) -> None:
    assert made.billing_period is not None
    day = date(made.billing_period.year, made.billing_period.month, spend.day)
    CostSlice.objects.get_or_create(
        key=spend.slice_key,
        defaults={
            "billing_account_id": "900000000001",
            "sub_account_id": spend.account,
            "service_name": spend.service,
            "region_id": spend.region,
            "usage_type": spend.usage_type,
            "operation": "Run",
            "charge_category": spend.category,
            "commitment_discount_status": spend.commitment,
            "line_kind": spend.category,
            "pricing_category": "Standard",
            "is_taggable": bool(spend.resource),
            "tags": dict(spend.tags),
        },
    )
    DailyCost.objects.create(
        bill_import=made, slice_id=spend.slice_key, charge_date=day, consumed_quantity=1, **spend.costs()
    )
    if spend.resource:
        _store_resource(made, spend, day)


def _store_resource(made: BillImport, spend: Spend, day: date) -> None:
    key = key_of(spend.account, spend.resource)
    Resource.objects.get_or_create(
        key=key,
        defaults={
            "sub_account_id": spend.account,
            "resource_id": spend.resource,
            "service_name": spend.service,
            "region_id": spend.region,
            "tags": dict(spend.tags),
        },
    )
    row, is_new = ResourceCost.objects.get_or_create(
        bill_import=made,
        resource_id=key,
        slice_id=spend.slice_key,
        defaults={
            "usage_hours": 1,
            "consumed_quantity": 1,
            "first_charged_on": day,
            "last_charged_on": day,
            **spend.costs(),
        },
    )
    if not is_new:
        for name, cost in spend.costs().items():
            setattr(row, name, getattr(row, name) + cost)
        row.last_charged_on = max(row.last_charged_on, day)
        row.save()
