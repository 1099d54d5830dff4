"""Whether every stored version of a month still is what was hashed when it was closed."""

from dataclasses import dataclass

from django.db.models import Sum

from costs.periods import BillingPeriod
from costs.scope import Scope
from costs.terms import COST_COLUMNS
from tagging.closing import Owner, canonical_rows, digest, suggested_from
from tagging.models import Close, Statement, StatementLine
from tagging.selectors.labels import UNALLOCATED
from tagging.services.closes import hash_of, stored_fields


@dataclass(frozen=True)
class VerifiedVersion:
    """One version: what was found wrong with it, in words; nothing where all hashes hold."""

    version: int
    state: str
    statements: int
    faults: tuple[str, ...]

    @property
    def holds(self) -> bool:
        return not self.faults


def verify_month(scope: Scope, period: BillingPeriod, currency: str) -> tuple[VerifiedVersion, ...]:
    """Recompute the hashes of all versions, newest first, and hold totals against their lines. For FinOps staff."""
    scope.require_everything()
    closes = Close.objects.filter(period=period.start, currency=currency).order_by("-version")
    return tuple(_verified(close) for close in closes)


def _verified(close: Close) -> VerifiedVersion:
    statements = list(close.statements.select_related("close"))
    faults = [fault for item in statements for fault in _faults(item)]
    if hash_of(close) != close.data_hash:
        faults.append("The hash of the whole version does not hold.")
    return VerifiedVersion(close.version, close.state, len(statements), tuple(faults))


def _faults(statement: Statement) -> list[str]:
    name = statement.owner_name or UNALLOCATED
    named = f"Statement of {name}{f', number {statement.number}' if statement.number else ''}"
    found = []
    if statement_hash(statement) != statement.data_hash:
        found.append(f"{named}: its lines are not those that were hashed.")
    sums = statement.lines.order_by().aggregate(**{f"sum_{column}": Sum(column) for column in COST_COLUMNS})
    wrong = [name for name in COST_COLUMNS if (sums[f"sum_{name}"] or 0) != getattr(statement, name)]
    if wrong:
        found.append(f"{named}: its total is not the sum of its lines ({', '.join(wrong)}).")
    return found


def statement_hash(statement: Statement) -> str:
    """The hash of one statement as it is stored now."""
    close, owner = statement.close, Owner(statement.owner_kind, statement.owner_key)
    head = (f"{close.period:%Y-%m}", close.currency, str(close.version), owner.kind, owner.key, statement.owner_name)
    rows = StatementLine.objects.filter(statement=statement).select_related("statement")
    ours = suggested_from(statement.suggested or (), owner)
    return digest(head, canonical_rows((stored_fields(row) for row in rows), ours))
