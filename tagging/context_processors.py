"""What every template may ask about the reader."""

from typing import Any

from django.http import HttpRequest

from tagging.access import is_finops


def access(request: HttpRequest) -> dict[str, Any]:
    """`is_staff_view` (sees everything) and `view_as` (the staff member behind the eyes, or None)."""
    user = getattr(request, "user", None)
    return {
        "is_staff_view": bool(user is not None and is_finops(user)),
        "view_as": getattr(request, "view_as", None),
    }
