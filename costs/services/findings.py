"""What a person should know about an import that is in order otherwise."""

from collections.abc import Sequence
from decimal import Decimal

from costs import charge_store
from costs.billing_formats import Finding, is_unknown_kind
from costs.charge_store import Connection, LineKind, MonthTotals, OtherCurrency, RefusedKey, Settled
from costs.figures import money
from costs.money import plain, round_money
from costs.periods import BillingPeriod
from costs.terms import NOT_INVOICED, BillingFormat

# What `of_month` and `line_kinds` find again in the charges, and what is said of rolling them up again.
MADE_ANEW = frozenset(
    {
        NOT_INVOICED,
        "unknown_line_type",
        "commitments_close",
        "commitments_do_not_close",
        "amortisation_closes",
        "amortisation_does_not_close",
        "split_rows",
        "unread_list_price",
        "unread_map",
        "tag_not_tracked",
        "net_cost_is_zero",
        "priced_in_other_currency",
        "no_instances",
        "list_cost_is_zero",
        "several_payers",
        "resources_turned_into_numbers",
        "near_providers",
        "rolled_up_again",
    }
)
_HAIR, _HAIR_OF_A_LINE = Decimal("0.01"), Decimal("1e-8")
_COMMITMENTS = {"Usage": "reservations", "Spend": "savings plans"}


def of_delivery(settled: Settled) -> list[Finding]:
    """What a line alone did not tell and the whole delivery did."""
    found = []
    if settled.unused_plan_cost is not None:
        unused = plain(round_money(settled.unused_plan_cost))
        text = (
            "Savings plan fee lines do not tell what was used. Their unused part was taken as the fees minus the"
            f" period's covered use at plan rates: {unused}."
        )
        found.append(Finding("plan_use_not_told", text, "warning", difference=unused))
    if settled.counted_discounts is not None:
        text = "No line tells its cost after discounts; lines that are discounts count as themselves."
        found.append(Finding("discounts_counted", text, difference=plain(settled.counted_discounts)))
    if settled.allocated_beside is not None:
        lines, cost = settled.allocated_beside
        text = "Lines that split another line's cost stand beside it. They break it down and are in no total."
        found.append(Finding("allocated_beside_origin", text, difference=plain(round_money(cost)), lines=lines))
    return found


def line_kinds(kinds: Sequence[LineKind], billing_format: str) -> list[Finding]:
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
        if is_unknown_kind(billing_format, kind.line_kind)
    ]


def of_month(
    duck: Connection, totals: MonthTotals, refused: Sequence[RefusedKey], *, billing_format: BillingFormat
) -> list[Finding]:
    """Remarks on one month: identities, rows left out, cells not read, keys not tracked, invoices to come.

    The identities hold where a month's own lines tell what commitments cost in it.
    """
    found = _identities(duck) if billing_format.tells_fees else []
    if not totals.costs["billed_cost"] and totals.costs["unblended_cost"]:
        text = (
            "Costs after discounts come to 0, costs before them do not. If nothing was given for free, the bill's net"
            " columns hold 0 where they should be empty: export it without them."
        )
        found.append(Finding("net_cost_is_zero", text, "warning", difference=plain(totals.costs["unblended_cost"])))
    if totals.split_rows:
        text = "Lines that break down another line's cost (containers) are kept but do not count."
        found.append(Finding("split_rows", text, lines=totals.split_rows))
    if totals.unread_map_lines:
        text = "Lines have text where tags or other keys with values should be; it was left out, so they have none."
        found.append(Finding("unread_map", text, "warning", lines=totals.unread_map_lines))
    if totals.unread_price_lines:
        text = "Lines have text where a public price should be; it was left out, so list cost there is billed cost."
        found.append(Finding("unread_list_price", text, "warning", lines=totals.unread_price_lines))
    if totals.lines_without_invoice:
        text = "Lines with cost have no invoice yet: the month can still change."
        found.append(Finding(NOT_INVOICED, text, lines=totals.lines_without_invoice))
    found += [_priced(other) for other in charge_store.priced_in_other_currencies(duck)]
    if billing_format == BillingFormat.FOCUS and not charge_store.row_counts(duck)["usage_days"]:
        text = "No line tells an instance type by the hour: commitment coverage and advice leave this bill out."
        found.append(Finding("no_instances", text))
    found += _of_lists(duck) if billing_format == BillingFormat.FOCUS else _of_payers(charge_store.payers(duck))
    return found + _of_numbered(duck) + [_refused(key) for key in refused]


def _of_lists(duck: Connection) -> list[Finding]:
    lines, cost = charge_store.without_list_cost(duck)
    if not lines:
        return []
    text = (
        "Lines of use that cost something have a list cost of 0, as Azure writes where it knows no list price. They"
        " count as they stand: savings against list prices come out too low."
    )
    return [Finding("list_cost_is_zero", text, "warning", difference=plain(cost), lines=lines)]


def _of_numbered(duck: Connection) -> list[Finding]:
    lines, cost = charge_store.numbered_resources(duck)
    if not lines:
        return []
    text = (
        "Lines name resources that a spreadsheet turned into numbers, like 1.23E+11: several may stand as one. Their"
        " costs are right. To tell them apart, give the file as it was delivered, not saved from a spreadsheet."
    )
    return [Finding("resources_turned_into_numbers", text, "warning", difference=plain(cost), lines=lines)]


def _of_payers(payers: Sequence[str]) -> list[Finding]:
    if len(payers) < 2:
        return []
    text = (
        f"The lines are of the payers {', '.join(payers)} and count together here. A bill of one of them from another"
        " source would count its costs twice: give each payer's lines as files of their own."
    )
    return [Finding("several_payers", text, "warning")]


def much_smaller(rows: int, rows_before: int) -> Finding:
    """A version of a month that holds less than half of the lines of the one it replaces."""
    text = (
        f"This version has {rows:,} lines, the one before it {rows_before:,}. Each version replaces the one before it:"
        " where a month is delivered in parts, as Oracle does every six hours, give all of its files together."
    )
    return Finding("much_smaller", text, "warning", lines=rows)


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


def near_providers(names: Sequence[str], provider: str) -> list[Finding]:
    """Bills of the month whose provider may be this one under another spelling."""
    if not names:
        return []
    text = (
        f"This month of the same account also counts from {', '.join(names)}, whose provider is spelled much like"
        f" '{provider}'. If they are one, deactivate one of the sources: each cost counts twice."
    )
    return [Finding("near_providers", text, "warning")]


def repeated_rows(count: int) -> list[Finding]:
    """Of an inventory: rows that only say again what a row before them says."""
    if not count:
        return []
    text = "Some rows stand in the inventory again, word for word. Each resource counts once."
    return [Finding("repeated_rows", text, lines=count)]


def _identities(duck: Connection) -> list[Finding]:
    found = []
    for kind in charge_store.commitment_identities(duck):
        name = _COMMITMENTS.get(kind.category, "commitments")
        text = f"Fees of {name} are {plain(kind.fees)}; used and unused parts come to {plain(kind.spread)}."
        code = "commitments_do_not_close" if kind.difference else "commitments_close"
        found.append(_identity(code, text, kind.difference, kind.lines))
    if whole := charge_store.amortisation_identity(duck):
        text = (
            f"Billed cost {plain(whole.billed)} without upfront fees of {plain(whole.upfront)}, with the month's share"
            f" of {plain(whole.shares)}, is {plain(whole.effective + whole.difference)}; effective cost comes to"
            f" {plain(whole.effective)}."
        )
        code = "amortisation_does_not_close" if whole.difference else "amortisation_closes"
        found.append(_identity(code, text, whole.difference, whole.lines))
    return found


def _identity(code: str, text: str, difference: Decimal, lines: int) -> Finding:
    """Providers' own columns miss by a hair on every line; more than that is a warning, and never a refusal."""
    is_more = abs(difference) > max(_HAIR, _HAIR_OF_A_LINE * lines)
    return Finding(code, text, "warning" if is_more else "info", difference=plain(difference), lines=lines)


def _priced(other: OtherCurrency) -> Finding:
    cost = plain(round_money(other.cost))
    text = f"Lines are priced in {other.currency}, at {cost} {other.currency} of effective cost; no total has it."
    return Finding("priced_in_other_currency", text, lines=other.lines)


def _refused(key: RefusedKey) -> Finding:
    text = (
        f"The tag {key.key} has {key.values:,} values and is not tracked: it would make as many groups as"
        " resources. Its values stay on the charges."
    )
    return Finding("tag_not_tracked", text, "warning", lines=key.values)
