"""Who is excused until when; what cannot be tagged at all; compliance over time; the Monday note."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from costs import figures
from costs.charts import Bar, LineChart, Series
from costs.errors import InvalidRequestError
from costs.exports import ColumnKind, ExportColumn, export_response
from costs.pages import current_moment, request_scope, staff_page
from costs.terms import CostMetric
from tagging import selectors, services
from tagging.forms.tag_policy import ExemptionForm, UntaggableForm
from tagging.forms.teams import team_choices
from tagging.selectors.compliance_trend import Trend, TrendPoint
from tagging.tables.compliance import TARGET, tone_of
from tagging.views.tag_parts import tabs

HUNDRED = 100
FIRST_DAYS = 90  # what the form proposes
COLUMNS: tuple[ExportColumn | str, ...] = (
    "Who",
    "Keys",
    "Reason",
    ExportColumn("From", ColumnKind.DATE),
    ExportColumn("Last day", ColumnKind.DATE),
    "State",
)
TREND_COLUMNS: tuple[ExportColumn | str, ...] = (
    "Month",
    ExportColumn("Seen on", ColumnKind.DATE),
    ExportColumn("Resources", ColumnKind.NUMBER),
    ExportColumn("Compliant resources", ColumnKind.NUMBER),
    ExportColumn("By resources", ColumnKind.RATIO),
    ExportColumn("Taggable cost", ColumnKind.MONEY),
    ExportColumn("Compliant cost", ColumnKind.MONEY),
    ExportColumn("By money", ColumnKind.RATIO),
)


@login_required
@require_http_methods(["GET", "POST"])
def exemptions(request: HttpRequest) -> HttpResponseBase:
    """Exemptions, and for staff the list of what cannot be tagged. A POST grants one."""
    scope, today = request_scope(request), current_moment().date()
    if request.method == "POST":
        scope.require_everything()
    found = selectors.exemptions(scope, today=today)
    cells = ([row.subject, ", ".join(row.keys) or "all", row.reason, row.since, row.until, row.state] for row in found)
    if response := export_response(request, name="tag-exemptions", title_rows=[], columns=list(COLUMNS), rows=cells):
        return response
    context: dict[str, Any] = {"rows": found, "tabs": tabs(request)}
    if scope.everything:
        form = _exemption_form(request)
        if request.method == "POST" and form.is_valid() and _granted(request, form):
            return redirect("tagging:exemptions")
        context |= {"form": form, "untaggable": selectors.untaggable_list(scope), "untaggable_form": UntaggableForm()}
    failed = request.method == "POST"
    return render(request, "tagging/exemptions.html", context, status=400 if failed else 200)


@staff_page
@require_POST
def exemption_end(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Let an exemption end; its history stays."""
    services.end_exemption(pk, today=current_moment().date())
    messages.success(request, "Exemption ended: what it excused counts again from today on.")
    return redirect("tagging:exemptions")


@staff_page
@require_POST
def untaggable_add(request: HttpRequest) -> HttpResponseBase:
    """Set charges aside that nobody can tag."""
    form = UntaggableForm(request.POST)
    if not form.is_valid():
        messages.error(request, "Give the service and the reason.")
        return redirect("tagging:exemptions")
    data = form.cleaned_data
    assert request.user.is_authenticated
    try:
        services.set_aside(data["service_name"], data["usage_type"], reason=data["why"], author=request.user)
    except InvalidRequestError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, f"{data['service_name']} {data['usage_type'] or '*'} counts as untaggable now.")
    return redirect("tagging:exemptions")


@staff_page
@require_POST
def untaggable_remove(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Have such charges count again."""
    services.count_again(pk)
    messages.success(request, "These charges count again.")
    return redirect("tagging:exemptions")


@require_safe
@login_required
def tag_trend(request: HttpRequest) -> HttpResponseBase:
    """Compliance by month and, of the newest month, by day, against the target."""
    scope = request_scope(request)
    trend = selectors.compliance_trend(scope, currency=request.GET.get("currency", "").upper())
    title_rows = [("Basis", "Effective cost"), ("Currency", trend.currency)]
    if response := export_response(
        request,
        name="tag-compliance-trend",
        title_rows=title_rows,
        columns=list(TREND_COLUMNS),
        rows=map(_point_cells, (*trend.months, *trend.days)),
    ):
        return response
    newest = trend.months[-1] if trend.months else None
    period = newest.period if newest else selectors.latest_period(scope)
    context = {
        "trend": trend,
        "newest": newest,
        "tone": tone_of(newest.cost_ratio) if newest else "",
        "target": TARGET,
        "charts": _charts(trend),
        "tabs": tabs(request),
        "trust": selectors.trust(scope, period, metric=CostMetric.EFFECTIVE, currency=trend.currency)
        if period
        else None,
    }
    return render(request, "tagging/tag_trend.html", context)


@login_required
@require_http_methods(["GET", "POST"])
def notes(request: HttpRequest) -> HttpResponseBase:
    """Whether the Monday note comes to the reader; a POST changes it."""
    assert request.user.is_authenticated
    if request.method == "POST":
        if request.POST.get("wanted") == "no":
            services.stop_notes(request.user, now=current_moment())
            messages.success(request, "You get no Monday note any more.")
        else:
            services.want_notes(request.user)
            messages.success(request, "The Monday note comes to you again.")
        return redirect("tagging:notes")
    context = {"is_wanted": selectors.wants_notes(request.user), "tabs": tabs(request)}
    return render(request, "tagging/notes.html", context)


def _exemption_form(request: HttpRequest) -> ExemptionForm:
    scope, today = request_scope(request), current_moment().date()
    return ExemptionForm(
        request.POST or None,
        teams=team_choices(selectors.visible_teams(scope)),
        keys=[key.key for key in selectors.policy_keys()],
        initial={
            "resource": request.GET.get("resource", ""),
            "since": today.isoformat(),
            "until": (today + timedelta(days=FIRST_DAYS)).isoformat(),
        },
    )


def _granted(request: HttpRequest, form: ExemptionForm) -> bool:
    assert request.user.is_authenticated
    try:
        services.grant_exemption(form.as_input(), author=request.user, now=current_moment())
    except InvalidRequestError as error:
        form.add_error(None, str(error))
        return False
    since = figures.day(form.cleaned_data["since"])
    messages.success(request, f"Exemption granted: it excuses what is charged on {since} or later, and ends by itself.")
    return True


def _point_cells(point: TrendPoint) -> list[Any]:
    return [
        str(point.period),
        point.taken_on,
        point.resources,
        point.compliant_resources,
        point.compliance_ratio,
        point.taggable_cost,
        point.compliant_cost,
        point.cost_ratio,
    ]


def _charts(trend: Trend) -> list[LineChart]:
    months = [f"{point.period.start:%b %Y}" for point in trend.months]
    by_month = _chart("Compliant money by month", trend.months, months)
    days = [f"{point.taken_on.day} {point.taken_on:%b %Y}" for point in trend.days]
    return [
        by_month,
        *([_chart("The newest month, day by day", trend.days, days, "Day")] if len(trend.days) > 1 else []),
    ]


def _chart(title: str, points: tuple[TrendPoint, ...], labels: list[str], label_header: str = "Month") -> LineChart:
    return LineChart(
        title=title,
        labels=tuple(labels),
        ticks=tuple(label.rpartition(" ")[0] for label in labels) if label_header == "Day" else tuple(labels),
        current=Series("Compliant money", tuple(_percent(point.cost_ratio) for point in points)),
        previous=Series("Compliant resources", tuple(_percent(point.compliance_ratio) for point in points)),
        level=Bar("Target", TARGET * HUNDRED),
        unit="%",
        has_totals=False,
        label_header=label_header,
        empty_text="Compliance is kept after every import and every day. Nothing has been kept yet.",
    )


def _percent(ratio: Decimal | None) -> Decimal | None:
    return None if ratio is None else ratio * HUNDRED
