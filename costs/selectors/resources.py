"""What resources are called by their provider, for readers who were found to own them."""

from collections.abc import Collection

from django.db.models import Q

from costs.models import Resource, ResourceCost
from costs.scope import Scope


def resource_ids(scope: Scope, import_pks: Collection[int]) -> dict[int, str]:
    """Ids by resource key, of the resources with costs in these imports.

    Nothing else of a resource is told here: what was last seen of it may come from another owner's lines.
    Its name and type as its owner's lines give them are on `ResourceCost`.
    """
    scope.require_everything()
    used = ResourceCost.objects.filter(bill_import_id__in=import_pks).order_by().values("resource_id").distinct()
    return dict(Resource.objects.filter(pk__in=used).order_by().values_list("key", "resource_id"))


def ids_of_resources(scope: Scope, keys: Collection[int]) -> dict[int, str]:
    """Ids of these resources, some thousand at most; nothing else of them, as above."""
    scope.require_everything()
    return dict(Resource.objects.filter(pk__in=keys).order_by().values_list("key", "resource_id")) if keys else {}


def ids_with(scope: Scope, pieces: Collection[str]) -> dict[int, str]:
    """Ids with any of these texts in them, in whatever case. All ids where a text has letters beyond ASCII, of which
    databases know no other case: the caller looks again.
    """
    scope.require_everything()
    found = Q()
    for piece in pieces:
        found |= Q(resource_id__icontains=piece)
    rows = Resource.objects.filter(found) if all(map(str.isascii, pieces)) else Resource.objects.all()
    return dict(rows.order_by().values_list("key", "resource_id"))
