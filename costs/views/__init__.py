"""Pages of the intake, for FinOps staff: imports, sources, bills with their versions."""

from costs.views.bills import bill_page
from costs.views.cost_explorer import cost_explorer
from costs.views.imports import import_cancel, import_page, import_progress, imports, source_columns
from costs.views.sources import source_page, sources
from costs.views.version_lines import bill_lines

__all__ = [
    "bill_page",
    "import_cancel",
    "bill_lines",
    "cost_explorer",
    "import_page",
    "import_progress",
    "imports",
    "source_columns",
    "source_page",
    "sources",
]
