"""What has to be tidied up after imports that nobody reads any more."""

from tagging.models import AllocatedCost, Allocation, OwnerCost


def remove_unread_allocations() -> None:
    """Delete the owners of imports whose own rows are gone: replaced, superseded, failed."""
    for model in (AllocatedCost, OwnerCost, Allocation):
        model.objects.filter(bill_import__rollups_removed_at__isnull=False).delete()
