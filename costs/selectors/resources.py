"""What resources are called, for readers who were found to own them."""

from collections.abc import Collection
from dataclasses import dataclass

from costs.models import Resource, ResourceCost
from costs.scope import Scope
from costs.tags import tag_value


@dataclass(frozen=True)
class ResourceFacts:
    """A resource's own description; `name` is its Name tag as last seen."""

    resource_id: str
    name: str
    resource_type: str


def resource_facts(
    scope: Scope, import_pks: Collection[int], *, only: Collection[int] | None = None
) -> dict[int, ResourceFacts]:
    """Facts by resource key, of the resources with costs in these imports, or only of a few keys."""
    scope.require_everything()
    if only is None:
        used = ResourceCost.objects.filter(bill_import_id__in=import_pks).order_by().values("resource_id").distinct()
        found = Resource.objects.filter(pk__in=used)
    else:
        found = Resource.objects.filter(pk__in=list(only))
    rows = found.order_by().values_list("key", "resource_id", "tags", "resource_type")
    return {key: ResourceFacts(name, tag_value(tags, "Name"), kind) for key, name, tags, kind in rows}
