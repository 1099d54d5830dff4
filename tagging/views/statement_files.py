"""A closed statement as PDF."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.views.decorators.http import require_safe

from costs.exports import file_name
from costs.pages import request_scope
from costs.periods import BillingPeriod
from costs.queries import parse_metric
from tagging import selectors
from tagging.documents import pdf_of
from tagging.selectors.documents import statement_document
from tagging.views.months import asked_version


@require_safe
@login_required
def statement_pdf(request: HttpRequest, team_key: str) -> HttpResponseBase:
    """The document of a team's closed month; it is not there for others, nor while the month is open."""
    scope = request_scope(request)
    selectors.team_by_key(scope, team_key)
    asked, basis = request.GET.get("period", ""), request.GET.get("basis", "")
    period = BillingPeriod.parse(asked) if asked else selectors.latest_closed(scope)
    document = statement_document(
        scope,
        period,
        team_key,
        metric=parse_metric(basis) if basis else None,
        currency=request.GET.get("currency", "").strip().upper(),
        version=asked_version(request),
    )
    response = HttpResponse(pdf_of(document), content_type="application/pdf")
    old = f"-version-{document.version}" if document.superseded and document.number else ""
    name = file_name(f"statement-{team_key}-{period}-{document.number or f'version-{document.version}'}{old}")
    response["Content-Disposition"] = f'attachment; filename="{name}.pdf"'
    response["Cache-Control"] = "private, no-store"
    return response
