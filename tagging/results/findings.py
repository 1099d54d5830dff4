"""Findings as readers see them: each its owner's part alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from costs.money import ZERO
from costs.periods import BillingPeriod
from costs.terms import FindingKind
from tagging.terms import FindingState


@dataclass(frozen=True)
class FindingRow:
    """One finding. `owner_key` is empty where nobody owns the cost. Costs are effective cost a month."""

    ref: str
    kind: FindingKind
    resource_id: str
    resource_name: str
    service_name: str
    region_id: str
    sub_account_id: str
    owner_key: str
    owner_label: str
    reason: str
    evidence: tuple[tuple[str, str], ...]
    period: BillingPeriod
    monthly_cost: Decimal
    monthly_saving: Decimal
    currency: str
    state: FindingState
    dismissed_until: date | None
    note: str
    changed_by: str
    changed_at: datetime
    first_seen_on: date
    last_seen_on: date
    done_on: date | None
    verified_saving: Decimal

    @property
    def title(self) -> str:
        return self.kind.heading

    @property
    def name(self) -> str:
        """What people call it: its name, else its id."""
        return self.resource_name or self.resource_id

    @property
    def version(self) -> str:
        """Changes with every decision: whoever decides says what they looked at."""
        return self.changed_at.isoformat()

    @property
    def is_live(self) -> bool:
        """Whether its saving is still to be had: open or accepted."""
        return self.state in (FindingState.OPEN, FindingState.ACCEPTED)


@dataclass(frozen=True)
class KindTotal:
    """The open and accepted findings of one kind."""

    kind: FindingKind
    count: int
    monthly_cost: Decimal
    monthly_saving: Decimal

    @property
    def title(self) -> str:
        return self.kind.heading

    @property
    def explanation(self) -> str:
        return self.kind.explanation


@dataclass(frozen=True)
class FindingTable:
    """Findings, largest saving first. Totals count those still open or accepted; `verified_saving` those done.

    `by_kind` has every kind, also those without a finding, in the order a resource is judged.
    """

    rows: tuple[FindingRow, ...]
    by_kind: tuple[KindTotal, ...]
    total_monthly_cost: Decimal
    total_monthly_saving: Decimal
    verified_saving: Decimal
    currency: str
    other_currencies: tuple[str, ...]

    @property
    def live_count(self) -> int:
        return sum(total.count for total in self.by_kind)

    @property
    def saving_count(self) -> int:
        """The findings to act on that a saving is counted for; the others are to be looked into."""
        return sum(1 for row in self.rows if row.is_live and row.monthly_saving > 0)

    @property
    def unsure_count(self) -> int:
        return self.live_count - self.saving_count


@dataclass(frozen=True)
class FindingEvent:
    """A change of state. `by` is empty where the product did it itself."""

    at: datetime
    state: FindingState
    by: str
    note: str
    dismissed_until: date | None


@dataclass(frozen=True)
class VerifiedMonth:
    """A month after it was done: the baseline of the days covered, what was paid, and the saving between."""

    period: BillingPeriod
    covered_days: int
    baseline_cost: Decimal
    actual_cost: Decimal
    saving: Decimal

    @property
    def is_full(self) -> bool:
        return self.covered_days >= self.period.day_count


@dataclass(frozen=True)
class FindingDetail:
    """One finding with its events, newest first, and the months its saving was measured in."""

    row: FindingRow
    baseline_cost: Decimal
    resource_ids: tuple[str, ...]
    events: tuple[FindingEvent, ...]
    months: tuple[VerifiedMonth, ...]


def total_of(kind: FindingKind, rows: Sequence[FindingRow]) -> KindTotal:
    """The rows of a kind whose saving is still to be had."""
    live = [row for row in rows if row.kind is kind and row.is_live]
    return KindTotal(
        kind,
        len(live),
        sum((row.monthly_cost for row in live), ZERO),
        sum((row.monthly_saving for row in live), ZERO),
    )
