"""Price books: the built-in one, and those read from files."""

import hashlib
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from django.db import connections, transaction
from django.utils.text import slugify

from costs.errors import InvalidRequestError
from ri import rate_card
from ri.models import Offering, PriceBook
from ri.offerings import Offer
from ri.price_file import read_prices

CURRENCY = "USD"


@dataclass(frozen=True)
class ImportedBook:
    """A price book after its import; `is_changed` is false where the very file is in it already."""

    name: str
    offerings: int
    is_changed: bool


def import_prices(path: Path, *, name: str = "") -> ImportedBook:
    """Read a price book, instead of what the book of that name held. Nothing changes where the file is refused.

    Raises ImportRejectedError naming line and column, InvalidRequestError for a name that cannot be used.
    """
    book_name = slugify(name or path.stem)
    if not book_name or book_name == rate_card.NAME:
        raise InvalidRequestError(f"A price book cannot be called '{name or path.stem}'. Give it a name of its own.")
    offers = read_prices(path)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    if PriceBook.objects.filter(name=book_name, sha256=digest).exists():
        return ImportedBook(book_name, len(offers), is_changed=False)
    _store(book_name, offers, note=path.name, sha256=digest, is_built_in=False)
    return ImportedBook(book_name, len(offers), is_changed=True)


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
    fields = {"note": note, "sha256": sha256, "is_built_in": is_built_in, "currency": CURRENCY}
    book, _ = PriceBook.objects.update_or_create(name=name, defaults=fields)
    book.offerings.all().delete()
    Offering.objects.bulk_create(Offering(price_book=book, **asdict(offer)) for offer in offers)
