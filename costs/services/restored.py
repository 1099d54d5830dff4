"""After a restored backup: what was under way when it was made, and whose files are in no backup."""

from costs.errors import ImportRejectedError
from costs.models import BillDelivery, BillImport, PartialUpload
from costs.services.fetching import finish_delivery
from costs.services.switching import fail_import
from costs.terms import OPEN_STATES, DeliveryState

_OPEN = [state.value for state in OPEN_STATES]
_PROBLEM = "The backup was made while this was being imported."
_CURE = "The next look fetches its files again."


def settle_restored() -> int:
    """End what cannot go on; returns how many deliveries the next look fetches again.

    Fetched files are in no backup, so their deliveries have failed and are due at once. The bytes of large files that
    were still coming in are gone as well.
    """
    PartialUpload.objects.filter(upload=None).delete()
    under_way = BillDelivery.objects.filter(state__in=[DeliveryState.FETCHING.value, DeliveryState.IMPORTING.value])
    return sum(_is_fetched_again(delivery) for delivery in under_way.order_by("pk"))


def _is_fetched_again(delivery: BillDelivery) -> bool:
    """End one delivery: as failed, unless all its imports had ended already."""
    imports = BillImport.objects.filter(delivery=delivery)
    left = list(imports.filter(state__in=_OPEN).order_by("pk").values_list("pk", flat=True))
    if imports.exists() and not left:
        finish_delivery(delivery.pk)
        return False
    for import_pk in left:
        fail_import(import_pk, ImportRejectedError(_PROBLEM, _CURE, code="restored"))
    BillDelivery.objects.filter(pk=delivery.pk).update(
        state=DeliveryState.FAILED.value, problem=_PROBLEM, cure=_CURE, worker="", ended_at=None, heartbeat_at=None
    )
    return True
