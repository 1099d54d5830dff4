"""Keeping questions of the explore page under a name, each user for themselves."""

from collections.abc import Sequence
from urllib.parse import urlencode

from django.db import IntegrityError, transaction

from costs.errors import InvalidRequestError, NotFoundInScopeError
from costs.queries import CostQuery
from tagging.models import SavedView

MOST_VIEWS = 50
_LONGEST_NAME = 80
_LONGEST_PARAMS = 4_000
_MONTHS = ("from", "to", "period")


def save_view(
    user_pk: int, name: str, *, query: CostQuery, params: Sequence[tuple[str, str]], is_moving: bool
) -> SavedView:
    """Keep this question, instead of the user's own of the same name.

    `params` are the parameters of the page; with `is_moving` its months are kept as a number only. Raises
    InvalidRequestError for a name that is empty or too long, and where there are MOST_VIEWS already.
    """
    name = _name(name)
    text = urlencode([pair for pair in params if not (is_moving and pair[0] in _MONTHS)])
    if len(text) > _LONGEST_PARAMS:
        raise InvalidRequestError("This question has too many filters to be kept. Take some away first.")
    with transaction.atomic():
        others = SavedView.objects.filter(user_id=user_pk).exclude(name=name)
        if others.count() >= MOST_VIEWS:
            raise InvalidRequestError(f"You have {MOST_VIEWS} saved views already. Remove one first.")
        months = len(query.periods) if is_moving else None
        view, _ = SavedView.objects.update_or_create(
            user_id=user_pk, name=name, defaults={"params": text, "months": months}
        )
    return view


def rename_view(user_pk: int, view_pk: int, name: str) -> str:
    """Give the user's own view another name and return it; never that of another view of theirs.

    Raises NotFoundInScopeError for another's and for none.
    """
    view, name = _own(user_pk, view_pk), _name(name)
    taken = InvalidRequestError(f"You have a view “{name}” already. Choose another name, or remove that one first.")
    if SavedView.objects.filter(user_id=user_pk, name=name).exclude(pk=view_pk).exists():
        raise taken
    view.name = name
    try:
        with transaction.atomic():
            view.save(update_fields=["name"])
    except IntegrityError:  # another window was faster
        raise taken from None
    return name


def remove_view(user_pk: int, view_pk: int) -> str:
    """Remove the user's own view and return its name. Raises NotFoundInScopeError for another's and for none."""
    view = _own(user_pk, view_pk)
    view.delete()
    return view.name


def _name(text: str) -> str:
    name = " ".join(text.split())
    if not name or len(name) > _LONGEST_NAME:
        raise InvalidRequestError(f"Give the view a name of up to {_LONGEST_NAME} characters.")
    return name


def _own(user_pk: int, view_pk: int) -> SavedView:
    view = SavedView.objects.filter(user_id=user_pk, pk=view_pk).first()
    if view is None:
        raise NotFoundInScopeError("Nothing here.")
    return view
