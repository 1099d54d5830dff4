"""The five cost bases of a line of a Cost and Usage Report. See docs/algorithms/effective-cost.md.

Net columns count where a line fills them, else its gross ones: CUR 2.0 has them in every file, filled or not.
"""

from collections.abc import Mapping

from costs.billing_formats.base import Columns, literal
from costs.charges import MONEY_TYPE

UNBLENDED = "line_item_unblended_cost"
NET_UNBLENDED = "line_item_net_unblended_cost"
RI_ARN = "reservation_reservation_a_r_n"

# Names of what is computed once per line (`ChargeMapping.parts`).
KIND_PART = "part_kind"
UNBLENDED_PART = "part_unblended"
_NET_PART, _PUBLIC_PART = "part_net", "part_public"
SPLIT_PART = "part_is_split"

_UPFRONT_REFUND = "Refund for one-time fee for Savings Plan ID"


def parts(columns: Columns) -> dict[str, str]:
    """The amounts that several bases are made from: reading one costs more than anything done with it afterwards."""
    maybe = {
        _NET_PART: columns.maybe_money(NET_UNBLENDED),
        _PUBLIC_PART: columns.maybe_money("pricing_public_on_demand_cost", is_lenient=True),
    }
    return {UNBLENDED_PART: columns.money(UNBLENDED), **{name: sql for name, sql in maybe.items() if sql}}


def costs(columns: Columns, made: Mapping[str, str]) -> dict[str, str]:
    """The five bases, what a fee line commits to, and where negotiated discounts stand; `made` are the `parts`."""
    kind, unblended = KIND_PART, UNBLENDED_PART
    net = _NET_PART if _NET_PART in made else None
    is_discount = f"ends_with(lower({kind}), 'discount')"
    billed = f"CASE WHEN {is_discount} THEN 0 ELSE coalesce({net}, {unblended}) END" if net else unblended
    list_cost = _list_cost(columns, made)
    contracted = f"CASE WHEN {kind} = 'SavingsPlanNegation' THEN 0 ELSE {list_cost} - ({unblended} - {billed}) END"
    discounting = f"CASE WHEN {is_discount} THEN 'apart' WHEN {net} IS NOT NULL THEN 'inside' ELSE '' END"
    return {
        "unblended_cost": unblended,
        "billed_cost": _as_money(billed),
        "list_cost": _as_money(list_cost),
        "contracted_cost": _as_money(contracted if net else list_cost),
        "effective_cost": _as_money(_effective(columns, billed)),
        "commitment_cost": _as_money(_commitment(columns, billed)),
        "discounting": discounting if net else "''",
    }


def is_plan_refund(columns: Columns) -> str:
    """SQL of: the line gives back what was paid upfront for a Savings Plan."""
    return (
        f"({KIND_PART} = 'Refund' AND {columns.text('line_item_product_code')} = 'ComputeSavingsPlans' AND"
        f" starts_with({columns.text('line_item_line_item_description')}, {literal(_UPFRONT_REFUND)}))"
    )


def amortises_reservations(columns: Columns) -> bool:
    """Whether the file can spread reservations over their use."""
    return columns.has("reservation_effective_cost") and columns.has("reservation_unused_recurring_fee")


def is_in(kind: str, kinds: tuple[str, ...]) -> str:
    """SQL of: the line type is one of these."""
    return f"{kind} IN ({', '.join(map(literal, kinds))})"


def _list_cost(columns: Columns, made: Mapping[str, str]) -> str:
    list_cost = f"coalesce({_PUBLIC_PART}, {UNBLENDED_PART})" if _PUBLIC_PART in made else UNBLENDED_PART
    list_cost = f"CASE WHEN {KIND_PART} = 'SavingsPlanNegation' THEN 0 ELSE {list_cost} END"
    at_list = _split_cost(
        columns, "split_line_item_public_on_demand_split_cost", "split_line_item_public_on_demand_unused_cost"
    )
    return f"CASE WHEN {SPLIT_PART} THEN {at_list} ELSE {list_cost} END" if at_list else list_cost


def _effective(columns: Columns, billed: str) -> str:
    kind = KIND_PART
    share = _split_cost(columns, "split_line_item_split_cost", "split_line_item_unused_cost")
    plan = _net_or_gross(columns, "savings_plan", "savings_plan_effective_cost")
    cases = [
        *([f"WHEN {SPLIT_PART} THEN {share}"] if share else []),
        f"WHEN {kind} = 'SavingsPlanCoveredUsage' THEN {plan}",
        f"WHEN {kind} = 'SavingsPlanRecurringFee' THEN {_unused_plan(columns)}",
        f"WHEN {kind} IN ('SavingsPlanNegation', 'SavingsPlanUpfrontFee') THEN 0",
        *_reservation_cases(columns),
        f"WHEN {is_plan_refund(columns)} THEN 0",
    ]
    return f"CASE {' '.join(cases)} ELSE {billed} END"


def _split_cost(columns: Columns, *names: str) -> str:
    """A container's share of its parent, used and idle; '' where the file does not tell it."""
    if not columns.has(names[0]):
        return ""
    prefix = "split_line_item"
    return " + ".join(_net_or_gross(columns, prefix, name.removeprefix(f"{prefix}_")) for name in names)


def _unused_plan(columns: Columns) -> str:
    """The plan's unused part; NULL where the line does not tell it (settled after landing)."""
    total = columns.maybe_money("savings_plan_total_commitment_to_date")
    used = columns.maybe_money("savings_plan_used_commitment")
    if not total or not used:
        return "NULL"
    net = _net_commitment(columns)
    told = f"({total} - coalesce({used}, 0))"
    return f"CASE WHEN {net} IS NULL THEN {told} END" if net else told


def _reservation_cases(columns: Columns) -> list[str]:
    if not amortises_reservations(columns):
        return []
    kind = KIND_PART
    used = _net_or_gross(columns, "reservation", "effective_cost")
    upfront = _net_or_gross(columns, "reservation", "unused_amortized_upfront_fee_for_billing_period")
    recurring = _net_or_gross(columns, "reservation", "unused_recurring_fee")
    return [
        f"WHEN {kind} = 'DiscountedUsage' THEN {used}",
        f"WHEN {kind} = 'RIFee' THEN {upfront} + {recurring}",
        f"WHEN {kind} = 'Fee' AND {columns.text(RI_ARN)} <> '' THEN 0",
    ]


def _commitment(columns: Columns, billed: str) -> str:
    """What a fee line commits to, used or not: its recurring part and its share of what was paid upfront."""
    upfront = _net_or_gross(columns, "reservation", "amortized_upfront_fee_for_billing_period")
    told = [_net_commitment(columns), columns.maybe_money("savings_plan_total_commitment_to_date")]
    plan = f"coalesce({', '.join([*filter(None, told), billed])})"
    return (
        f"CASE WHEN {KIND_PART} = 'RIFee' THEN {billed} + {upfront}"
        f" WHEN {KIND_PART} = 'SavingsPlanRecurringFee' THEN {plan} ELSE 0 END"
    )


def _net_commitment(columns: Columns) -> str | None:
    """A plan's commitment after discounts; NULL where the line does not tell it, None where the file cannot."""
    names = [f"savings_plan_net_{part}_commitment_for_billing_period" for part in ("amortized_upfront", "recurring")]
    if not all(map(columns.has, (NET_UNBLENDED, *names))):
        return None
    upfront, recurring = map(columns.maybe_money, names)
    told = f"coalesce({upfront}, {recurring}) IS NOT NULL"
    return f"CASE WHEN {told} THEN coalesce({upfront}, 0) + coalesce({recurring}, 0) END"


def _net_or_gross(columns: Columns, prefix: str, name: str) -> str:
    """An amount after discounts where the line tells it, else before them, else 0.

    A file that leaves the net cost of its lines out is read before discounts throughout.
    """
    names = [f"{prefix}_net_{name}"] if columns.has(NET_UNBLENDED) else []
    found = [sql for each in (*names, f"{prefix}_{name}") if columns.has(each) and (sql := columns.maybe_money(each))]
    return f"coalesce({', '.join([*found, '0'])})"


def _as_money(sql: str) -> str:
    return f"CAST({sql} AS {MONEY_TYPE})"
