"""All writes of commitments: price books and runs of recommendations."""

from ri.services.books import ImportedBook, import_prices, keep_built_in_book
from ri.services.recommend import Choices, recommend

__all__ = ["Choices", "ImportedBook", "import_prices", "keep_built_in_book", "recommend"]
