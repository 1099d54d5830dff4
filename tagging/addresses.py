"""Where an owner's costs are shown, and where they are explained: teams, pools, cost centres and nobody."""

from urllib.parse import urlencode

from django.urls import reverse

from costs.queries import NOT_SET
from tagging.owners import bare_key, kind_of
from tagging.terms import OwnerKind

NOBODY = ("", NOT_SET)


def why_path(owner_key: str) -> str:
    """The page that says why costs are an owner's; '' and NOT_SET are nobody. Cost centres are explored instead."""
    if owner_key in NOBODY:
        return reverse("tagging:why_nobody")
    kind = kind_of(owner_key)
    if kind is OwnerKind.POOL:
        return reverse("tagging:pool_why", args=[bare_key(owner_key)])
    return _explored(owner_key) if kind is OwnerKind.COST_CENTER else reverse("tagging:why", args=[owner_key])


def month_path(owner_key: str) -> str:
    """The page of an owner's month: a team's statement, a pool's split."""
    kind = kind_of(owner_key)
    if kind is OwnerKind.POOL:
        return reverse("tagging:pool_month", args=[bare_key(owner_key)])
    return _explored(owner_key) if kind is not OwnerKind.TEAM else reverse("tagging:statement", args=[owner_key])


def with_params(path: str, params: object) -> str:
    """The path with URL parameters, which it may have some of already."""
    text = urlencode(params)  # type: ignore[arg-type]
    return f"{path}{'&' if '?' in path else '?'}{text}" if text else path


def _explored(owner_key: str) -> str:
    return f"{reverse('tagging:explore')}?{urlencode([('by', 'service'), ('team', owner_key or NOT_SET)])}"
