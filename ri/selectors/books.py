"""Price books and their offers. They hold list prices, which are nobody's secret; pages of them are staff's."""

from dataclasses import dataclass

from django.db.models import Count, Max, QuerySet

from costs.detectors import ListRate
from costs.errors import InvalidRequestError, NotFoundInScopeError
from costs.scope import Scope
from ri.models import Offering, PriceBook, RecommendationRun
from ri.offerings import Offer
from ri.results import Book, BookRow
from ri.terms import OfferingClass, PaymentOption


@dataclass(frozen=True)
class OfferFilter:
    """Which offers of a book; empty is all. `instance_type` is the start of it, like `c5`."""

    region_id: str = ""
    instance_type: str = ""
    platform: str = ""
    offering_class: str = ""
    term_years: str = ""
    payment_option: str = ""


def book_rows(scope: Scope) -> tuple[BookRow, ...]:
    """All books without their offers: a company's own first, the newest on top; the built-in one last."""
    scope.require_everything()
    used: dict[str, list[str]] = {}
    newest = RecommendationRun.objects.order_by().values("source_name").annotate(newest=Max("pk")).values("newest")
    runs = RecommendationRun.objects.filter(pk__in=newest).order_by("source_name")
    for source_name, book_name in runs.values_list("source_name", "price_book_name"):
        used.setdefault(book_name, []).append(source_name)
    found = _in_order().annotate(offers=Count("offerings"))
    return tuple(
        BookRow(
            row.name,
            row.note,
            row.is_built_in,
            row.currency,
            row.updated_at,
            row.offers,
            tuple(used.get(row.name, ())),
        )
        for row in found
    )


def book_row(scope: Scope, name: str) -> BookRow:
    """One of them. Raises NotFoundInScopeError where there is none of this name."""
    found = next((row for row in book_rows(scope) if row.name == name), None)
    if found is None:
        raise NotFoundInScopeError("Nothing here.")
    return found


def chosen_book(name: str = "") -> Book:
    """The book of this name; without one the newest of the company's own, else the built-in one."""
    found = (_in_order().filter(name=name) if name else _in_order()).first()
    if found is None:
        known = ", ".join(_in_order().values_list("name", flat=True)) or "none"
        raise InvalidRequestError(f"There is no price book '{name}'. Price books: {known}.")
    offers = tuple(_offer(each) for each in found.offerings.all())
    return Book(found.name, found.note, found.is_built_in, found.currency, found.updated_at, offers)


def list_rates() -> tuple[ListRate, ...]:
    """On-demand list prices of the book that advice uses, one for each kind of instance."""
    book = chosen_book()
    found = {
        (offer.region_id, offer.instance_type, offer.platform, offer.tenancy): offer.on_demand_hourly
        for offer in book.offers
    }
    return tuple(
        ListRate(*place, hourly, book.currency, book.name, is_representative=book.is_built_in)
        for place, hourly in sorted(found.items())
    )


def offers_in(scope: Scope, book_name: str, chosen: OfferFilter | None = None) -> tuple[Offer, ...]:
    """Offers of a book in the order of its pools."""
    scope.require_everything()
    found = Offering.objects.filter(price_book__name=book_name)
    wanted = vars(chosen or OfferFilter())
    exact = {name: value for name, value in wanted.items() if value and name != "instance_type"}
    return tuple(_offer(row) for row in found.filter(**exact, instance_type__startswith=wanted["instance_type"]))


def offer_values(scope: Scope, book_name: str) -> dict[str, tuple[str, ...]]:
    """The values a book's offers can be filtered by, for each field of `OfferFilter` but the type."""
    scope.require_everything()
    names = [name for name in vars(OfferFilter()) if name != "instance_type"]
    found = Offering.objects.filter(price_book__name=book_name).order_by().values_list(*names).distinct()
    columns = zip(*found, strict=True) if found else [()] * len(names)
    return {name: tuple(sorted({str(value) for value in values})) for name, values in zip(names, columns, strict=True)}


def _in_order() -> "QuerySet[PriceBook]":
    return PriceBook.objects.order_by("is_built_in", "-updated_at", "name")


def _offer(row: Offering) -> Offer:
    return Offer(
        region_id=row.region_id,
        instance_type=row.instance_type,
        platform=row.platform,
        tenancy=row.tenancy,
        on_demand_hourly=row.on_demand_hourly,
        offering_class=OfferingClass(row.offering_class),
        term_years=row.term_years,
        payment_option=PaymentOption(row.payment_option),
        upfront=row.upfront,
        hourly=row.hourly,
    )
