"""What bills say of their invoices and of fees paid in advance, asked of the lines. For FinOps staff."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from costs.charge_store import ImportFolder, query_charges
from costs.money import ZERO, round_money
from costs.periods import BillingPeriod
from costs.scope import Scope
from costs.selectors.imports import ActiveImport
from costs.terms import ChargeCategory


@dataclass(frozen=True)
class InvoiceTotal:
    """What the bill says of one invoice ('' for lines not invoiced yet) of one issuer. Billed cost, of all payers."""

    invoice_id: str
    issuer: str
    billing_account_ids: tuple[str, ...]
    billed_cost: Decimal
    tax: Decimal
    lines: int


@dataclass(frozen=True)
class PrepaidMonth:
    """One commitment in one month: fees paid in advance, and the part of them that the month used up."""

    commitment_id: str
    period: BillingPeriod
    additions: Decimal
    amortisation: Decimal


def invoice_totals(scope: Scope, items: Sequence[ActiveImport]) -> tuple[InvoiceTotal, ...]:
    """The invoices of these imports, largest first; they sum to the bills' billed cost."""
    scope.require_everything()
    rows = query_charges(
        _folders(items),
        "SELECT coalesce(invoice_id, ''), coalesce(invoice_issuer, ''),"
        f" list(DISTINCT billing_account_id ORDER BY billing_account_id) FILTER (billing_account_id <> ''),"
        f" sum(billed_cost), coalesce(sum(billed_cost) FILTER (charge_category = '{ChargeCategory.TAX}'), 0), count(*)"
        " FROM charges WHERE NOT is_split_row GROUP BY 1, 2 ORDER BY 1, 2",
    )
    found = [
        InvoiceTotal(number, issuer, tuple(payers or ()), round_money(cost), round_money(tax), lines)
        for number, issuer, payers, cost, tax, lines in rows
    ]
    return tuple(sorted(found, key=lambda row: (-row.billed_cost, row.invoice_id, row.issuer)))


def prepaid_months(scope: Scope, items: Sequence[ActiveImport]) -> tuple[PrepaidMonth, ...]:
    """Fees in advance and their amortisation by commitment and month.

    A month's lines of a commitment bear billed cost when fees are charged and effective cost as they are used. What
    is billed apart from one-time purchases is the month's own; the rest of the effective cost amortises earlier fees.
    """
    scope.require_everything()
    upfront = f"charge_category = '{ChargeCategory.PURCHASE}' AND charge_frequency = 'One-Time'"
    rows = query_charges(
        _folders(items),
        f"SELECT commitment_discount_id, billing_period, sum(billed_cost) FILTER ({upfront}), sum(billed_cost),"
        " sum(effective_cost) FROM charges WHERE commitment_discount_id <> '' AND NOT is_split_row"
        " GROUP BY ALL ORDER BY ALL",
    )
    found = []
    for commitment, start, additions, billed, effective in rows:
        paid = round_money(additions or ZERO)
        used = round_money(effective or ZERO) - (round_money(billed or ZERO) - paid)
        if paid or used:
            found.append(PrepaidMonth(commitment, BillingPeriod(start), paid, used))
    return tuple(found)


def _folders(items: Sequence[ActiveImport]) -> list[ImportFolder]:
    return [ImportFolder(source_name=item.source_name, period=item.period, import_pk=item.pk) for item in items]
