"""What a person should know about an import that is in order otherwise."""

from collections.abc import Sequence
from decimal import Decimal

from costs import charge_store
from costs.billing_formats import Finding
from costs.billing_formats.cur import unknown_kind
from costs.charge_store import Connection, LineKind, MonthTotals, RefusedKey
from costs.figures import money
from costs.money import plain, round_money
from costs.periods import BillingPeriod

NOT_INVOICED = "not_invoiced"
# What `of_month` and `line_kinds` find again in the charges, and what is said of rolling them up again.
MADE_ANEW = frozenset(
    {
        NOT_INVOICED,
        "unknown_line_type",
        "commitments_do_not_close",
        "split_rows",
        "unread_list_price",
        "tag_not_tracked",
        "rolled_up_again",
    }
)
_COMMITMENTS = {"Usage": "reservations", "Spend": "savings plans"}


def settled_plans(unused: Decimal) -> Finding:
    """Fee lines of plans did not tell their unused part; it was taken from the fees."""
    text = (
        "Savings plan fee lines do not tell what was used. Their unused part was taken as the fees minus the"
        f" period's covered use at plan rates: {plain(round_money(unused))}."
    )
    return Finding("plan_use_not_told", text, "warning", difference=plain(round_money(unused)))


def line_kinds(kinds: Sequence[LineKind]) -> list[Finding]:
    """Line types no rule is known for: they count by their unblended cost."""
    return [
        Finding(
            "unknown_line_type",
            f"Line type {kind.line_kind or '(none)'} is not known; its lines count by their unblended cost.",
            "warning",
            difference=plain(kind.unblended_cost),
            lines=kind.rows,
        )
        for kind in kinds
        if kind.line_kind != "Inventory" and unknown_kind(kind.line_kind)
    ]


def of_month(duck: Connection, totals: MonthTotals, refused: Sequence[RefusedKey]) -> list[Finding]:
    """Remarks on one month: identities missed, rows left out, keys not tracked, invoices to come."""
    found = [_identity(*row) for row in charge_store.commitment_identity(duck) if row[1] != row[2]]
    if totals.split_rows:
        text = "Lines that break down another line's cost (containers) are kept but do not count."
        found.append(Finding("split_rows", text, lines=totals.split_rows))
    if totals.unread_lines:
        text = "Lines have text where a public price should be; it was left out, so list cost there is billed cost."
        found.append(Finding("unread_list_price", text, "warning", lines=totals.unread_lines))
    if totals.lines_without_invoice:
        text = "Lines with cost have no invoice yet: the month can still change."
        found.append(Finding(NOT_INVOICED, text, lines=totals.lines_without_invoice))
    return found + [_refused(key) for key in refused]


def rolled_up_again(keys: Sequence[str]) -> Finding:
    """The month stands as it was delivered; only its tags were read anew."""
    what = f" to track {', '.join(keys)}" if keys else ""
    return Finding("rolled_up_again", f"Rolled up again from the charges in force{what}. The totals are the same.")


def inventory_covered(period: BillingPeriod, source_name: str, cost: Decimal, currency: str) -> Finding:
    """A bill covers a month for the first time whose inventory gave the cost so far."""
    text = (
        f"This bill covers {period.label} now. {source_name} counted {money(cost, currency)} of billed cost there until"
        " now, which no longer counts; what it says of resources stays."
    )
    return Finding("inventory_covered", text, "warning", difference=plain(-cost))


def _identity(category: str, fees: Decimal, spread: Decimal, lines: int) -> Finding:
    name = _COMMITMENTS.get(category, "commitments")
    text = f"Fees of {name} are {plain(fees)}; used and unused parts come to {plain(spread)}."
    return Finding("commitments_do_not_close", text, difference=plain(fees - spread), lines=lines)


def _refused(key: RefusedKey) -> Finding:
    text = (
        f"The tag {key.key} has {key.values:,} values and is not tracked: it would make as many groups as"
        " resources. Its values stay on the charges."
    )
    return Finding("tag_not_tracked", text, "warning", lines=key.values)
