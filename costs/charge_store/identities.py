"""What the costs of a month's commitments must add up to, as the bill itself tells them."""

from dataclasses import dataclass
from decimal import Decimal

from costs.charge_store.connection import Connection
from costs.money import ZERO

_UPFRONT = (
    "charge_frequency = 'One-Time' AND charge_category IN ('Purchase', 'Adjustment')"
    " AND commitment_discount_category <> ''"
)
_FEE = "commitment_discount_status = 'Unused'"


@dataclass(frozen=True)
class CommitmentIdentity:
    """Of one kind of commitment (`Usage` reservations, `Spend` plans): fees, and their used and unused parts."""

    category: str
    fees: Decimal
    spread: Decimal
    lines: int

    @property
    def difference(self) -> Decimal:
        return self.fees - self.spread


@dataclass(frozen=True)
class AmortisationIdentity:
    """Effective cost is billed cost without upfront fees, plus the month's shares of them."""

    billed: Decimal
    upfront: Decimal
    shares: Decimal
    effective: Decimal
    lines: int

    @property
    def difference(self) -> Decimal:
        return self.billed - self.upfront + self.shares - self.effective


def commitment_identities(connection: Connection) -> list[CommitmentIdentity]:
    """Per kind of commitment that the month has lines of. Reads what `month_totals` added up."""
    rows = connection.execute(
        "SELECT commitment_discount_category, sum(commitment_cost), sum(effective_cost), CAST(sum(lines) AS BIGINT)"
        " FROM month_sums WHERE commitment_discount_status <> '' AND NOT is_split_row GROUP BY ALL ORDER BY ALL"
    ).fetchall()
    return [CommitmentIdentity(*row) for row in rows]


def amortisation_identity(connection: Connection) -> AmortisationIdentity | None:
    """Over the whole month; None where no line belongs to a commitment, so that both are the same amount."""
    row = connection.execute(
        f"SELECT sum(billed_cost), sum(billed_cost) FILTER ({_UPFRONT}),"
        f" sum(commitment_cost - billed_cost) FILTER ({_FEE}), sum(effective_cost),"
        " CAST(coalesce(sum(lines), 0) AS BIGINT), bool_or(commitment_discount_category <> '')"
        " FROM month_sums WHERE NOT is_split_row"
    ).fetchone()
    assert row is not None
    *amounts, lines, has_commitments = row
    if not has_commitments:
        return None
    billed, upfront, shares, effective = (amount or ZERO for amount in amounts)
    return AmortisationIdentity(billed=billed, upfront=upfront, shares=shares, effective=effective, lines=lines)
