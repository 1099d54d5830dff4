"""Price books: the built-in one, and those read from files."""

import hashlib
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import Any

from django.conf import settings
from django.db import connections, transaction
from django.utils.text import slugify

from costs.errors import ImportRejectedError, InvalidRequestError, NotFoundInScopeError
from ri import rate_card
from ri.models import Offering, PriceBook
from ri.offerings import Offer
from ri.price_file import read_prices

CURRENCY = "USD"
MEGABYTE = 1024 * 1024


@dataclass(frozen=True)
class ImportedBook:
    """A price book after its import; `is_changed` is false where the very file is in it already.

    `replaced` counts the offers it held before; None for a new book.
    """

    name: str
    offerings: int
    is_changed: bool
    replaced: int | None = None


def import_prices(path: Path, *, name: str = "") -> ImportedBook:
    """Read a price book, instead of what the book of that name held. Nothing changes where the file is refused.

    Raises ImportRejectedError naming line and column, InvalidRequestError for a name that cannot be used.
    """
    book_name = slugify(name or path.stem)[: PriceBook._meta.get_field("name").max_length]
    if not book_name or book_name == rate_card.NAME:
        raise InvalidRequestError(f"A price book cannot be called '{name or path.stem}'. Give it a name of its own.")
    offers = read_prices(path)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    known = PriceBook.objects.filter(name=book_name).first()
    replaced = known.offerings.count() if known else None
    if known and known.sha256 == digest:
        return ImportedBook(book_name, len(offers), is_changed=False, replaced=replaced)
    _store(book_name, offers, note=path.name, sha256=digest, is_built_in=False)
    return ImportedBook(book_name, len(offers), is_changed=True, replaced=replaced)


def import_uploaded_prices(file_name: str, chunks: Iterable[bytes], *, name: str = "") -> ImportedBook:
    """The same for a file that comes in piece by piece; it is kept no longer than it takes to read it.

    Raises ImportRejectedError too where it is larger than RI_PRICE_FILE_MB.
    """
    plain_name = PurePosixPath(file_name.replace("\\", "/")).name or "prices.csv"
    with TemporaryDirectory() as folder:
        path, size = Path(folder) / plain_name, 0
        with path.open("wb") as out:
            for chunk in chunks:
                size += len(chunk)
                if size > settings.RI_PRICE_FILE_MB * MEGABYTE:
                    problem = f"The file is larger than {settings.RI_PRICE_FILE_MB} MB."
                    raise ImportRejectedError(problem, "Split it by region, or raise RI_PRICE_FILE_MB.", plain_name)
                out.write(chunk)
        return import_prices(path, name=name)


def remove_book(name: str) -> None:
    """Remove a company's own book. Advice priced with it stays as it was kept.

    Raises NotFoundInScopeError where there is none, InvalidRequestError for the built-in one.
    """
    found = PriceBook.objects.filter(name=name).first()
    if found is None:
        raise NotFoundInScopeError("Nothing here.")
    if found.is_built_in:
        raise InvalidRequestError("The built-in price book stays; your own books go before it.")
    found.delete()


def keep_changed(book: PriceBook) -> None:
    """After a change by hand: the book is as new, and the file it came from no longer says what is in it."""
    book.sha256 = ""
    book.save()


def keep_built_in_book(*, using: str = "default", **_signal: Any) -> None:
    """The book that comes with the product, as this version has it. Runs after each migrate; safe to repeat."""
    if using != "default" or Offering._meta.db_table not in connections[using].introspection.table_names():
        return
    offers = tuple(rate_card.offers())
    digest = hashlib.sha256(repr(offers).encode()).hexdigest()
    if not PriceBook.objects.filter(name=rate_card.NAME, sha256=digest).exists():
        _store(rate_card.NAME, offers, note=rate_card.NOTE, sha256=digest, is_built_in=True)


@transaction.atomic
def _store(name: str, offers: Iterable[Offer], *, note: str, sha256: str, is_built_in: bool) -> None:
    fields = {"note": note, "sha256": sha256, "is_built_in": is_built_in}
    book, _ = PriceBook.objects.update_or_create(
        name=name, defaults=fields, create_defaults=fields | {"currency": CURRENCY}
    )
    book.offerings.all().delete()
    Offering.objects.bulk_create(Offering(price_book=book, **asdict(offer)) for offer in offers)
