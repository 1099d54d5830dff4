"""The lines of the bill behind any figure: the address carries the whole question, the sum ties to the figure."""

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import FileResponse, HttpRequest, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from costs.errors import InvalidRequestError
from costs.exports import ColumnKind, ExportColumn, TitleRow, csv_lines, export_response, file_name
from costs.line_filters import LINE_FIELDS, FieldKind, Order, parse_order
from costs.pages import LAST_PAGE, bounded, request_scope
from costs.queries import dimension_label, parse_query
from costs.scope import Scope
from costs.selectors import DEEPEST_LINE, BillLine, LinePlace, fields_from, place_of, place_text, read_place
from costs.terms import CostMetric
from tagging import selectors
from tagging.forms.lines import LinesForm
from tagging.selectors import LinesAsked, LinesBehind
from tagging.selectors.lines import LINE_FILTER_NAMES
from tagging.views.chargeback import no_costs_text
from tagging.views.months import with_chosen

LINES_PER_PAGE = 100
XLSX_LINES = 50_000
_IN_FORM = ("from", "to", "basis", "day", "until", "text", "sort", "currency")
_KINDS = {FieldKind.MONEY: ColumnKind.MONEY, FieldKind.NUMBER: ColumnKind.NUMBER, FieldKind.DAY: ColumnKind.DATE}


@require_safe
@login_required
def lines(request: HttpRequest) -> HttpResponseBase:
    """Lines of the reader's own costs, filtered, sorted, a page at a time or as a file."""
    scope = request_scope(request)
    periods = selectors.periods_of(scope)
    if not periods:
        return render(request, "tagging/lines.html", {"found": None, "empty_text": no_costs_text(scope)})
    asked = lines_asked(request, scope)
    order = parse_order(request.GET.get("sort") or "charge_period_start")
    found = selectors.lines_behind(scope, asked)
    if response := as_file(request, found, order):
        return response
    query = asked.query
    months = tuple(sorted({*periods, query.first, query.last}, reverse=True))
    initial = {**dict(asked.more), "period_from": str(query.first), "period_to": str(query.last)}
    initial |= {"basis": query.metric.value, "sort": order.text, "currency": found.currency}
    context = {
        "found": found,
        "basis_name": f"{query.metric.value.capitalize()} cost",
        "range_label": query.last.label if query.first == query.last else f"{query.first.label} to {query.last.label}",
        "chips": filter_chips(asked, order),
        "form": LinesForm(
            initial=initial,
            periods=months,
            currencies=with_chosen((found.currency, *found.other_currencies), found.currency),
        ),
        "keep": [pair for pair in (*query.filters, *asked.more) if pair[0] not in _IN_FORM],
        "other_bases": [(metric, found.sums.costs[metric]) for metric in CostMetric if metric is not query.metric],
        "xlsx_lines": XLSX_LINES,
        "trust": selectors.trust(scope, query.last, metric=query.metric, currency=found.currency),
        **page_context(request, found, order),
    }
    return render(request, "tagging/lines.html", context)


def lines_asked(request: HttpRequest, scope: Scope) -> LinesAsked:
    """The question in the address; the newest month where it names none."""
    params = {name: values for name, values in request.GET.lists() if name not in {"by", "per"}}
    latest = selectors.latest_period(scope) or selectors.periods_of(scope)[0]
    more = tuple((name, value.strip()) for name in LINE_FILTER_NAMES for value in request.GET.getlist(name) if value)
    return LinesAsked(parse_query(params, latest=latest), more)


def page_context(request: HttpRequest, found: LinesBehind, order: Order) -> dict[str, Any]:
    """One page of lines with the ways to its neighbours: by number first, by the last line where it gets deep."""
    place, first = place_asked(request)
    metric = found.asked.query.metric
    page = bounded(request.GET.get("page", ""), default=1, largest=LAST_PAGE)
    if place is None:
        first = (page - 1) * LINES_PER_PAGE
        if first >= DEEPEST_LINE:
            raise InvalidRequestError(f"Page {page} is too deep. Narrow the lines, or take them as a file.")
        rows = selectors.lines_page(found, order=order, limit=LINES_PER_PAGE, offset=first)
    else:
        rows = selectors.lines_after_place(found, place, order=order, limit=LINES_PER_PAGE)
    here = state_of(found.asked, order)
    last = first + len(rows)
    next_url = ""
    if rows and last < found.sums.count:
        is_deep = place is not None or last >= DEEPEST_LINE
        after = place_text(place_of(rows, place, order=order, metric=metric), last) if is_deep else ""
        next_url = address([*here, ("after", after) if is_deep else ("page", str(page + 1))])
    return {
        "rows": [(line, line.cost(metric)) for line in rows],
        "first_line": first + 1,
        "last_line": last,
        "first_url": address(here) if first else "",
        "previous_url": address([*here, ("page", str(page - 1))]) if place is None and page > 1 else "",
        "next_url": next_url,
    }


def place_asked(request: HttpRequest) -> tuple[LinePlace | None, int]:
    """After which line the page starts, and how many lines are before it; None for a page by number."""
    text = request.GET.get("after", "")
    return read_place(text) if text else (None, 0)


def state_of(asked: LinesAsked, order: Order) -> list[tuple[str, str]]:
    """The page's whole state without its number."""
    kept = [pair for pair in asked.query.params() if pair[0] not in {"by", "per"}]
    return [*kept, *asked.more, ("sort", order.text)]


def address(pairs: Sequence[tuple[str, str]]) -> str:
    """This page with a state."""
    return f"{reverse('tagging:lines')}?{urlencode(pairs)}"


def filter_chips(asked: LinesAsked, order: Order) -> list[tuple[str, str, str]]:
    """(name, value, address without it) of every filter in force that the form does not show."""
    chips = []
    for pair in (*asked.query.filters, *asked.more):
        if pair[0] in _IN_FORM:
            continue
        query = replace(asked.query, filters=tuple(other for other in asked.query.filters if other != pair))
        rest = LinesAsked(query, tuple(other for other in asked.more if other != pair))
        name = LINE_FILTER_NAMES.get(pair[0]) or dimension_label(pair[0])
        chips.append((name, pair[1], address(state_of(rest, order))))
    return chips


def as_file(request: HttpRequest, found: LinesBehind, order: Order) -> HttpResponseBase | None:
    """All lines as the file `?format=` asks for: CSV and Parquet of any size, Excel up to XLSX_LINES."""
    wanted = request.GET.get("format", "")
    query = found.asked.query
    name = f"lines-{query.first}" + (f"-{query.last}" if query.last != query.first else "")
    if wanted == "parquet":
        return parquet_response(found, order, name)
    if wanted == "csv":
        columns = line_columns(query.metric)
        head = csv_lines(title_rows(found), columns, ())
        response = StreamingHttpResponse(
            _both(head, selectors.lines_as_csv(found, order=order)), content_type="text/csv; charset=utf-8"
        )
        return as_download(response, f"{name}.csv")
    if wanted == "xlsx" and found.sums.count > XLSX_LINES:
        raise InvalidRequestError(
            f"{found.sums.count:,} lines are more than the {XLSX_LINES:,} a workbook is made of. Use CSV or Parquet."
        )
    rows = (line_cells(line, query.metric) for line in selectors.lines_as_rows(found, order=order, limit=XLSX_LINES))
    return export_response(
        request, name=name, title_rows=title_rows(found), columns=line_columns(query.metric), rows=rows
    )


def parquet_response(found: LinesBehind, order: Order, name: str) -> HttpResponseBase:
    """The lines as Parquet: written beside the imports' temporary files, gone once it is open."""
    with tempfile.TemporaryDirectory(dir=settings.IMPORT_TEMP_DIR, prefix="lines-") as folder:
        target = Path(folder) / "lines.parquet"
        selectors.write_lines_parquet(found, target, order=order)
        response = FileResponse(target.open("rb"), content_type="application/vnd.apache.parquet")
    return as_download(response, f"{name}.parquet")


def as_download(response: HttpResponseBase, name: str) -> HttpResponseBase:
    """The answer as a file of that name that nobody keeps."""
    stem, _, ending = name.rpartition(".")
    response["Content-Disposition"] = f'attachment; filename="{file_name(stem)}.{ending}"'
    response["Cache-Control"] = "private, no-store"
    return response


def title_rows(found: LinesBehind) -> list[TitleRow]:
    """What a file says of itself, with the sum that is the figure."""
    query = found.asked.query
    rows: list[TitleRow] = [
        ("Months", f"{query.first} to {query.last}"),
        ("Basis", f"{query.metric.value.capitalize()} cost"),
        ("Currency", found.currency),
        *((LINE_FILTER_NAMES.get(name) or dimension_label(name), value) for name, value in query.filters),
        *((LINE_FILTER_NAMES[name], value) for name, value in found.asked.more),
        ("Lines", str(found.sums.count)),
        ("Sum of the lines", found.total),
    ]
    if found.figure is not None:
        rows += [("Rounding at the tenth decimal", found.rounding), ("Figure", found.figure)]
    return rows


def line_columns(metric: CostMetric) -> list[ExportColumn]:
    """The columns of a file, the basis asked for before the other costs."""
    fields = [(name, *LINE_FIELDS[name]) for name in fields_from(metric)]
    return [ExportColumn(label, _KINDS.get(kind, ColumnKind.TEXT)) for _, label, kind in fields]


def line_cells(line: BillLine, metric: CostMetric) -> list[Any]:
    """One line in the order of `line_columns`."""
    cells = dict(zip(LINE_FIELDS, line.values, strict=True))
    return [cells[name] for name in fields_from(metric)]


def _both(first: Iterator[str], second: Iterator[str]) -> Iterator[str]:
    yield from first
    yield from second
