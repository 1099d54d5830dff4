"""Upkeep of price books in the admin. The built-in one and what an offer is for stay as they are."""

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest

from ri.models import Offering, PriceBook
from ri.services import keep_changed

if TYPE_CHECKING:
    _Admin = admin.ModelAdmin[Any]
else:
    _Admin = admin.ModelAdmin

FIXED = ("region_id", "instance_type", "platform", "tenancy", "offering_class", "term_years", "payment_option")


class BuiltInStays(_Admin):
    """What comes with the product is looked at only: the next version would undo a change."""

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return super().has_change_permission(request, obj) and not _is_built_in(obj)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return super().has_delete_permission(request, obj) and not _is_built_in(obj)

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """Without removal of several at once, which would not look at each."""
        return {name: action for name, action in super().get_actions(request).items() if name != "delete_selected"}


@admin.register(PriceBook)
class PriceBookAdmin(BuiltInStays):
    """Books are made by reading a file; here they get their note and currency."""

    list_display = ("name", "note", "currency", "is_built_in", "updated_at")
    list_filter = ("is_built_in", "currency")
    search_fields = ("name", "note")
    fields = ("name", "note", "currency", "is_built_in", "updated_at")
    readonly_fields = ("name", "is_built_in", "updated_at")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False


@admin.register(Offering)
class OfferingAdmin(BuiltInStays):
    """Offers of all books; a change makes its book new, so that advice on it shows as overtaken."""

    list_display = (
        "instance_type",
        "region_id",
        "platform",
        "term_years",
        "payment_option",
        "offering_class",
        "on_demand_hourly",
        "upfront",
        "hourly",
        "price_book",
    )
    list_filter = ("price_book", "region_id", "term_years", "payment_option", "offering_class", "platform")
    list_select_related = ("price_book",)
    search_fields = ("instance_type", "region_id")

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> tuple[str, ...]:
        """Another type or term is another offer."""
        return ("price_book", *FIXED) if obj is not None else ()

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **options: Any) -> Any:
        if db_field.name == "price_book":
            options["queryset"] = PriceBook.objects.filter(is_built_in=False)
        return super().formfield_for_foreignkey(db_field, request, **options)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:  # noqa: FBT001 - Django's signature
        super().save_model(request, obj, form, change)
        keep_changed(obj.price_book)

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        super().delete_model(request, obj)
        keep_changed(obj.price_book)

    def get_queryset(self, request: HttpRequest) -> "QuerySet[Any]":
        return super().get_queryset(request).select_related("price_book")


def _is_built_in(obj: Model | None) -> bool:
    if isinstance(obj, Offering):
        return obj.price_book.is_built_in
    return isinstance(obj, PriceBook) and obj.is_built_in
