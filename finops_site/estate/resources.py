"""Pages of resources: a list to search, and one resource over time."""

from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from costs import selectors as intake_reads
from costs.exports import ColumnKind, ExportColumn, export_response
from costs.pages import request_scope, staff_page
from costs.periods import BillingPeriod
from costs.queries import parse_metric
from costs.scope import Scope
from costs.selectors import FoundResources, ResourceDetail, ResourceLine, ResourcePart
from costs.terms import COST_COLUMNS, CostMetric
from finops_site.estate.forms import ResourceForm
from finops_site.estate.tables import EstateTable, account_url
from tagging import selectors as ownership
from tagging.line_links import lines_url
from tagging.views.months import Month, chosen_month, month_lines

PER_PAGE = 50


@require_safe
@staff_page
def resources(request: HttpRequest) -> HttpResponseBase:
    """Resources: filtered, sorted and paged by the URL."""
    scope = request_scope(request)
    month = chosen_month(request, scope)
    if month is None:
        return render(request, "estate/resources.html", {"month": None})
    data = {**month.initial, **request.GET.dict(), "period": str(month.period), "basis": month.metric.value}
    form = ResourceForm(data, periods=month.periods, currencies=month.currencies)
    form.offer(dict.fromkeys((*intake_reads.EXACT, "tag_key"), ()))
    if not form.is_valid():
        return render(request, "estate/resources.html", {"month": month, "form": form, "found": None}, status=400)
    question = form.question(month)
    found = intake_reads.found_resources(scope, question)
    sort = request.GET.get("sort") or "-cost"
    if response := _file(request, scope, found, month, sort):
        return response
    choices = intake_reads.resource_choices(scope, question)
    form.offer(choices)
    table = EstateTable(
        found,
        names={value: text.rpartition(" (")[0] or value for value, text in choices["account"]},
        month_params=urlencode(month.params),
        lines_of=lambda row: month_lines(month, ("resource", row["resource_id"]), ("account", row["sub_account_id"])),
        request=request,
        caption=f"Resources, {month.period.label}",
        per_page=PER_PAGE,
        order_by=sort,
    )
    context = {
        "month": month,
        "form": form,
        "found": found,
        "table": table,
        "trust": ownership.trust(scope, month.period, metric=month.metric, currency=month.currency),
    }
    return render(request, "estate/resources.html", context)


@require_safe
@staff_page
def resource(request: HttpRequest, resource_key: int) -> HttpResponseBase:
    """One resource: what it is, what it costs, and how that changed."""
    scope = request_scope(request)
    found = intake_reads.resource_detail(scope, resource_key)
    columns: list[ExportColumn | str] = ["Month", "Currency"]
    columns += [ExportColumn(_heading(name), ColumnKind.MONEY) for name in COST_COLUMNS]
    if response := export_response(
        request,
        name=f"resource-{found.name or found.resource_id}",
        title_rows=[("Resource", found.resource_id), ("Name", found.name), ("Account", found.sub_account_id)],
        columns=[*columns, ExportColumn("Hours", ColumnKind.NUMBER)],
        rows=([str(each.period), each.currency, *each.costs.values(), each.hours] for each in found.months),
    ):
        return response
    findings = ownership.findings(scope, search=found.resource_id)
    context = {
        "found": found,
        "newest": found.months[0] if found.months else None,
        **_cost_context(found),
        "bases": [_heading(name) for name in COST_COLUMNS],
        "findings": [row for row in findings.rows if row.resource_id == found.resource_id],
        "links": _links(found),
        "is_renamed": len(found.names) > 1,
        "changed_keys": _changed_keys(found),
    }
    return render(request, "estate/resource.html", context)


def _cost_context(found: ResourceDetail) -> dict[str, object]:
    """Its months and what it is billed for, each figure with the address of its lines."""
    if not found.months:
        return {}
    newest = found.months[0]

    def lines(period: BillingPeriod, column: str, currency: str, *more: tuple[str, str]) -> str:
        metric = parse_metric(column.removesuffix("_cost"))
        own = (("resource", found.resource_id), ("account", found.sub_account_id), *more)
        return lines_url(period, metric, currency=currency, filters=own)

    def of_part(part: ResourcePart, column: str) -> str:
        pairs = [("service", part.service_name), ("usage_type", part.usage_type), ("operation", part.operation)]
        pairs.append(("category", part.charge_category))
        return lines(newest.period, column, newest.currency, *pairs)

    return {
        "newest_url": lines(newest.period, "billed_cost", newest.currency),
        "month_rows": [
            (each, [(amount, lines(each.period, column, each.currency)) for column, amount in each.costs.items()])
            for each in found.months
        ],
        "part_rows": [(part, of_part(part, "billed_cost"), of_part(part, "effective_cost")) for part in found.parts],
        "linked_rows": [
            (
                each,
                lines_url(
                    newest.period, CostMetric.BILLED, currency=newest.currency, filters=[("resource", each.resource_id)]
                )
                if each.key is not None
                else "",
            )
            for each in found.linked
        ],
    }


def _file(
    request: HttpRequest, scope: Scope, found: FoundResources, month: Month, sort: str
) -> HttpResponseBase | None:
    columns: list[ExportColumn | str] = ["Resource", "Name", "Account", "Account name", "Service", "Region", "Type"]
    columns += ["Instance type", "State", ExportColumn("State of", ColumnKind.DATE)]
    columns += [ExportColumn("First seen", ColumnKind.DATE), ExportColumn("Last seen", ColumnKind.DATE)]
    columns += ["Tags", ExportColumn("Cost", ColumnKind.MONEY)]
    order = sort.replace("_name", "").replace("resource_type", "type")
    return export_response(
        request,
        name=f"resources-{month.period}",
        title_rows=[*month.title_rows, ("Resources", f"{found.count}")],
        columns=columns,
        rows=(_cells(row) for row in found.stream(scope, order=order)),
    )


def _cells(row: ResourceLine) -> list[object]:
    tags = "; ".join(f"{key}={value}" for key, value in row.tags)
    return [
        *(row.resource_id, row.name, row.sub_account_id, row.sub_account_name, row.service_name, row.region_id),
        *(row.resource_type, row.instance_type, row.state, row.state_on, row.first_seen_on, row.last_seen_on),
        *(tags, row.cost),
    ]


def _changed_keys(found: ResourceDetail) -> list[str]:
    """Tags that had more than one value, or that are gone."""
    spans: dict[str, list[bool]] = {}
    for span in found.tag_spans:
        spans.setdefault(span.key, []).append(span.is_now)
    return sorted(key for key, now in spans.items() if len(now) > 1 or not now[0])


def _links(found: ResourceDetail) -> list[tuple[str, str]]:
    links = [("Findings", f"{reverse('tagging:findings')}?{urlencode({'search': found.resource_id})}")]
    if found.months:
        period = str(found.months[0].period)
        tags = urlencode({"period": period, "search": found.resource_id})
        links.insert(0, ("Whose it is, and its tags", f"{reverse('tagging:resources')}?{tags}"))
    if found.sub_account_id:
        links.append(("Its account", account_url(found.sub_account_id)))
    return links


def _heading(column: str) -> str:
    return column.removesuffix("_cost").capitalize()
