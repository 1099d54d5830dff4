"""All writes of the intake. The steps of `finops_site.pipeline` are called through this package."""

from costs.services.loading import load_import
from costs.services.preparing import prepare_imports
from costs.services.retracking import queue_retracking
from costs.services.switching import fail_import, imports_made_by, mark_allocating, put_in_force
from costs.services.upkeep import reap_stale_imports, remove_replaced_imports, remove_unused_uploads, requeue_import
from costs.services.uploads import store_upload, uploaded_files

__all__ = [
    "fail_import",
    "imports_made_by",
    "load_import",
    "mark_allocating",
    "prepare_imports",
    "put_in_force",
    "queue_retracking",
    "reap_stale_imports",
    "remove_replaced_imports",
    "remove_unused_uploads",
    "requeue_import",
    "store_upload",
    "uploaded_files",
]
