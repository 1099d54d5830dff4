"""A closed month for the books: a balanced journal from its documents, with the account codes that hold."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from costs.money import ZERO
from costs.periods import BillingPeriod
from costs.scope import Scope
from costs.terms import ChargeCategory, CostMetric
from tagging.documents import StatementDocument
from tagging.models import AccountCode
from tagging.selectors.documents import documents_of_month
from tagging.terms import AccountKind, LineKind

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


@dataclass(frozen=True)
class Journal:
    """Σ debit = Σ credit."""

    period: BillingPeriod
    currency: str
    metric: CostMetric
    lines: tuple[JournalLine, ...]

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


def account_codes() -> Codes:
    """The codes as they stand now: a journal is made for the books of today."""
    rows = AccountCode.objects.values_list("kind", "cost_center", "code", "name")
    return Codes(
        {(kind, center): (code, name or DEFAULT_CODES[AccountKind(kind)][1]) for kind, center, code, name in rows}
    )


def journal(scope: Scope, period: BillingPeriod, *, currency: str = "") -> Journal:
    """The month's journal on the basis charged: each owner's costs by kind, tax apart, against clearing.

    For FinOps staff. Raises NotFoundInScopeError while the month is open.
    """
    scope.require_everything()
    documents = documents_of_month(scope, period, currency=currency)
    codes = account_codes()
    lines = [line for document in documents for line in owner_lines(document, codes)]
    total = sum((line.debit - line.credit for line in lines), ZERO)
    code, name = codes.of(AccountKind.CLEARING, "")
    first = documents[0]
    entry = f"CLOUD-{period}"
    lines.append(posted(entry, (code, name), ("", "All owners", f"Cloud bill {period.label}"), -total))
    return Journal(period, first.currency, first.metric, tuple(line for line in lines if line.debit or line.credit))


def owner_lines(document: StatementDocument, codes: Codes) -> list[JournalLine]:
    """One owner's document by account; the lines sum to its total."""
    sums: dict[AccountKind, Decimal] = defaultdict(lambda: ZERO)
    for group in document.groups:
        for line in group.lines:
            sums[_kind(document, group.kind, line.category)] += line.amount
    entry = f"CLOUD-{document.period}"
    what = document.number or f"version {document.version}"
    return [
        posted(
            entry,
            codes.of(kind, document.cost_center),
            (document.cost_center, document.owner, f"Statement {what}"),
            amount,
        )
        for kind, amount in sums.items()
    ]


def posted(
    entry: str, account: tuple[str, str], what: tuple[str, str, str], amount: Decimal, *, on: date | None = None
) -> JournalLine:
    """A line with a positive amount in debit, a negative one in credit. `what`: cost centre, owner, text."""
    center, owner, text = what
    return JournalLine(entry, *account, center, owner, text, max(amount, ZERO), max(-amount, ZERO), on)


def _kind(document: StatementDocument, kind: LineKind, category: str) -> AccountKind:
    if not document.owner_key:
        return AccountKind.UNALLOCATED
    if category == ChargeCategory.TAX.value:
        return AccountKind.TAX
    return AccountKind(kind.value)
