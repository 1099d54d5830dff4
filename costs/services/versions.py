"""Is this very version in force already? Then an import changes nothing."""

from django.db.models import F, Q
from django.db.models.functions import Now

from costs.models import BillImport
from costs.terms import COST_COLUMNS, ImportState

_COPIED = (
    "bill_id",
    "billing_period",
    "rows",
    "billing_currency",
    "totals_by_category",
    "findings",
    "tracked_tags",
    "columns",
    *COST_COLUMNS,
)


def mark_unchanged(bill_import: BillImport) -> bool:
    """End the import as `unchanged` where every month of the same version is in force, whatever tags are tracked.

    Months in force follow the tracked tags by themselves (`costs.services.retracking`).
    """
    months = _months_in_force(bill_import)
    if not months:
        return False
    _copy(months[0], bill_import.pk)
    for month in months[1:]:
        sibling, _ = BillImport.objects.get_or_create(
            split_from=bill_import,
            billing_period=month.billing_period,
            defaults={
                "source": bill_import.source,
                "upload": bill_import.upload,
                "delivery_id": bill_import.delivery_id,
                "files": bill_import.files,
                "files_total": bill_import.files_total,
                "version_id": bill_import.version_id,
            },
        )
        _copy(month, sibling.pk)
    return True


def family(import_pk: int) -> list[BillImport]:
    """An import and the siblings its further months became, in order of month."""
    members = BillImport.objects.filter(pk=import_pk) | BillImport.objects.filter(split_from=import_pk)
    return list(members.select_related("source").order_by("billing_period", "pk"))


def _months_in_force(bill_import: BillImport) -> list[BillImport]:
    """What is in force of the latest earlier import of this version, if that is every month of it."""
    same = BillImport.objects.filter(
        source=bill_import.source,
        version_id=bill_import.version_id,
        state__in=[ImportState.IN_FORCE.value, ImportState.REPLACED.value],
        split_from=None,
        rerolled_from=None,
    ).exclude(pk=bill_import.pk)
    latest = same.order_by("-pk").first()
    if latest is None:
        return []
    found = [_in_force(member) for member in family(latest.pk)]
    months = [month for month in found if month is not None]
    return months if len(months) == len(found) else []


def _in_force(member: BillImport) -> BillImport | None:
    """The import itself or its charges rolled up again, whichever is in force."""
    itself = Q(pk=member.pk) | Q(rerolled_from=member.pk)
    return BillImport.objects.filter(itself, bill_in_force__isnull=False).first()


def _copy(month: BillImport, import_pk: int) -> None:
    values = {name: getattr(month, name) for name in _COPIED}
    BillImport.objects.filter(pk=import_pk).update(
        state=ImportState.UNCHANGED.value,
        step="Already in force",
        percent=100,
        files_done=F("files_total"),
        finished_at=Now(),
        **values,
    )
