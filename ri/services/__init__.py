"""All writes of commitments: price books and runs of recommendations."""

from ri.services.books import (
    ImportedBook,
    import_prices,
    import_uploaded_prices,
    keep_built_in_book,
    keep_changed,
    remove_book,
)
from ri.services.foundation import lay_foundation
from ri.services.recommend import Choices, recommend
from ri.services.refresh import Refreshed, refresh_advice, reprice

__all__ = [
    "Choices",
    "ImportedBook",
    "Refreshed",
    "import_prices",
    "import_uploaded_prices",
    "keep_built_in_book",
    "keep_changed",
    "lay_foundation",
    "recommend",
    "refresh_advice",
    "remove_book",
    "reprice",
]
