"""Read-only lists of the intake for FinOps staff: an import is changed only by importing."""

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest

from costs.models import Bill, BillImport, BillSource, SubAccount

if TYPE_CHECKING:
    _ModelAdmin = admin.ModelAdmin[Any]
else:
    _ModelAdmin = admin.ModelAdmin


class ReadOnlyAdmin(_ModelAdmin):
    """Whoever may enter the admin may look; nobody may add, change or delete here."""

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return self.admin_site.has_permission(request)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.admin_site.has_permission(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


@admin.register(BillSource)
class BillSourceAdmin(ReadOnlyAdmin):
    list_display = ("name", "billing_format", "billing_account_id", "place", "location", "is_active", "created_at")
    list_filter = ("billing_format",)
    search_fields = ("name", "billing_account_id")


@admin.register(Bill)
class BillAdmin(ReadOnlyAdmin):
    list_display = ("source", "billing_period", "state", "import_in_force")
    list_filter = ("state", "source")
    list_select_related = ("source", "import_in_force__source")
    date_hierarchy = "billing_period"


@admin.register(BillImport)
class BillImportAdmin(ReadOnlyAdmin):
    list_display = ("pk", "source", "billing_period", "state", "step", "percent", "rows", "billed_cost", "created_at")
    list_filter = ("state", "source")
    list_select_related = ("source",)
    search_fields = ("source__name", "version_id", "error")


@admin.register(SubAccount)
class SubAccountAdmin(ReadOnlyAdmin):
    list_display = ("sub_account_id", "name", "display_name", "billing_account_id")
    search_fields = ("sub_account_id", "name", "display_name")
