"""The month's chargeback by any kind of owner, and a team's statement."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from urllib.parse import urlencode

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse

from costs import figures
from costs.charts import UNALLOCATED, Bar, BarChart, ProportionChart
from costs.money import ZERO, plain, ratio
from costs.pages import current_moment, request_scope
from costs.queries import NOT_SET, TAG_PREFIX, check_dimension, dimension_label
from costs.scope import Scope
from costs.series import Line, change, top_and_other
from costs.terms import CostMetric
from tagging import selectors
from tagging.addresses import month_path, with_params
from tagging.forms.months import ChargebackForm, MonthForm
from tagging.results import (
    Chargeback,
    CloseInfo,
    OwnShare,
    Statement,
    StatementLine,
    StatementList,
    StatementSummary,
    Trust,
)
from tagging.selectors.shared import BENEFIT_KEY
from tagging.selectors.shown_tags import offered_tag_keys
from tagging.tables.chargeback import ChargebackTable, OwnerLine, StatementTable
from tagging.terms import LineKind, OwnerKind
from tagging.views.close_strip import (
    as_closed,
    close_strip,
    closed_parts,
    compared_row,
    hidden_columns,
    state_rows,
    statement_rows,
)
from tagging.views.months import NO_COSTS_STAFF, NO_COSTS_TEAM, Month, chosen_month, month_lines

BY = ("team", "cost_center", "project", "owner", "environment", "account", "service")
OWNERS_DRAWN = 7


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

    @property
    def whole(self) -> Decimal:
        """What shares are of: the bill and what was carried in; for teams their own total."""
        if self.bill_total is None:
            return self.total_cost + self.missing_cost
        return self.bill_total + self.close.carried_in


@login_required
def chargeback(request: HttpRequest) -> HttpResponseBase:
    """The month by owner; a member of one team gets that team's statement."""
    scope = request_scope(request)
    month = chosen_month(request, scope)
    if month is None:
        return render(request, "tagging/chargeback.html", {"month": None, "empty_text": no_costs_text(scope)})
    by = chosen_owner_kind(request)
    owners, team_keys = owners_of(scope, month, by)
    if not scope.everything and by == "team" and len(team_keys) == 1:
        return redirect(f"{reverse('tagging:statement', args=team_keys)}?{request.GET.urlencode()}")
    missing = missing_line(owners, month, by)
    table = owner_table(request, month, owners, missing, by)
    title_rows = [*month.title_rows, compared_row(owners.compared), *state_rows(owners.close), *bill_rows(owners)]
    if response := table.export(name=f"chargeback-{month.period}-{by}", title_rows=title_rows):
        return response
    context = {
        "month": month,
        "by": by,
        "by_label": dimension_label(by),
        "owners": owners,
        "table": table,
        "chart": share_chart(owners, missing, month),
        "missing": missing,
        "missing_url": missing.url if missing else "",
        "missing_lines_url": missing.total_lines_url if missing else "",
        "owned_share": ratio(owners.total_cost, owners.whole),
        "needs_setup": selectors.needs_setup(scope),
        "trust": selectors.trust(scope, month.period, metric=month.metric, currency=month.currency),
        "form": owner_form(scope, month, by),
        "why_url": link("tagging:why_nobody", month.params),
        "lines_url": month_lines(month, *as_closed(owners.close)),
        "close": close_strip(month, owners.close, current_moment().date()) if scope.everything else None,
    }
    return render(request, "tagging/chargeback.html", context)


def owner_table(
    request: HttpRequest, month: Month, owners: Owners, missing: OwnerLine | None, by: str
) -> ChargebackTable:
    """The month's owners, largest change first."""
    return ChargebackTable(
        owners.lines,
        missing=missing,
        currency=month.currency,
        compared=owners.compared,
        lines_url=month_lines(month, *as_closed(owners.close)),
        request=request,
        caption=f"{dimension_label(by)}: {month.period.label}",
        exclude=() if by == "team" else ("cost_center",),
    )


@login_required
def statement(request: HttpRequest, team_key: str) -> HttpResponseBase:
    """One team's month: totals, then lines by service, account and charge category."""
    scope = request_scope(request)
    team = selectors.team_by_key(scope, team_key)
    month = chosen_month(request, scope)
    if month is None:
        return render(request, "tagging/statement.html", {"team": team, "month": None})
    found = selectors.statement(scope, month.period, team_key, metric=month.metric, currency=month.currency)
    table = StatementTable(
        [statement_row(line, found, month) for line in found.lines],
        currency=month.currency,
        request=request,
        caption=f"Statement of {team.name}, {month.period.label}",
        per_page=100,
        exclude=hidden_columns(request, found),
    )
    compared = found.compared.label if found.compared else ""
    title_rows = [("Statement", found.summary.team_name), *month.title_rows, *state_rows(found.close)]
    title_rows += statement_rows(found, compared)
    if response := table.export(name=f"statement-{team_key}-{month.period}", title_rows=title_rows):
        return response
    moved = change(found.summary.total_cost, found.summary.previous_total_cost)
    context = {
        "team": team,
        "month": month,
        "found": found,
        "moved": moved,
        "compared": compared,
        "previous": month.period.previous(),
        "table": table,
        "chart": service_chart(found, month),
        "trust": own_trust(scope, month),
        "form": MonthForm(initial=month.initial, periods=month.periods, currencies=month.currencies),
        "why_url": link("tagging:why", month.params, team_key),
        "lines_url": month_lines(month, ("team", team_key), *as_closed(found.close)),
        "shares": [(share, pool_url(share, scope, month)) for share in found.shares],
        **closed_parts(scope, month, found),
    }
    return render(request, "tagging/statement.html", context)


def pool_url(share: OwnShare, scope: Scope, month: Month) -> str:
    """The pool's split for staff, and for teams where the FinOps lead has opened it."""
    if share.pool_key == BENEFIT_KEY or not (scope.everything or share.is_open):
        return ""
    return link("tagging:pool_month", month.params, share.pool_key)


def no_costs_text(scope: Scope) -> str:
    """What an empty page tells its reader to do."""
    return NO_COSTS_STAFF if scope.everything else NO_COSTS_TEAM


def own_trust(scope: Scope, month: Month) -> Trust:
    """The trust strip of the month."""
    return selectors.trust(scope, month.period, metric=month.metric, currency=month.currency)


def chosen_owner_kind(request: HttpRequest) -> str:
    """`by` of the URL; a key typed in beside it goes first."""
    typed = request.GET.get("tag_key", "").strip()
    return check_dimension(f"{TAG_PREFIX}{typed}" if typed else request.GET.get("by") or "team")


def owners_of(scope: Scope, month: Month, by: str) -> tuple[Owners, list[str]]:
    """The month by owner, and the keys of the teams in it where it is by team."""
    if by == "team":
        found = selectors.statements(scope, month.period, metric=month.metric, currency=month.currency)
        return owners_by_team(found, month), [row.team_key for row in found.rows]
    table = selectors.chargeback(scope, month.period, by=by, metric=month.metric, currency=month.currency)
    return owners_by_value(table, month, by), []


def owners_by_team(found: StatementList, month: Month) -> Owners:
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


def missing_line(owners: Owners, month: Month, by: str) -> OwnerLine | None:
    """What has no owner of this kind, as a line of its own; none for a team's own teams."""
    if owners.missing_cost == owners.previous_missing_cost == ZERO:
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
        lines_url=month_lines(month, (by, NOT_SET), *as_closed(owners.close)),
    )


def bill_rows(owners: Owners) -> list[tuple[str, str]]:
    """The sum that ties out, for FinOps staff's files."""
    if owners.bill_total is None or owners.difference is None:
        return [("Total", plain(owners.total_cost + owners.missing_cost))]
    return [
        ("Bill total", plain(owners.bill_total)),
        ("Owners", plain(owners.total_cost)),
        *([("of them what stays in pools", plain(owners.pools_cost))] if owners.pools_cost else []),
        ("Unallocated", plain(owners.missing_cost)),
        ("Difference", plain(owners.difference)),
    ]


def statement_row(line: StatementLine, found: Statement, month: Month) -> dict[str, object]:
    """A line of the statement with the way to the rules and lines behind it."""
    filters = [("service", line.service_name), ("account", line.sub_account_id), ("category", line.charge_category)]
    named = [(name, value or NOT_SET) for name, value in filters]
    behind = (("team", found.summary.team_key), *named, *as_closed(found.close))
    account = line.sub_account_id
    is_direct = line.kind == LineKind.DIRECT.value
    return {
        "kind": line.kind.capitalize() if not line.origin else f"Adjustment of {line.origin}",
        "service_name": line.service_name or line.pool_name or "No service",
        "account": f"{line.sub_account_name} ({account})" if line.sub_account_name else account,
        "charge_category": line.charge_category,
        "cost": line.cost,
        "list_cost": line.list_cost,
        "share": ratio(line.cost, found.summary.total_cost),
        "url": link("tagging:why", [*month.params, *named], found.summary.team_key) if is_direct else "",
        "lines_url": month_lines(month, *behind) if is_direct else "",
        "list_lines_url": month_lines(replace(month, metric=CostMetric.LIST), *behind) if is_direct else "",
        "dispute_url": link("tagging:dispute_new", [*month.params, ("line", line.ref)], found.summary.team_key),
    }


def share_chart(owners: Owners, missing: OwnerLine | None, month: Month) -> ProportionChart:
    """Who the month's money went to, as one bar."""
    found = [Line(line.url, line.label, (line.total_cost,)) for line in owners.lines if line.total_cost]
    bars = [Bar(line.label, line.total, href=line.key) for line in top_and_other(found, OWNERS_DRAWN)]
    bars = [bar if bar.href else Bar(bar.name, bar.amount, css="series-other") for bar in bars]
    if missing is not None and missing.total_cost:
        bars.append(Bar(missing.label, missing.total_cost, href=missing.url, css=UNALLOCATED))
    return ProportionChart(f"{month.basis_name} by owner", tuple(bars), currency=month.currency)


def service_chart(found: Statement, month: Month) -> BarChart:
    """The statement's services, largest first."""
    by_service: dict[str, Decimal] = {}
    for line in found.lines:
        by_service[line.service_name] = by_service.get(line.service_name, ZERO) + line.cost
    lines = [Line(name or NOT_SET, name or "No service", (cost,)) for name, cost in by_service.items()]
    team_key = found.summary.team_key
    bars = [
        Bar(
            line.label,
            line.total,
            href=link("tagging:why", [*month.params, ("service", line.key)], team_key) if line.key else "",
            note=figures.pct(ratio(line.total, found.summary.direct_cost)),
        )
        for line in top_and_other(lines, OWNERS_DRAWN)
    ]
    return BarChart("Cost by service", tuple(bars), currency=month.currency, label_header="Service")


def owner_form(scope: Scope, month: Month, by: str) -> ChargebackForm:
    """The filters, with the tag keys the reader may choose from and the one shown now."""
    tag_keys = dict.fromkeys([*(f"{TAG_PREFIX}{key}" for key in offered_tag_keys(scope)), by])
    kinds = [*BY, *(name for name in tag_keys if name.startswith(TAG_PREFIX))]
    return ChargebackForm(
        initial={**month.initial, "by": by},
        periods=month.periods,
        currencies=month.currencies,
        dimensions=[(name, dimension_label(name)) for name in kinds],
    )


def explore_url(month: Month, by: str, key: str) -> str:
    """This value's costs by service in the explorer."""
    pairs = [("from", str(month.period)), ("to", str(month.period)), ("by", "service")]
    return link("tagging:explore", [*pairs, *month.params[1:], (by, key)])


def link(name: str, params: Sequence[tuple[str, str]], *args: str) -> str:
    """An address with its state."""
    return f"{reverse(name, args=args)}?{urlencode(params)}"
