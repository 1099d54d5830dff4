"""The month's chargeback by any kind of owner, and a team's statement."""

from dataclasses import replace
from decimal import Decimal

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse

from costs import figures
from costs.charts import UNALLOCATED, Bar, BarChart, ProportionChart
from costs.money import ZERO, ratio
from costs.pages import current_moment, request_scope
from costs.queries import NOT_SET, TAG_PREFIX, check_dimension, dimension_label
from costs.scope import Scope
from costs.series import Line, change, top_and_other
from costs.terms import CostMetric
from tagging import selectors
from tagging.forms.months import ChargebackForm
from tagging.results import (
    OwnShare,
    Statement,
    StatementLine,
    Trust,
)
from tagging.selectors.closed_currencies import month_currencies
from tagging.selectors.pools import pools_of
from tagging.selectors.shared import BENEFIT_KEY
from tagging.selectors.shown_tags import offered_tag_keys
from tagging.selectors.suggested import mark_statement
from tagging.tables.chargeback import ChargebackTable, OwnerLine, StatementTable
from tagging.terms import LineKind
from tagging.views.close_strip import (
    as_closed,
    close_strip,
    closed_parts,
    compared_how,
    compared_row,
    hidden_columns,
    state_rows,
    statement_rows,
)
from tagging.views.months import (
    NO_COSTS_STAFF,
    NO_COSTS_TEAM,
    Month,
    asked_version,
    chosen_month,
    month_form,
    month_lines,
    month_or_version,
)
from tagging.views.owner_lines import Owners, bill_rows, link, missing_line, owners_of, tiles_of
from tagging.views.statement_cents import StatementCents, statement_cents

BY = ("team", "cost_center", "project", "owner", "environment", "account", "service")
OWNERS_DRAWN = 7


@login_required
def chargeback(request: HttpRequest) -> HttpResponseBase:
    """The month by owner; a member of one team gets that team's statement."""
    scope = request_scope(request)
    month = chosen_month(request, scope, as_charged=True)
    if month is None:
        return render(request, "tagging/chargeback.html", {"month": None, "empty_text": no_costs_text(scope)})
    by = chosen_owner_kind(request)
    owners, team_keys = owners_of(scope, month, by)
    if not scope.everything and by == "team" and len(team_keys) == 1:
        return redirect(f"{reverse('tagging:statement', args=team_keys)}?{request.GET.urlencode()}")
    missing = missing_line(owners, month, by)
    table = owner_table(request, month, owners, missing, by)
    how = compared_how(scope, month, owners.close)
    currencies = month_currencies(scope, month.period, month.currency)
    title_rows = [*month.title_rows, compared_row(owners.compared, how), *state_rows(owners.close, currencies)]
    title_rows += bill_rows(owners)
    if response := table.export(name=f"chargeback-{month.period}-{by}", title_rows=title_rows):
        return response
    context = {
        "month": month,
        "by": by,
        "by_label": dimension_label(by),
        "owners": owners,
        "tiles": tiles_of(owners),
        "compared_how": how,
        "currencies": currencies,
        "table": table,
        "chart": share_chart(owners, missing, month, table),
        "missing": missing,
        "missing_url": missing.url if missing else "",
        "owned_share": ratio(owners.total_cost, owners.whole),
        "needs_setup": selectors.needs_setup(scope),
        "trust": selectors.trust(scope, month.period, metric=month.metric, currency=month.currency),
        "form": owner_form(scope, month, by),
        "why_url": link("tagging:why_nobody", month.params),
        "lines_url": month_lines(month, *as_closed(owners.close)),
        "centers_url": centers_url(scope, month, owners, by),
        "close": close_strip(month, owners.close, current_moment().date()) if scope.everything else None,
    }
    return render(request, "tagging/chargeback.html", context)


def centers_url(scope: Scope, month: Month, owners: Owners, by: str) -> str:
    """Where shares of pools are told, for a page by anything that they have no value of; '' where there are none."""
    if by in ("team", "cost_center"):
        return ""
    has_shares = pools_of(month.period) if scope.everything else owners.missing_shared_cost
    return link("tagging:chargeback", [*month.params, ("by", "cost_center")]) if has_shares else ""


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
        whole=sum(owners.cents, ZERO),
        request=request,
        caption=f"{dimension_label(by)}: {month.period.label}",
        exclude=() if by == "team" else ("cost_center",),
    )


@login_required
def statement(request: HttpRequest, team_key: str) -> HttpResponseBase:
    """One team's month: totals, then lines by service, account and charge category."""
    scope = request_scope(request)
    team = selectors.team_by_key(scope, team_key)
    version = asked_version(request)
    month = month_or_version(request, scope, version)
    if month is None:
        return render(request, "tagging/statement.html", {"team": team, "month": None})
    found = statement_of(scope, month, team_key, version)
    name = found.summary.team_name if found.close.is_closed else team.name
    cents = statement_cents(found)
    table = statement_table(request, month, found, cents)
    compared = found.compared_label
    parts = closed_parts(scope, month, found)
    title_rows = [*month.title_rows, *state_rows(found.close, parts["currencies"]), *statement_rows(found, compared)]
    file = f"statement-{team_key}-{month.period}{f'-version-{version}' if version else ''}"
    if response := table.export(name=file, title_rows=[("Statement", found.summary.team_name), *title_rows]):
        return response
    context = {
        "team": team,
        "name": name,
        "month": month,
        "found": found,
        "cents": cents,
        "moved": change(found.summary.total_cost, found.summary.previous_total_cost),
        "compared": compared,
        "table": table,
        "chart": service_chart(found, month, cents),
        "trust": own_trust(scope, month),
        "form": month_form(month, version),
        **ways_on(month, found),
        "shares": [
            (share, pool_url(share, scope, month), cost) for share, cost in zip(found.shares, cents.shares, strict=True)
        ],
        **parts,
    }
    return render(request, "tagging/statement.html", context)


def statement_table(request: HttpRequest, month: Month, found: Statement, cents: StatementCents) -> StatementTable:
    """The statement's lines in cents that add up."""
    return StatementTable(
        [statement_row(line, found, month) for line in found.lines],
        [{"cost": cents.of(line), "list_cost": cents.at_list[id(line)]} for line in found.lines],
        currency=month.currency,
        lines_urls=sum_urls(month, found),
        request=request,
        caption=f"Statement of {found.summary.team_name}, {month.period.label}",
        per_page=100,
        exclude=hidden_columns(request, found),
    )


def statement_of(scope: Scope, month: Month, team_key: str, version: int | None) -> Statement:
    """The team's statement of the month, or of one version of it, marked with what suggestions put there."""
    found = selectors.statement(
        scope, month.period, team_key, metric=month.metric, currency=month.currency, version=version
    )
    return mark_statement(scope, found)


def ways_on(month: Month, found: Statement) -> dict[str, str]:
    """From the statement to why it is so and to its lines. Not from a version that counts no more: its bills may be
    gone, and the rules of today are not those it was made by."""
    if found.close.is_superseded:
        return {"why_url": "", "lines_url": ""}
    team_key = found.summary.team_key
    return {
        "why_url": link("tagging:why", month.params, team_key),
        "lines_url": month_lines(month, ("team", team_key), *as_closed(found.close)),
    }


def sum_urls(month: Month, found: Statement) -> dict[str, str]:
    """The lines behind the sums of the statement's columns; '' where parts of pools and corrections are among them."""
    is_direct = all(line.kind == LineKind.DIRECT.value for line in found.lines)
    url = ways_on(month, found)["lines_url"] if is_direct else ""
    at_list = ways_on(replace(month, metric=CostMetric.LIST), found)["lines_url"] if is_direct else ""
    return {"cost": url, "list_cost": at_list}


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


def statement_row(line: StatementLine, found: Statement, month: Month) -> dict[str, object]:
    """A line of the statement with the way to the rules and lines behind it."""
    filters = [("service", line.service_name), ("account", line.sub_account_id), ("category", line.charge_category)]
    named = [(name, value or NOT_SET) for name, value in filters]
    behind = (("team", found.summary.team_key), *named, *as_closed(found.close))
    account = line.sub_account_id
    is_direct = line.kind == LineKind.DIRECT.value and not found.close.is_superseded  # else nothing is behind it
    return {
        "kind": line.kind.capitalize() if not line.origin else f"Adjustment of {line.origin}",
        "service_name": line.service_name or line.pool_name or "No service",
        "account": f"{line.sub_account_name} ({account})" if line.sub_account_name else account,
        "charge_category": line.charge_category,
        "cost": line.cost,
        "list_cost": line.list_cost,
        "suggested_cost": line.suggested_cost,
        "share": ratio(line.cost, found.summary.total_cost),
        "url": link("tagging:why", [*month.params, *named], found.summary.team_key) if is_direct else "",
        "lines_url": month_lines(month, *behind) if is_direct else "",
        "list_lines_url": month_lines(replace(month, metric=CostMetric.LIST), *behind) if is_direct else "",
        "dispute_url": link("tagging:dispute_new", [*month.params, ("line", line.ref)], found.summary.team_key),
    }


def share_chart(owners: Owners, missing: OwnerLine | None, month: Month, table: ChargebackTable) -> ProportionChart:
    """Who the month's money went to, as one bar, in the table's cents."""

    def cents(line: OwnerLine) -> Decimal:
        cents = table.cents(line, "total_cost")
        return line.total_cost if cents is None else cents

    found = [Line(line.url, line.label, (cents(line),)) for line in owners.lines if line.total_cost]
    bars = [Bar(line.label, line.total, href=line.key) for line in top_and_other(found, OWNERS_DRAWN)]
    bars = [bar if bar.href else Bar(bar.name, bar.amount, css="series-other") for bar in bars]
    if missing is not None and missing.total_cost:
        bars.append(Bar(missing.label, cents(missing), href=missing.url, css=UNALLOCATED))
    return ProportionChart(f"{month.basis_name} by owner", tuple(bars), currency=month.currency)


def service_chart(found: Statement, month: Month, cents: StatementCents) -> BarChart:
    """The statement's services, largest first."""
    whole = (cents.total if found.close.is_closed else cents.direct).cents
    by_service: dict[tuple[str, str], Decimal] = {}
    for line in found.lines:
        place = (line.service_name, line.pool_name)
        by_service[place] = by_service.get(place, ZERO) + cents.of(line)
    lines = [
        Line("" if pool else name or NOT_SET, pool or name or "No service", (cost,))
        for (name, pool), cost in by_service.items()
    ]
    team_key, leads_on = found.summary.team_key, not found.close.is_superseded
    bars = [
        Bar(
            line.label,
            line.total,
            href=link("tagging:why", [*month.params, ("service", line.key)], team_key) if line.key and leads_on else "",
            note=figures.pct(ratio(line.total, whole)),
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
