"""Which imports stay: those somebody relies on, and replaced versions whose charges are kept for a while."""

from collections.abc import Callable, Collection
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Q

from costs.models import Bill, BillImport
from costs.terms import ImportState

Pins = Callable[[], Collection[int]]
_pins: list[Pins] = []


def pin_imports(pins: Pins) -> Pins:
    """Have the imports this function returns stay, rows and charges. For apps above, when they are made ready.

    May decorate the function. It is asked whenever replaced imports are removed.
    """
    if pins not in _pins:
        _pins.append(pins)
    return pins


def pinned_imports() -> frozenset[int]:
    """Imports that are never removed: what is in force, and what other apps rely on (months they closed)."""
    in_force = Bill.objects.filter(import_in_force__isnull=False).values_list("import_in_force", flat=True)
    return frozenset({pk for pk in in_force if pk is not None}.union(*(pins() for pins in _pins)))


def imports_with_kept_charges(*, now: datetime) -> frozenset[int]:
    """Replaced imports whose charges are still kept: the newest CHARGE_RETENTION_VERSIONS of each bill, and those
    replaced at most CHARGE_RETENTION_DAYS ago."""
    kept: set[int] = set()
    replaced = BillImport.objects.filter(state=ImportState.REPLACED.value, charges_removed_at=None)
    if days := settings.CHARGE_RETENTION_DAYS:
        # Rows go minutes after an import is replaced.
        is_young = Q(rollups_removed_at=None) | Q(rollups_removed_at__gte=now - timedelta(days=days))
        kept.update(replaced.filter(is_young).values_list("pk", flat=True))
    if versions := settings.CHARGE_RETENTION_VERSIONS:
        by_bill: dict[int | None, list[int]] = {}
        for pk, bill in replaced.order_by("-pk").values_list("pk", "bill_id"):
            by_bill.setdefault(bill, []).append(pk)
        kept |= {pk for pks in by_bill.values() for pk in pks[:versions]}
    return frozenset(kept)
