"""A user's own saved views."""

from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode

from costs.errors import NotFoundInScopeError
from costs.periods import BillingPeriod
from tagging.models import SavedView


@dataclass(frozen=True)
class OwnView:
    """A saved view with its question as a query string, for the months it shows today."""

    pk: int
    name: str
    query_string: str
    months: int | None  # a moving view's number of full months

    @property
    def span(self) -> str:
        """What months it shows, in words; empty where they are fixed."""
        if self.months is None:
            return ""
        return "the last full month" if self.months == 1 else f"the last {self.months} full months"


def own_views(user_pk: int, *, latest: BillingPeriod) -> tuple[OwnView, ...]:
    """The user's views by name; `latest` is the last full month, where moving views end."""
    rows = SavedView.objects.filter(user_id=user_pk).order_by("name")
    return tuple(_own_view(row, latest) for row in rows)


def own_view(user_pk: int, view_pk: int, *, latest: BillingPeriod) -> OwnView:
    """One of the user's views. Raises NotFoundInScopeError for another's and for none."""
    row = SavedView.objects.filter(user_id=user_pk, pk=view_pk).first()
    if row is None:
        raise NotFoundInScopeError("Nothing here.")
    return _own_view(row, latest)


def _own_view(row: SavedView, latest: BillingPeriod) -> OwnView:
    pairs = parse_qsl(row.params, keep_blank_values=True)
    if row.months is not None:
        pairs = [("from", str(latest.back(row.months)[0])), ("to", str(latest)), *pairs]
    return OwnView(row.pk, row.name, urlencode(pairs), row.months)
