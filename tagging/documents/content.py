"""What stands on a statement's document, in cents that add up. No clock: a document is the same whenever it is made."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from costs.money import ZERO, cents_to_total, round_to_cents
from costs.periods import BillingPeriod
from costs.terms import CostMetric
from tagging.results import StatementLine
from tagging.terms import LineKind

GROUP_NAMES = {
    LineKind.DIRECT: "Direct costs",
    LineKind.SHARED: "Shares of pools",
    LineKind.ADJUSTMENT: "Adjustments of earlier months",
}


@dataclass(frozen=True)
class DocumentLine:
    """One line: what it is, the amount booked, what of it is by tags of ours, and the same at list price."""

    text: str
    account: str
    category: str
    origin: str
    amount: Decimal
    list_amount: Decimal
    suggested: Decimal | None = None  # of the amount, by virtual tags of ours; None where not known or not traced


@dataclass(frozen=True)
class DocumentGroup:
    """Lines of one kind with their sum."""

    kind: LineKind
    name: str
    lines: tuple[DocumentLine, ...]
    amount: Decimal
    list_amount: Decimal


@dataclass(frozen=True)
class TieOut:
    """Bill + carried in − Σ statements − unallocated = difference, in cents. For FinOps staff."""

    bill: Decimal
    carried_in: Decimal
    statements: Decimal
    unallocated: Decimal
    difference: Decimal


@dataclass(frozen=True)
class StatementDocument:
    """All that a statement's document says. `tie_out` and `bill_version` are left out for teams."""

    company: str
    number: str
    version: int
    state: str
    charged_on: str  # the basis the month was closed on, where that is another: then nothing here was charged
    superseded: str  # of a version that was reopened: when, why, and what came after it
    owner: str
    owner_key: str
    cost_center: str
    period: BillingPeriod
    currency: str
    metric: CostMetric
    groups: tuple[DocumentGroup, ...]
    total: Decimal
    list_total: Decimal
    shows_list: bool
    hash: str
    closed_on: date
    tie_out: TieOut | None
    bill_version: str
    suggested: Decimal | None  # of the total, Σ of the lines' own; None where the close did not keep it

    @property
    def basis_name(self) -> str:
        return f"{self.metric.value.capitalize()} cost"

    @property
    def lines(self) -> tuple[DocumentLine, ...]:
        return tuple(line for group in self.groups for line in group.lines)


def content_of(lines: Sequence[StatementLine], booked: Decimal) -> tuple[DocumentGroup, ...]:
    """Lines by kind, largest first, in cents that sum to `booked`, the statement's own cents.

    Amounts at list price are shown beside and rounded by themselves; their sum is the rounded sum.
    """
    every = lines_in_cents(lines, booked)
    groups = []
    for kind, name in GROUP_NAMES.items():
        found = tuple(
            _line(line, amount, list_amount) for line, amount, list_amount in every if line.kind == kind.value
        )
        if found:
            sums = (sum((line.amount for line in found), ZERO), sum((line.list_amount for line in found), ZERO))
            groups.append(DocumentGroup(kind, name, found, *sums))
    return tuple(groups)


def lines_in_cents(lines: Sequence[StatementLine], booked: Decimal) -> list[tuple[StatementLine, Decimal, Decimal]]:
    """Lines in the order of the document, each with its amount and that at list price in cents."""
    ordered = sorted(
        lines, key=lambda line: (list(LineKind).index(LineKind(line.kind)), line.origin, -line.cost, line.ref)
    )
    amounts = cents_to_total([line.cost for line in ordered], booked)
    list_total = round_to_cents(sum((line.list_cost for line in ordered), ZERO))
    at_list = cents_to_total([line.list_cost for line in ordered], list_total)
    return list(zip(ordered, amounts, at_list, strict=True))


def suggested_total(groups: Sequence[DocumentGroup]) -> Decimal | None:
    """What of direct costs virtual tags put there, in the lines' cents; None where that is not known."""
    direct = [line.suggested for group in groups if group.kind is LineKind.DIRECT for line in group.lines]
    known = [amount for amount in direct if amount is not None]
    return sum(known, ZERO) if len(known) == len(direct) else None


def _suggested(line: StatementLine, amount: Decimal) -> Decimal | None:
    """The line's cents split in two, so that what is ours and what is the bill's add up to what is booked."""
    if line.suggested_cost is None:
        return None
    if line.suggested_cost in (line.cost, ZERO):
        return amount if line.suggested_cost else ZERO
    return cents_to_total([line.suggested_cost, line.cost - line.suggested_cost], amount)[0]


def _line(line: StatementLine, amount: Decimal, list_amount: Decimal) -> DocumentLine:
    account = line.sub_account_id
    named = f"{line.sub_account_name} ({account})" if line.sub_account_name and account else account
    text = line.service_name or line.pool_name or "No service"
    suggested = _suggested(line, amount)
    return DocumentLine(text, named, line.charge_category, line.origin, amount, list_amount, suggested)
