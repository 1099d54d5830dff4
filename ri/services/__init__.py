"""All writes of commitments: price books and runs of recommendations."""

from ri.services.books import ImportedBook, import_prices, keep_built_in_book
from ri.services.recommend import Choices, recommend
from ri.services.refresh import Refreshed, refresh_advice, reprice

__all__ = [
    "Choices",
    "ImportedBook",
    "Refreshed",
    "import_prices",
    "keep_built_in_book",
    "recommend",
    "refresh_advice",
    "reprice",
]
