"""Accounts for FinOps staff: what each is called and was called, who pays for it, what it costs month by month."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import TypeVar

from django.db.models import Max, Min, Sum

from costs.errors import NotFoundInScopeError
from costs.models import AccountName, SubAccount, VersionTotal
from costs.money import ZERO
from costs.periods import BillingPeriod
from costs.scope import Scope
from costs.selectors.imports import ActiveImport, active_imports
from costs.terms import CostMetric

K = TypeVar("K")


@dataclass(frozen=True)
class AccountRow:
    """An account and its month. `name` is what it is called here: what staff gave, else what bills say.

    An empty id stands for lines that name no account, so that the rows add up to the bills.
    """

    account_id: str
    name: str
    bill_name: str
    payer_id: str
    payer_name: str
    first_seen_on: date | None
    last_seen_on: date | None
    cost: Decimal
    previous_cost: Decimal

    @property
    def change(self) -> Decimal:
        return self.cost - self.previous_cost


@dataclass(frozen=True)
class AccountTable:
    """Every account that imports in force know. Σ rows = total = what the month's bills come to."""

    period: BillingPeriod
    metric: CostMetric
    currency: str
    rows: tuple[AccountRow, ...]
    total: Decimal


@dataclass(frozen=True)
class Stretch:
    """The days on which something was called so, as far as bills tell."""

    text: str
    first_on: date
    last_on: date


@dataclass(frozen=True)
class AccountDetail:
    """One account over all months in force, in one currency. `months` are (month, service, cost), oldest first."""

    account_id: str
    name: str
    bill_name: str
    display_name: str
    names: tuple[Stretch, ...]  # newest first
    payers: tuple[Stretch, ...]
    first_seen_on: date | None
    last_seen_on: date | None
    currency: str
    currencies: tuple[str, ...]
    months: tuple[tuple[BillingPeriod, str, Decimal], ...]

    @property
    def by_month(self) -> dict[BillingPeriod, Decimal]:
        return _summed((period, cost) for period, _, cost in self.months)

    def services(self, period: BillingPeriod | None = None) -> dict[str, Decimal]:
        """Services by cost, dearest first: of one month, or of all."""
        found = _summed((service, cost) for each, service, cost in self.months if period in (None, each))
        return dict(sorted(found.items(), key=lambda pair: (-pair[1], pair[0])))


def accounts(scope: Scope, period: BillingPeriod, *, metric: CostMetric, currency: str) -> AccountTable:
    """Accounts with a month's cost and the one before, dearest first. Staff only. Five queries."""
    scope.require_everything()
    every = active_imports(scope)
    now = _costs(every, period, metric, currency)
    before = _costs(every, period.previous(), metric, currency)
    seen = _seen([item.pk for item in every])
    known = SubAccount.objects.in_bulk()
    rows = [
        _row(known.get(account_id), account_id, known, seen.get(account_id), (now, before))
        for account_id in {*seen, *now, *(key for key, cost in before.items() if cost)}
    ]
    rows.sort(key=lambda row: (-row.cost, row.name or row.account_id, row.account_id))
    return AccountTable(period, metric, currency, tuple(rows), sum(now.values(), ZERO))


def account(scope: Scope, account_id: str, *, metric: CostMetric, currency: str = "") -> AccountDetail:
    """One account. Staff only; NotFoundInScopeError where no bill named it. Four queries."""
    scope.require_everything()
    item = SubAccount.objects.filter(sub_account_id=account_id).first()
    if item is None:
        raise NotFoundInScopeError(f"There is no account {account_id}.")
    every = {each.pk: each for each in active_imports(scope)}
    rows = list(
        AccountName.objects.filter(sub_account_id=account_id, bill_import_id__in=every)
        .order_by("first_seen_on", "last_seen_on", "name")
        .values_list("name", "billing_account_id", "first_seen_on", "last_seen_on")
    )
    totals = VersionTotal.objects.filter(sub_account_id=account_id, bill_import_id__in=every)
    costs = list(totals.values_list("bill_import_id", "service_name", metric.column))
    currencies = tuple(sorted({every[pk].currency for pk, _, _ in costs}))
    chosen = currency or next(iter(currencies), "USD")
    months = _summed(((every[pk].period, name), cost) for pk, name, cost in costs if every[pk].currency == chosen)
    return AccountDetail(
        account_id=account_id,
        name=item.display_name or item.name,
        bill_name=item.name,
        display_name=item.display_name,
        names=stretches((name, first, last) for name, _, first, last in rows),
        payers=stretches((payer, first, last) for _, payer, first, last in rows),
        first_seen_on=min((row[2] for row in rows), default=None),
        last_seen_on=max((row[3] for row in rows), default=None),
        currency=chosen,
        currencies=currencies,
        months=tuple((period, service, cost) for (period, service), cost in sorted(months.items(), key=_in_order)),
    )


def stretches(seen: Iterable[tuple[str, date, date]]) -> tuple[Stretch, ...]:
    """What was seen in order of its first day → one stretch while the text stays, newest first. '' says nothing."""
    found: list[Stretch] = []
    for text, first, last in seen:
        if not text:
            continue
        if found and found[-1].text == text:
            found[-1] = Stretch(text, found[-1].first_on, max(last, found[-1].last_on))
        else:
            found.append(Stretch(text, first, last))
    return tuple(reversed(found))


def _row(
    item: SubAccount | None,
    account_id: str,
    known: dict[str, SubAccount],
    seen: tuple[date, date] | None,
    costs: tuple[dict[str, Decimal], dict[str, Decimal]],
) -> AccountRow:
    payer_id = item.billing_account_id if item else ""
    payer = known.get(payer_id)
    first, last = seen or (None, None)
    return AccountRow(
        account_id=account_id,
        name=(item.display_name or item.name) if item else "",
        bill_name=item.name if item else "",
        payer_id=payer_id,
        payer_name=(payer.display_name or payer.name) if payer else "",
        first_seen_on=first,
        last_seen_on=last,
        cost=costs[0].get(account_id, ZERO),
        previous_cost=costs[1].get(account_id, ZERO),
    )


def _costs(
    every: Iterable[ActiveImport], period: BillingPeriod, metric: CostMetric, currency: str
) -> dict[str, Decimal]:
    pks = [item.pk for item in every if item.period == period and item.currency == currency]
    rows = VersionTotal.objects.filter(bill_import_id__in=pks).order_by().values_list("sub_account_id")
    return dict(rows.annotate(cost=Sum(metric.column)))


def _seen(import_pks: Collection[int]) -> dict[str, tuple[date, date]]:
    rows = AccountName.objects.filter(bill_import_id__in=import_pks).order_by().values_list("sub_account_id")
    found = rows.annotate(first=Min("first_seen_on"), last=Max("last_seen_on"))
    return {account_id: (first, last) for account_id, first, last in found}


def _summed(pairs: Iterable[tuple[K, Decimal]]) -> dict[K, Decimal]:
    found: dict[K, Decimal] = defaultdict(lambda: ZERO)
    for key, cost in pairs:
        found[key] += cost
    return dict(found)


def _in_order(pair: tuple[tuple[BillingPeriod, str], Decimal]) -> tuple[date, str]:
    return pair[0][0].start, pair[0][1]
