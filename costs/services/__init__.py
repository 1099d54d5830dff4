"""All writes of the intake. The steps of `finops_site.pipeline` are called through this package."""

from costs.services.accounts import set_display_name
from costs.services.fetching import (
    fetch_again,
    fetch_delivery,
    finish_delivery,
    finish_left_deliveries,
    unfinished_imports,
)
from costs.services.loading import finish_import, land_file, load_import, open_landing
from costs.services.looking import Asker, Found, look, look_at_source
from costs.services.partial_uploads import (
    PartialState,
    Piece,
    add_piece,
    begin_upload,
    cancel_upload,
    hand_over,
    partial_state,
    remove_expired_uploads,
)
from costs.services.preparing import prepare_imports
from costs.services.publishing import mark_folders, publish_in_force, publish_missing
from costs.services.rebuilding import Restored, is_empty, leave_out, reload_import, restore_records
from costs.services.restored import settle_restored
from costs.services.retracking import queue_retracking
from costs.services.sources import (
    SourceFields,
    ask_for_months,
    change_source,
    create_source,
    due_sources,
    forget_months,
    look_at_once,
    set_active,
    source_slug,
)
from costs.services.stopping import cancel_import, say_landing_broke_off, stop_import
from costs.services.switching import fail_import, imports_made_by, mark_allocating, put_in_force
from costs.services.upkeep import (
    Work,
    mark_files_not_handed_out,
    mark_handed_out,
    mark_not_handed_out,
    reap_stale_imports,
    remove_replaced_imports,
    remove_stray_workspaces,
    remove_unused_uploads,
    requeue_import,
    requeue_lost,
    work_to_hand_out,
)
from costs.services.uploads import move_uploads, store_upload, uploaded_files

__all__ = [
    "PartialState",
    "Piece",
    "add_piece",
    "begin_upload",
    "cancel_upload",
    "hand_over",
    "partial_state",
    "remove_expired_uploads",
    "Asker",
    "Found",
    "Restored",
    "SourceFields",
    "ask_for_months",
    "change_source",
    "create_source",
    "due_sources",
    "fetch_again",
    "fetch_delivery",
    "finish_delivery",
    "finish_left_deliveries",
    "look",
    "look_at_once",
    "look_at_source",
    "set_active",
    "forget_months",
    "source_slug",
    "settle_restored",
    "set_display_name",
    "Work",
    "cancel_import",
    "fail_import",
    "finish_import",
    "imports_made_by",
    "land_file",
    "load_import",
    "mark_allocating",
    "mark_files_not_handed_out",
    "mark_handed_out",
    "mark_not_handed_out",
    "open_landing",
    "is_empty",
    "leave_out",
    "mark_folders",
    "publish_in_force",
    "publish_missing",
    "move_uploads",
    "prepare_imports",
    "put_in_force",
    "queue_retracking",
    "reap_stale_imports",
    "reload_import",
    "remove_replaced_imports",
    "remove_stray_workspaces",
    "remove_unused_uploads",
    "requeue_import",
    "requeue_lost",
    "say_landing_broke_off",
    "stop_import",
    "restore_records",
    "store_upload",
    "unfinished_imports",
    "uploaded_files",
    "work_to_hand_out",
]
