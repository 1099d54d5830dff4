"""Pages of commitments, for FinOps staff."""

from ri.views.commitments import commitments, run
from ri.views.pool import pool_page

__all__ = ["commitments", "pool_page", "run"]
