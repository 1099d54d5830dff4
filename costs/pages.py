"""What every page shares: log-in, the reader's scope, and the clock.

    @login_required       # members of teams and FinOps staff
    def statement(request, team_key): ...

    @staff_page           # FinOps staff only; everyone else gets the 404 of a page that is not there
    def rules(request): ...

Views let FinopsError through: the access middleware answers 404 or 400 with its text.
"""

from collections.abc import Callable
from datetime import datetime
from functools import wraps
from typing import Any, cast

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponseBase
from django.utils import timezone

from costs.scope import Scope

View = Callable[..., HttpResponseBase]
# No table is as long; a larger number would not fit where databases count rows.
LAST_PAGE = 1_000_000


def request_scope(request: HttpRequest) -> Scope:
    """What this reader may see (put there by the access middleware)."""
    return cast("Scope", request.scope)  # type: ignore[attr-defined]


def staff_page(view: View) -> View:
    """A page for FinOps staff; anonymous readers go to the log-in, it does not exist for anyone else."""

    @wraps(view)
    def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        request_scope(request).require_everything()
        return view(request, *args, **kwargs)

    return login_required(answer)


def bounded(text: str, *, default: int, largest: int) -> int:
    """A number of a URL from 1 to `largest`; what is none is the default, what is more than `largest` is that."""
    digits = text.strip()
    if not digits.isascii() or not digits.isdigit():
        return default
    return min(max(1, int(digits[:20])), largest)


def current_moment() -> datetime:
    """Now, for views to hand down; the one place where pages read the clock."""
    return timezone.now()  # noqa: TID251 - views are entry points
