"""One pool: hourly usage under the recommended line, the savings curve, and what usage may fall to."""

from typing import Any

from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_safe

from costs.exports import TitleRows
from costs.pages import request_scope, staff_page
from ri import selectors
from ri.pool_charts import curve_chart, usage_chart
from ri.results import PoolDetail
from ri.tables import InstanceTable, OptionTable
from ri.terms import confidence_means
from ri.usage import Pool
from ri.views import rows


@staff_page
@require_safe
def pool_page(request: HttpRequest) -> HttpResponseBase:
    """The pool that the URL names, in the newest advice on its source."""
    query = request.GET
    pool = Pool(*(query.get(name, "") for name in ("region", "type", "platform", "tenancy")))
    detail = selectors.pool_detail(request_scope(request), query.get("source", ""), pool)
    currency = detail.run.currency
    options = OptionTable(
        [vars(row) for row in detail.options],
        request=request,
        currency=currency,
        caption="Ways to buy",
        prefix="o-",
        row_attrs={"class": lambda record: "is-chosen" if record["is_chosen"] else ""},
    )
    instances = InstanceTable(
        [rows.instance(row) for row in detail.instances],
        request=request,
        currency=currency,
        caption="Instances",
        prefix="i-",
        order_by=query.get("i-sort") or "-uptime",
    )
    chosen = instances if query.get("table") == "instances" else options
    if response := chosen.export(name=f"pool-{pool.region_id}-{pool.instance_type}", title_rows=title_rows(detail)):
        return response
    return render(request, "ri/pool.html", page_context(detail, options, instances))


def page_context(detail: PoolDetail, options: OptionTable, instances: InstanceTable) -> dict[str, Any]:
    """What the template draws."""
    advice = detail.recommendation
    return {
        "detail": detail,
        "advice": advice,
        "terms": rows.terms_of(advice) if advice else "",
        "confidence": confidence_means(selectors.default_limits())[advice.confidence] if advice else "",
        "usage_chart": usage_chart(detail) if detail.hours else None,
        "curve_chart": curve_chart(detail) if detail.curve else None,
        "options_table": options,
        "instances_table": instances,
    }


def title_rows(detail: PoolDetail) -> TitleRows:
    """What an exported file says of itself."""
    return [
        ("Pool", detail.pool.label),
        ("Source", detail.run.source_name),
        ("As of", detail.run.as_of.isoformat()),
        ("Price book", detail.run.price_book),
        ("Currency", detail.run.currency),
    ]
