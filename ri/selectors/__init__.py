"""All reads of commitments. Every one that returns money, resources or names takes a Scope; for FinOps staff only."""

from ri.results import Book
from ri.selectors.books import OfferFilter, book_row, book_rows, chosen_book, list_rates, offer_values, offers_in
from ri.selectors.bought import Bought, bought
from ri.selectors.coverage import coverage, default_period
from ri.selectors.findings import findings
from ri.selectors.limits import assumptions, default_limits
from ri.selectors.pools import pool_detail
from ri.selectors.runs import Advised, advised, latest_run, run_by_pk, sources_with_runs

__all__ = [
    "Advised",
    "Book",
    "Bought",
    "OfferFilter",
    "advised",
    "assumptions",
    "book_row",
    "book_rows",
    "bought",
    "chosen_book",
    "coverage",
    "default_limits",
    "default_period",
    "findings",
    "latest_run",
    "list_rates",
    "offer_values",
    "offers_in",
    "pool_detail",
    "run_by_pk",
    "sources_with_runs",
]
