"""Price books and their offers. They hold list prices, which are nobody's secret; pages of them are staff's."""

from costs.errors import InvalidRequestError
from ri.models import Offering, PriceBook
from ri.offerings import Offer
from ri.results import Book
from ri.terms import OfferingClass, PaymentOption


def price_books() -> tuple[Book, ...]:
    """All books: a company's own first, the newest on top; the built-in one last."""
    rows = PriceBook.objects.order_by("is_built_in", "-updated_at", "name").prefetch_related("offerings")
    return tuple(_book(row) for row in rows)


def chosen_book(name: str = "") -> Book:
    """The book of this name; without one the newest of the company's own, else the built-in one."""
    books = price_books()
    found = next((book for book in books if book.name == name or not name), None)
    if found is None:
        known = ", ".join(book.name for book in books) or "none"
        raise InvalidRequestError(f"There is no price book '{name}'. Price books: {known}.")
    return found


def _book(row: PriceBook) -> Book:
    offers = tuple(_offer(each) for each in row.offerings.all())
    return Book(row.name, row.note, row.is_built_in, row.currency, row.updated_at, offers)


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
