"""Pages of commitments, for FinOps staff."""

from ri.views.commitments import commitments, run
from ri.views.pool import pool_page
from ri.views.prices import price_book, price_book_remove, price_books, price_file

__all__ = ["commitments", "pool_page", "price_book", "price_book_remove", "price_books", "price_file", "run"]
