"""Why is this mine? The rules that decided, the slices they matched, the lines of the bill behind."""

from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import urlencode

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import render
from django.urls import reverse

from costs.exports import ColumnKind, ExportColumn, TitleRow, export_response
from costs.money import ratio
from costs.pages import LAST_PAGE, bounded, request_scope, staff_page
from costs.queries import NOT_SET, dimension_label, parse_query
from costs.scope import Scope
from costs.selectors import Line
from tagging import selectors
from tagging.access import may_act_for
from tagging.addresses import month_path, with_params
from tagging.forms.doubts import DoubtForm
from tagging.forms.months import MonthForm
from tagging.line_links import lines_url
from tagging.owners import kind_of, pool_owner
from tagging.results import Decisions, TeamView
from tagging.selectors.doubts import doubt_ref, doubts
from tagging.tables.why import DecisionTable, SliceTable, tags_text
from tagging.terms import OwnerKind
from tagging.views.months import Month, chosen_month, unless_asked

Filters = tuple[tuple[str, str], ...]
# Filters of this page beyond the dimensions: one rule's match, one resource, one day.
MORE_FILTERS = {"decision": "Rule", "resource": "Resource", "day": "Day"}
RULE_FIGURES = (ExportColumn("Slices", ColumnKind.NUMBER), ExportColumn("Cost", ColumnKind.MONEY))
LINE_COLUMNS: tuple[ExportColumn | str, ...] = (
    "Start",
    "End",
    "Service",
    "Account",
    "Region",
    "Resource",
    "Usage type",
    "Operation",
    "Charge category",
    "Line kind",
    "Description",
    ExportColumn("Quantity", ColumnKind.NUMBER),
    "Unit",
    ExportColumn("Cost", ColumnKind.MONEY),
    "Tags",
)


@login_required
def why(request: HttpRequest, team_key: str = "") -> HttpResponseBase:
    """Why a figure belongs to a team; without a team, why it belongs to nobody (staff only)."""
    scope = request_scope(request)
    if not team_key:
        scope.require_everything()
    return why_of(request, selectors.team_by_key(scope, team_key) if team_key else None, team_key)


@staff_page
def pool_why(request: HttpRequest, key: str) -> HttpResponseBase:
    """What is in a pool: the rules that gave it costs, down to the lines."""
    owner = selectors.owner_by_key(request_scope(request), pool_owner(key))
    return why_of(request, owner, owner.key)


def why_of(request: HttpRequest, team: TeamView | None, team_key: str) -> HttpResponseBase:
    """The page for one owner whom the reader may see."""
    scope = request_scope(request)
    month = chosen_month(request, scope)
    if month is None:
        return render(request, "tagging/why.html", {"team": team, "month": None, "owner_url": month_path(team_key)})
    filters = chosen_filters(request, month)
    asked = tuple(pair for pair in filters if pair[0] not in MORE_FILTERS)
    found = selectors.decisions(
        scope, month.period, team_key=team_key, metric=month.metric, currency=month.currency, filters=asked
    )
    behind = ask_behind(scope, month, (*filters, ("team", team_key or NOT_SET)))
    if response := exported(request, month, found, behind):
        return response
    context = decision_context(request, month, found, filters) | {
        "team": team,
        "owner_url": with_params(month_path(team_key), unless_asked(request, month.params)),
        "trust": selectors.trust(scope, month.period, metric=month.metric, currency=month.currency),
        "form": MonthForm(initial=month.initial, periods=month.periods, currencies=month.currencies),
        "keep": filters,
        "virtual": selectors.virtual_tags_behind(scope, month.period, team_key),
    }
    context |= doubt_context(request, month, team_key, filters)
    context |= slice_context(request, month, found, behind) if "lines" not in request.GET else {}
    context |= line_context(request, month, behind) if "lines" in request.GET else {}
    return render(request, "tagging/why.html", context)


def chosen_filters(request: HttpRequest, month: Month) -> Filters:
    """Dimensions and this page's own filters from the URL; the team stands in the path."""
    params = {name: values for name, values in request.GET.lists() if name not in {"from", "to", "by", "per"}}
    of_costs = tuple(pair for pair in parse_query(params, latest=month.period).filters if pair[0] != "team")
    return (*of_costs, *((name, request.GET[name]) for name in MORE_FILTERS if request.GET.get(name)))


def ask_behind(scope: Scope, month: Month, filters: Filters) -> dict[str, Any]:
    """The arguments of every question about what is behind the figure."""
    return {
        "scope": scope,
        "period": month.period,
        "metric": month.metric,
        "currency": month.currency,
        "filters": filters,
    }


def decision_context(request: HttpRequest, month: Month, found: Decisions, filters: Filters) -> dict[str, Any]:
    """The rules that decided, each opening its own slices and lines."""
    kept = [pair for pair in filters if pair[0] != "decision"]
    rows = [
        {
            "rule_text": row.rule_text or "No rule matched",
            "matched_text": row.matched_text,
            "slice_count": row.slice_count,
            "cost": row.cost,
            "share": ratio(row.cost, found.total),
            "url": page_url(request, [*month.params, *kept, ("decision", row.ref)]),
            "lines_url": lines_url(
                month.period,
                month.metric,
                currency=found.currency,
                filters=[("team", found.team_key), *kept, ("decision", row.ref)],
            ),
        }
        for row in found.rows
    ]
    decided = next((row for row in found.rows if ("decision", row.ref) in filters), None)
    narrow = [pair for pair in filters if pair[0] in {"resource", "day"}]
    return {
        "month": month,
        "found": found,
        "decided": decided,
        # One day or resource is known to the lines only: their sum is the figure then.
        "figure": None if narrow else decided.cost if decided else found.total,
        "chips": filter_chips(request, month, filters, found),
        "decision_table": DecisionTable(
            rows, currency=found.currency, request=request, caption="Rules that decided", prefix="d-", per_page=25
        ),
        "every_line_url": lines_url(
            month.period, month.metric, currency=found.currency, filters=[("team", found.team_key), *filters]
        ),
        "lines_url": page_url(request, [*month.params, *filters, ("lines", "1")]),
        "summary_url": page_url(request, [*month.params, *filters]),
        "chargeback_url": f"{reverse('tagging:chargeback')}?{urlencode(unless_asked(request, month.params))}",
    }


def slice_context(
    request: HttpRequest, month: Month, found: Decisions, behind: dict[str, Any]
) -> dict[str, SliceTable]:
    """The slices behind the figure."""
    asked = behind | {"filters": tuple(pair for pair in behind["filters"] if pair[0] not in {"resource", "day"})}
    slices = selectors.decision_slices(asked.pop("scope"), asked.pop("period"), **asked)
    rows = [
        {
            "service_name": row.service_name,
            "usage_type": row.usage_type,
            "operation": row.operation,
            "account": f"{row.sub_account_name} ({row.sub_account_id})" if row.sub_account_name else row.sub_account_id,
            "region_id": row.region_id,
            "charge_category": row.charge_category,
            "line_kind": row.line_kind,
            "tags": row.tags,
            "matched_text": row.matched_text,
            "cost": row.cost,
        }
        for row in slices
    ]
    caption = f"Slices, {month.period.label}"
    return {"slice_table": SliceTable(rows, currency=found.currency, request=request, caption=caption, prefix="s-")}


def line_context(request: HttpRequest, month: Month, behind: dict[str, Any]) -> dict[str, Any]:
    """One page of the bill's lines behind the figure."""
    asked = dict(behind)
    page = bounded(request.GET.get("page", ""), default=1, largest=LAST_PAGE)
    lines = selectors.charge_lines(asked.pop("scope"), asked.pop("period"), **asked, page=page)
    first = (lines.page - 1) * lines.page_size + 1
    kept = [(name, values) for name, values in request.GET.lists() if name not in {"page", "format", "table"}]
    here = [(name, str(value)) for name, values in kept for value in values]
    return {
        "lines": lines,
        "first_line": first,
        "last_line": min(lines.line_count, first + lines.page_size - 1),
        "previous_url": page_url(request, [*here, ("page", str(page - 1))]) if page > 1 else "",
        "next_url": page_url(request, [*here, ("page", str(page + 1))]) if page < lines.page_count else "",
    }


def doubt_context(request: HttpRequest, month: Month, team_key: str, filters: Filters) -> dict[str, Any]:
    """What a why page shows of doubts: those of the decision it has open, and the form to raise one."""
    is_team = bool(team_key) and kind_of(team_key) is OwnerKind.TEAM
    if not is_team or not any(name == "decision" for name, _ in filters):
        return {}
    ref = doubt_ref(team_key, filters)
    found = [row for row in doubts(request_scope(request), team_key=team_key) if row.ref == ref]
    may = may_act_for(request.user, team_key)
    is_waiting = any(row.state == "open" for row in found)
    return {
        "doubts": found,
        "doubt_form": DoubtForm() if may and not is_waiting else None,
        "doubt_url": f"{reverse('tagging:doubt_new', args=[team_key])}?{urlencode([*month.params, *filters])}",
    }


def filter_chips(request: HttpRequest, month: Month, filters: Filters, found: Decisions) -> list[tuple[str, str, str]]:
    """(name, value, address without it) of every filter of the URL."""
    texts = {row.ref: row.rule_text or "No rule matched" for row in found.rows}
    chips = []
    for pair in filters:
        name, value = pair
        label = MORE_FILTERS.get(name) or dimension_label(name)
        rest = [other for other in filters if other != pair]
        chips.append((label, texts.get(value, value), page_url(request, [*month.params, *rest])))
    return chips


def exported(request: HttpRequest, month: Month, found: Decisions, behind: dict[str, Any]) -> HttpResponseBase | None:
    """The rules (`table=rules`) or else every line behind the figure as a file, streamed."""
    if not request.GET.get("format"):
        return None
    about: list[TitleRow] = [("Owner", found.team_name), *month.title_rows]
    name = f"why-{found.team_key or 'unallocated'}-{month.period}"
    if request.GET.get("table") == "rules":
        columns: list[ExportColumn | str] = ["Rule", "What it matched", *RULE_FIGURES]
        rows: Any = [(row.rule_text, row.matched_text, row.slice_count, row.cost) for row in found.rows]
        title_rows = [*about, ("Total", found.total)]
        return export_response(request, name=f"{name}-rules", title_rows=title_rows, columns=columns, rows=rows)
    asked = dict(behind)
    first = selectors.charge_lines(asked.pop("scope"), asked.pop("period"), **asked)
    title_rows = [*about, ("Lines", str(first.line_count)), ("Total", first.total_cost)]
    rows = line_rows(behind)
    return export_response(request, name=f"{name}-lines", title_rows=title_rows, columns=LINE_COLUMNS, rows=rows)


def line_rows(behind: dict[str, Any]) -> Iterator[Sequence[Any]]:
    """Every line behind the figure as cells, read a chunk at a time."""
    asked = dict(behind)
    for line in selectors.all_charge_lines(asked.pop("scope"), asked.pop("period"), **asked):
        yield line_cells(line)


def line_cells(line: Line) -> tuple[Any, ...]:
    """One line in the order of LINE_COLUMNS."""
    return (
        line.charge_start.isoformat(),
        line.charge_end.isoformat(),
        line.service_name,
        line.sub_account_id,
        line.region_id,
        line.resource_id,
        line.usage_type,
        line.operation,
        line.charge_category,
        line.line_kind,
        line.description,
        line.quantity,
        line.unit,
        line.cost,
        tags_text(line.tags),
    )


def page_url(request: HttpRequest, params: Sequence[tuple[str, str]]) -> str:
    """This page with another state."""
    return f"{request.path}?{urlencode(params)}"
