"""Price books: which there are, what they offer, reading one from a file, and removing one."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.text import get_text_list
from django.views.decorators.http import require_http_methods, require_safe

from costs.errors import FinopsError
from costs.exports import ColumnKind, ExportColumn, csv_lines, file_name
from costs.pages import request_scope, staff_page
from costs.scope import Scope
from ri import selectors, services
from ri.forms import OfferForm, PriceFileForm
from ri.offerings import Offer
from ri.price_file import COLUMNS
from ri.results import BookRow
from ri.services import ImportedBook, Refreshed
from ri.tables import BookTable, OfferTable


@staff_page
@require_http_methods(["GET", "HEAD", "POST"])
def price_books(request: HttpRequest) -> HttpResponseBase:
    """All books, and the form to read one from a file."""
    scope = request_scope(request)
    if request.method != "POST":
        return show_books(request, scope, PriceFileForm())
    form = PriceFileForm(request.POST, request.FILES)
    if form.is_valid():
        file = form.cleaned_data["price_file"]
        try:
            book = services.import_uploaded_prices(file.name, file.chunks(), name=form.cleaned_data["name"])
        except FinopsError as error:
            form.add_error("price_file", str(error))
        else:
            messages.success(request, outcome_text(book))
            if book.is_changed:
                say_what_followed(request, services.reprice(book.name))
            return redirect("ri:price_book", book.name)
    return show_books(request, scope, form)


@staff_page
@require_safe
def price_book(request: HttpRequest, book_name: str) -> HttpResponseBase:
    """One book with its offers, filtered by the URL."""
    scope = request_scope(request)
    book = selectors.book_row(scope, book_name)
    form = OfferForm(request.GET, values=selectors.offer_values(scope, book_name))
    offers = selectors.offers_in(scope, book_name, form.as_filter())
    table = OfferTable(
        [offer_cells(offer) for offer in offers], request=request, currency=book.currency, caption="Offers"
    )
    titles = [("Price book", book.name), ("Currency", book.currency), ("Updated", book.updated_at.isoformat())]
    if response := table.export(name=f"prices-{book.name}", title_rows=titles):
        return response
    return render(request, "ri/price_book.html", {"book": book, "form": form, "table": table, "shown": len(offers)})


@staff_page
@require_safe
def price_file(request: HttpRequest, book_name: str) -> HttpResponseBase:
    """The whole book in the columns it is read in."""
    scope = request_scope(request)
    book = selectors.book_row(scope, book_name)
    columns = [ExportColumn(name, ColumnKind.TEXT) for name in COLUMNS]
    rows = (file_cells(offer) for offer in selectors.offers_in(scope, book_name))
    response = StreamingHttpResponse(csv_lines([], columns, rows), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{file_name(book.name)}.csv"'
    return response


@staff_page
@require_http_methods(["GET", "HEAD", "POST"])
def price_book_remove(request: HttpRequest, book_name: str) -> HttpResponseBase:
    """Say what the removal does, then do it."""
    book = selectors.book_row(request_scope(request), book_name)
    if request.method != "POST":
        return render(request, "ri/price_book_remove.html", {"book": book})
    services.remove_book(book_name)
    messages.success(request, f"Price book {book_name} is removed.")
    say_what_followed(request, services.refresh_advice(book.used_for))
    return redirect("ri:price_books")


def show_books(request: HttpRequest, scope: Scope, form: PriceFileForm) -> HttpResponseBase:
    """The list with the form, as 400 where something is wrong with it."""
    books = selectors.book_rows(scope)
    table = BookTable([book_cells(book) for book in books], request=request, caption="Price books")
    if response := table.export(name="price-books", title_rows=[("Price books", str(len(books)))]):
        return response
    context = {"table": table, "form": form, "of_choice": books[0], "columns": COLUMNS}
    return render(request, "ri/price_books.html", context, status=400 if form.errors else 200)


def book_cells(book: BookRow) -> dict[str, Any]:
    return {
        **vars(book),
        "kind": "representative" if book.is_built_in else "own",
        "updated_on": book.updated_at.date(),
        "updated_at": book.updated_at.isoformat(),
        "used_for": ", ".join(book.used_for),
        "url": reverse("ri:price_book", args=[book.name]),
    }


def offer_cells(offer: Offer) -> dict[str, Any]:
    return {
        **vars(offer),
        "terms": offer.name,
        "effective_rate": offer.effective_rate,
        "discount": offer.discount,
    }


def file_cells(offer: Offer) -> list[Any]:
    """An offer as a line of the file it could come from."""
    cells = vars(offer) | {"region": offer.region_id}
    return [cells[name] for name in COLUMNS]


def outcome_text(book: ImportedBook) -> str:
    """What became of the file."""
    count = f"{book.offerings:,} {'offer' if book.offerings == 1 else 'offers'}"
    if not book.is_changed:
        return f"Price book {book.name} holds this very file already ({count}); nothing changed."
    if book.replaced is None:
        return f"Price book {book.name} made: {count}."
    return f"Price book {book.name} replaced: {count} instead of {book.replaced:,}."


def say_what_followed(request: HttpRequest, found: Refreshed) -> None:
    """Which advice is new because of it."""
    if found.sources:
        messages.success(request, f"Advice on {get_text_list(list(found.sources), 'and')} is worked out again.")
    for source_name, reason in found.failed:
        messages.warning(request, f"Advice on {source_name} stays as it was: {reason}")
