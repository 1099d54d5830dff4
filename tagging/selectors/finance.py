"""Finance's close: invoices matched, the accrual of a month that is not invoiced, fees paid in advance. Staff only."""

from collections import Counter, defaultdict
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal

from django.db.models import Max, Sum

from costs import selectors as intake
from costs.adding import InCents, added_up, in_cents
from costs.money import ZERO, cents_that_sum, ratio, round_money, round_to_cents
from costs.periods import BillingPeriod, DateRange
from costs.scope import Scope
from costs.selectors import ActiveImport
from costs.terms import ChargeCategory, CostMetric
from tagging.closing import TaxPart, tax_cents
from tagging.models import Close, Invoice, Team
from tagging.owners import center_of
from tagging.selectors.books import Journal, JournalLine, account_codes, posted
from tagging.selectors.closes import counting
from tagging.selectors.labels import UNALLOCATED, labels
from tagging.selectors.reach import allocated, reach
from tagging.terms import AccountKind

ESTIMATE = "estimate"  # the state of an accrual: neither draft nor final
RUN_RATE_DAYS = 7
NOISE = Decimal("0.0001")  # bills miss their own identities by a hair; such a rest is no prepaid fee


@dataclass(frozen=True)
class InvoiceMatch:
    """One invoice as the bill tells it and as it was entered; `difference` is entered − bill, None where one lacks."""

    invoice_id: str
    issuer: str
    billing_account_ids: tuple[str, ...]
    billed_cost: Decimal
    tax: Decimal
    entered: Decimal | None
    difference: Decimal | None
    issuers: int = 1  # how many of the bill have this number: 0 if none, several if the entry has to name one

    @property
    def state(self) -> str:
        """What to do with it: matched, differs, to be entered, not in the bill, issuer to be named, not invoiced."""
        if not self.invoice_id:
            return "not invoiced"
        if self.issuers != 1:
            return "issuer to be named" if self.issuers else "not in the bill"
        if self.entered is None:
            return "to be entered"
        return "matched" if self.difference == ZERO else "differs"


@dataclass(frozen=True)
class AccrualRow:
    """One owner's expected month: what is billed so far, and the run rate for the days that lack."""

    owner_key: str
    owner: str
    cost_center: str
    billed_cost: Decimal
    daily_rate: Decimal
    estimate: Decimal
    booked: Decimal  # billed + estimate, in cents that sum over all owners
    tax: Decimal  # of it tax, in cents that sum to the bill's rounded tax

    @property
    def parts(self) -> list[InCents]:
        """What is billed and what is estimated, in cents that sum to what is booked."""
        return in_cents((self.billed_cost, self.estimate), self.booked)


@dataclass(frozen=True)
class Accrual:
    """A month that is not invoiced, as it is accrued. `missing_days` are estimated at the mean of `measured`."""

    period: BillingPeriod
    currency: str
    through: date | None
    measured: DateRange | None
    missing_days: int
    rows: tuple[AccrualRow, ...]

    @property
    def total(self) -> Decimal:
        return sum((row.booked for row in self.rows), ZERO)

    @property
    def tax(self) -> Decimal:
        return sum((row.tax for row in self.rows), ZERO)

    @property
    def estimate(self) -> Decimal:
        return sum((row.estimate for row in self.rows), ZERO)

    @property
    def parts(self) -> list[InCents]:
        """Billed so far and estimated of all owners, as their lines add up to."""
        return [added_up([row.parts[place] for row in self.rows]) for place in (0, 1)]


@dataclass(frozen=True)
class PrepaidRow:
    """opening + additions − amortisation = closing. Below zero: bought before the first bill that is here."""

    commitment_id: str
    opening: Decimal
    additions: Decimal
    amortisation: Decimal
    closing: Decimal

    @property
    def shown(self) -> list[InCents]:
        """The four in cents with which the sum holds."""
        closing = round_to_cents(self.closing)
        opening, additions, used = in_cents((self.opening, self.additions, -self.amortisation), closing)
        return [opening, additions, InCents(-used.amount, -used.cents), InCents(self.closing, closing)]


def invoice_matches(scope: Scope, period: BillingPeriod, *, currency: str = "") -> tuple[InvoiceMatch, ...]:
    """Every invoice the bill names or somebody entered; the bill's sums add up to its billed cost."""
    chosen = _currency(scope, period, currency)
    found = intake.invoice_totals(scope, _imports(period, chosen))
    entered = {
        (item.invoice_id, item.issuer): item for item in Invoice.objects.filter(period=period.start, currency=chosen)
    }
    issuers = Counter(total.invoice_id for total in found)
    rows = []
    for total in found:
        item = entered.pop((total.invoice_id, total.issuer), None)
        if item is None and issuers[total.invoice_id] == 1:
            item = entered.pop((total.invoice_id, ""), None)
        rows.append(_match(total, None if item is None else item.amount))
    rows += [_unmatched(item, 0 if item.issuer else issuers[item.invoice_id]) for item in entered.values()]
    return tuple(rows)


def accrual(scope: Scope, period: BillingPeriod, *, currency: str = "") -> Accrual:
    """The month's expected billed cost by owner, for the books of a month whose invoice has not come.

    Method: days after the last one with usage are estimated, for each owner, at the mean billed usage of the seven
    days up to the day before that one (the newest day is often not complete). Other charges count as billed so far.
    """
    chosen = _currency(scope, period, currency)
    rows = allocated(scope, [item.pk for item in _imports(period, chosen)]).order_by()
    usage = rows.filter(charge_category=ChargeCategory.USAGE.value)
    taxed = rows.filter(charge_category=ChargeCategory.TAX.value).values_list("owner_key").annotate(Sum("billed_cost"))
    last = usage.aggregate(last=Max("charge_date"))["last"]
    if last is None:
        whole = dict(rows.values_list("owner_key").annotate(Sum("billed_cost")))
        days = (period.end - period.start).days if whole else 0
        return Accrual(period, chosen, None, None, days, _accrued(scope, whole, {}, dict(taxed), (1, days)))
    newest_complete = last if last == period.range.last else last - timedelta(days=1)
    start = max(period.start, newest_complete - timedelta(days=RUN_RATE_DAYS - 1))
    measured = DateRange(start, max(newest_complete, start) + timedelta(days=1))
    missing = (period.range.last - newest_complete).days
    whole = dict(rows.filter(charge_date__lte=newest_complete).values_list("owner_key").annotate(Sum("billed_cost")))
    later = rows.filter(charge_date__gt=newest_complete).exclude(charge_category=ChargeCategory.USAGE.value)
    for owner, cost in later.values_list("owner_key").annotate(Sum("billed_cost")):
        whole[owner] = whole.get(owner, ZERO) + cost
    recent = usage.filter(charge_date__gte=measured.start, charge_date__lt=measured.end)
    rates = dict(recent.values_list("owner_key").annotate(Sum("billed_cost")))
    span = ((measured.end - measured.start).days, missing)
    found = _accrued(scope, whole, rates, dict(taxed), span)
    return Accrual(period, chosen, newest_complete, measured, missing, found)


def accrual_journal(scope: Scope, period: BillingPeriod, *, currency: str = "") -> Journal:
    """The accrual on the month's last day, and its reversal on the first of the next; each is balanced."""
    found = accrual(scope, period, currency=currency)
    codes = account_codes()
    last, first = period.range.last, period.end
    lines: list[JournalLine] = []
    # In a month of several currencies the main one keeps the plain name.
    name = f"{period}" if found.currency == _currency(scope, period, "") else f"{period}-{found.currency}"
    for entry, on, sign in ((f"ACCRUAL-{name}", last, 1), (f"REVERSAL-{name}", first, -1)):
        text = f"Accrued cloud costs {period.label}" if sign == 1 else f"Reversal of accrual {period.label}"
        for row in found.rows:
            kind = AccountKind.DIRECT if row.owner_key else AccountKind.UNALLOCATED
            for each, amount in ((kind, row.booked - row.tax), (AccountKind.TAX, row.tax)):
                account = codes.of(each, row.cost_center)
                lines.append(posted(entry, account, (row.cost_center, row.owner, text), sign * amount, on=on))
        against = codes.of(AccountKind.ACCRUAL, "")
        lines.append(posted(entry, against, ("", "All owners", text), -sign * found.total, on=on))
    kept = tuple(replace(line, state=ESTIMATE) for line in lines if line.debit or line.credit)
    return Journal(period, found.currency, CostMetric.BILLED, kept, state=ESTIMATE, tax=found.tax)


def prepaid(scope: Scope, period: BillingPeriod, *, currency: str = "") -> tuple[PrepaidRow, ...]:
    """The roll-forward of fees paid in advance, by commitment, from all bills up to the month."""
    chosen = _currency(scope, period, currency)
    months = {item.period for item in intake.active_imports(scope) if item.currency == chosen and item.period <= period}
    imports = [item for month in sorted(months) for item in _imports(month, chosen)]
    opening: dict[str, Decimal] = defaultdict(lambda: ZERO)
    now: dict[str, tuple[Decimal, Decimal]] = defaultdict(lambda: (ZERO, ZERO))
    for row in intake.prepaid_months(scope, imports):
        if row.period < period:
            opening[row.commitment_id] += row.additions - row.amortisation
        else:
            now[row.commitment_id] = (row.additions, row.amortisation)
    rows = []
    for commitment in sorted({*opening, *now}):
        added, used = now[commitment]
        before = opening[commitment]
        if any(abs(amount) >= NOISE for amount in (before, added, used)):
            rows.append(PrepaidRow(commitment, before, added, used, before + added - used))
    return tuple(rows)


def _accrued(
    scope: Scope,
    whole: dict[str, Decimal],
    rates: dict[str, Decimal],
    taxed: dict[str, Decimal],
    span: tuple[int, int],
) -> tuple[AccrualRow, ...]:
    days, missing = span
    whole = dict.fromkeys(rates, ZERO) | whole  # where the newest day is the first, there is nothing before it
    names, centers = labels(scope, "team", list(whole)), dict(Team.objects.values_list("key", "cost_center"))
    owners = sorted(whole, key=lambda owner: (-whole[owner], owner))
    daily = {owner: round_money(ratio(rates.get(owner, ZERO), days) or ZERO) for owner in owners}
    estimates = {owner: round_money(rates.get(owner, ZERO) * missing / days) for owner in owners}
    exact = [whole[owner] + estimates[owner] for owner in owners]
    booked = cents_that_sum(exact)
    own_tax = [taxed.get(owner, ZERO) for owner in owners]
    taxes = tax_cents(
        [TaxPart(tax, cents, tax == cost) for tax, cents, cost in zip(own_tax, booked, exact, strict=True)]
    )
    return tuple(
        AccrualRow(
            owner_key=owner,
            owner=names[owner] if owner else UNALLOCATED,
            cost_center=center_of(owner, centers),
            billed_cost=whole[owner],
            daily_rate=daily[owner],
            estimate=estimates[owner],
            booked=cents,
            tax=tax,
        )
        for owner, cents, tax in zip(owners, booked, taxes, strict=True)
    )


def _match(total: intake.InvoiceTotal, entered: Decimal | None) -> InvoiceMatch:
    return InvoiceMatch(
        invoice_id=total.invoice_id,
        issuer=total.issuer,
        billing_account_ids=total.billing_account_ids,
        billed_cost=total.billed_cost,
        tax=total.tax,
        entered=entered,
        difference=None if entered is None else entered - _cents(total.billed_cost),
    )


def _unmatched(item: Invoice, issuers: int) -> InvoiceMatch:
    """An entry that is of none of the bill's invoices, or of one of several."""
    difference = None if issuers else item.amount
    return InvoiceMatch(item.invoice_id, item.issuer, (), ZERO, ZERO, item.amount, difference, issuers)


def _currency(scope: Scope, period: BillingPeriod, currency: str) -> str:
    scope.require_everything()
    return reach(scope, (period,), currency).currency


def _imports(period: BillingPeriod, currency: str) -> tuple[ActiveImport, ...]:
    """What the month rests on: the imports it was closed on, else those in force."""
    closed: Close | None = counting().filter(period=period.start, currency=currency).first()
    if closed is not None:
        return intake.imports_by_pk(Scope.all(), closed.imports.values_list("pk", flat=True))
    return tuple(item for item in intake.active_imports(Scope.all(), (period,)) if item.currency == currency)


def _cents(amount: Decimal) -> Decimal:
    return cents_that_sum([amount])[0]
