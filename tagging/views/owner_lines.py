"""A month by owner as its page and files show it: one line for each, what nobody holds, and the sum that ties out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from urllib.parse import urlencode

from django.urls import reverse

from costs.adding import NOT_BOOKED, Booked, InCents
from costs.exports import TitleRow
from costs.money import ZERO, ratio, round_to_cents
from costs.queries import NOT_SET, CostQuery, dimension_label
from costs.scope import Scope
from costs.series import change
from tagging import selectors
from tagging.addresses import month_path, with_params
from tagging.results import Chargeback, CloseInfo, StatementList, StatementSummary
from tagging.results.chargeback import owned_in_cents
from tagging.selectors.closed_lines import booked_parts
from tagging.selectors.suggested import mark_owners, suggested_by_team
from tagging.tables.chargeback import OwnerLine
from tagging.terms import OwnerKind
from tagging.views.close_strip import as_closed
from tagging.views.months import Month, month_lines


@dataclass(frozen=True)
class Tiles:
    """The month at a glance in the cents of the table below: owners + unallocated + difference = bill + carried in.

    Of the bill, teams are told nothing: it is zero. Their `total` has what has no value, too.
    """

    owned: InCents
    total: InCents
    missing: InCents
    bill: InCents
    carried_in: InCents
    difference: InCents


@dataclass(frozen=True)
class Owners:
    """A month by owner, however it was asked. Bill figures are None for teams.

    `compared` names the days before that changes are against; empty where the month before has no costs.
    """

    lines: tuple[OwnerLine, ...]
    total_cost: Decimal
    missing_cost: Decimal
    previous_missing_cost: Decimal
    compared: str
    bill_total: Decimal | None
    difference: Decimal | None
    close: CloseInfo
    pools_cost: Decimal | None = None
    missing_shared_cost: Decimal = ZERO
    missing_adjustment_cost: Decimal = ZERO
    booked: Mapping[str, Booked] = field(default_factory=dict)

    @property
    def cents(self) -> tuple[Decimal, Decimal]:
        """What has an owner and what has none, in cents: as booked, else as the trust strip has them."""
        booked = {key: each.total or ZERO for key, each in self.booked.items()}
        owned, missing, _ = owned_in_cents(booked, self.total_cost, self.missing_cost, self.difference)
        return owned, missing

    @property
    def whole(self) -> Decimal:
        """What shares are of: the bill and what was carried in; for teams their own total."""
        if self.bill_total is None:
            return self.total_cost + self.missing_cost
        return self.bill_total + self.close.carried_in


def owners_of(scope: Scope, month: Month, by: str) -> tuple[Owners, list[str]]:
    """The month by owner, and the keys of the teams in it where it is by team."""
    if by == "team":
        found = selectors.statements(scope, month.period, metric=month.metric, currency=month.currency)
        asked = CostQuery(month.period, month.period, group_by=by, metric=month.metric, currency=month.currency)
        owners = owners_by_team(found, month, suggested_by_team(scope, asked), booked_of(scope, found))
        return owners, [row.team_key for row in found.rows]
    table = selectors.chargeback(scope, month.period, by=by, metric=month.metric, currency=month.currency)
    return owners_by_value(mark_owners(scope, table), month, by), []


def booked_of(scope: Scope, found: StatementList) -> dict[str, Booked]:
    """What the documents of a closed month book, by owner; empty while it is open."""
    if not found.close.is_closed:
        return {}
    parts = booked_parts(scope, found.period, metric=found.metric, currency=found.currency)
    return {key: replace(each, parts=parts.get(key)) for key, each in found.booked.items()}


def owners_by_team(
    found: StatementList, month: Month, suggested: Mapping[str, Decimal], booked: Mapping[str, Booked]
) -> Owners:
    """Statements as lines of the table."""
    whole = found.total_cost if found.bill_total is None else found.bill_total + found.close.carried_in
    lines = [
        OwnerLine(
            owner=row.team_name,
            label=row.team_name,
            url=owner_url(row, month),
            cost_center=row.cost_center,
            direct_cost=row.direct_cost,
            shared_cost=row.shared_cost,
            adjustment_cost=row.adjustment_cost,
            total_cost=row.total_cost,
            previous_total_cost=row.previous_total_cost,
            change=row.change,
            change_ratio=change(row.total_cost, row.previous_total_cost).ratio,
            share=ratio(row.total_cost, whole),
            state=row.state,
            lines_url=month_lines(month, ("team", row.team_key), *as_closed(found.close)),
            suggested_cost=suggested.get(row.team_key, ZERO),
            booked=booked.get(row.team_key, NOT_BOOKED),
        )
        for row in found.rows
    ]
    return Owners(
        lines=tuple(lines),
        total_cost=found.total_cost,
        missing_cost=found.unallocated_cost or ZERO,
        previous_missing_cost=found.unallocated_previous_cost or ZERO,
        compared=found.compared.label if found.compared else "",
        bill_total=found.bill_total,
        difference=found.difference,
        pools_cost=found.pools_cost,
        close=found.close,
        missing_shared_cost=found.unallocated_shared_cost,
        missing_adjustment_cost=found.unallocated_adjustment_cost,
        booked=booked,
    )


def owner_url(row: StatementSummary, month: Month) -> str:
    """A team's statement, a pool's split of the month; what a cost centre owns itself in the explorer."""
    if row.owner_kind is OwnerKind.COST_CENTER:
        return explore_url(month, "team", row.team_key)
    return with_params(month_path(row.team_key), month.params)


def owners_by_value(table: Chargeback, month: Month, by: str) -> Owners:
    """Values of a dimension as lines of the table; each opens that value in the explorer."""
    whole = table.total_cost + table.missing_cost
    if table.bill_total is not None:
        whole = table.bill_total + table.close.carried_in
    lines = [
        OwnerLine(
            owner=row.owner,
            label=row.label,
            url=explore_url(month, by, row.key),
            cost_center="",
            direct_cost=row.direct_cost,
            shared_cost=row.shared_cost,
            adjustment_cost=row.adjustment_cost,
            total_cost=row.total_cost,
            previous_total_cost=row.previous_total_cost,
            change=row.total_cost - row.previous_total_cost,
            change_ratio=change(row.total_cost, row.previous_total_cost).ratio,
            share=ratio(row.total_cost, whole),
            lines_url=month_lines(month, (by, row.key), *as_closed(table.close)),
            shares_url=shares_url(month, by, row.key, row.shared_cost),
            suggested_cost=row.suggested_cost,
        )
        for row in table.rows
    ]
    return Owners(
        lines=tuple(lines),
        total_cost=table.total_cost,
        missing_cost=table.missing_cost,
        previous_missing_cost=table.previous_missing_cost,
        compared=table.compared.label if table.compared else "",
        bill_total=table.bill_total,
        difference=table.difference,
        close=table.close,
        missing_shared_cost=table.missing_shared_cost,
        missing_adjustment_cost=table.missing_adjustment_cost,
    )


def tiles_of(owners: Owners) -> Tiles:
    """The figures that tie out, as the table's lines add up to them."""
    owned, rest = owners.cents
    exact, carried = owners.bill_total or ZERO, owners.close.carried_in
    bill = round_to_cents(exact)
    carried_in = round_to_cents(exact + carried) - bill
    return Tiles(
        owned=InCents(owners.total_cost, owned),
        total=InCents(owners.total_cost + owners.missing_cost, owned + rest),
        missing=InCents(owners.missing_cost, rest),
        bill=InCents(exact, bill),
        carried_in=InCents(carried, carried_in),
        difference=InCents(owners.difference or ZERO, bill + carried_in - owned - rest),
    )


def missing_line(owners: Owners, month: Month, by: str) -> OwnerLine | None:
    """What has no owner of this kind, as a line of its own; none for a team's own teams, nor where there is nothing.

    What pools hold and have given away adds up to nothing, and is there all the same.
    """
    if not any((owners.missing_cost, owners.previous_missing_cost, owners.missing_shared_cost)):
        return None
    moved = change(owners.missing_cost, owners.previous_missing_cost)
    is_unallocated = by == "team"
    shared, adjusted = owners.missing_shared_cost, owners.missing_adjustment_cost
    label = "Unallocated" if owners.bill_total is not None else f"Without {dimension_label(by).lower()}"
    url = link("tagging:why_nobody", month.params) if is_unallocated else explore_url(month, by, NOT_SET)
    return OwnerLine(
        owner=label,
        label=label,
        url=url,
        cost_center="",
        direct_cost=owners.missing_cost - shared - adjusted,
        shared_cost=shared,
        adjustment_cost=adjusted,
        total_cost=owners.missing_cost,
        previous_total_cost=owners.previous_missing_cost,
        change=moved.amount,
        change_ratio=moved.ratio,
        share=ratio(owners.missing_cost, owners.whole),
        is_missing=True,
        booked=owners.booked.get("", Booked(owners.cents[1])),
        lines_url=month_lines(month, (by, NOT_SET), *as_closed(owners.close)),
        shares_url="" if is_unallocated else shares_url(month, by, NOT_SET, shared),
    )


def shares_url(month: Month, by: str, key: str, shared: Decimal) -> str:
    """Whose parts of which pools a shared cost is: of that cost centre, by anything else of all."""
    if not shared:
        return ""
    return link("tagging:center_shares", [*month.params, *([("center", key)] if by == "cost_center" else [])])


def bill_rows(owners: Owners) -> list[TitleRow]:
    """The sum that ties out, for FinOps staff's files."""
    if owners.bill_total is None or owners.difference is None:
        return [("Total", owners.total_cost + owners.missing_cost)]
    return [
        ("Bill total", owners.bill_total),
        ("Owners", owners.total_cost),
        *([("of them what stays in pools", owners.pools_cost)] if owners.pools_cost else []),
        ("Unallocated", owners.missing_cost),
        ("Difference", owners.difference),
    ]


def explore_url(month: Month, by: str, key: str) -> str:
    """This value's costs by service in the explorer."""
    pairs = [("from", str(month.period)), ("to", str(month.period)), ("by", "service")]
    return link("tagging:explore", [*pairs, *month.params[1:], (by, key)])


def link(name: str, params: Sequence[tuple[str, str]], *args: str) -> str:
    """An address with its state."""
    return f"{reverse(name, args=args)}?{urlencode(params)}"
