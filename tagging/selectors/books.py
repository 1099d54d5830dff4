"""A closed month for the books: a balanced journal from its documents, with the account codes that hold."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from costs.errors import NotFoundInScopeError
from costs.money import ZERO
from costs.periods import BillingPeriod
from costs.scope import Scope
from costs.terms import ChargeCategory, CostMetric
from tagging.closing import TaxPart, tax_cents
from tagging.documents.content import content_of
from tagging.models import AccountCode, Close, Statement
from tagging.selectors.closed_figures import number_of
from tagging.selectors.closed_lines import lines_of_close
from tagging.selectors.closes import close_of
from tagging.selectors.reach import reach
from tagging.terms import AccountKind, CloseState, LineKind

# Codes where the books name none: four digits that say what they are for.
DEFAULT_CODES = {
    AccountKind.DIRECT: ("6510", "Cloud costs"),
    AccountKind.SHARED: ("6520", "Shared cloud costs"),
    AccountKind.ADJUSTMENT: ("6530", "Cloud costs of earlier months"),
    AccountKind.TAX: ("6590", "Tax on cloud costs"),
    AccountKind.UNALLOCATED: ("6599", "Cloud costs without owner"),
    AccountKind.PREPAID: ("1480", "Prepaid cloud commitments"),
    AccountKind.CLEARING: ("2890", "Cloud costs clearing"),
    AccountKind.ACCRUAL: ("2895", "Accrued cloud costs"),
}


@dataclass(frozen=True)
class JournalLine:
    """One line of a journal. One of debit and credit is zero; neither is negative."""

    entry: str
    account: str
    account_name: str
    cost_center: str
    owner: str
    text: str
    debit: Decimal
    credit: Decimal
    on: date | None = None  # the last day of the month where none is said
    number: str = ""  # of the close, once it is final
    version: int | None = None
    state: str = ""  # draft until the month is final, then final; of an accrual: estimate


@dataclass(frozen=True)
class Journal:
    """Σ debit = Σ credit."""

    period: BillingPeriod
    currency: str
    metric: CostMetric
    lines: tuple[JournalLine, ...]
    state: str = ""
    number: str = ""
    version: int | None = None
    tax: Decimal = ZERO  # booked as tax of the month's own bill; what is carried in comes apart
    tax_carried_in: Decimal = ZERO

    @property
    def debit(self) -> Decimal:
        return sum((line.debit for line in self.lines), ZERO)

    @property
    def credit(self) -> Decimal:
        return sum((line.credit for line in self.lines), ZERO)


@dataclass(frozen=True)
class Codes:
    """Account codes by kind and cost centre; one without a cost centre holds for all others."""

    stored: Mapping[tuple[str, str], tuple[str, str]]

    def of(self, kind: AccountKind, cost_center: str) -> tuple[str, str]:
        """Code and name."""
        found = self.stored.get((kind.value, cost_center)) or self.stored.get((kind.value, ""))
        return found or DEFAULT_CODES[kind]

    @property
    def kept(self) -> list[list[str]]:
        """As a close keeps them; with the defaults, which may change with a version of this program."""
        defaults = {(kind.value, ""): account for kind, account in DEFAULT_CODES.items()}
        return [[*key, *account] for key, account in sorted({**defaults, **self.stored}.items())]


@dataclass(frozen=True)
class _Document:
    """One statement by kind: cents as its document has them, and the exact costs apart from tax and of tax."""

    statement: Statement
    cents: Mapping[LineKind, Decimal]
    rest: Mapping[LineKind, Decimal]
    tax: Mapping[LineKind, Decimal]

    @property
    def is_all_tax(self) -> bool:
        return not any(self.rest.values())


def account_codes() -> Codes:
    """The codes as they stand now, with which a month is booked that is not final yet."""
    rows = AccountCode.objects.values_list("kind", "cost_center", "code", "name")
    return Codes(
        {(kind, center): (code, name or DEFAULT_CODES[AccountKind(kind)][1]) for kind, center, code, name in rows}
    )


def journal(scope: Scope, period: BillingPeriod, *, currency: str = "") -> Journal:
    """The month's journal on the basis charged: each owner's costs by kind, tax apart, against clearing.

    Where a version that was final before was booked, its reversal comes first. For FinOps staff. Raises
    NotFoundInScopeError while the month is open.
    """
    scope.require_everything()
    close = close_of(period, reach(scope, (period,), currency).currency)
    if close is None:
        raise NotFoundInScopeError(f"{period.label} is not closed: it has no journal yet.")
    documents = _documents(close)
    own, carried = _taxes(documents, LineKind.DIRECT), _taxes(documents, LineKind.ADJUSTMENT)
    before = _booked_before(close)
    state = _state(close)
    reversal = [] if before is None else _reversal(before, state)
    return Journal(
        period,
        close.currency,
        CostMetric(close.basis),
        (*reversal, *_entry(close, documents, own, carried)),
        state=state,
        number=number_of(close),
        version=close.version,
        tax=sum(own, ZERO),
        tax_carried_in=sum(carried, ZERO),
    )


def posted(
    entry: str, account: tuple[str, str], what: tuple[str, str, str], amount: Decimal, *, on: date | None = None
) -> JournalLine:
    """A line with a positive amount in debit, a negative one in credit. `what`: cost centre, owner, text."""
    center, owner, text = what
    return JournalLine(entry, *account, center, owner, text, max(amount, ZERO), max(-amount, ZERO), on)


def _state(close: Close) -> str:
    """What was final is booked, also once it is reopened; all else is a draft."""
    return "draft" if close.number_in_year is None else CloseState.FINAL.value


def _entry_id(close: Close, what: str = "", *, state: str = "") -> str:
    month = f"{BillingPeriod(close.period)}{_currency_mark(close)}"
    name = f"CLOUD-{month}-V{close.version}{what}"
    return f"{name}-DRAFT" if (state or _state(close)) == "draft" else name


def _currency_mark(close: Close) -> str:
    """`-EUR` where the month was closed in another currency first, which keeps the plain name. No close ever goes."""
    first = Close.objects.filter(period=close.period).order_by("pk").values_list("currency", flat=True).first()
    return "" if first == close.currency else f"-{close.currency}"


def _booked_before(close: Close) -> Close | None:
    """The newest earlier version of the month that became final, so that its journal was for the books."""
    versions = Close.objects.filter(period=close.period, currency=close.currency, version__lt=close.version)
    return versions.filter(number_in_year__isnull=False).order_by("-version").first()


def _reversal(before: Close, state: str) -> list[JournalLine]:
    """The entry of a version booked before with debit and credit the other way round: both together are nothing."""
    documents = _documents(before)
    entry = _entry(before, documents, _taxes(documents, LineKind.DIRECT), _taxes(documents, LineKind.ADJUSTMENT))
    name = _entry_id(before, "-REVERSAL", state=state)
    return [
        replace(line, entry=name, text=f"Reversal: {line.text}", debit=line.credit, credit=line.debit, state=state)
        for line in entry
    ]


def _documents(close: Close) -> list[_Document]:
    """The statements of a version, what belongs to nobody among them, by owner."""
    metric = CostMetric(close.basis)
    every, found = lines_of_close(close, metric), []
    for own in sorted(close.statements.all(), key=lambda item: item.owner_key):
        lines = every[own.owner_key]
        rest: dict[LineKind, Decimal] = defaultdict(lambda: ZERO)
        tax: dict[LineKind, Decimal] = defaultdict(lambda: ZERO)
        for line in lines:
            sums = tax if line.charge_category == ChargeCategory.TAX.value else rest
            sums[LineKind(line.kind)] += line.cost
        groups = content_of(lines, Decimal(own.cents[metric.column]))
        found.append(_Document(own, {group.kind: group.amount for group in groups}, rest, tax))
    return found


def _taxes(documents: Sequence[_Document], kind: LineKind) -> list[Decimal]:
    """Of each document the cents of tax: of the month's own bill (direct), or of what is carried in."""
    return tax_cents(
        [TaxPart(item.tax.get(kind, ZERO), item.cents.get(kind, ZERO), item.is_all_tax) for item in documents]
    )


def _entry(
    close: Close, documents: Sequence[_Document], own: Sequence[Decimal], carried: Sequence[Decimal]
) -> list[JournalLine]:
    """The balanced entry of one version."""
    codes, entry = _codes_of(close), _entry_id(close)
    lines = [
        replace(line, entry=entry)
        for document, tax, earlier in zip(documents, own, carried, strict=True)
        for line in _owner_lines(close, document, (tax, earlier), codes)
    ]
    total = sum((line.debit - line.credit for line in lines), ZERO)
    text = f"Cloud bill {BillingPeriod(close.period).label}"
    lines.append(posted(entry, codes.of(AccountKind.CLEARING, ""), ("", "All owners", text), -total))
    number, state = number_of(close), _state(close)
    return [
        replace(line, number=number, version=close.version, state=state) for line in lines if line.debit or line.credit
    ]


def _codes_of(close: Close) -> Codes:
    """A final month is booked with the codes it became final with, so that its reversal meets the same accounts."""
    if close.account_codes is None:
        return account_codes()
    return Codes({(kind, center): (code, name) for kind, center, code, name in close.account_codes})


def _owner_lines(close: Close, document: _Document, taxes: tuple[Decimal, Decimal], codes: Codes) -> list[JournalLine]:
    """One document by account; the lines sum to its total. Their entry is named by whoever asks."""
    statement, (own, carried) = document.statement, taxes
    center, owner = statement.cost_center, statement.owner_name
    text = f"Statement {statement.number or f'version {close.version}'}"
    rest = _rest_cents(document, {LineKind.DIRECT: own, LineKind.ADJUSTMENT: carried})
    nobody = not statement.owner_key
    amounts = [
        *((AccountKind.UNALLOCATED if nobody else AccountKind(kind.value), "", cents) for kind, cents in rest.items()),
        (AccountKind.TAX, "", own),
        (AccountKind.TAX, ", tax of earlier months", carried),
    ]
    sums: dict[tuple[AccountKind, str], Decimal] = defaultdict(lambda: ZERO)
    for kind, more, amount in amounts:
        sums[kind, more] += amount
    return [
        posted("", codes.of(kind, center), (center, owner, f"{text}{more}"), amount)
        for (kind, more), amount in sums.items()
    ]


def _rest_cents(document: _Document, taxes: Mapping[LineKind, Decimal]) -> dict[LineKind, Decimal]:
    """What each kind books beside its tax. A cent left over where a kind is all tax goes to the largest other kind."""
    rest = {kind: document.cents.get(kind, ZERO) - taxes.get(kind, ZERO) for kind in LineKind}
    if document.is_all_tax:
        return rest
    largest = max(document.rest, key=lambda kind: abs(document.rest[kind]))
    for kind in LineKind:
        if kind is not largest and not document.rest.get(kind):
            rest[largest] += rest[kind]
            rest[kind] = ZERO
    return rest
