"""A statement in cents that add up: its tiles, its lines, its parts of pools."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from costs.adding import InCents, in_cents
from costs.money import ZERO, cents_to_total, round_to_cents
from tagging.documents.content import lines_in_cents
from tagging.results import Statement, StatementLine
from tagging.terms import LineKind


@dataclass(frozen=True)
class StatementCents:
    """direct + shared + adjustment = total; the lines sum to the total of a closed month, to direct of an open one.

    `lines` and `at_list` are by the line's id in memory, `shares` in the order of the statement's.
    """

    total: InCents
    direct: InCents
    shared: InCents
    adjustment: InCents
    change: InCents
    lines: Mapping[int, Decimal]
    at_list: Mapping[int, Decimal]
    shares: tuple[InCents, ...]

    def of(self, line: StatementLine) -> Decimal:
        """The line's amount."""
        return self.lines[id(line)]


def statement_cents(found: Statement) -> StatementCents:
    """The statement as its document books it; while the month is open, its own total rounded and shared out."""
    summary, booked = found.summary, found.cents.total
    total = round_to_cents(summary.total_cost) if booked is None else booked
    lined = lines_in_cents(found.lines, total) if booked is not None else []
    if booked is not None:
        direct, shared, adjustment = (
            sum((amount for line, amount, _ in lined if line.kind == kind.value), ZERO) for kind in LineKind
        )
    else:
        exact = (summary.direct_cost, summary.shared_cost, summary.adjustment_cost)
        direct, shared, adjustment = cents_to_total(exact, total)
        lined = lines_in_cents(found.lines, direct)
    before = found.cents.before
    moved = total - (round_to_cents(summary.previous_total_cost) if before is None else before)
    return StatementCents(
        total=InCents(summary.total_cost, total),
        direct=InCents(summary.direct_cost, direct),
        shared=InCents(summary.shared_cost, shared),
        adjustment=InCents(summary.adjustment_cost, adjustment),
        change=InCents(summary.change, moved),
        lines={id(line): amount for line, amount, _ in lined},
        at_list={id(line): amount for line, _, amount in lined},
        shares=tuple(in_cents([share.cost for share in found.shares], shared)),
    )
