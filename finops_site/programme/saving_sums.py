"""Savings by source side by side: claimed, planned, measured. Amounts are given; nothing is read here."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from costs import figures
from costs.money import ZERO
from finops_site.programme.results import ClaimRow, SavingRow, Savings
from finops_site.programme.terms import SavingSource


@dataclass(frozen=True)
class Amount:
    """A saving a year with the words for where it comes from; None where there is nothing to go by."""

    value: Decimal | None
    basis: str


NOTHING = Amount(None, "")


def savings_by_source(
    claims: Sequence[ClaimRow],
    *,
    planned: Mapping[SavingSource, Amount],
    measured: Mapping[SavingSource, Amount],
    currency: str,
) -> Savings:
    """One row for every source, and the sums of what there is."""
    claimed = {claim.source: claim for claim in claims}
    rows = []
    for source in SavingSource:
        claim = claimed.get(source)
        amount = claim.amount if claim else None
        plan, found = planned.get(source, NOTHING), measured.get(source, NOTHING)
        rows.append(
            SavingRow(
                source=source,
                claimed=amount,
                claim_basis=claim.basis if claim else "",
                planned=plan.value,
                planned_basis=plan.basis,
                measured=found.value,
                measured_basis=found.basis,
                difference=difference_text(amount, plan.value, found.value, currency),
            )
        )
    return Savings(
        rows=tuple(rows),
        claimed=_sum(row.claimed for row in rows),
        planned=_sum(row.planned for row in rows),
        measured=_sum(row.measured for row in rows),
        currency=currency,
    )


def difference_text(claimed: Decimal | None, planned: Decimal | None, measured: Decimal | None, currency: str) -> str:
    """How the claim stands to what is planned and measured together: what is planned is not measured yet."""
    if planned is None and measured is None:
        return "No data to hold it against yet." if claimed is not None else "Nothing is claimed and nothing is known."
    backed = (planned or ZERO) + (measured or ZERO)
    if claimed is None:
        return f"Nothing is claimed; planned and measured together come to {figures.money(backed, currency)} a year."
    if claimed == backed:
        return "The claim is what planned and measured together come to."
    gap = figures.money(abs(claimed - backed), currency)
    if claimed > backed:
        return f"The claim is {gap} a year more than planned and measured together."
    return f"Planned and measured together are {gap} a year more than the claim."


def _sum(amounts: Iterable[Decimal | None]) -> Decimal | None:
    known = [amount for amount in amounts if amount is not None]
    return sum(known, ZERO) if known else None
