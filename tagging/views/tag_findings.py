"""Findings of tags by resource and key; the fix list with its exports, and what became of what was announced."""

from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any
from urllib.parse import urlencode

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from costs.errors import InvalidRequestError
from costs.exports import ExportColumn, csv_lines
from costs.pages import current_moment, request_scope
from costs.scope import Scope
from costs.terms import CostMetric
from tagging import selectors, services
from tagging.access import is_finops, led_keys
from tagging.forms.months import MonthForm
from tagging.forms.tag_policy import FindingsForm
from tagging.policy.fixes import Fix, cli_script, tag_editor_rows, terraform
from tagging.results.tag_findings import PROBLEM_NAMES, FindingRows, TagFindingRow, TagFindings
from tagging.tables.compliance import ShownCells
from tagging.tables.tag_findings import AnnouncedTable, TagFindingsTable
from tagging.terms import TagProblem
from tagging.views.chargeback import no_costs_text
from tagging.views.months import Month, chosen_month, empty_month, month_lines
from tagging.views.tag_parts import tabs, text_file

FILTERS = ("problem", "key", "breaks", "search", "team", "service", "region", "account", "environment")
EXPORTS = {"tag-editor": "AWS Tag Editor (CSV)", "cli": "AWS CLI commands", "terraform": "Terraform"}
MOST_EXPORTED = 20_000
Filters = tuple[tuple[str, str], ...]
HARMLESS: Filters = (("problem", TagProblem.NEAR_MISS.value), ("breaks", "no"))


@require_safe
@login_required
def tag_findings(request: HttpRequest) -> HttpResponseBase:
    """Every finding of every key, near misses first unless the address asks for others."""
    scope = request_scope(request)
    month = chosen_month(request, scope, basis=CostMetric.EFFECTIVE)
    if month is None:
        empty = {"month": None, "empty_text": no_costs_text(scope), "tabs": tabs(request)}
        return render(request, "tagging/tag_findings.html", empty)
    asked = _filters(request)
    ask = partial(selectors.tag_findings, scope, month.period, metric=month.metric, currency=month.currency)
    found = ask(filters=asked)
    has_near = any(total.problem is TagProblem.NEAR_MISS and total.findings for total in found.totals)
    if has_near and "problem" not in request.GET:
        asked = (*asked, ("problem", TagProblem.NEAR_MISS.value))
        found = ask(filters=asked)
    table = _table(request, month, found.rows, "Findings of tags")
    if response := table.export(name=f"tag-findings-{month.period}", title_rows=month.title_rows):
        return response
    context = {
        "month": month,
        "found": found,
        "table": table,
        "tiles": [(total, _url(month, ("problem", total.problem.value))) for total in found.totals if total.findings],
        "form": _form(month, asked, found),
        "keep": [
            ("basis", month.metric.value),
            *[pair for pair in asked if pair[0] not in ("problem", "key", "breaks", "search")],
        ],
        "tabs": tabs(request),
        "trust": selectors.trust(scope, month.period, metric=month.metric, currency=month.currency),
    }
    return render(request, "tagging/tag_findings.html", context)


@require_safe
@login_required
def fixes(request: HttpRequest) -> HttpResponseBase:
    """What to set on which resource, dearest first; what was announced before and became of it."""
    scope = request_scope(request)
    month = chosen_month(request, scope, basis=CostMetric.EFFECTIVE)
    told, counts = selectors.announced_fixes(scope)
    announced = AnnouncedTable(
        told, currency=month.currency if month else "USD", request=request, caption="Announced fixes", prefix="a-"
    )
    if request.GET.get("table") == "announced" and (response := announced.export(name="tag-fixes-told", title_rows=[])):
        return response
    if month is None:
        empty = {"month": None, "empty_text": no_costs_text(scope), "tabs": tabs(request)}
        return render(request, "tagging/fixes.html", empty)
    found = _found(scope, month)
    rows = found.rows.breaking()
    table = _table(request, month, rows, "Fixes, dearest first")
    if response := table.export(name=f"tag-fixes-{month.period}", title_rows=month.title_rows):
        return response
    costs = rows.resources
    near = _found(scope, month, *HARMLESS)
    context = {
        "near": near.count,
        "near_url": _url(month, *HARMLESS),
        "month": month,
        "rows": rows,
        "resources": len(costs),
        "to_fix_cost": sum(costs.values()),
        "known": rows.known,
        "currency": found.currency,
        "table": table,
        "announced_table": announced,
        "empty": empty_month(scope, month),
        "form": MonthForm(initial=month.initial, periods=month.periods, currencies=month.currencies),
        "counts": counts,
        "exports": EXPORTS.items(),
        "tabs": tabs(request),
        "trust": selectors.trust(scope, month.period, metric=month.metric, currency=month.currency),
    }
    return render(request, "tagging/fixes.html", context)


@login_required
@require_POST
def fixes_export(request: HttpRequest) -> HttpResponseBase:
    """The fix list as a file for another program. For who may change tags it is remembered as told."""
    scope = request_scope(request)
    month = chosen_month(request, scope, basis=CostMetric.EFFECTIVE)
    wanted = request.POST.get("as", "")
    if wanted not in EXPORTS:
        raise InvalidRequestError(f"'{wanted}' is no such file. Use {', '.join(EXPORTS)}.")
    if month is None:
        raise InvalidRequestError("There are no costs yet, so there is nothing to fix.")
    rows = _found(scope, month).rows.breaking()[:MOST_EXPORTED]
    assert request.user.is_authenticated
    led = led_keys(request.user)
    mine = rows if is_finops(request.user) else [row for row in rows if row.team_key in led]
    services.announce_fixes(mine, period=month.period, today=current_moment().date(), author=request.user)
    title = f"Tags to set, {month.period.label}, {len(rows)} on {len({row.resource_key for row in rows})} resources"
    return fix_file(wanted, [fix_of(row) for row in rows], title, f"tag-fixes-{month.period}")


def fix_of(row: TagFindingRow) -> Fix:
    """A finding as what other programs need of it."""
    return Fix(
        resource_id=row.resource_id,
        service=row.service_name,
        region=row.region_id,
        account=row.sub_account_id,
        key=row.key,
        value=row.wanted,
        old_key=row.spelling if row.spelling != row.key else "",
        found=row.value,
    )


def fix_file(wanted: str, found: Sequence[Fix], title: str, name: str) -> HttpResponseBase:
    """Fixes as the file another program reads."""
    if wanted == "cli":
        return text_file(cli_script(found, title=title), name=name, ending="sh", content_type="text/x-shellscript")
    if wanted == "terraform":
        return text_file(terraform(found, title=title), name=name, ending="tf", content_type="text/plain")
    header, rows = tag_editor_rows(found)
    lines = "".join(csv_lines([], header_columns(header), rows))
    return text_file(lines, name=f"{name}-tag-editor", ending="csv", content_type="text/csv")


def header_columns(names: Iterable[str]) -> list[Any]:
    """Columns of text with these names."""
    return [ExportColumn(name) for name in names]


def _found(scope: Scope, month: Month, *filters: tuple[str, str]) -> TagFindings:
    return selectors.tag_findings(scope, month.period, metric=month.metric, currency=month.currency, filters=filters)


def _table(request: HttpRequest, month: Month, rows: FindingRows, caption: str) -> TagFindingsTable:
    cells = ShownCells(rows, partial(_cells, month=month))
    table = TagFindingsTable(cells, currency=month.currency, request=request, caption=caption, per_page=25)
    table.columns["cost"].column.lines = partial(_lines, month)  # made for rows that are shown only
    return table


def _lines(month: Month, row: dict[str, Any]) -> str:
    """The lines of the resource that can carry tags."""
    pairs = (("account", row["sub_account_id"]), ("resource", row["resource_id"]))
    return month_lines(month, *pairs, ("taggable", "yes"))


def _cells(row: TagFindingRow, month: Month) -> dict[str, Any]:
    told = row.announced_on
    return {
        **vars(row),
        "title": row.title,
        "name": row.name if row.name != row.resource_id else "",
        "team_name": row.team_name or "nobody",
        "breaks": "yes" if row.breaks else "no",
        "status": f"open since {told.day} {told:%b %Y}" if told else "",
        "url": f"{reverse('tagging:resources')}?{urlencode([*month.params, ('search', row.resource_id)])}",
    }


def _filters(request: HttpRequest) -> Filters:
    """The filters of the URL. An empty problem asks for all; none at all for near misses, where there are any."""
    pairs = [(name, value.strip()) for name in FILTERS for value in request.GET.getlist(name) if value.strip()]
    for name, value in pairs:
        if name == "problem" and value not in list(TagProblem):
            raise InvalidRequestError(f"'{value}' is no finding of tags. Use {', '.join(TagProblem)}.")
        if name == "breaks" and value not in ("yes", "no"):
            raise InvalidRequestError(f"breaks is '{value}'. Use yes or no.")
    return tuple(pairs)


def _form(month: Month, asked: Filters, found: TagFindings) -> FindingsForm:
    counts = {total.problem: total.findings for total in found.totals}
    problems = [(problem.value, f"{name} ({counts.get(problem, 0):,})") for problem, name in PROBLEM_NAMES.items()]
    return FindingsForm(
        initial={"period": str(month.period), **dict(asked)},
        periods=[(str(period), period.label) for period in month.periods],
        problems=problems,
        keys=found.keys,
    )


def _url(month: Month, *filters: tuple[str, str]) -> str:
    return f"{reverse('tagging:tag_findings')}?{urlencode([*month.params, *filters])}"
