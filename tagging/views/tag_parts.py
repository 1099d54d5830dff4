"""What the pages of tags share: their tabs, and files that other programs read."""

from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from costs.exports import file_name

TABS = (
    ("Compliance", "tagging:tags"),
    ("Fixes", "tagging:fixes"),
    ("Suggestions", "tagging:suggestions"),
    ("Near misses", "tagging:tag_findings"),
    ("Policy", "tagging:tag_policy"),
    ("Trend", "tagging:tag_trend"),
    ("Exemptions", "tagging:exemptions"),
    ("Monday note", "tagging:notes"),
)
MONTHLY = ("tagging:tags", "tagging:fixes", "tagging:tag_findings")  # keep the month chosen


def tabs(request: HttpRequest) -> list[tuple[str, str, bool]]:
    """(label, address, whether it is this page); the month in the address goes along."""
    period = request.GET.get("period", "")
    kept = f"?{urlencode({'period': period})}" if period else ""
    found = []
    for label, name in TABS:
        address = reverse(name)
        found.append((label, address + (kept if name in MONTHLY else ""), request.path == address))
    return found


def text_file(text: str, *, name: str, ending: str, content_type: str) -> HttpResponse:
    """A text as a file to keep."""
    response = HttpResponse(text, content_type=f"{content_type}; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{file_name(name)}.{ending}"'
    response["Cache-Control"] = "private, no-store"
    response["X-Content-Type-Options"] = "nosniff"
    return response
